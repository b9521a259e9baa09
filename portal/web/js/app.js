// The console: signs people in, then shows the page that the address names.

import { api, keepCsrf, whenSignedOut } from "./api.js";
import { fill } from "./dom.js";
import { events } from "./events.js";
import { loadLanguage } from "./i18n.js";
import { elementOf, pageAt } from "./pages.js";
import { frame } from "./parts/frame.js";
import { errorNotice } from "./parts/page.js";

class Console extends HTMLElement {
  #session = null;
  #isOffline = false;
  #turn = 0;

  async connectedCallback() {
    await loadLanguage();
    whenSignedOut(() => this.#signedOut());
    window.addEventListener("popstate", () => this.#show());
    this.addEventListener("click", (event) => this.#followLink(event));
    this.addEventListener("navigate", (event) => this.go(event.detail));
    this.addEventListener("signed-in", (event) => this.#signedIn(event.detail));
    this.addEventListener("sign-out", () => this.#signOut());
    this.addEventListener("language-changed", () => this.#show());
    events.addEventListener("lost", () => this.#connectionLost());
    events.addEventListener("change", () => this.#setOffline(false));
    this.#signedIn(await api.get("/session").catch(() => null));
  }

  go(path) {
    history.pushState(null, "", path);
    this.#show();
    window.scrollTo(0, 0);
  }

  #followLink(event) {
    const link = event.target.closest("a[href^='/']");
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || link.target || link.hasAttribute("download") || link.dataset.leaves !== undefined) return;
    event.preventDefault();
    this.go(link.getAttribute("href"));
  }

  #signedIn(session) {
    this.#session = keepCsrf(session);
    if (session?.rights.includes("see-rooms") && !session.must_change) events.start();
    this.#show();
  }

  #signedOut() {
    if (!this.#session) return;
    events.stop();
    this.#isOffline = false;
    this.#session = keepCsrf(null);
    document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
    this.#show();
  }

  async #connectionLost() {
    this.#setOffline(true);
    const error = await api.get("/session").then(() => null, (problem) => problem);
    if (error?.code === "not-signed-in") this.#signedOut();
  }

  #setOffline(isOffline) {
    this.#isOffline = isOffline;
    const banner = this.querySelector("#offline");
    if (banner) banner.hidden = !isOffline;
  }

  async #signOut() {
    await api.delete("/session").catch(() => null);
    this.#signedOut();
  }

  async #show() {
    const { page, argument, isForbidden } = pageAt(location.pathname, this.#session);
    const turn = (this.#turn += 1);
    const element = await elementOf(page).catch((error) => errorNotice(error, () => this.#show()));
    // Whoever went on meanwhile does not want this one any more.
    if (turn !== this.#turn) return;
    const mustChange = Boolean(this.#session?.must_change);
    Object.assign(element, { session: this.#session, argument, isForbidden, mustChange });
    if (!this.#session || mustChange) {
      fill(this, element);
      return;
    }
    fill(this, frame(this.#session, page.section ?? page.href, element));
    this.#setOffline(this.#isOffline);
    element.querySelector("h1")?.focus({ preventScroll: true });
  }
}

customElements.define("dt-console", Console);
