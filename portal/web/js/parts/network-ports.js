// Our own ports (802.1X): who is at each of them, let in or not and why; putting somebody out.

import { api } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { has, t } from "../i18n.js";
import { confirmDanger } from "./dialog.js";
import { until } from "./network-sessions.js";
import { badge, cell, code, rowHead, said, short, small, tableCard } from "./network-table.js";

const KIND = { in: "good", "kept-out": "bad", asked: "", refused: "bad", silent: "warn" };

/** A card with the terminals of each port; null where no port is ours. `reload` is called when somebody was put out. */
export function portsCard({ ports, sessions }, filter, reload) {
  const shown = ports.filter((port) => words(port).includes(filter));
  if (shown.length === 0) return null;
  const own = new Map(sessions.filter((session) => session.is_own).map((session) => [session.mac, session]));
  const heads = ["network.own-port", "network.terminal", "network.standing", "network.vlan", ""];
  return tableCard("shield", t("network.ports"), heads, shown.flatMap((port) => rows(port, own, reload)));
}

function rows(port, own, reload) {
  if (port.terminals.length === 0) {
    const nobody = port.count ? t("network.port.more", { count: port.count }) : t(port.is_up ? "network.port.empty" : "network.port.no-line");
    return [h("tr", {}, portHead(port), h("td", { class: "muted nobody", colspan: 4 }, nobody))];
  }
  return port.terminals.map((terminal, index) => h("tr", {},
    index ? h("th", { scope: "row", class: "again" }, code(port.name)) : portHead(port),
    cell("network.terminal", terminal.identity ? said(terminal.identity, "name") : said(t("network.no-name"), "muted"), code(terminal.mac)),
    cell("network.standing", badge(KIND[terminal.standing] ?? "", t(`network.standing.${terminal.standing}`)),
      terminal.why && small(why(terminal.why)),
      terminal.standing === "in" && own.has(terminal.mac) && small(until(own.get(terminal.mac)))),
    cell("network.vlan", short(place(port, terminal)), terminal.role && said(terminal.role, "small muted")),
    h("td", { class: "cell-actions" }, terminal.has_grant && disconnectButton(port, terminal, reload))));
}

function portHead(port) {
  return rowHead(port.name,
    small([port.site, t("network.port.number", { number: port.number })].filter(Boolean).join(" · ")),
    badge(port.is_up ? "good" : "", t(port.is_up ? "network.line.up" : "network.line.down")));
}

/** Which network it is in, or was meant to be in. */
function place(port, terminal) {
  if (terminal.vlan) return `VLAN ${terminal.vlan}`;
  return terminal.standing === "in" ? port.bridge : "–";
}

/** Why a terminal is in or not; a word that is new to this page is shown as it is. */
function why(word) {
  const key = `network.why.${word}`;
  return has(key) ? t(key) : word;
}

function disconnectButton(port, terminal, reload) {
  const who = terminal.identity || terminal.mac;
  const work = async () => {
    const path = `/network/ports/${terminal.mac}/disconnect`;
    const isDone = await confirmDanger(t("network.disconnect.title", { name: who }), t("network.disconnect.text"),
      t("network.disconnect"), () => api.post(path));
    if (isDone) reload();
  };
  return h("button", { class: "button quiet icon-only", type: "button", id: `disconnect-${port.number}-${terminal.mac}`,
    title: t("network.disconnect"), "aria-label": `${t("network.disconnect")}: ${who}`, onclick: work }, icon("remove"));
}

function words(port) {
  const terminals = port.terminals.map((terminal) => `${terminal.identity} ${terminal.mac} ${terminal.vlan} ${terminal.role}`).join(" ");
  return `${port.name} ${port.site} ${port.bridge} ${terminals}`.toLowerCase();
}
