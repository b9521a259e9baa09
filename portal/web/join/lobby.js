// <dt-lobby>: name, room and passcode beside a look at one's own picture; also the waiting room.

import { fill, h } from "/static/js/dom.js";
import { LANGUAGES, language, setLanguage, t } from "/static/js/i18n.js";
import { icon } from "./icons.js";
import "./preview.js";

/** Set devices, name and room before it is placed. Events: "join" {name, room, passcode}, "cancel-join". */
class DtLobby extends HTMLElement {
  #fields = {};
  #notice = h("div", { class: "lobby-notice", role: "alert" });
  #button;
  #countdown;
  #side = h("section", { class: "lobby-side" });

  connectedCallback() {
    this.#button = h("button", { class: "button primary lobby-join", type: "submit" }, t("lobby.join"));
    clearInterval(this.#countdown);
    const preview = document.createElement("dt-preview");
    preview.devices = this.devices;
    fill(this.#side, this.#form());
    this.replaceChildren(
      h("main", { class: "lobby" },
        h("header", { class: "lobby-head" },
          h("img", { src: "/static/img/drumtower.svg", alt: "", width: 32, height: 32 }),
          h("strong", {}, "Drumtower"), this.#languages()),
        h("div", { class: "card lobby-card" }, preview, this.#side)),
    );
    (this.name ? (this.room ? this.#fields.passcode : this.#fields.room) : this.#fields.name).focus();
  }

  disconnectedCallback() {
    clearInterval(this.#countdown);
  }

  update(state, waitsFor) {
    if (state === "waiting") fill(this.#side, this.#waiting(waitsFor));
    else if (!this.#side.querySelector("form")) fill(this.#side, this.#form());
    const isBusy = state === "connecting";
    this.#button.disabled = isBusy;
    fill(this.#button, isBusy ? [h("span", { class: "spinner small-spinner" }), t("lobby.joining")] : t("lobby.join"));
    if (isBusy) this.#notice.replaceChildren();
  }

  /** Say why the room stays shut, and what to do. */
  refuse({ code, tries_left: triesLeft, retry_after_s: retryAfterS }) {
    const asksAgain = code === "passcode-required" || code === "passcode-wrong";
    const parts = [t(`refused.${code}`, {}, "refused.other")];
    if (asksAgain && code === "passcode-wrong" && triesLeft > 0) {
      parts.push(triesLeft === 1 ? t("refused.tries.1") : t("refused.tries.n", { count: triesLeft }));
    }
    const wait = h("span", { class: "number" });
    fill(this.#notice, h("div", { class: `notice ${code === "passcode-required" ? "warn" : "bad"}` },
      icon(asksAgain ? "key" : "alert"), h("span", {}, parts.join(" "), " ", wait)));
    if (retryAfterS > 0) this.#wait(Math.ceil(retryAfterS), wait);
    const field = asksAgain ? this.#fields.passcode : code === "unknown-room" ? this.#fields.room : null;
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
    field?.select();
  }

  #wait(seconds, place) {
    clearInterval(this.#countdown);
    const tick = () => {
      place.textContent = seconds > 0 ? t("refused.wait", { seconds }) : "";
      this.#button.disabled = seconds > 0;
      if (seconds <= 0) clearInterval(this.#countdown);
      seconds -= 1;
    };
    this.#countdown = setInterval(tick, 1000);
    tick();
  }

  #form() {
    return h("form", { class: "lobby-form", novalidate: true, onsubmit: (event) => this.#submit(event) },
      h("div", {}, h("h1", {}, this.room ? t("lobby.heading.room", { room: this.room }) : t("lobby.heading")),
        h("p", { class: "muted" }, t("lobby.intro"))),
      this.#notice,
      this.#field("name", { value: this.name, autocomplete: "name", maxlength: 48 }),
      this.#field("room", { value: this.room, inputmode: "numeric", autocomplete: "off", maxlength: 64 }),
      this.#field("passcode", { type: "password", inputmode: "numeric", autocomplete: "off", maxlength: 64 }),
      this.#button);
  }

  #field(name, properties) {
    const input = h("input", { class: "input", id: `join-${name}`, name, type: "text", ...properties,
      oninput: ({ target }) => target.removeAttribute("aria-invalid") });
    if (this.#fields[name]) input.value = this.#fields[name].value;
    this.#fields[name] = input;
    const hint = { name: "lobby.name.hint", passcode: "lobby.passcode.hint" }[name];
    return h("div", { class: "field" }, h("label", { for: input.id }, t(`lobby.${name}`)), input,
      hint && h("span", { class: "hint" }, t(hint)));
  }

  #waiting(waitsFor) {
    const isLocked = waitsFor === "locked";
    return h("div", { class: "lobby-waiting", role: "status" },
      h("span", { class: "waiting-sign" }, icon(isLocked ? "lock" : "clock")),
      h("h1", {}, t(isLocked ? "waiting.locked.heading" : "waiting.heading")),
      h("p", { class: "muted" }, t(isLocked ? "waiting.locked.text" : "waiting.text")),
      h("button", { class: "button", type: "button", onclick: () => this.#say("cancel-join") }, t("waiting.leave")));
  }

  #submit(event) {
    event.preventDefault();
    const { name, room, passcode } = this.#fields;
    const missing = [name, room].find((field) => !field.value.trim());
    if (missing) {
      missing.setAttribute("aria-invalid", "true");
      missing.focus();
      fill(this.#notice, h("div", { class: "notice warn" }, icon("alert"), t(`lobby.${missing.name}.missing`)));
      return;
    }
    this.#say("join", { name: name.value.trim(), room: room.value.replace(/\s/g, ""), passcode: passcode.value });
  }

  #languages() {
    const choice = h("select", { class: "input lobby-language", "aria-label": t("language"), onchange: async ({ target }) => {
      await setLanguage(target.value);
      document.title = t("title");
      this.#notice.replaceChildren();
      this.connectedCallback();
    } }, Object.entries(LANGUAGES).map(([tag, text]) => h("option", { value: tag, selected: tag === language() }, text)));
    return choice;
  }

  #say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

customElements.define("dt-lobby", DtLobby);
