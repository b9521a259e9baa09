// What a host can do for one participant beyond a click: spotlight, volume for the others, host rights.

import { api } from "../api.js";
import { fill, h, setText } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { closeButton, openDialog } from "./dialog.js";
import { selectField } from "./field.js";
import { act } from "./page.js";
import { layoutOptions } from "./room-dialogs.js";

const QUIETEST_DB = -24;
const LOUDEST_DB = 12;
const STEP_DB = 3;
const SPOTLIGHT = { shape: "star", on: "person.spotlight.on", off: "person.spotlight.off", hint: "person.spotlight.hint" };
const LEAD = { shape: "host", on: "person.lead.on", off: "person.lead.off", hint: "person.lead.hint" };

/** `path` is that of the participant, `room` the number of its room; what is chosen holds at once. */
export async function openPerson(path, room, person, isSpotlit) {
  openDialog(person.name || t("roster.nameless"), [
    volume(path, person),
    layout(path, person),
    toggle(SPOTLIGHT, isSpotlit, (isOn) => api.post(`${path}/spotlight`, { is_on: isOn })),
    await move(path, room),
    toggle(LEAD, person.role === "host", (isOn) => api.post(`${path}/role`, { role: isOn ? "host" : "guest" })),
  ], [closeButton(t("close"))]);
}

function volume(path, person) {
  const shown = h("output", { class: "number", for: "person-volume" });
  const slider = h("input", { type: "range", id: "person-volume", min: QUIETEST_DB, max: LOUDEST_DB, step: STEP_DB, value: String(person.gain_db) });
  const show = () => setText(shown, decibel(Number(slider.value)));
  slider.addEventListener("input", show);
  slider.addEventListener("change", () => act(null, () => api.post(`${path}/volume`, { gain_db: Number(slider.value) })));
  show();
  return h("div", { class: "field" }, h("label", { for: "person-volume" }, t("person.volume")),
    h("span", { class: "row" }, h("span", { class: "grow range" }, slider), shown),
    h("span", { class: "hint" }, t("person.volume.hint")));
}

function layout(path, person) {
  const field = selectField("layout", t("person.layout"), [["", t("person.layout.shared")], ...layoutOptions()], person.layout,
    { hint: t("person.layout.hint") });
  const select = field.querySelector("select");
  select.addEventListener("change", () => act(select, async () => {
    try {
      await api.post(`${path}/layout`, { layout: select.value || null });
      person.layout = select.value;
    } finally {
      select.value = person.layout;
    }
  }));
  return field;
}

/** To another room: chosen, then confirmed by its own button, as the participant is gone from here. */
async function move(path, room) {
  const { rooms } = await api.get("/rooms");
  const others = rooms.filter((one) => one.number !== room).map((one) => [one.number, `${one.number} · ${one.name}`]);
  const field = selectField("room", t("person.move"), [["", t("person.move.choose")], ...others], "", { hint: t("person.move.hint") });
  const select = field.querySelector("select");
  const go = h("button", { class: "button", type: "button", disabled: true }, icon("forward"), t("person.move.go"));
  select.addEventListener("change", () => (go.disabled = !select.value));
  go.addEventListener("click", () => act(go, async () => {
    await api.post(`${path}/move`, { room: select.value });
    field.closest("dialog").close();
  }));
  const row = h("span", { class: "row" });
  select.replaceWith(row);
  row.append(select, go);
  select.classList.add("grow");
  return field;
}

export function decibel(gain) {
  return `${gain > 0 ? "+" : gain < 0 ? "−" : ""}${Math.abs(gain)} dB`;
}

/** A button that is pressed or not, with what it is for beneath. */
function toggle(what, isOn, send) {
  const button = h("button", { class: "button", type: "button" });
  const draw = () => {
    button.setAttribute("aria-pressed", String(isOn));
    fill(button, icon(what.shape), t(isOn ? what.off : what.on));
  };
  button.addEventListener("click", () => act(button, async () => {
    await send(!isOn);
    isOn = !isOn;
    draw();
  }));
  draw();
  return h("div", { class: "field" }, button, h("span", { class: "hint" }, t(what.hint)));
}
