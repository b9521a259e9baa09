// <dt-stage>: the mixed picture full-window, with everything else laid over it.

import { fill, h, setText } from "/static/js/dom.js";
import { has, t } from "/static/js/i18n.js";
import { icon } from "./icons.js";
import "./controls.js";
import "./quality-meter.js";
import "./roster.js";

const IDLE_AFTER_MS = 5000;
const TOAST_MS = 4500;
const PROBLEMS = { "not-allowed": "toast.not-allowed", "too-fast": "toast.too-fast", "disk-full": "toast.disk-full",
  "floor-taken": "toast.floor-taken" };
const problemText = (code) => (has(`toast.${code}`) ? t(`toast.${code}`) : t(PROBLEMS[code] ?? "toast.failed"));

/** Set call and devices before it is placed. */
class DtStage extends HTMLElement {
  #mix = h("video", { class: "mix", autoplay: true, playsinline: true });
  #self = h("video", { class: "self mirrored", autoplay: true, playsinline: true, "aria-hidden": "true" });
  #sign = h("span", { class: "badge recording", hidden: true }, h("span", { class: "dot pulse" }));
  #disk = h("span");
  #lock = h("span", { class: "badge", hidden: true });
  #less = h("span", { class: "badge", role: "status", hidden: true });
  #banner = h("div", { class: "banner", role: "status", hidden: true });
  #toasts = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
  #play = h("button", { class: "button primary play", hidden: true, onclick: () => this.#listen() });
  #people = h("button", { class: "chip", "aria-expanded": "false", onclick: () => this.#toggleRoster() });
  #count = h("span", { class: "number" });
  #controls = document.createElement("dt-controls");
  #roster = document.createElement("dt-roster");
  #quality = document.createElement("dt-quality-meter");
  #idle = null;
  #wasRecording = null;
  #wasShort = false;
  #wasBlocked = false;
  #wanting = new Set();
  #mutedAt = 0;
  #listeners = new AbortController();

  connectedCallback() {
    const { call, devices } = this;
    this.#mix.setAttribute("aria-label", t("stage.label"));
    this.#self.muted = true;
    this.#sign.append(t("stage.recording"), this.#disk);
    this.#sign.title = t("stage.recording.hint");
    fill(this.#lock, icon("lock"), t("stage.locked"));
    this.#showAllowance(call.seat.allowance ?? "full");
    fill(this.#play, icon("volume"), t("stage.play"));
    fill(this.#people, icon("people"), this.#count);
    this.#people.setAttribute("aria-label", t("control.people"));
    for (const part of [this.#controls, this.#roster, this.#quality]) Object.assign(part, { call, devices });
    this.#roster.hidden = true;
    const title = h("h1", { class: "stage-title" }, call.seat.room_name);
    call.addEventListener("moved", ({ detail }) => {
      setText(title, detail);
      this.#toast(t("toast.moved", { room: detail }));
    }, { signal: this.#listeners.signal });
    this.replaceChildren(h("div", { class: "stage" }, this.#mix,
      h("header", { class: "stage-top" }, title, this.#sign, this.#lock, this.#less,
        h("span", { class: "stage-space" }), this.#quality, this.#people),
      this.#banner, this.#play, this.#self, this.#toasts, this.#controls, this.#roster));
    this.#listen();
    this.#follow();
    this.#showSelf();
    this.#wake();
  }

  disconnectedCallback() {
    this.#listeners.abort();
    clearTimeout(this.#idle);
  }

  update(state) {
    const isBack = state === "joined" && !this.#banner.hidden;
    this.#banner.hidden = state === "joined";
    fill(this.#banner, h("span", { class: "spinner small-spinner" }), t("stage.reconnecting"));
    if (isBack) this.#toast(t("toast.seat-kept"));
  }

  #follow() {
    const { call, devices } = this;
    const { signal } = this.#listeners;
    call.addEventListener("stream", () => this.#listen(), { signal });
    call.addEventListener("roster", () => this.#takeRoster(), { signal });
    call.addEventListener("problem", ({ detail }) => this.#toast(problemText(detail.code)), { signal });
    devices.addEventListener("change", () => this.#showSelf(), { signal });
    this.addEventListener("toast", ({ detail }) => this.#toast(detail), { signal });
    this.addEventListener("muting", () => (this.#mutedAt = performance.now()), { signal });
    this.addEventListener("close-roster", () => this.#toggleRoster(false), { signal });
    for (const name of ["pointermove", "pointerdown", "keydown"]) addEventListener(name, () => this.#wake(), { signal });
    addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#takeRoster();
  }

  /** A busy server gives newcomers small pictures, or none. */
  #showAllowance(allowance) {
    this.#less.hidden = allowance === "full";
    if (this.#less.hidden) return;
    setText(this.#less, t(`stage.less.${allowance}`));
    this.#less.title = t(`stage.less.${allowance}.hint`);
  }

  async #listen() {
    if (this.#mix.srcObject !== this.call.stream) this.#mix.srcObject = this.call.stream;
    try {
      await this.#mix.play();
      this.#play.hidden = true;
    } catch (error) {
      // A browser that has not been touched yet plays no sound; AbortError only means that a track came meanwhile.
      if (error.name === "NotAllowedError") this.#play.hidden = false;
    }
  }

  #showSelf() {
    const track = this.devices.tracks.video;
    this.#self.hidden = !track;
    if (this.#self.srcObject?.getVideoTracks()[0] !== (track ?? undefined)) {
      this.#self.srcObject = track ? new MediaStream([track]) : null;
    }
  }

  #takeRoster() {
    const { roster, me } = this.call;
    if (!roster) return;
    setText(this.#count, String(roster.participants.length));
    if (me?.allowance) this.#showAllowance(me.allowance);
    this.#sign.hidden = !roster.is_recording;
    this.#showDisk(roster);
    this.#lock.hidden = !roster.is_locked;
    if (this.#wasRecording !== null && this.#wasRecording !== roster.is_recording) {
      const off = roster.is_disk_full ? "toast.recording-full" : "toast.recording-off";
      this.#toast(t(roster.is_recording ? "toast.recording-on" : off));
    }
    this.#wasRecording = roster.is_recording;
    if (roster.is_blocked && !this.#wasBlocked) this.#toast(t("toast.blocked"));
    this.#wasBlocked = roster.is_blocked;
    this.#announce(roster);
    // What was pressed here a moment ago has not come back in the roster yet.
    if (me && performance.now() - this.#mutedAt > 1500) this.#compare(me.is_muted);
  }

  /** The disk of the server fills: said once aloud, and beside the sign for as long as it holds. */
  #showDisk({ recording_ends_in_min: minutes = null }) {
    setText(this.#disk, minutes === null ? "" : t("stage.recording.left", { minutes }));
    if (minutes !== null && !this.#wasShort) this.#toast(t("toast.disk-low", { minutes }));
    this.#wasShort = minutes !== null;
  }

  /** Others may close this microphone, but never open it. */
  #compare(isMuted) {
    const isOn = this.devices.isOn.audio;
    if (isMuted && isOn) {
      this.devices.switch("audio", false);
      this.#toast(t("toast.muted-by-host"));
    } else if (!isMuted && !isOn) {
      this.#mutedAt = performance.now();
      this.call.mute(true);
    }
  }

  #toggleRoster(isOpen = this.#roster.hidden) {
    this.#roster.hidden = !isOpen;
    this.#people.setAttribute("aria-expanded", String(isOpen));
    this.firstElementChild.classList.toggle("has-roster", isOpen);
    (isOpen ? this.#roster : this.#people).focus();
  }

  /** Hosts are told once of everybody who waits outside or raises a hand. */
  #announce({ waiting, participants }) {
    if (!this.call.isHost) return;
    const hands = participants.filter((person) => person.has_hand_raised && person.id !== this.call.seat.participant);
    const wanting = [...waiting.map(({ id, name }) => [`waiting ${id}`, t("toast.waiting", { name })]),
      ...hands.map(({ id, name }) => [`hand ${id}`, t("toast.hand", { name })])];
    for (const [key, text] of wanting) if (!this.#wanting.has(key)) this.#toast(text);
    this.#wanting = new Set(wanting.map(([key]) => key));
  }

  #toast(text) {
    const toast = h("div", { class: "toast" }, text);
    this.#toasts.append(toast);
    while (this.#toasts.children.length > 3) this.#toasts.firstElementChild.remove();
    setTimeout(() => toast.remove(), TOAST_MS);
  }

  #wake() {
    this.firstElementChild.classList.remove("is-idle");
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.firstElementChild.classList.add("is-idle"), IDLE_AFTER_MS);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, dialog")) return;
    const keys = { m: () => this.#controls.toggleMicrophone(), v: () => this.#controls.toggleCamera(),
      p: () => this.#toggleRoster(), Escape: () => !this.#roster.hidden && this.#toggleRoster(false) };
    keys[event.key]?.();
  }
}

customElements.define("dt-stage", DtStage);
