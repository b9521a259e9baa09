// Watch one recording and check that it is whole.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { dateTime, duration, size } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { errorNotice, errorText, notice, pageHead, waiting } from "../parts/page.js";
import { recordingBadge } from "./recordings.js";

class Recording extends HTMLElement {
  connectedCallback() {
    fill(this, waiting());
    this.#load();
  }

  disconnectedCallback() {
    // A <video> that left the page would go on loading.
    this.querySelector("video")?.removeAttribute("src");
  }

  async #load() {
    const back = h("a", { class: "back", href: "/recordings" }, icon("back"), t("nav.recordings"));
    try {
      const recording = await api.get(`/recordings/${this.argument}`);
      fill(this, back, pageHead(recording.room_name, dateTime(recording.started_at), recordingBadge(recording)),
        h("div", { class: "review" }, this.#player(recording), h("aside", { class: "stack" }, this.#facts(recording), this.#proof(recording))));
    } catch (error) {
      fill(this, back, errorNotice(error, () => this.#load()));
    }
  }

  #player(recording) {
    const video = h("video", { controls: true, preload: "metadata", playsinline: true, class: "player",
      src: `/api/v1/recordings/${recording.id}/media`, "aria-label": t("recording.player", { name: recording.room_name }) });
    const problem = h("div", {});
    video.addEventListener("error", () => fill(problem, notice("bad", "alert", t("recording.unplayable"))));
    return h("div", { class: "stack" }, video, problem);
  }

  #facts(recording) {
    const fact = (label, ...value) => [h("dt", {}, label), h("dd", {}, ...value)];
    return h("section", { class: "card stack" }, h("h2", {}, t("recording.facts")), h("dl", { class: "facts" },
      ...fact(t("recordings.room"), `${recording.room_name} `, h("span", { class: "mono muted" }, recording.room_number)),
      ...fact(t("recordings.length"), duration(recording.duration_s)),
      ...fact(t("recordings.size"), size(recording.size_bytes)),
      ...fact(t("recording.started-by"), recording.started_by),
      ...fact(t("recordings.people"), recording.participants.length
        ? h("ul", { class: "names" }, ...recording.participants.map((name) => h("li", {}, name))) : t("recording.nobody"))));
  }

  #proof(recording) {
    const result = h("div", { "aria-live": "polite" });
    const button = h("button", { class: "button", type: "button", disabled: recording.state === "running" }, icon("shield"), t("recording.verify"));
    button.addEventListener("click", async () => {
      button.disabled = true;
      fill(result, h("div", { class: "row" }, h("span", { class: "spinner" }), t("recording.verifying")));
      try {
        fill(result, this.#verdict(await api.post(`/recordings/${recording.id}/verify`)));
      } catch (error) {
        fill(result, notice("bad", "alert", errorText(error)));
      } finally {
        button.disabled = false;
      }
    });
    return h("section", { class: "card stack" }, h("h2", {}, t("recording.proof")),
      h("p", { class: "muted small" }, t("recording.proof.text")), result, button);
  }

  #verdict(verdict) {
    if (verdict.is_intact) return notice("good", "check", t("recording.intact"));
    const { first_bad_byte: start, bad_end: end, file } = verdict;
    const place = end > start ? t("recording.broken.at", { start, end: end - 1, file }) : t("recording.broken.from", { start, file });
    const where = start === null ? "" : ` ${place}`;
    return notice("bad", "alert", t("recording.broken") + where);
  }
}

customElements.define("dt-recording", Recording);
