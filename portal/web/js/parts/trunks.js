// The trunks of the server: registered or not, and how many calls they carry.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";

const KIND = { static: "good", registered: "good", registering: "", unregistered: "", failed: "bad" };

/** A card with a row for each trunk; null where there are none. */
export function trunkCard(trunks) {
  if (trunks.length === 0) return null;
  const head = (key) => h("th", { scope: "col" }, t(key));
  return h("section", { class: "card flush", "aria-label": t("trunks.heading") },
    h("h2", { class: "row tight card-title" }, icon("phone"), t("trunks.heading")),
    h("table", { class: "table" },
      h("thead", {}, h("tr", {}, head("trunks.name"), head("trunks.host"), head("trunks.state"), head("trunks.calls"))),
      h("tbody", {}, trunks.map(row))));
}

function row(trunk) {
  const way = trunk.may_call_out ? `${trunk.calls} / ${trunk.max_calls}` : t("trunks.in-only");
  return h("tr", {}, h("td", {}, h("strong", {}, trunk.name)),
    h("td", { class: "mono" }, `${trunk.hosts.join(", ")} (${trunk.transport})`),
    h("td", {}, h("span", { class: `badge ${KIND[trunk.state] ?? ""}`, title: trunk.trouble || null }, t(`trunks.state.${trunk.state}`)),
      trunk.trouble && h("div", { class: "small muted" }, trunk.trouble)),
    h("td", { class: "number" }, way));
}
