// <dt-preview>: one's own picture, the level of the microphone, and the choice of both.

import { fill, h } from "/static/js/dom.js";
import { t } from "/static/js/i18n.js";
import { icon } from "./icons.js";

const KINDS = { video: "camera", audio: "microphone" };

/** Set devices before it is placed. */
class DtPreview extends HTMLElement {
  #video = h("video", { class: "mirrored", autoplay: true, playsinline: true, "aria-hidden": "true" });
  #empty = h("div", { class: "preview-empty" });
  #meter = h("meter", { class: "level", min: 0, max: 1, low: 0.08, high: 0.92, optimum: 0.5 });
  #toggles = { audio: this.#toggle("audio"), video: this.#toggle("video") };
  #choices = h("div", { class: "preview-choices" });
  #frame = null;
  #shown = "";
  #onChange = () => this.#update();

  connectedCallback() {
    this.#video.muted = true;
    this.#meter.setAttribute("aria-label", t("devices.level"));
    this.replaceChildren(
      h("div", { class: "preview-picture" }, this.#video, this.#empty,
        h("div", { class: "preview-toggles" }, this.#toggles.audio, this.#toggles.video)),
      h("div", { class: "preview-level" }, icon("mic"), this.#meter), this.#choices,
    );
    this.devices.addEventListener("change", this.#onChange);
    this.#update();
    this.#measure();
  }

  disconnectedCallback() {
    this.devices.removeEventListener("change", this.#onChange);
    cancelAnimationFrame(this.#frame);
  }

  #measure() {
    this.#frame = requestAnimationFrame(() => this.#measure());
    const level = this.devices.level();
    this.#meter.value = level > this.#meter.value ? level : this.#meter.value * 0.9 + level * 0.1;
  }

  #update() {
    const { tracks, isOn, problem } = this.devices;
    const track = tracks.video;
    if (this.#video.srcObject?.getVideoTracks()[0] !== (track ?? undefined)) {
      this.#video.srcObject = track ? new MediaStream([track]) : null;
    }
    this.#video.hidden = !track;
    const isStarting = isOn.video && !problem.video && !track;
    fill(this.#empty, icon("video-off"), t(isStarting ? "preview.starting" : "devices.camera.off"));
    this.#empty.hidden = Boolean(track);
    for (const kind of ["audio", "video"]) this.#show(kind, Boolean(tracks[kind]) && isOn[kind]);
    this.#choose();
  }

  #show(kind, isOn) {
    const button = this.#toggles[kind];
    const name = { audio: ["mic", "mic-off"], video: ["video", "video-off"] }[kind][isOn ? 0 : 1];
    const label = { audio: ["control.mute", "control.unmute"], video: ["control.camera.off", "control.camera.on"] }[kind];
    fill(button, icon(name));
    button.classList.toggle("is-off", !isOn);
    button.setAttribute("aria-label", t(label[isOn ? 0 : 1]));
    button.title = t(label[isOn ? 0 : 1]);
  }

  #toggle(kind) {
    return h("button", { class: "round", type: "button", onclick: () => {
      this.devices.switch(kind, !(this.devices.isOn[kind] && this.devices.tracks[kind]));
    } });
  }

  #choose() {
    const { list, problem, tracks } = this.devices;
    const shown = JSON.stringify([list, problem, tracks.audio?.label, tracks.video?.label]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const hasNothing = problem.audio && problem.video;
    fill(this.#choices, Object.keys(KINDS).map((kind) => this.#choice(kind)),
      hasNothing && h("p", { class: "muted small" }, t("lobby.listen")));
  }

  #choice(kind) {
    const { list, problem, tracks } = this.devices;
    const current = tracks[kind]?.getSettings().deviceId;
    const options = list[kind].map((device, index) =>
      h("option", { value: device.deviceId, selected: device.deviceId === current },
        device.label || t("devices.unnamed", { number: index + 1 })));
    const id = `device-${kind}`;
    return h("div", { class: "field" }, h("label", { for: id }, t(`devices.${KINDS[kind]}`)),
      h("select", { id, class: "input", disabled: options.length === 0,
        onchange: ({ target }) => this.devices.choose(kind, target.value) },
      options.length ? options : h("option", {}, t("devices.none"))),
      problem[kind] && problem[kind] !== "none" && h("span", { class: "hint" }, t(`devices.problem.${problem[kind]}`)));
  }
}

customElements.define("dt-preview", DtPreview);
