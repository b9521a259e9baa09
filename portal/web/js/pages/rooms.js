// All rooms: which are in use, make one, change one, delete one.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { events } from "../events.js";
import { people } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import "../parts/capacity.js";
import { empty, errorNotice, pageHead, waiting } from "../parts/page.js";
import { createRoom, editRoom, removeRoom } from "../parts/room-dialogs.js";

const SEARCH_FROM = 8;

class Rooms extends HTMLElement {
  #rooms = [];
  #filter = "";
  #list = h("div", { class: "room-grid" });
  #onChange = () => this.#draw();
  #onRoom = () => this.#refresh();

  connectedCallback() {
    this.#load();
    events.addEventListener("change", this.#onChange);
    events.addEventListener("room", this.#onRoom);
  }

  disconnectedCallback() {
    events.removeEventListener("change", this.#onChange);
    events.removeEventListener("room", this.#onRoom);
  }

  get #mayEdit() {
    return this.session.rights.includes("edit-rooms");
  }

  async #load() {
    fill(this, this.#head(), waiting());
    try {
      this.#rooms = (await api.get("/rooms")).rooms;
    } catch (error) {
      fill(this, this.#head(), errorNotice(error, () => this.#load()));
      return;
    }
    const search = h("input", { class: "input search", type: "search", placeholder: t("rooms.search"), "aria-label": t("rooms.search") });
    search.addEventListener("input", () => {
      this.#filter = search.value.trim().toLowerCase();
      this.#draw();
    });
    fill(this, this.#head(), document.createElement("dt-capacity"), this.#rooms.length >= SEARCH_FROM && search, this.#list);
    this.#draw();
  }

  async #refresh() {
    this.#rooms = (await api.get("/rooms").catch(() => ({ rooms: this.#rooms }))).rooms;
    this.#draw();
  }

  #head() {
    const create = h("button", { class: "button primary", type: "button", id: "new-room" }, icon("plus"), t("rooms.new"));
    create.addEventListener("click", () => this.#create());
    return pageHead(t("nav.rooms"), t("rooms.subtitle"), this.#mayEdit && create);
  }

  #create() {
    createRoom(() => this.#load());
  }

  #draw() {
    if (!this.#rooms.length) {
      fill(this.#list, empty("rooms", t("rooms.empty.title"), t("rooms.empty.text"),
        this.#mayEdit && h("button", { class: "button primary", type: "button", onclick: () => this.#create() }, icon("plus"), t("rooms.new"))));
      return;
    }
    const shown = this.#rooms.filter((room) => `${room.number} ${room.name}`.toLowerCase().includes(this.#filter));
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.id : "";
    fill(this.#list, shown.length ? shown.map((room) => this.#card(room)) : h("p", { class: "muted" }, t("rooms.none-found")));
    if (focused) document.getElementById(focused)?.focus();
  }

  #card(room) {
    const conference = events.conferences.get(room.number);
    return h("article", { class: conference ? "card room is-live" : "card room" },
      h("div", { class: "room-top" },
        h("span", { class: "room-number mono" }, room.number), this.#state(room, conference)),
      h("h2", {}, h("a", { href: `/rooms/${room.number}`, id: `room-${room.number}` }, room.name)),
      h("div", { class: "chips" }, ...this.#chips(room)),
      this.#mayEdit && h("div", { class: "room-actions" },
        this.#action("edit", t("edit"), room, () => editRoom(room, () => this.#load())),
        this.#action("trash", t("delete"), room, () => removeRoom(room, () => this.#load()))));
  }

  #action(name, label, room, work) {
    return h("button", { class: "button quiet icon-only", type: "button", id: `${name}-${room.number}`, title: label,
      "aria-label": `${label}: ${room.name}`, onclick: work }, icon(name));
  }

  #state(room, conference) {
    if (room.is_blocked) return h("span", { class: "badge bad" }, icon("alert"), t("room.blocked"));
    if (!conference) return h("span", { class: "badge" }, t("room.idle"));
    return h("span", { class: "badge good" }, h("span", { class: "dot pulse" }), people(conference.participants.length));
  }

  #chips(room) {
    const chip = (name, text, kind = "") => h("span", { class: `badge ${kind}` }, icon(name), text);
    return [
      room.has_guest_passcode ? chip("key", t("room.passcode")) : chip("unlock", t("room.no-passcode"), "warn"),
      room.has_weak_passcode && chip("alert", t("room.weak-passcode"), "warn"),
      room.is_locked && chip("lock", t("room.locked"), "accent"),
      room.waits_for_host && chip("clock", t("room.waits")),
      room.required_grade !== "clear" && chip("shield", t("room.encrypted")),
      room.encryption === "off" && chip("open", t("room.unencrypted"), "warn"),
      room.record === "always" && chip("record", t("room.always-recorded")),
    ].filter(Boolean);
  }
}

customElements.define("dt-rooms", Rooms);
