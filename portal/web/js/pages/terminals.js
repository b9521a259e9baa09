// All terminals: who is registered and from where, make one, change one, delete one.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { events } from "../events.js";
import { shortDateTime } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { othersCard, seen, way } from "../parts/endpoints.js";
import { empty, errorNotice, pageHead, waiting } from "../parts/page.js";
import { trunkCard } from "../parts/trunks.js";
import { createTerminal, editTerminal, newSecret, removeTerminal } from "../parts/terminal-dialogs.js";

const SEARCH_FROM = 8;
const RELOAD_MS = 2000;

class Terminals extends HTMLElement {
  #terminals = [];
  #others = [];
  #trunks = [];
  #filter = "";
  #list = h("div", {});
  #rest = h("div", {});
  #timer = 0;
  #onNews = () => this.#soon();

  connectedCallback() {
    this.#load();
    events.addEventListener("terminals", this.#onNews);
    events.addEventListener("change", this.#onNews);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    events.removeEventListener("terminals", this.#onNews);
    events.removeEventListener("change", this.#onNews);
  }

  get #mayEdit() {
    return this.session.rights.includes("edit-terminals");
  }

  async #load() {
    fill(this, this.#head(), waiting());
    try {
      await this.#fetch();
      if (this.session.rights.includes("control-conferences")) this.#trunks = (await api.get("/trunks")).trunks;
    } catch (error) {
      fill(this, this.#head(), errorNotice(error, () => this.#load()));
      return;
    }
    const search = h("input", { class: "input search", type: "search", placeholder: t("terminals.search"), "aria-label": t("terminals.search") });
    search.addEventListener("input", () => {
      this.#filter = search.value.trim().toLowerCase();
      this.#draw();
    });
    fill(this, this.#head(), this.#terminals.length >= SEARCH_FROM && search, this.#list, this.#rest, trunkCard(this.#trunks));
    this.#draw();
  }

  async #fetch() {
    const found = await api.get("/terminals");
    this.#terminals = found.terminals;
    this.#others = found.others;
  }

  /** Many terminals may register at once; the list is loaded again at most every two seconds. */
  #soon() {
    if (this.#timer) return;
    this.#timer = setTimeout(async () => {
      this.#timer = 0;
      await this.#fetch().catch(() => {});
      if (this.isConnected) this.#draw();
    }, this.#terminals.length > SEARCH_FROM ? RELOAD_MS : 0);
  }

  #head() {
    const create = h("button", { class: "button primary", type: "button", id: "new-terminal" }, icon("plus"), t("terminals.new"));
    create.addEventListener("click", () => this.#create());
    return pageHead(t("nav.terminals"), t("terminals.subtitle"), this.#mayEdit && create);
  }

  #create() {
    createTerminal(() => this.#load());
  }

  #draw() {
    fill(this.#rest, othersCard(this.#others));
    if (!this.#terminals.length) {
      fill(this.#list, empty("phone", t("terminals.empty.title"), t("terminals.empty.text"),
        this.#mayEdit && h("button", { class: "button primary", type: "button", onclick: () => this.#create() }, icon("plus"), t("terminals.new"))));
      return;
    }
    const text = (terminal) => `${terminal.alias} ${terminal.name} ${terminal.site}`.toLowerCase();
    const shown = this.#terminals.filter((terminal) => text(terminal).includes(this.#filter));
    if (!shown.length) {
      fill(this.#list, h("p", { class: "muted" }, t("terminals.none-found")));
      return;
    }
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.id : "";
    const head = (key) => h("th", { scope: "col" }, t(key));
    fill(this.#list, h("div", { class: "card flush" }, h("table", { class: "table terminals" },
      h("thead", {}, h("tr", {}, head("terminals.terminal"), head("terminals.site"), head("terminals.from"),
        head("terminals.device"), head("terminals.since"), head("terminals.seen"),
        this.#mayEdit && h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("actions"))))),
      h("tbody", {}, ...shown.map((terminal) => this.#row(terminal))))));
    if (focused) document.getElementById(focused)?.focus();
  }

  #row(terminal) {
    const contacts = terminal.contacts;
    const lines = (write) => h("div", { class: "lines" }, ...(contacts.length ? contacts.map(write) : [h("span", { class: "muted" }, "–")]));
    return h("tr", {},
      h("th", { scope: "row" }, h("div", { class: "person" }, h("span", {}, terminal.name), h("span", { class: "muted small mono" }, terminal.alias),
        terminal.needs_new_secret && h("span", { class: "muted small" }, t("terminal.needs-new-secret")))),
      h("td", { "data-label": t("terminals.site") }, terminal.site || h("span", { class: "muted" }, "–")),
      h("td", { "data-label": t("terminals.from") }, this.#from(terminal)),
      h("td", { "data-label": t("terminals.device") }, lines((contact) => h("span", { class: "clipped", title: contact.user_agent }, contact.user_agent || "–"))),
      h("td", { "data-label": t("terminals.since") }, lines((contact) => h("span", {}, shortDateTime(contact.registered_at)))),
      h("td", { "data-label": t("terminals.seen") }, lines(seen)),
      this.#mayEdit && h("td", { class: "cell-actions" },
        this.#action("edit", t("edit"), terminal, () => editTerminal(terminal, () => this.#load())),
        this.#action("key", t("terminal.secret.new"), terminal, () => newSecret(terminal, () => this.#load())),
        this.#action("trash", t("delete"), terminal, () => removeTerminal(terminal, () => this.#load()))));
  }

  #action(name, label, terminal, work) {
    return h("button", { class: "button quiet icon-only", type: "button", id: `${name}-${terminal.alias}`, title: label,
      "aria-label": `${label}: ${terminal.name}`, onclick: work }, icon(name));
  }

  #from(terminal) {
    if (!terminal.is_enabled) return h("span", { class: "badge warn" }, icon("lock"), t("terminal.disabled"));
    if (!terminal.contacts.length) return h("span", { class: "badge" }, t("terminal.away"));
    return h("div", { class: "lines" }, ...terminal.contacts.map((contact) => way(contact, terminal.alias)));
  }
}

customElements.define("dt-terminals", Terminals);
