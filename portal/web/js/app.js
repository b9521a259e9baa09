// The console: signs people in, then shows the page that the address names.

import { api, keepCsrf, whenSignedOut } from "./api.js";
import { fill } from "./dom.js";
import { events } from "./events.js";
import { loadLanguage } from "./i18n.js";
import { frame } from "./parts/frame.js";
import "./pages/live-room.js";
import "./pages/network.js";
import "./pages/not-found.js";
import "./pages/recording.js";
import "./pages/recordings.js";
import "./pages/rooms.js";
import "./pages/sign-in.js";
import "./pages/terminals.js";

const ROUTES = [
  [/^\/(?:rooms\/?)?$/, "dt-rooms", "rooms"],
  [/^\/rooms\/(\d{1,12})$/, "dt-live-room", "rooms"],
  [/^\/recordings\/?$/, "dt-recordings", "recordings"],
  [/^\/recordings\/([\w-]{1,64})$/, "dt-recording", "recordings"],
  [/^\/terminals\/?$/, "dt-terminals", "terminals"],
  [/^\/network\/?$/, "dt-network", "network"],
];

class Console extends HTMLElement {
  #session = null;
  #isOffline = false;

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
    if (session && !session.must_change) events.start();
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

  #show() {
    if (!this.#session || this.#session.must_change) {
      const page = document.createElement("dt-sign-in");
      page.mustChange = Boolean(this.#session);
      fill(this, page);
      return;
    }
    const [name, section, argument] = this.#route();
    const page = document.createElement(name);
    page.session = this.#session;
    page.argument = argument;
    fill(this, frame(this.#session, section, page));
    this.#setOffline(this.#isOffline);
    page.querySelector("h1")?.focus({ preventScroll: true });
  }

  #route() {
    for (const [pattern, name, section] of ROUTES) {
      const match = pattern.exec(location.pathname);
      if (match) return [name, section, match[1]];
    }
    return ["dt-not-found", "", undefined];
  }
}

customElements.define("dt-console", Console);
