// What the gate of 802.1X answered of late: who was let in, who was not, and why.

import { h } from "../dom.js";
import { shortDateTime } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";

/** A card with a row for each caller; null where nobody was asked. */
export function answersCard(answers) {
  if (answers.length === 0) return null;
  const head = (key) => h("th", { scope: "col" }, t(key));
  return h("section", { class: "card flush", "aria-label": t("network.answers") },
    h("h2", { class: "row tight card-title" }, icon("shield"), t("network.answers")),
    h("table", { class: "table terminals" },
      h("thead", {}, h("tr", {}, head("network.caller"), head("network.site"), head("network.wish"), head("network.answer"),
        head("network.at"))),
      h("tbody", {}, answers.map(row))));
}

/** The answer in a badge, and its reason. */
export function verdict(answer) {
  const [kind, key] = answer.is_overlooked ? ["warn", "network.overlooked"]
    : answer.is_allowed ? ["good", "network.allowed"] : ["bad", "network.refused"];
  return h("div", { class: "lines" }, h("span", { class: `badge ${kind}` }, t(key)),
    h("span", { class: "small muted" }, t(`network.reason.${answer.reason}`)));
}

function row(answer) {
  return h("tr", {},
    h("th", { scope: "row" }, h("div", { class: "person" }, h("span", { class: "mono" }, answer.source),
      answer.aliases && h("span", { class: "small muted" }, answer.aliases))),
    h("td", { "data-label": t("network.site") }, h("div", { class: "lines" }, h("span", {}, answer.site || "–"),
      answer.identity && h("span", { class: "small muted" }, answer.identity))),
    h("td", { "data-label": t("network.wish") }, t(`network.wish.${answer.operation}`)),
    h("td", { "data-label": t("network.answer") }, verdict(answer)),
    h("td", { "data-label": t("network.at") }, shortDateTime(answer.at)));
}
