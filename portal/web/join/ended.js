// <dt-ended>: why the call is over, and the ways on.

import { h } from "/static/js/dom.js";
import { t } from "/static/js/i18n.js";
import { icon } from "./icons.js";

class DtEnded extends HTMLElement {
  connectedCallback() {
    const reason = this.getAttribute("reason");
    const room = this.getAttribute("room");
    const again = h("button", { class: "button primary", onclick: () => this.#again(room) }, t("ended.again"));
    this.replaceChildren(
      h("main", { class: "lobby ended" },
        h("section", { class: "card ended-card", role: "status" },
          h("span", { class: "ended-sign" }, icon(reason === "left" ? "check" : "end")),
          h("h1", {}, t("ended.heading")),
          h("p", { class: "muted" }, t(`ended.${reason}`, {}, "ended.failed")),
          h("div", { class: "row ended-ways" }, again,
            h("button", { class: "button", onclick: () => this.#again(null) }, t("ended.other"))))),
    );
    again.focus();
  }

  #again(room) {
    this.dispatchEvent(new CustomEvent("again", { bubbles: true, detail: { room } }));
  }
}

customElements.define("dt-ended", DtEnded);
