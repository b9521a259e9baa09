// All recordings, newest first.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { dateTime, duration, size } from "../format.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { empty, errorNotice, pageHead, waiting } from "../parts/page.js";

const NAMES_SHOWN = 3;

export function recordingBadge(recording) {
  if (recording.state === "running") return h("span", { class: "badge bad" }, h("span", { class: "dot pulse" }), t("recording.running"));
  if (recording.error === "file-missing") return h("span", { class: "badge bad" }, icon("alert"), t("recording.file-missing"));
  if (recording.state === "complete") return null;
  return h("span", { class: "badge warn" }, icon("alert"), t(`recording.${recording.state}`));
}

class Recordings extends HTMLElement {
  #recordings = [];
  #next = null;

  connectedCallback() {
    this.#load();
  }

  async #load() {
    fill(this, this.#head(), waiting());
    try {
      this.#take(await api.get("/recordings"));
    } catch (error) {
      fill(this, this.#head(), errorNotice(error, () => this.#load()));
    }
  }

  #take(page) {
    this.#recordings.push(...page.recordings);
    this.#next = page.next;
    this.#draw();
  }

  #head() {
    return pageHead(t("nav.recordings"), t("recordings.subtitle"));
  }

  #draw() {
    if (!this.#recordings.length) {
      fill(this, this.#head(), empty("film", t("recordings.empty.title"), t("recordings.empty.text"),
        h("a", { class: "button primary", href: "/rooms" }, t("nav.rooms"))));
      return;
    }
    const head = (key) => h("th", { scope: "col" }, t(key));
    const more = h("button", { class: "button", type: "button" }, t("recordings.more"));
    more.addEventListener("click", async () => this.#take(await api.get(`/recordings?before=${encodeURIComponent(this.#next)}`)));
    fill(this, this.#head(), h("div", { class: "card flush" }, h("table", { class: "table recordings" },
      h("thead", {}, h("tr", {}, head("recordings.room"), head("recordings.date"), head("recordings.length"), head("recordings.size"), head("recordings.people"))),
      h("tbody", {}, ...this.#recordings.map((recording) => this.#row(recording))))), this.#next && h("div", { class: "row center" }, more));
  }

  #row(recording) {
    const names = recording.participants;
    const more = names.length - NAMES_SHOWN;
    return h("tr", {},
      h("th", { scope: "row" }, h("div", { class: "person" },
        h("a", { href: `/recordings/${recording.id}`, class: "row-link" }, recording.room_name),
        h("span", { class: "muted small mono" }, recording.room_number), recordingBadge(recording))),
      h("td", { "data-label": t("recordings.date") }, dateTime(recording.started_at)),
      h("td", { class: "number", "data-label": t("recordings.length") }, duration(recording.duration_s)),
      h("td", { class: "number", "data-label": t("recordings.size") }, size(recording.size_bytes)),
      h("td", { "data-label": t("recordings.people") }, h("span", {}, names.slice(0, NAMES_SHOWN).join(", "),
        more > 0 && h("span", { class: "muted" }, ` ${t("recordings.and-more", { count: more })}`))));
  }
}

customElements.define("dt-recordings", Recordings);
