// <dt-controls>: the bar of buttons at the foot of the stage.

import { fill, h } from "/static/js/dom.js";
import { t } from "/static/js/i18n.js";
import { icon } from "./icons.js";

const MODES = ["auto", "grid", "speaker", "lecture"];
const SCREEN = { video: { width: { max: 1280 }, height: { max: 720 }, frameRate: { max: 15 } }, audio: false };

/** Set call and devices before it is placed. Events: "toast" (detail: text), "muting". */
class DtControls extends HTMLElement {
  #buttons = {};
  #menus = {};
  #screen = null;
  #listeners = new AbortController();

  connectedCallback() {
    const { signal } = this.#listeners;
    const b = this.#buttons;
    b.microphone = this.#button(() => this.toggleMicrophone());
    b.camera = this.#button(() => this.toggleCamera());
    b.share = this.#button(() => this.#toggleShare());
    b.layout = this.#button(() => this.#toggleMenu("layout"));
    b.room = this.#button(() => this.#toggleMenu("room"));
    b.hand = this.#button(() => this.call.ask({ type: "hand", is_raised: !this.call.me?.has_hand_raised }));
    b.leave = this.#button(() => this.call.leave());
    b.leave.classList.add("is-leave");
    b.share.hidden = !navigator.mediaDevices?.getDisplayMedia;
    this.#menus = { layout: h("div", { class: "menu", role: "menu", hidden: true }),
      room: h("div", { class: "menu", role: "menu", hidden: true }) };
    this.replaceChildren(h("nav", { class: "controls", "aria-label": t("control.bar") },
      b.microphone, b.camera, b.share, b.hand, h("span", { class: "menu-place" }, b.layout, this.#menus.layout),
      h("span", { class: "menu-place" }, b.room, this.#menus.room), b.leave));
    this.call.addEventListener("roster", () => this.#update(), { signal });
    this.call.addEventListener("share-ended", () => this.#shareEnded(), { signal });
    this.devices.addEventListener("change", () => this.#update(), { signal });
    addEventListener("click", (event) => !event.target.closest?.(".menu-place") && this.#closeMenus(), { signal });
    this.addEventListener("keydown", (event) => this.#menuKey(event), { signal });
    this.#update();
  }

  disconnectedCallback() {
    this.#listeners.abort();
    this.#screen?.stop();
  }

  async toggleMicrophone() {
    const isOn = !(this.devices.isOn.audio && this.devices.tracks.audio);
    this.dispatchEvent(new Event("muting", { bubbles: true }));
    await this.devices.switch("audio", isOn);
    await this.call.send("audio", this.devices.tracks.audio);
    this.call.mute(!isOn || !this.devices.tracks.audio);
  }

  async toggleCamera() {
    await this.devices.switch("video", !(this.devices.isOn.video && this.devices.tracks.video));
    await this.call.send("video", this.devices.tracks.video);
  }

  async #toggleShare() {
    if (this.#screen) {
      await this.#stopSharing();
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(SCREEN);
      this.#screen = stream.getVideoTracks()[0];
    } catch (error) {
      // Closing the browser's own dialog is a choice, not a failure.
      if (error.name !== "NotAllowedError") this.#toast(t("toast.share-failed"));
      return;
    }
    this.#screen.contentHint = "detail";
    this.#screen.onended = () => this.#stopSharing();
    await this.call.send("content", this.#screen);
    this.#update();
  }

  async #stopSharing() {
    this.#screen?.stop();
    this.#screen = null;
    await this.call.send("content", null);
    this.#update();
  }

  #shareEnded() {
    if (!this.#screen) return;
    this.#stopSharing();
    this.#toast(t("toast.share-ended"));
  }

  #update() {
    const { tracks, isOn } = this.devices;
    const hasMicrophone = Boolean(tracks.audio);
    const speaks = hasMicrophone && isOn.audio;
    const b = this.#buttons;
    this.#show(b.microphone, speaks ? "mic" : "mic-off",
      hasMicrophone ? (speaks ? "control.mute" : "control.unmute") : "control.no-microphone", !speaks);
    this.#show(b.camera, tracks.video ? "video" : "video-off",
      tracks.video ? "control.camera.off" : "control.camera.on", !tracks.video);
    this.#show(b.share, this.#screen ? "screen-off" : "screen", this.#screen ? "control.unshare" : "control.share");
    b.share.classList.toggle("is-active", Boolean(this.#screen));
    const isRaised = Boolean(this.call.me?.has_hand_raised);
    this.#show(b.hand, "hand", isRaised ? "control.hand.lower" : "control.hand");
    b.hand.classList.toggle("is-active", isRaised);
    this.#show(b.leave, "end", "control.leave");
    this.#updateHost();
  }

  #updateHost() {
    const { roster, isHost } = this.call;
    const b = this.#buttons;
    b.layout.parentElement.hidden = b.room.parentElement.hidden = !isHost || !roster;
    if (!isHost || !roster) return;
    this.#show(b.layout, roster.layout, "control.layout");
    this.#show(b.room, "settings", "control.more");
    this.#fillMenu("layout", [roster.layout], () => MODES.map((mode) => ({ icon: mode, text: t(`layout.${mode}`),
      isChosen: mode === roster.layout, message: { type: "layout", mode } })));
    const { is_locked: isLocked, is_recording: isRecording, can_record: canRecord, is_blocked: isBlocked } = roster;
    const isShared = roster.participants.some((person) => person.is_sharing);
    this.#fillMenu("room", [isLocked, isRecording, canRecord, isBlocked, isShared], () => [
      isBlocked && { icon: "key", text: t("host.unblock"), message: { type: "unblock" } },
      { icon: "mic-off", text: t("host.mute-all"), message: { type: "mute-all" } },
      isShared && { icon: "screen-off", text: t("host.take-floor"), message: { type: "take-floor" } },
      { icon: isLocked ? "unlock" : "lock", text: t(isLocked ? "host.unlock" : "host.lock"),
        message: { type: "lock", is_locked: !isLocked } },
      canRecord && { icon: isRecording ? "stop" : "record", text: t(isRecording ? "host.record.stop" : "host.record"),
        message: { type: "record", is_on: !isRecording } },
    ].filter(Boolean));
  }

  #fillMenu(name, key, rows) {
    const menu = this.#menus[name];
    if (menu.dataset.key === JSON.stringify(key)) return;
    menu.dataset.key = JSON.stringify(key);
    fill(menu, rows().map((row) => {
      const choice = row.isChosen === undefined ? {} : { "aria-checked": String(row.isChosen) };
      return h("button", { class: "menu-row", role: row.isChosen === undefined ? "menuitem" : "menuitemradio", ...choice,
        onclick: () => {
          this.call.ask(row.message);
          this.#closeMenus();
        } }, icon(row.icon), row.text);
    }));
  }

  #toggleMenu(name) {
    const isOpen = this.#menus[name].hidden;
    this.#closeMenus();
    this.#menus[name].hidden = !isOpen;
    this.#buttons[name].setAttribute("aria-expanded", String(isOpen));
    if (isOpen) (this.#menus[name].querySelector("[aria-checked=true]") ?? this.#menus[name].firstElementChild)?.focus();
  }

  #closeMenus() {
    for (const [name, menu] of Object.entries(this.#menus)) {
      menu.hidden = true;
      this.#buttons[name].setAttribute("aria-expanded", "false");
    }
  }

  #menuKey(event) {
    const open = Object.entries(this.#menus).find(([, menu]) => !menu.hidden);
    if (!open) return;
    const rows = [...open[1].children];
    const at = rows.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      rows[(at + step + rows.length) % rows.length].focus();
      event.preventDefault();
    } else if (event.key === "Escape") {
      this.#closeMenus();
      this.#buttons[open[0]].focus();
      event.stopPropagation();
    }
  }

  #button(onclick) {
    return h("button", { class: "round", type: "button", onclick });
  }

  #show(button, name, key, isOff = false) {
    if (button.dataset.shown === name + key) return;
    button.dataset.shown = name + key;
    fill(button, icon(name));
    button.classList.toggle("is-off", isOff);
    button.setAttribute("aria-label", t(key));
    button.dataset.tip = t(key);
  }

  #toast(text) {
    this.dispatchEvent(new CustomEvent("toast", { bubbles: true, detail: text }));
  }
}

customElements.define("dt-controls", DtControls);
