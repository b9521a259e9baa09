// Who is in the room: one row a participant, kept and updated in place so that focus and meters do not jump.

import { api } from "../api.js";
import { fill, h, setAttribute, setText } from "../dom.js";
import { percent } from "../format.js";
import { icon } from "../icons.js";
import { has, t } from "../i18n.js";
import { confirmDanger } from "./dialog.js";
import "./camera-pad.js";
import "./level-meter.js";
import { act } from "./page.js";
import { decibel, openPerson } from "./person-dialog.js";

const GRADE_ICON = { clear: "open", opportunistic: "halfshield", authenticated: "shield" };
const GRADE_KIND = { clear: "bad", opportunistic: "warn", authenticated: "good" };
const PROTOCOL_ICON = { sip: "phone", webrtc: "browser" };
const LOSS_WARN = 0.02;
const LOSS_BAD = 0.08;

function aboutLock(person) {
  const about = [t(`grade.title.${person.grade}`)];
  if (person.cipher) about.push(person.cipher);
  if (person.is_encrypted && !person.has_integrity) about.push(t("grade.no-integrity"));
  return about.join(" · ");
}

/** What terminals call it in their menus, in sight of those who have no pointer to hover with. */
function lockDetail(person) {
  return [person.cipher, person.is_encrypted && !person.has_integrity && t("roster.no-integrity")].filter(Boolean).join(" · ");
}

/** Whether the network knows the device by another name than the one that stands there. */
function isNews(person) {
  const known = person.network_identity.toLowerCase();
  return known !== "" && known !== person.identity.toLowerCase();
}

class Row {
  constructor(roster, person) {
    this.roster = roster;
    this.id = person.id;
    this.name = h("span", { class: "person-name" });
    this.tags = h("span", { class: "chips" });
    this.network = h("span", { class: "small muted person-network", title: t("roster.network.title") });
    this.protocol = h("td", { "data-label": t("roster.protocol") });
    this.codecs = h("td", { class: "mono small", "data-label": t("roster.codec") });
    this.grade = h("td", { class: "cell-lock", "data-label": t("roster.lock") });
    this.loss = h("span", { class: "badge number" });
    this.rate = h("span", { class: "muted small number" });
    this.sent = h("span", { class: "muted small number" });
    this.meter = h("dt-level", {});
    this.mute = h("button", { class: "button quiet icon-only", type: "button" });
    this.mute.addEventListener("click", () => act(this.mute, () => api.post(`${this.path}/mute`, { is_muted: !this.person.is_muted })));
    this.hand = h("button", { class: "button quiet icon-only", type: "button", "aria-label": t("roster.lower-hand"), title: t("roster.lower-hand") }, icon("hand"));
    this.hand.addEventListener("click", () => act(this.hand, () => api.post(`${this.path}/lower-hand`)));
    this.allow = h("button", { class: "button quiet icon-only", type: "button", "aria-label": t("roster.allow-video"), title: t("roster.allow-video") }, icon("video"));
    this.allow.addEventListener("click", () => act(this.allow, () => api.post(`${this.path}/allow-video`)));
    this.floor = h("button", { class: "button quiet icon-only", type: "button", "aria-label": t("roster.take-floor"), title: t("roster.take-floor") }, icon("screen-off"));
    this.floor.addEventListener("click", () => act(this.floor, () => api.delete(`/conferences/${this.roster.number}/floor`)));
    this.camera = Object.assign(document.createElement("dt-camera"), { path: this.path, name: person.name });
    this.more = h("button", { class: "button quiet icon-only", type: "button", title: t("roster.more") }, icon("more"));
    this.more.addEventListener("click", () => act(this.more, () => openPerson(this.path, this.roster.number, this.person, this.roster.spotlight === this.id)));
    this.remove = h("button", { class: "button quiet danger icon-only", type: "button" }, icon("remove"));
    this.remove.addEventListener("click", () => this.#remove());
    this.element = h("tr", {},
      h("th", { scope: "row" }, h("div", { class: "person" }, this.name, this.tags, this.network)),
      h("td", { class: "cell-level", "data-label": t("roster.level") }, this.meter),
      this.protocol, this.codecs, this.grade,
      h("td", { "data-label": t("roster.loss") }, h("span", { class: "row tight" }, this.loss, this.rate, this.sent)),
      roster.mayControl && h("td", { class: "cell-actions" }, this.camera, this.floor, this.hand, this.allow, this.mute, this.more, this.remove));
    this.seen = {};
    this.update(person);
  }

  get path() {
    return `/conferences/${this.roster.number}/participants/${this.id}`;
  }

  update(person) {
    this.person = person;
    setText(this.name, person.name || t("roster.nameless"));
    this.#when("tags", [person.role, person.is_sharing, person.has_video, person.is_video_banned, person.identity, person.has_hand_raised, person.gain_db, this.roster.spotlight === this.id], () => fill(this.tags,
      person.identity && h("span", { class: "badge good", title: t("roster.verified.title", { identity: person.identity }) },
        icon("check"), t("roster.verified")),
      person.role === "host" && h("span", { class: "badge accent" }, t("roster.host")),
      this.roster.spotlight === this.id && h("span", { class: "badge accent" }, icon("star"), t("roster.spotlight")),
      person.gain_db !== 0 && h("span", { class: "badge number", title: t("person.volume") }, decibel(person.gain_db)),
      person.has_hand_raised && h("span", { class: "badge warn" }, icon("hand"), t("roster.hand")),
      person.is_sharing && h("span", { class: "badge accent" }, icon("screen"), t("roster.sharing")),
      person.is_video_banned && h("span", { class: "badge bad" }, icon("alert"), t("roster.video-banned")),
      !person.has_video && h("span", { class: "badge" }, t("roster.audio-only"))));
    setText(this.network, isNews(person) ? t("roster.network", { identity: person.network_identity }) : "");
    this.#when("protocol", [person.protocol], () => fill(this.protocol, h("span", { class: "row tight" },
      icon(PROTOCOL_ICON[person.protocol] ?? "phone"), has(`protocol.${person.protocol}`) ? t(`protocol.${person.protocol}`) : person.protocol)));
    setText(this.codecs, person.codecs.join(" · "));
    this.#when("grade", [person.grade, person.cipher, person.has_integrity], () => fill(this.grade, h("span", { class: `badge ${GRADE_KIND[person.grade]}`, title: aboutLock(person) },
      icon(GRADE_ICON[person.grade]), t(`grade.${person.grade}`)), h("span", { class: "muted small lock-detail" }, lockDetail(person))));
    setText(this.loss, percent(person.loss));
    setAttribute(this.loss, "class", `badge number ${person.loss >= LOSS_BAD ? "bad" : person.loss >= LOSS_WARN ? "warn" : ""}`);
    setText(this.rate, t("roster.rate", { rate: person.bitrate_kbps }));
    setText(this.sent, Object.values(person.sent_size ?? {}).map((size) => size.replace("x", "×")).join(" · "));
    setAttribute(this.sent, "title", person.downlink_kbps
      ? t("roster.sent.limited", { rate: person.downlink_kbps }) : t("roster.sent.title"));
    this.setLevel(person.level);
    this.#when("muted", [person.is_muted, person.name], () => this.#drawMute(person));
    this.allow.hidden = !person.is_video_banned;
    this.hand.hidden = !person.has_hand_raised;
    this.floor.hidden = !person.is_sharing;
    this.camera.hidden = !person.has_camera_control;
    setAttribute(this.element, "class", person.is_speaking ? "is-speaking" : "");
  }

  setLevel(level) {
    this.meter.level = this.person.is_muted ? 127 : level;
  }

  #drawMute(person) {
    fill(this.mute, icon(person.is_muted ? "mic-off" : "mic"));
    const label = t(person.is_muted ? "roster.unmute" : "roster.mute");
    setAttribute(this.mute, "aria-label", `${label}: ${person.name}`);
    setAttribute(this.mute, "title", label);
    this.mute.classList.toggle("is-off", person.is_muted);
    setAttribute(this.more, "aria-label", `${t("roster.more")}: ${person.name}`);
    setAttribute(this.remove, "aria-label", `${t("roster.remove")}: ${person.name}`);
    setAttribute(this.remove, "title", t("roster.remove"));
  }

  #when(key, values, draw) {
    const now = JSON.stringify(values);
    if (this.seen[key] === now) return;
    this.seen[key] = now;
    draw();
  }

  async #remove() {
    await confirmDanger(t("roster.remove.title", { name: this.person.name }), t("roster.remove.text"), t("roster.remove"),
      () => api.delete(this.path));
  }
}

class Roster extends HTMLElement {
  #rows = new Map();
  #body = h("tbody");

  connectedCallback() {
    const head = (key) => h("th", { scope: "col" }, t(key));
    fill(this, h("table", { class: "table roster" },
      h("thead", {}, h("tr", {}, head("roster.name"), head("roster.level"), head("roster.protocol"), head("roster.codec"),
        head("roster.lock"), head("roster.loss"), this.mayControl && h("th", {}, h("span", { class: "visually-hidden" }, t("actions"))))),
      this.#body));
  }

  set participants(people) {
    const present = new Set(people.map((person) => person.id));
    for (const [id, row] of this.#rows) {
      if (present.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    for (const person of people) {
      const row = this.#rows.get(person.id);
      if (row) row.update(person);
      else this.#add(person);
    }
  }

  setLevels(levels) {
    for (const [id, level] of Object.entries(levels)) this.#rows.get(Number(id))?.setLevel(level);
  }

  #add(person) {
    const row = new Row(this, person);
    this.#rows.set(person.id, row);
    this.#body.append(row.element);
  }
}

customElements.define("dt-roster", Roster);
