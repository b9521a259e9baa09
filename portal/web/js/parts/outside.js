// Who waits outside the room: name, where from, verified or not, and the host's two answers.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { has, t } from "../i18n.js";
import { act } from "./page.js";

/** Set number, mayControl, then people whenever they change. */
class Outside extends HTMLElement {
  #key = "[]";

  set people(people) {
    const key = JSON.stringify(people);
    if (key === this.#key) return;
    this.#key = key;
    if (people.length === 0) {
      fill(this);
      return;
    }
    fill(this, h("section", { class: "card outside", "aria-label": t("outside.heading") },
      h("h2", { class: "row tight" }, icon("clock"), `${t("outside.heading")} · ${people.length}`),
      h("ul", { class: "outside-list" }, people.map((one) => this.#row(one)))));
  }

  #row(one) {
    const protocol = has(`protocol.${one.protocol}`) ? t(`protocol.${one.protocol}`) : one.protocol;
    const who = one.is_verified
      ? h("span", { class: "badge good" }, icon("shield"), t("outside.verified", { identity: one.identity }))
      : h("span", { class: "badge", title: t("outside.unverified.hint") }, t("outside.unverified"));
    return h("li", { class: "outside-row" },
      h("div", { class: "grow" }, h("strong", {}, one.name || one.address),
        h("div", { class: "small muted" }, `${protocol} · ${one.address} · ${t(`outside.reason.${one.reason}`)}`),
        one.network_identity && h("div", { class: "small muted", title: t("roster.network.title") }, t("roster.network", { identity: one.network_identity }))),
      who, this.mayControl && this.#answer(one, "let-in", "outside.let-in", "primary"),
      this.mayControl && this.#answer(one, "turn-away", "outside.turn-away", "danger"));
  }

  #answer(one, verb, key, kind) {
    const button = h("button", { class: `button compact ${kind}`, type: "button", "aria-label": `${t(key)}: ${one.name}` }, t(key));
    button.addEventListener("click", () => act(button, () => api.post(`/rooms/${this.number}/waiting/${one.id}/${verb}`)));
    return button;
  }
}

customElements.define("dt-outside", Outside);
