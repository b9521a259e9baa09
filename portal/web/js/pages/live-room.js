// One room: who is in it now and what can be done about that, and how others get in.

import { api } from "../api.js";
import { fill, h, setAttribute, setText } from "../dom.js";
import { events } from "../events.js";
import { duration, people } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { invite } from "../parts/calling.js";
import { confirmDanger } from "../parts/dialog.js";
import { act, copyButton, empty, errorNotice, notice, pageHead, waiting } from "../parts/page.js";
import { editRoom, layoutOptions, rotatePasscodes } from "../parts/room-dialogs.js";
import { askMessage } from "../parts/message-dialog.js";
import "../parts/outside.js";
import "../parts/roster.js";

class LiveRoom extends HTMLElement {
  #room = null;
  #timer = 0;
  #parts = null;
  #onChange = (event) => this.#changed(event.detail.room);
  #onLevels = (event) => this.#levels(event.detail);
  #onRoom = (event) => event.detail.room === this.argument && this.#load();

  connectedCallback() {
    events.addEventListener("change", this.#onChange);
    events.addEventListener("levels", this.#onLevels);
    events.addEventListener("room", this.#onRoom);
    this.#timer = setInterval(() => this.#tick(), 1000);
    fill(this, waiting());
    this.#load();
  }

  disconnectedCallback() {
    events.removeEventListener("change", this.#onChange);
    events.removeEventListener("levels", this.#onLevels);
    events.removeEventListener("room", this.#onRoom);
    clearInterval(this.#timer);
  }

  get #path() {
    return `/conferences/${this.argument}`;
  }

  get #conference() {
    return events.conferences.get(this.argument);
  }

  #may(right) {
    return this.session.rights.includes(right);
  }

  async #load() {
    try {
      this.#room = await api.get(`/rooms/${this.argument}`);
    } catch (error) {
      fill(this, h("a", { class: "back", href: "/rooms" }, icon("back"), t("nav.rooms")), errorNotice(error, () => this.#load()));
      return;
    }
    this.#build();
  }

  #changed(number) {
    if (this.#room && (!number || number === this.argument)) this.#draw();
  }

  #levels(detail) {
    if (detail.room === this.argument) this.#parts?.roster?.setLevels(detail.levels);
  }

  #build() {
    const room = this.#room;
    this.#parts = { status: h("span", { class: "row tight" }), controls: h("div", { class: "controls" }), outside: document.createElement("dt-outside"), calling: document.createElement("dt-calling"), body: h("section", { class: "live-body" }) };
    const call = h("button", { class: "button compact primary", type: "button", id: "invite" }, icon("phone"), t("invite.button"));
    call.addEventListener("click", () => act(call, () => invite(this.argument)));
    const edit = h("button", { class: "button compact", type: "button", onclick: () => editRoom(room, () => this.#load()) }, icon("settings"), t("room.settings"));
    const keys = h("button", { class: "button compact", type: "button", onclick: () => rotatePasscodes(room, () => this.#load()) }, icon("key"), t("passcodes.change"));
    fill(this,
      h("a", { class: "back", href: "/rooms" }, icon("back"), t("nav.rooms")),
      pageHead(room.name, h("span", { class: "live-status" }, h("span", { class: "room-number mono" }, room.number), this.#parts.status),
        this.#may("control-conferences") && call, ...(this.#may("edit-rooms") ? [keys, edit] : [])),
      room.is_blocked && this.#blocked(), this.#parts.controls, this.#parts.outside, this.#parts.calling, this.#parts.body, this.#howToJoin());
    Object.assign(this.#parts.calling, { number: this.argument, mayControl: this.#may("control-conferences") });
    Object.assign(this.#parts.outside, { number: this.argument, mayControl: this.#may("control-conferences") });
    this.#draw();
  }

  #blocked() {
    const button = h("button", { class: "button compact", type: "button" }, t("room.unblock"));
    button.addEventListener("click", () => act(button, async () => {
      await api.post(`/rooms/${this.argument}/unblock`);
      await this.#load();
    }));
    return notice("bad", "alert", h("div", {}, h("strong", {}, t("room.blocked.title")), h("p", {}, t("room.blocked.text"))),
      this.#may("control-conferences") && button);
  }

  #draw() {
    this.#parts.outside.people = events.waiting.get(this.argument) ?? [];
    this.#parts.calling.calls = events.calls.get(this.argument) ?? [];
    const conference = this.#conference;
    if (!conference) {
      this.#parts.roster = this.#parts.buttons = null;
      fill(this.#parts.status, h("span", { class: "badge" }, t("room.idle")));
      fill(this.#parts.controls);
      fill(this.#parts.body, empty("people", t("live.empty.title"), t("live.empty.text"),
        h("a", { class: "button primary", href: this.#joinPath, target: "_blank", rel: "noopener" }, icon("browser"), t("live.join"))));
      return;
    }
    if (!this.#parts.roster) this.#buildLive();
    this.#drawStatus(conference);
    if (this.#parts.buttons) this.#drawButtons(conference);
    this.#drawMessage(conference.message);
    this.#parts.roster.spotlight = conference.spotlight;
    this.#parts.roster.participants = conference.participants;
  }

  #buildLive() {
    const roster = document.createElement("dt-roster");
    roster.number = this.argument;
    roster.mayControl = this.#may("control-conferences");
    this.#parts.roster = roster;
    this.#parts.message = h("div", {});
    fill(this.#parts.body, this.#parts.message, h("div", { class: "card flush" }, roster));
    if (roster.mayControl) this.#buildButtons();
  }

  #buildButtons() {
    const button = (work, kind = "") => {
      const element = h("button", { class: `button compact ${kind}`, type: "button" });
      element.addEventListener("click", () => act(element, () => work(this.#conference)));
      return element;
    };
    const layout = h("select", { class: "input compact", "aria-label": t("room.layout") }, ...layoutOptions().map(([key, text]) => h("option", { value: key }, text)));
    layout.addEventListener("change", () => act(null, () => api.post(`${this.#path}/layout`, { layout: layout.value })));
    const buttons = {
      record: button((now) => (now.is_recording ? api.delete(`${this.#path}/recording`) : api.post(`${this.#path}/recording`))),
      lock: button((now) => api.post(`${this.#path}/lock`, { is_locked: !now.is_locked })),
      mute: button(() => api.post(`${this.#path}/mute-all`)),
      message: button(() => askMessage(this.#path)),
      layout,
      end: button(() => this.#end(), "danger"),
    };
    fill(buttons.mute, icon("mic-off"), t("live.mute-all"));
    fill(buttons.message, icon("message"), t("live.message"));
    fill(buttons.end, icon("end"), t("live.end"));
    this.#parts.buttons = buttons;
    fill(this.#parts.controls, buttons.record, buttons.lock, buttons.mute, buttons.message,
      h("label", { class: "row tight layout-pick" }, h("span", { class: "small muted" }, t("room.layout")), layout), h("span", { class: "grow" }), buttons.end);
  }

  #drawButtons(conference) {
    const { record, lock, layout } = this.#parts.buttons;
    this.#drawToggle(record, conference.is_recording, "record", "stop", t("live.record"), t("live.record-stop"));
    record.hidden = conference.record_policy === "off";
    this.#drawToggle(lock, conference.is_locked, "lock", "unlock", t("live.lock"), t("live.unlock"));
    if (document.activeElement !== layout) layout.value = conference.layout;
  }

  #drawToggle(button, isOn, offIcon, onIcon, offText, onText) {
    if (button.getAttribute("aria-pressed") === String(isOn)) return;
    setAttribute(button, "aria-pressed", isOn);
    fill(button, icon(isOn ? onIcon : offIcon), isOn ? onText : offText);
  }

  /** What everybody reads in the picture now. */
  #drawMessage(text) {
    const place = this.#parts.message;
    if (place.dataset.text === text) return;
    place.dataset.text = text;
    const take = h("button", { class: "button compact", type: "button" }, t("live.message.take"));
    take.addEventListener("click", () => act(take, () => api.delete(`${this.#path}/message`)));
    fill(place, text && notice("", "message", h("p", {}, text), this.#may("control-conferences") && take));
  }

  #drawStatus(conference) {
    const key = JSON.stringify([conference.participants.length, conference.is_recording, conference.is_locked]);
    if (this.#parts.status.dataset.key === key) return;
    this.#parts.status.dataset.key = key;
    this.#parts.clock = h("span", { class: "number muted" });
    fill(this.#parts.status,
      h("span", { class: "badge good" }, h("span", { class: "dot pulse" }), people(conference.participants.length)),
      conference.is_recording && h("span", { class: "badge bad" }, h("span", { class: "dot pulse" }), t("live.recording")),
      conference.is_locked && h("span", { class: "badge accent" }, icon("lock"), t("room.locked")), this.#parts.clock);
    this.#tick();
  }

  #tick() {
    const conference = this.#conference;
    if (!conference || !this.#parts?.clock) return;
    setText(this.#parts.clock, duration((Date.now() - Date.parse(conference.started_at)) / 1000));
  }

  async #end() {
    await confirmDanger(t("live.end.title"), t("live.end.text"), t("live.end"), () => api.post(`${this.#path}/end`));
  }

  get #joinPath() {
    return `/join/${this.argument}`;
  }

  #howToJoin() {
    const line = (name, label, address) => h("div", { class: "address" }, icon(name), h("span", { class: "muted" }, label),
      h("code", { class: "mono" }, address), copyButton(address, t("copy")));
    return h("section", { class: "card stack join-card" }, h("h2", {}, t("live.how")),
      line("browser", t("protocol.webrtc"), new URL(this.#joinPath, location.origin).href),
      ...this.#room.addresses.map((address) => line("phone", t(address.startsWith("h323:") ? "protocol.h323" : "protocol.sip"), address)),
      this.#room.has_guest_passcode && h("p", { class: "small muted" }, t("live.how.passcode", { number: this.argument })));
  }
}

customElements.define("dt-live-room", LiveRoom);
