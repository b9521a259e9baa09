// <dt-roster>: the drawer with everybody in the room.

import { fill, h, setText } from "/static/js/dom.js";
import { t } from "/static/js/i18n.js";
import { icon } from "./icons.js";

const SHIELDS = { clear: "open", opportunistic: "halfshield", authenticated: "shield" };

/** H.235.6 encrypts and no more: what was changed on the way goes unnoticed. */
function lacksIntegrity(person) {
  return person.is_encrypted && !person.has_integrity;
}

/** Set call before it is placed. Event: "close-roster". */
class DtRoster extends HTMLElement {
  #list = h("ul", { class: "roster-list" });
  #title = h("h2", {});
  #rows = new Map();
  #outside = h("section", { class: "outside", hidden: true });
  #outsideKey = "";
  #calling = h("section", { class: "outside", hidden: true });
  #callingKey = "";
  #listeners = new AbortController();

  connectedCallback() {
    this.tabIndex = -1;
    this.className = "drawer";
    this.setAttribute("role", "complementary");
    this.setAttribute("aria-label", t("people.heading"));
    const close = h("button", { class: "round small-round", "aria-label": t("control.close"),
      onclick: () => this.dispatchEvent(new Event("close-roster", { bubbles: true })) }, icon("close"));
    this.replaceChildren(h("header", { class: "drawer-head" }, this.#title, close), this.#calling, this.#outside, this.#list);
    this.call.addEventListener("roster", () => this.#update(), { signal: this.#listeners.signal });
    this.#update();
  }

  disconnectedCallback() {
    this.#listeners.abort();
  }

  #update() {
    const people = this.call.roster?.participants ?? [];
    setText(this.#title, `${t("people.heading")} · ${people.length}`);
    this.#updateOutside(this.call.roster?.waiting ?? []);
    this.#updateCalling(this.call.roster);
    const gone = new Set(this.#rows.keys());
    for (const person of people) {
      gone.delete(person.id);
      this.#row(person);
    }
    for (const id of gone) {
      this.#rows.get(id).element.remove();
      this.#rows.delete(id);
    }
  }

  /** Who waits outside, told to hosts alone: name, and who the caller proved to be, else the address. */
  #updateOutside(waiting) {
    const key = JSON.stringify(waiting);
    if (key === this.#outsideKey) return;
    this.#outsideKey = key;
    this.#outside.hidden = waiting.length === 0;
    fill(this.#outside, h("h3", { class: "small muted" }, `${t("people.waiting")} · ${waiting.length}`),
      h("ul", { class: "outside-list" }, waiting.map((one) => this.#outsideRow(one))));
  }

  #outsideRow({ id, name, protocol, address, identity, network_identity: known }) {
    const about = [t(`people.protocol.${protocol}`, {}, protocol), identity ? t("people.verified", { identity }) : address];
    if (known) about.push(t("people.network", { identity: known }));
    const answer = (type, key, label, kind) => h("button", { class: `button compact ${kind}`, type: "button", title: label,
      "aria-label": label, onclick: () => this.call.ask({ type, waiting: id }) }, t(key));
    return h("li", { class: "person is-outside" }, h("span", { class: "face", "aria-hidden": "true" }, icon("clock")),
      h("span", { class: "person-name" }, h("span", { class: "person-title" }, name || address),
        h("span", { class: "small muted" }, about.join(" · "))),
      h("span", { class: "outside-actions" }, answer("let-in", "host.admit", t("host.let-in", { name }), "primary"),
        answer("turn-away", "host.refuse", t("host.turn-away", { name }), "")));
  }

  /** Hosts call others in, and see who is being called or did not come. */
  #updateCalling(roster) {
    const calls = roster?.calls ?? [];
    const key = JSON.stringify([calls, roster?.can_call]);
    if (key === this.#callingKey) return;
    this.#callingKey = key;
    this.#calling.hidden = !roster?.can_call;
    fill(this.#calling, h("button", { class: "button compact", type: "button", onclick: () => this.#invite() }, icon("phone"), t("host.call")),
      calls.length > 0 && h("ul", { class: "outside-list" }, calls.map((call) => this.#callRow(call))));
  }

  #callRow({ id, target, state, outcome }) {
    const isOver = state === "ended";
    const label = t(isOver ? "host.call.dismiss" : "host.call.cancel", { name: target });
    return h("li", { class: "person is-outside" }, h("span", { class: "face", "aria-hidden": "true" }, icon("phone")),
      h("span", { class: "person-name" }, h("span", { class: "person-title" }, target),
        h("span", { class: "small muted", role: "status" }, t(isOver ? `call.${outcome}` : `call.state.${state}`))),
      h("span", { class: "outside-actions" }, h("button", { class: "button compact", type: "button", title: label, "aria-label": label,
        onclick: () => this.call.ask({ type: "cancel-call", call: id }) }, icon("close"))));
  }

  #invite() {
    const input = h("input", { class: "input", id: "call-target", name: "target", maxlength: 256, required: true, autocomplete: "off", autofocus: true });
    const dialog = h("dialog", { class: "ask", onclose: () => {
      const target = input.value.trim();
      if (dialog.returnValue === "yes" && target) this.call.ask({ type: "call", target });
      dialog.remove();
    } }, h("form", { method: "dialog" },
      h("div", { class: "dialog-body" }, h("h2", {}, t("host.call")), h("label", { for: "call-target" }, t("host.call.target")), input),
      h("div", { class: "dialog-foot" }, h("button", { class: "button", value: "no", formnovalidate: true }, t("lobby.cancel")),
        h("button", { class: "button primary", value: "yes" }, t("host.call.yes")))));
    this.append(dialog);
    dialog.showModal();
  }

  #row(person) {
    let row = this.#rows.get(person.id);
    if (!row) {
      row = { element: h("li", { class: "person" }), key: "" };
      this.#rows.set(person.id, row);
      this.#list.append(row.element);
    }
    row.element.classList.toggle("is-speaking", person.is_speaking && !person.is_muted);
    // Levels change five times a second: everything else is drawn again only when it changed.
    const { level, ...rest } = person;
    const key = JSON.stringify([rest, this.call.isHost, this.#isSpotlit(person)]);
    if (key === row.key) return;
    row.key = key;
    fill(row.element, this.#face(person), this.#name(person), this.#signs(person), this.#actions(person));
  }

  #face(person) {
    return h("span", { class: "face", "aria-hidden": "true" }, [...person.name.trim()][0]?.toUpperCase() ?? "?");
  }

  #name(person) {
    const isMe = person.id === this.call.seat?.participant;
    const about = [t(`people.protocol.${person.protocol}`, {}, person.protocol)];
    if (person.role === "host") about.unshift(t("people.host"));
    if (person.is_sharing) about.push(t("people.sharing"));
    if (person.identity) about.push(t("people.verified", { identity: person.identity }));
    // Told to hosts alone: whoever types another's name is seen by the name of its device.
    if (person.network_identity && person.network_identity !== person.identity) about.push(t("people.network", { identity: person.network_identity }));
    if (this.call.isHost && person.cipher) about.push(person.cipher);
    if (lacksIntegrity(person)) about.push(t("people.no-integrity"));
    return h("span", { class: "person-name" },
      h("span", { class: "person-title" }, person.name, isMe && h("span", { class: "muted" }, ` (${t("people.me")})`)),
      h("span", { class: "small muted" }, about.join(" · ")));
  }

  #signs(person) {
    const signs = [[SHIELDS[person.grade] ?? "open", `people.grade.${person.grade}`, `grade-${person.grade}`, person.cipher]];
    if (person.has_hand_raised) signs.push(["hand", "people.hand", "is-raised"]);
    if (this.#isSpotlit(person)) signs.push(["star", "people.spotlight", ""]);
    if (person.is_sharing) signs.push(["screen", "people.sharing", ""]);
    if (!person.has_video) signs.push(["video-off", "people.no-video", "is-dim"]);
    if (person.is_muted) signs.push(["mic-off", "people.muted", "is-dim"]);
    else if (person.is_speaking) signs.push(["volume", "people.speaking", "is-good"]);
    return h("span", { class: "person-signs" }, signs.map(([name, key, look, more]) => {
      const title = more ? `${t(key)} · ${more}` : t(key);
      return h("span", { class: `sign ${look}`, title, role: "img", "aria-label": title }, icon(name));
    }));
  }

  #isSpotlit(person) {
    return this.call.roster?.spotlight === person.id;
  }

  #actions(person) {
    if (!this.call.isHost) return null;
    const { id: participant, name } = person;
    const isSpotlit = this.#isSpotlit(person);
    const spotlight = this.#action(isSpotlit ? "star-off" : "star", t(isSpotlit ? "host.spotlight.off" : "host.spotlight", { name }), () =>
      this.call.ask({ type: "spotlight", participant: isSpotlit ? 0 : participant }));
    if (participant === this.call.seat.participant) return h("span", { class: "person-actions" }, spotlight);
    const isGuest = person.role === "guest";
    const lead = this.#action(isGuest ? "host" : "guest", t(isGuest ? "host.lead" : "host.lead.off", { name }), () =>
      this.call.ask({ type: "set-role", participant, role: isGuest ? "host" : "guest" }));
    const mute = !person.is_muted && this.#action("mic-off", t("host.mute", { name }), () =>
      this.call.ask({ type: "mute", is_muted: true, participant }));
    const lower = person.has_hand_raised && this.#action("hand", t("host.lower-hand", { name }), () =>
      this.call.ask({ type: "hand", is_raised: false, participant }));
    return h("span", { class: "person-actions" }, lower, mute, spotlight, lead,
      this.#action("remove", t("host.remove", { name }), () => this.#remove(participant, name)));
  }

  #action(name, label, onclick) {
    return h("button", { class: "round small-round", title: label, "aria-label": label, onclick }, icon(name));
  }

  #remove(participant, name) {
    const dialog = h("dialog", { class: "ask", onclose: () => {
      if (dialog.returnValue === "yes") this.call.ask({ type: "remove", participant });
      dialog.remove();
    } }, h("form", { method: "dialog" },
      h("div", { class: "dialog-body" }, h("h2", {}, t("host.remove.ask", { name }))),
      h("div", { class: "dialog-foot" }, h("button", { class: "button", value: "no", autofocus: true }, t("lobby.cancel")),
        h("button", { class: "button danger", value: "yes" }, t("host.remove.yes")))));
    this.append(dialog);
    dialog.showModal();
  }
}

customElements.define("dt-roster", DtRoster);
