// The newest logins at the RADIUS server that comes with Drumtower: who was let in or not, where, how and why.

import { h } from "../dom.js";
import { shortDateTime } from "../format.js";
import { has, t } from "../i18n.js";
import { badge, cell, code, emptyCard, rowHead, said, short, small, tableCard } from "./network-table.js";

const SHOWN_FIRST = 12;

/** A card with a row for each device; `more` is called when all of them are wanted. Null where the server is off. */
export function loginsCard(found, filter, isWhole, more) {
  if (!found.has_logins || (filter && found.logins.length === 0)) return null;
  const title = t("network.logins");
  if (found.logins.length === 0) return emptyCard("key", title, t("network.logins.none"), t("network.logins.none.text"));
  const fitting = found.logins.filter((login) => text(login).includes(filter));
  if (fitting.length === 0) return null;
  const heads = ["network.device", "network.port", "network.method", "network.answer", "network.at"];
  const shown = isWhole || filter ? fitting : fitting.slice(0, SHOWN_FIRST);
  const card = tableCard("key", title, heads, shown.map(row), t("network.logins.about"));
  if (shown.length < fitting.length) {
    card.append(h("div", { class: "card-more" }, h("button", { class: "button quiet compact", type: "button", id: "all-logins", onclick: more },
      t("network.logins.all", { count: fitting.length }))));
  }
  return card;
}

/** A card with who asked that server and got no answer; null where nobody did. */
export function unheardCard(unheard) {
  if (unheard.length === 0) return null;
  const heads = ["network.asks-from", "network.no-answer", "network.at"];
  return tableCard("alert", t("network.unheard"), heads, unheard.map((each) => h("tr", {},
    h("th", { scope: "row" }, h("div", { class: "lines" }, h("span", { class: "mono" }, each.source))),
    cell("network.no-answer", h("span", {}, words(`network.unheard.${each.reason}`, each.reason))),
    cell("network.at", short(shortDateTime(each.at)), each.count > 1 && small(t("network.times", { count: each.count }))))),
  t("network.unheard.about"));
}

function row(login) {
  const place = [login.switch, login.port].filter(Boolean).join(" · ");
  return h("tr", {},
    login.identity ? rowHead(login.identity, code(login.mac))
      : h("th", { scope: "row" }, h("div", { class: "lines" }, said(t("network.no-name"), "muted"), code(login.mac))),
    cell("network.port", said(login.client), place && said(place, "small muted")),
    cell("network.method", short(login.method || t("network.method.none"))),
    cell("network.answer", login.is_let_in ? badge("good", t("network.allowed")) : badge("bad", t("network.refused")),
      !login.is_let_in && small(words(`network.login.${login.reason}`, login.reason)), !login.is_let_in && login.detail && small(login.detail)),
    cell("network.at", short(shortDateTime(login.at)), login.count > 1 && small(t("network.times", { count: login.count }))));
}

/** A word that is new to this page is shown as it is. */
function words(key, word) {
  return has(key) ? t(key) : word;
}

function text(login) {
  return `${login.identity} ${login.mac} ${login.client} ${login.switch} ${login.port} ${login.method}`.toLowerCase();
}
