// H.323 terminals that are registered without being one of the administrator's: nobody knows who they are.

import { h } from "../dom.js";
import { clock, shortDateTime } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";

/** A card with a row for each of them; null where there are none. */
export function othersCard(others) {
  if (others.length === 0) return null;
  const head = (key) => h("th", { scope: "col" }, t(key));
  return h("section", { class: "card flush", "aria-label": t("terminals.others") },
    h("h2", { class: "row tight card-title" }, icon("alert"), t("terminals.others")),
    h("p", { class: "small muted card-text" }, t("terminals.others.text")),
    h("table", { class: "table terminals" },
      h("thead", {}, h("tr", {}, head("terminals.terminal"), head("terminals.from"), head("terminals.device"),
        head("terminals.since"), head("terminals.seen"))),
      h("tbody", {}, others.map(row))));
}

function row(contact) {
  return h("tr", {},
    h("th", { scope: "row" }, h("div", { class: "lines" }, ...contact.aliases.map((alias) => h("span", { class: "clipped" }, alias)))),
    h("td", { "data-label": t("terminals.from"), class: "mono" }, contact.address),
    h("td", { "data-label": t("terminals.device") }, h("span", { class: "clipped", title: contact.user_agent }, contact.user_agent || "–")),
    h("td", { "data-label": t("terminals.since") }, shortDateTime(contact.registered_at)),
    h("td", { "data-label": t("terminals.seen") }, seen(contact)));
}

/** How and from where a terminal is registered, and its further names: the numbers of a remote control. */
export function way(contact, alias) {
  const names = contact.aliases.filter((name) => name.toLowerCase() !== alias).join(", ");
  const protocol = contact.protocol === "h323" ? t("protocol.h323") : contact.transport.toUpperCase();
  return h("span", {}, h("span", { class: "badge good" }, h("span", { class: "dot" }), protocol), " ",
    h("span", { class: "mono" }, contact.address), names && h("span", { class: "small muted" }, ` ${names}`));
}

/** When a contact was heard of last; until when that is enough is in its tip. */
export function seen(contact) {
  return h("span", { title: `${t("terminals.expires")}: ${clock(contact.expires_at)}` }, clock(contact.seen_at));
}
