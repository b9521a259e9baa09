// Our own ports (802.1X): who is at each of them, let in or not and why, and the RADIUS servers that are asked.

import { api } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { has, t } from "../i18n.js";
import { confirmDanger } from "./dialog.js";

const KIND = { in: "good", "kept-out": "bad", asked: "", refused: "bad", silent: "warn" };

/** A card with the terminals of each port; null where no port is ours. `reload` is called when somebody was put out. */
export function portsCard(ports, filter, reload) {
  const shown = ports.filter((port) => text(port).includes(filter));
  if (shown.length === 0) return null;
  const head = (key) => h("th", { scope: "col" }, t(key));
  return h("section", { class: "card flush", "aria-label": t("network.ports") },
    h("h2", { class: "row tight card-title" }, icon("shield"), t("network.ports")),
    h("table", { class: "table terminals" },
      h("thead", {}, h("tr", {}, head("network.own-port"), head("network.terminal"), head("network.standing"), head("network.vlan"),
        h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("actions"))))),
      h("tbody", {}, ...shown.flatMap((port) => rows(port, reload)))));
}

/** A card with a row for each RADIUS server; null where there are none. */
export function serversCard(servers) {
  if (servers.length === 0) return null;
  const head = (key) => h("th", { scope: "col" }, t(key));
  return h("section", { class: "card flush", "aria-label": t("network.servers") },
    h("h2", { class: "row tight card-title" }, icon("key"), t("network.servers")),
    h("table", { class: "table terminals" },
      h("thead", {}, h("tr", {}, head("network.server"), head("network.server.address"), head("network.health"))),
      h("tbody", {}, ...servers.map((server) => h("tr", {},
        h("th", { scope: "row" }, server.name),
        h("td", { class: "mono", "data-label": t("network.server.address") },
          server.transport === "radsec" ? `${server.address} RadSec` : server.address),
        h("td", { "data-label": t("network.health") },
          h("span", { class: `badge ${server.is_up ? "good" : "bad"}` }, t(server.is_up ? "network.health.up" : "network.health.down")),
          !server.is_accounting_up && h("div", { class: "small muted" }, t("network.health.accounting"))))))));
}

function rows(port, reload) {
  if (port.terminals.length === 0) {
    const nobody = port.count ? t("network.port.more", { count: port.count }) : t("network.port.empty");
    return [h("tr", {}, name(port), h("td", { class: "muted", colspan: 4 }, nobody))];
  }
  return port.terminals.map((terminal, index) => h("tr", {},
    index ? h("th", { scope: "row" }, h("span", { class: "muted small mono" }, port.name)) : name(port),
    h("td", { "data-label": t("network.terminal") }, h("div", { class: "lines" },
      h("span", {}, terminal.identity || t("network.no-name")), h("span", { class: "small muted mono" }, terminal.mac))),
    h("td", { "data-label": t("network.standing") }, h("div", { class: "lines" },
      h("span", { class: `badge ${KIND[terminal.standing] ?? ""}` }, t(`network.standing.${terminal.standing}`)),
      terminal.why && h("span", { class: "small muted" }, why(terminal.why)))),
    h("td", { "data-label": t("network.vlan") }, h("div", { class: "lines" },
      h("span", {}, place(port, terminal)), terminal.role && h("span", { class: "small muted" }, terminal.role))),
    h("td", { class: "cell-actions" }, terminal.has_grant && disconnectButton(port, terminal, reload))));
}

function name(port) {
  return h("th", { scope: "row" }, h("div", { class: "person" }, h("span", { class: "mono" }, port.name),
    h("span", { class: `badge ${port.is_up ? "good" : ""}` }, t(port.is_up ? "network.line.up" : "network.line.down")),
    h("span", { class: "small muted" }, [port.site, t("network.port.number", { number: port.number })].filter(Boolean).join(" · "))));
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

function text(port) {
  const terminals = port.terminals.map((terminal) => `${terminal.identity} ${terminal.mac} ${terminal.vlan} ${terminal.role}`).join(" ");
  return `${port.name} ${port.site} ${port.bridge} ${terminals}`.toLowerCase();
}
