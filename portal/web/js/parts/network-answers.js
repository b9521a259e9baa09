// What the gate of 802.1X answered of late: who was let in, who was not, and why.

import { h } from "../dom.js";
import { shortDateTime } from "../format.js";
import { t } from "../i18n.js";
import { badge, cell, code, said, short, small, tableCard } from "./network-table.js";

/** A card with a row for each caller; null where nobody was asked. */
export function answersCard(answers) {
  if (answers.length === 0) return null;
  const heads = ["network.caller", "network.site", "network.wish", "network.answer", "network.at"];
  return tableCard("shield", t("network.answers"), heads, answers.map(row), t("network.answers.about"));
}

/** The answer in a badge, and its reason. */
export function verdict(answer) {
  const [kind, key] = answer.is_overlooked ? ["warn", "network.overlooked"]
    : answer.is_allowed ? ["good", "network.allowed"] : ["bad", "network.refused"];
  return [badge(kind, t(key)), small(t(`network.reason.${answer.reason}`))];
}

function row(answer) {
  return h("tr", {},
    h("th", { scope: "row" }, h("div", { class: "lines" }, answer.aliases && said(answer.aliases, "name"), code(answer.source))),
    cell("network.site", h("span", {}, answer.site || "–"), answer.identity && said(answer.identity, "small muted")),
    cell("network.wish", h("span", {}, t(`network.wish.${answer.operation}`))),
    cell("network.answer", ...verdict(answer)),
    cell("network.at", short(shortDateTime(answer.at))));
}
