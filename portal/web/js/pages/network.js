// The network (802.1X): our own ports, sessions, RADIUS servers, whom the gate let in or not and why; ending a session.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { events } from "../events.js";
import { shortDateTime } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { answersCard, verdict } from "../parts/network-answers.js";
import { portsCard, serversCard } from "../parts/network-ports.js";
import { confirmDanger } from "../parts/dialog.js";
import { empty, errorNotice, pageHead, waiting } from "../parts/page.js";

const SEARCH_FROM = 8;
const RELOAD_MS = 15000; // what changed while the events were cut off
const NEWS_MS = 1000;

class Network extends HTMLElement {
  #found = { is_on: false, count: 0, sessions: [], answers: [], ports: [], servers: [] };
  #filter = "";
  #ports = h("div", {});
  #list = h("div", {});
  #servers = h("div", {});
  #answers = h("div", {});
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
    fill(this, this.#head(), waiting());
    try {
      this.#found = await api.get("/network");
    } catch (error) {
      fill(this, this.#head(), errorNotice(error, () => this.#load()));
      return;
    }
    const search = h("input", { class: "input search", type: "search", placeholder: t("network.search"), "aria-label": t("network.search") });
    search.addEventListener("input", () => {
      this.#filter = search.value.trim().toLowerCase();
      this.#draw();
    });
    fill(this, this.#head(), this.#size() >= SEARCH_FROM && search, this.#ports, this.#list, this.#servers, this.#answers);
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
    return this.#found.ports.reduce((sum, port) => sum + port.count, this.#found.sessions.length);
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

  #draw() {
    const focused = this.contains(document.activeElement) ? document.activeElement.id : "";
    const { answers, ports, servers } = this.#found;
    fill(this.#ports, portsCard(ports, this.#filter, () => this.#load()));
    this.#drawSessions();
    fill(this.#servers, serversCard(servers));
    fill(this.#answers, answersCard(answers));
    if (focused) document.getElementById(focused)?.focus();
  }

  #drawSessions() {
    const { is_on: isOn, sessions, count } = this.#found;
    if (!sessions.length) {
      fill(this.#list, empty("shield", t(isOn ? "network.empty.title" : "network.off.title"), t(isOn ? "network.empty.text" : "network.off.text")));
      return;
    }
    const shown = sessions.filter((session) => text(session).includes(this.#filter));
    if (!shown.length) {
      fill(this.#list, h("p", { class: "muted" }, t("network.none-found")));
      return;
    }
    const head = (key) => h("th", { scope: "col" }, t(key));
    fill(this.#list, h("section", { class: "card flush", "aria-label": t("network.sessions") },
      h("h2", { class: "row tight card-title" }, icon("people"), t("network.sessions")),
      count > sessions.length && h("p", { class: "small muted card-text" }, t("network.more", { shown: sessions.length, count })),
      h("table", { class: "table terminals" },
        h("thead", {}, h("tr", {}, head("network.device"), head("network.site"), head("network.port"), head("network.address"),
          head("network.answer"), head("network.since"),
          h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("actions"))))),
        h("tbody", {}, ...shown.map((session) => this.#row(session))))));
  }

  #row(session) {
    const none = () => h("span", { class: "muted" }, "–");
    return h("tr", {},
      h("th", { scope: "row" }, h("div", { class: "person" }, h("span", {}, session.identity || session.mac),
        h("span", { class: "muted small mono" }, session.mac),
        session.entry && h("span", { class: `badge ${session.entry === "eap" ? "good" : "warn"}` }, t(`network.entry.${session.entry}`)))),
      h("td", { "data-label": t("network.site") }, h("div", { class: "lines" }, h("span", {}, session.site),
        session.role && h("span", { class: "small muted" }, session.role))),
      h("td", { "data-label": t("network.port") }, h("div", { class: "lines" }, h("span", {}, session.nas),
        h("span", { class: "small muted" }, [session.port, session.vlan && `VLAN ${session.vlan}`].filter(Boolean).join(" · ")))),
      h("td", { "data-label": t("network.address") }, h("div", { class: "lines" }, ...(session.addresses.length
        ? session.addresses.map((held) => h("span", { class: "mono", title: t(`network.source.${held.source}`) }, held.address)) : [none()]))),
      h("td", { "data-label": t("network.answer") }, session.answer ? verdict(session.answer) : none()),
      h("td", { "data-label": t("network.since") }, shortDateTime(session.opened_at)),
      h("td", { class: "cell-actions" }, this.#endButton(session)));
  }

  #endButton(session) {
    const name = session.identity || session.mac;
    const work = async () => {
      const path = `/network/${session.site}/${session.mac}`;
      if (await confirmDanger(t("network.end.title", { name }), t("network.end.text"), t("network.end"), () => api.delete(path))) this.#load();
    };
    return h("button", { class: "button quiet icon-only", type: "button", id: `end-${session.site}-${session.mac}`, title: t("network.end"),
      "aria-label": `${t("network.end")}: ${name}`, onclick: work }, icon("remove"));
  }
}

function text(session) {
  const addresses = session.addresses.map((held) => held.address).join(" ");
  return `${session.identity} ${session.mac} ${session.site} ${session.nas} ${session.port} ${session.role} ${addresses}`.toLowerCase();
}

customElements.define("dt-network", Network);
