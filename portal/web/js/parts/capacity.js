// How many participants the machine carries, how busy it is now, and what newcomers get.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";

const AGAIN_MS = 5000;
const KIND = { full: "good", small: "", sound: "", none: "bad" };

class Capacity extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.#load();
    this.#timer = setInterval(() => this.#load(), AGAIN_MS);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  async #load() {
    const state = await api.get("/capacity").catch(() => null);
    if (state) fill(this, line(state));
  }
}

function line(state) {
  if (!("newcomers_get" in state)) return null;
  const slow = (state.frame_rates ?? []).filter((rate) => rate < 0.96 * state.full_frame_rate);
  return h("p", { class: "row tight small muted capacity" },
    state.is_measured && h("span", { title: measured(state) }, t("capacity.about", { count: state.participants_720p, sound: state.participants_sound })),
    state.is_measured && h("meter", { min: 0, max: 1, high: state.full_load, value: Math.min(1, state.load), "aria-label": t("capacity.load", { percent: percent(state.load) }) }),
    state.is_measured ? h("span", {}, t("capacity.load", { percent: percent(state.load) })) : h("span", {}, t("capacity.measuring")),
    state.newcomers_get !== "full" && h("span", { class: `badge ${KIND[state.newcomers_get]}` }, t(`capacity.get.${state.newcomers_get}`)),
    slow.length > 0 && h("span", { class: "badge bad" }, t("capacity.slow", { rate: Math.round(Math.min(...slow)) })));
}

function measured(state) {
  return t(state.is_set_by_hand ? "capacity.by-hand" : "capacity.measured", {
    cores: state.cores, room: state.room_size, decode: state.decode_ms, compose: state.compose_ms, encode: state.encode_ms, sound: state.sound_ms,
  });
}

function percent(share) {
  return Math.round(share * 100);
}

customElements.define("dt-capacity", Capacity);
