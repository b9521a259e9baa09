// <dt-quality-meter>: four bars, and the figures behind them.

import { fill, h } from "/static/js/dom.js";
import { t } from "/static/js/i18n.js";
import { Quality } from "./quality.js";

const EVERY_MS = 2000;

/** Set call before it is placed. */
class DtQualityMeter extends HTMLElement {
  #quality = new Quality();
  #bars = [1, 2, 3, 4].map((number) => h("span", { class: `bar bar-${number}` }));
  #button = h("button", { class: "chip", "aria-describedby": "quality-figures" }, h("span", { class: "bars" }, this.#bars));
  #figures = h("dl", { class: "quality-figures", id: "quality-figures", role: "tooltip" });
  #timer = null;

  connectedCallback() {
    this.replaceChildren(h("span", { class: "quality" }, this.#button, this.#figures));
    this.#show({ bars: 0, loss: 0, roundTripMs: null, receivedKbps: 0, sentKbps: 0, width: 0 });
    this.#timer = setInterval(() => this.#measure(), EVERY_MS);
    this.#measure();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  async #measure() {
    const report = await this.call.statistics();
    if (report) this.#show(this.#quality.read(report));
  }

  #show({ bars, loss, roundTripMs, receivedKbps, sentKbps, frameRate, width, height }) {
    this.#button.setAttribute("aria-label", `${t("quality.label")}: ${t(`quality.${bars}`)}`);
    this.#button.dataset.bars = bars;
    this.#bars.forEach((bar, index) => bar.classList.toggle("is-lit", index < bars));
    const rows = [["quality.loss", `${loss.toFixed(1)} %`],
      ["quality.round-trip", roundTripMs === null ? "–" : `${Math.round(roundTripMs)} ms`],
      ["quality.received", `${Math.round(receivedKbps)} kbit/s`], ["quality.sent", `${Math.round(sentKbps)} kbit/s`],
      ["quality.picture", width ? `${width}×${height}, ${Math.round(frameRate)}/s` : "–"]];
    fill(this.#figures, h("dt", { class: "quality-title" }, t(`quality.${bars}`)), h("dd", {}),
      rows.flatMap(([key, value]) => [h("dt", {}, t(key)), h("dd", { class: "number" }, value)]));
  }
}

customElements.define("dt-quality-meter", DtQualityMeter);
