// Who is in the network (802.1X): where, since when and until when, and whether it may call; ending a session.

import { api } from "../api.js";
import { h } from "../dom.js";
import { shortDateTime } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { confirmDanger } from "./dialog.js";
import { verdict } from "./network-answers.js";
import { badge, cell, code, emptyCard, rowHead, said, short, small, tableCard } from "./network-table.js";

/** A card with a row for each session; `reload` is called when one was ended. Null where none fits. */
export function sessionsCard({ is_on: isOn, sessions, count }, filter, reload) {
  const title = t("network.sessions");
  if (sessions.length === 0) {
    if (filter) return null;
    const [heading, text] = isOn ? ["network.empty.title", "network.empty.text"] : ["network.off.title", "network.off.text"];
    return emptyCard("people", title, t(heading), t(text));
  }
  const shown = sessions.filter((session) => words(session).includes(filter));
  if (shown.length === 0) return null;
  const heads = ["network.device", "network.port", "network.address", "network.may-call", "network.since", ""];
  const more = count > sessions.length && t("network.more", { shown: sessions.length, count });
  return tableCard("people", title, heads, shown.map((session) => row(session, reload)), more);
}

/** When it ends or its device is asked again, in the time zone of the reader. */
export function until(session) {
  if (session.ends_at) {
    const at = shortDateTime(session.ends_at);
    if (new Date(session.ends_at) < new Date()) return t("network.until.due", { at });
    return t(session.is_renewable ? "network.until.again" : "network.until.ends", { at });
  }
  if (!session.expires_at) return t("network.until.none");
  return t("network.until.unsaid", { at: shortDateTime(session.expires_at) });
}

function row(session, reload) {
  const none = h("span", { class: "muted" }, "–");
  return h("tr", {},
    rowHead(session.identity || session.mac, session.identity && code(session.mac),
      session.entry && badge(session.entry === "eap" ? "good" : "warn", t(`network.entry.${session.entry}`))),
    cell("network.port", said(session.nas), said([session.port, session.vlan && `VLAN ${session.vlan}`].filter(Boolean).join(" · "), "small muted"),
      small([session.site, session.role].filter(Boolean).join(" · "))),
    cell("network.address", ...(session.addresses.length ? session.addresses.map(address) : [none])),
    cell("network.may-call", ...(session.answer ? verdict(session.answer) : [small(t("network.not-asked"))])),
    cell("network.since", short(shortDateTime(session.opened_at)), small(until(session))),
    h("td", { class: "cell-actions" }, endButton(session, reload)));
}

function address(held) {
  return h("span", { class: "said mono small", title: t(`network.source.${held.source}`) }, held.address);
}

function endButton(session, reload) {
  const name = session.identity || session.mac;
  const work = async () => {
    const path = `/network/${session.site}/${session.mac}`;
    if (await confirmDanger(t("network.end.title", { name }), t("network.end.text"), t("network.end"), () => api.delete(path))) reload();
  };
  return h("button", { class: "button quiet icon-only", type: "button", id: `end-${session.site}-${session.mac}`, title: t("network.end"),
    "aria-label": `${t("network.end")}: ${name}`, onclick: work }, icon("remove"));
}

function words(session) {
  const addresses = session.addresses.map((held) => held.address).join(" ");
  return `${session.identity} ${session.mac} ${session.site} ${session.nas} ${session.port} ${session.role} ${addresses}`.toLowerCase();
}
