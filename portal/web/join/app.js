// <dt-join>: owns the devices and the call, and shows the lobby, the waiting room, the stage or the end.

import { h } from "/static/js/dom.js";
import { Call } from "./call.js";
import { Devices } from "./devices.js";
import { t } from "/static/js/i18n.js";
import "./ended.js";
import "./lobby.js";
import "./stage.js";

const NAME = "drumtower.name";
const VIEWS = { idle: "lobby", connecting: "lobby", waiting: "lobby", joined: "stage", reconnecting: "stage", ended: "ended" };

class DtJoin extends HTMLElement {
  #call = new Call();
  #devices = new Devices();
  #sent = {};
  #view = null;
  #name = null;
  #room = decodeURIComponent(location.pathname.replace(/^\/join\/?/, ""));

  connectedCallback() {
    this.#call.addEventListener("state", () => this.#show());
    this.#call.addEventListener("refused", ({ detail }) => this.#view.refuse?.(detail));
    this.addEventListener("join", ({ detail }) => this.#join(detail));
    this.addEventListener("cancel-join", () => this.#call.leave());
    this.addEventListener("again", ({ detail }) => this.#again(detail));
    this.#devices.addEventListener("change", () => this.#sendDevices());
    this.#show();
    this.#devices.start();
  }

  #join({ name, room, passcode }) {
    localStorage.setItem(NAME, name);
    this.#room = room;
    history.replaceState(null, "", `/join/${encodeURIComponent(room)}${location.search}`);
    this.#sent = {};
    this.#sendDevices(true);
    this.#call.join({ name, room, passcode }, { isMuted: !this.#devices.isOn.audio });
  }

  /** A camera that takes its time may come after the call: it is sent as soon as it is there. */
  #sendDevices(isJoining = false) {
    if (!isJoining && ["idle", "ended"].includes(this.#call.state)) return;
    for (const [kind, track] of Object.entries(this.#devices.tracks)) {
      if (this.#sent[kind] === track) continue;
      this.#sent[kind] = track;
      this.#call.send(kind, track);
    }
  }

  #again({ room }) {
    this.#room = room ?? "";
    if (!room) history.replaceState(null, "", `/join${location.search}`);
    if (!this.#devices.tracks.audio) this.#devices.start();
    this.#place("lobby");
  }

  #show() {
    const { state, endReason } = this.#call;
    // Who gives up waiting is back at the door, not at the end of a call.
    const isBack = state === "ended" && endReason === "left" && this.#name === "lobby";
    const view = isBack ? "lobby" : VIEWS[state];
    if (view !== this.#name) this.#place(view);
    this.#view.update?.(state, this.#call.waitsFor);
  }

  #place(name) {
    this.#name = name;
    const makers = { lobby: () => this.#lobby(), stage: () => this.#stage(), ended: () => this.#ended() };
    this.#view = makers[name]();
    if (name === "ended") this.#devices.stop();
    this.replaceChildren(this.#view);
    document.title = name === "stage" ? `${this.#call.seat.room_name} · Drumtower` : t("title");
  }

  #lobby() {
    const lobby = document.createElement("dt-lobby");
    Object.assign(lobby, { devices: this.#devices, name: localStorage.getItem(NAME) ?? "", room: this.#room });
    return lobby;
  }

  #stage() {
    const stage = document.createElement("dt-stage");
    Object.assign(stage, { call: this.#call, devices: this.#devices });
    return stage;
  }

  #ended() {
    return h("dt-ended", { reason: this.#call.endReason, room: this.#room });
  }
}

customElements.define("dt-join", DtJoin);
