// An address that means nothing.

import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { empty, pageHead } from "../parts/page.js";

class NotFound extends HTMLElement {
  connectedCallback() {
    fill(this, pageHead(t("not-found.title")), empty("alert", t("not-found.title"), t("not-found.text"),
      h("a", { class: "button primary", href: "/rooms" }, t("nav.rooms"))));
  }
}

customElements.define("dt-not-found", NotFound);
