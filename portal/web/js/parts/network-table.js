// What the tables of the page "Network" have in common: a card with a title, headings and rows.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";

/** A card with a table; `heads` are keys of texts, "" is a column of buttons. `about` stands above the table. */
export function tableCard(iconName, title, heads, rows, about = null) {
  return h("section", { class: "card flush", "aria-label": title },
    h("h2", { class: "row tight card-title" }, icon(iconName), title),
    about && h("p", { class: "small muted card-text" }, about),
    h("div", { class: "scrolling" }, h("table", { class: "table terminals network" },
      h("thead", {}, h("tr", {}, heads.map(head))),
      h("tbody", {}, rows))));
}

/** A card that says why there is nothing in it, and what to do about that. */
export function emptyCard(iconName, title, heading, text) {
  return h("section", { class: "card flush", "aria-label": title },
    h("h2", { class: "row tight card-title" }, icon(iconName), title),
    h("div", { class: "card-empty" }, h("p", {}, heading), h("p", { class: "small muted" }, text)));
}

/** A cell; narrow screens show `label` before it. */
export function cell(label, ...content) {
  return h("td", { "data-label": t(label) }, h("div", { class: "lines" }, ...content));
}

/** A cell that names the row: who, and in small letters which. */
export function rowHead(name, ...small) {
  return h("th", { scope: "row" }, h("div", { class: "lines" }, said(name, "name"), ...small));
}

export function badge(kind, text, iconName = "") {
  return h("span", { class: `badge ${kind}` }, iconName && icon(iconName), text);
}

export function small(...content) {
  return h("span", { class: "small muted" }, ...content);
}

/** What a device or a switch says, which may be one long word. */
export function said(text, kind = "") {
  return h("span", { class: `said ${kind}` }, ...breakable(text));
}

/** What never breaks: times, names of methods. */
export function short(text) {
  return h("span", { class: "short" }, text);
}

export function code(text) {
  return h("span", { class: "small muted mono" }, text);
}

/** Better broken behind these than within a word. */
function breakable(text) {
  return text.split(/(?<=[@/;=_])|(?<=\.)(?=[a-z])/i).flatMap((piece, index) => (index ? [h("wbr"), piece] : [piece]));
}

function head(key) {
  return h("th", { scope: "col" }, key ? t(key) : h("span", { class: "visually-hidden" }, t("actions")));
}
