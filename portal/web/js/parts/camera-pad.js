// <dt-camera>: arrows and zoom that move the camera of one terminal while a button is held.

import { api } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";

const AGAIN_MS = 300;
const KEYS = [["left", "back", { pan: -1 }], ["up", "up", { tilt: 1 }], ["down", "down", { tilt: -1 }],
  ["right", "forward", { pan: 1 }], ["in", "plus", { zoom: 1 }], ["out", "minus", { zoom: -1 }]];

/** Set path (of the participant) and name before it is placed. */
class CameraPad extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.className = "row tight camera-pad";
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", `${t("roster.camera")}: ${this.name}`);
    this.replaceChildren(...KEYS.map(([key, shape, move]) => this.#button(key, shape, move)));
  }

  disconnectedCallback() {
    this.#stop();
  }

  #button(key, shape, move) {
    const label = t(`roster.camera.${key}`);
    const button = h("button", { class: "button quiet icon-only", type: "button", title: label,
      "aria-label": `${label}: ${this.name}` }, icon(shape));
    button.addEventListener("pointerdown", () => this.#start(move));
    for (const end of ["pointerup", "pointerleave", "pointercancel"]) button.addEventListener(end, () => this.#stop());
    // A key press is a click without a pointer: one nudge, which stops by itself.
    button.addEventListener("click", (event) => event.detail === 0 && this.#move(move));
    return button;
  }

  #start(move) {
    clearInterval(this.#timer);
    this.#move(move);
    this.#timer = setInterval(() => this.#move(move), AGAIN_MS);
  }

  #stop() {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#move({});
  }

  async #move(move) {
    try {
      await api.post(`${this.path}/camera`, move);
    } catch {
      clearInterval(this.#timer);
      this.#timer = 0;
    }
  }
}

customElements.define("dt-camera", CameraPad);
