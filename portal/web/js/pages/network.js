// The network (802.1X): our own ports, sessions, logins, whom the gate let in or not and why, RADIUS servers and clients.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { events } from "../events.js";
import { t } from "../i18n.js";
import { answersCard } from "../parts/network-answers.js";
import { loginsCard, unheardCard } from "../parts/network-logins.js";
import { portsCard } from "../parts/network-ports.js";
import { clientsCard, excusedNames, excusedNotice, serversCard } from "../parts/network-servers.js";
import { sessionsCard } from "../parts/network-sessions.js";
import { errorNotice, pageHead, waiting } from "../parts/page.js";

const SEARCH_FROM = 8;
const RELOAD_MS = 15000; // what changed while the events were cut off
const NEWS_MS = 1000;

class Network extends HTMLElement {
  #found = { is_on: false, count: 0, sessions: [], answers: [], ports: [], servers: [], clients: [], has_logins: false, logins: [], unheard: [] };
  #filter = "";
  #hasAllLogins = false;
  #search = h("div", {});
  #notice = h("div", {});
  #excused = "[]";
  #cards = h("div", { class: "network-cards" });
  #timer = 0;
  #news = 0;
  #onNews = () => this.#soon();

  connectedCallback() {
    this.#load();
    this.#timer = setInterval(() => this.#again(), RELOAD_MS);
    events.addEventListener("network", this.#onNews);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    clearTimeout(this.#news);
    events.removeEventListener("network", this.#onNews);
  }

  async #load() {
    if (!this.contains(this.#cards)) fill(this, this.#head(), waiting());
    try {
      this.#found = await api.get("/network");
    } catch (error) {
      fill(this, this.#head(), errorNotice(error, () => this.#load()));
      return;
    }
    if (!this.contains(this.#cards)) fill(this, this.#head(), this.#search, this.#notice, this.#cards);
    this.#draw();
  }

  /** When power comes back much happens at once: a large network is loaded again at most once a second. */
  #soon() {
    if (this.#news) return;
    this.#news = setTimeout(() => {
      this.#news = 0;
      this.#again();
    }, this.#size() >= SEARCH_FROM ? NEWS_MS : 0);
  }

  #size() {
    return this.#found.ports.reduce((sum, port) => sum + port.count, this.#found.sessions.length + this.#found.logins.length);
  }

  /** Not while a dialog asks something, nor while the page is not looked at. */
  async #again() {
    if (document.hidden || document.querySelector("dialog[open]")) return;
    const found = await api.get("/network").catch(() => null);
    if (!found || !this.isConnected) return;
    this.#found = found;
    this.#draw();
  }

  #head() {
    return pageHead(t("nav.network"), t("network.subtitle"));
  }

  /** The field stays as it is while somebody types into it. */
  #drawSearch() {
    if (this.#size() < SEARCH_FROM || this.#search.firstChild) return;
    const field = h("input", { class: "input search wide", type: "search", placeholder: t("network.search"), "aria-label": t("network.search") });
    field.addEventListener("input", () => {
      this.#filter = field.value.trim().toLowerCase();
      this.#draw();
    });
    fill(this.#search, field);
  }

  /** Read aloud when it is another, not whenever the page is drawn. */
  #drawNotice() {
    const { servers, clients } = this.#found;
    const names = JSON.stringify(excusedNames(servers, clients));
    if (names === this.#excused) return;
    this.#excused = names;
    fill(this.#notice, excusedNotice(servers, clients));
  }

  #draw() {
    this.#drawSearch();
    this.#drawNotice();
    const focused = this.#cards.contains(document.activeElement) ? document.activeElement.id : "";
    const found = this.#found;
    const reload = () => this.#load();
    const all = () => {
      this.#hasAllLogins = true;
      this.#draw();
    };
    const sought = [portsCard(found, this.#filter, reload), sessionsCard(found, this.#filter, reload),
      loginsCard(found, this.#filter, this.#hasAllLogins, all)];
    fill(this.#cards, sought,
      this.#filter && !sought.some(Boolean) && h("p", { class: "muted" }, t("network.none-found")),
      unheardCard(found.unheard), answersCard(found.answers), serversCard(found.servers), clientsCard(found.clients));
    if (focused) document.getElementById(focused)?.focus();
  }
}

customElements.define("dt-network", Network);
