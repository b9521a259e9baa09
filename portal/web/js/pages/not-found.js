// An address that means nothing, or a page that is for others.

import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { menuOf } from "../pages.js";
import { empty, pageHead } from "../parts/page.js";

class NotFound extends HTMLElement {
  connectedCallback() {
    const home = menuOf(this.session.rights)[0];
    fill(this, pageHead(t("not-found.title")), empty("alert", t("not-found.title"),
      t(this.isForbidden ? "problem.forbidden" : "not-found.text"),
      ...(home ? [h("a", { class: "button primary", href: home.href }, t(home.title))] : [])));
  }
}

customElements.define("dt-not-found", NotFound);
