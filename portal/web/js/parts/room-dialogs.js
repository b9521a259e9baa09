// Dialogs that make, change and delete a room, and the one that shows passcodes once.

import { api } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { confirmDanger, openDialog } from "./dialog.js";
import { checkField, selectField, textField } from "./field.js";
import { askForm } from "./form-dialog.js";
import { copyButton, notice } from "./page.js";

const LAYOUTS = ["auto", "grid", "speaker", "lecture"];
const RECORD = ["off", "on-request", "always"];
const GRADES = ["opportunistic", "authenticated"];
const ENCRYPTIONS = ["off", "automatic", ...GRADES];
const KINDS = ["generate", "given", "none"];

export function layoutOptions() {
  return LAYOUTS.map((mode) => [mode, t(`layout.${mode}`)]);
}

export function createRoom(onDone) {
  const form = new RoomForm({ name: "", number: "", alias: "", max_participants: 36, layout: "auto", record: "on-request",
    encryption: "automatic", required_grade: "clear", waits_for_host: false, keeps_presenter: false, has_full_hd: false, is_locked: false });
  askForm(t("room.create.title"), t("room.create.action"), [...form.identity(true), ...passcodeFields(), ...form.settings()],
    async (values, formElement) => {
      const made = await api.post("/rooms", { number: values.get("number").trim(), ...form.read(values), ...readPasscodes(formElement) });
      onDone(made.room);
      showPasscodes(made.room, made.passcodes, true);
    });
}

export function editRoom(room, onDone) {
  const form = new RoomForm(room);
  askForm(t("room.edit.title", { number: room.number }), t("save"), [...form.identity(false), ...form.settings()],
    async (values) => onDone(await api.patch(`/rooms/${room.number}`, form.read(values), room.etag)));
}

export async function removeRoom(room, onDone) {
  const isDone = await confirmDanger(t("room.delete.title", { name: room.name }), t("room.delete.text"), t("room.delete.action"),
    () => api.delete(`/rooms/${room.number}`));
  if (isDone) onDone();
}

/** Give a room new passcodes; the old ones stop working at once. */
export function rotatePasscodes(room, onDone) {
  askForm(t("passcodes.change.title", { number: room.number }), t("passcodes.change.action"),
    [notice("warn", "alert", t("passcodes.change.text")), ...passcodeFields(room)], async (_, formElement) => {
      const made = await api.post(`/rooms/${room.number}/passcodes`, readPasscodes(formElement));
      onDone(made.room);
      showPasscodes(made.room, made.passcodes, false);
    });
}

class RoomForm {
  constructor(room) {
    this.room = room;
  }

  identity(isNew) {
    const name = textField("name", t("room.name"), { maxlength: 80, value: this.room.name, placeholder: t("room.name.example") });
    const number = textField("number", t("room.number"), { inputmode: "numeric", maxlength: 12, placeholder: "1001", hint: t("room.number.hint") });
    return isNew ? [h("div", { class: "two number-first" }, number, name)] : [name];
  }

  settings() {
    const room = this.room;
    return [
      h("div", { class: "two" },
        selectField("layout", t("room.layout"), layoutOptions(), room.layout),
        selectField("record", t("room.record"), RECORD.map((policy) => [policy, t(`record.${policy}`)]), room.record)),
      h("div", { class: "two" },
        textField("max_participants", t("room.max"), { type: "number", min: 1, max: 500, value: room.max_participants }),
        selectField("encryption", t("room.encryption"), ENCRYPTIONS.map((choice) => [choice, t(`encryption.${choice}`)]),
          room.encryption === "required" ? room.required_grade : room.encryption, { hint: t("room.encryption.hint") })),
      checkField("waits_for_host", t("room.waits.label"), room.waits_for_host, t("room.waits.hint")),
      checkField("keeps_presenter", t("room.presenter.label"), room.keeps_presenter, t("room.presenter.hint")),
      checkField("has_full_hd", t("room.full-hd.label"), room.has_full_hd, t("room.full-hd.hint")),
      checkField("is_locked", t("room.locked.label"), room.is_locked, t("room.locked.hint")),
    ];
  }

  read(values) {
    const encryption = values.get("encryption");
    const isRequired = GRADES.includes(encryption);
    return {
      name: values.get("name").trim(),
      layout: values.get("layout"),
      record: values.get("record"),
      max_participants: Number(values.get("max_participants")),
      encryption: isRequired ? "required" : encryption,
      required_grade: isRequired ? encryption : "clear",
      waits_for_host: values.has("waits_for_host"),
      keeps_presenter: values.has("keeps_presenter"),
      has_full_hd: values.has("has_full_hd"),
      is_locked: values.has("is_locked"),
    };
  }
}

function passcodeFields(room = null) {
  const weak = checkField("allow_weak", t("passcode.weak.label"), false, t("passcode.weak.hint"));
  const controls = [];
  const one = (name, label, isNone) => {
    const kinds = room ? ["keep", ...KINDS] : KINDS;
    const field = selectField(`${name}_kind`, label, kinds.map((kind) => [kind, t(`passcode.kind.${kind}`)]), isNone ? "none" : "generate");
    const given = textField(`${name}_passcode`, t("passcode.given"), { inputmode: "numeric", maxlength: 32, hint: t("passcode.given.hint") });
    controls.push([field.querySelector("select"), given]);
    return h("div", { class: "stack tight" }, field, given);
  };
  const fields = h("div", { class: "two" }, one("guest", t("passcode.guest"), room && !room.has_guest_passcode),
    one("host", t("passcode.host"), room && !room.has_host_passcode));
  const update = () => {
    for (const [select, given] of controls) given.hidden = select.value !== "given";
    weak.hidden = controls.every(([, given]) => given.hidden);
  };
  fields.addEventListener("change", update);
  update();
  return [fields, weak];
}

function readPasscodes(form) {
  const values = new FormData(form);
  const one = (name) => {
    const kind = values.get(`${name}_kind`);
    return kind === "given" ? { [`${name}_kind`]: kind, [`${name}_passcode`]: values.get(`${name}_passcode`).trim() } : { [`${name}_kind`]: kind };
  };
  return { ...one("guest"), ...one("host"), allow_weak: values.has("allow_weak") };
}

function showPasscodes(room, passcodes, isNew) {
  const shown = ["host", "guest"].filter((kind) => passcodes[kind]);
  if (!shown.length) return;
  const line = (kind) => h("div", { class: "passcode" },
    h("div", {}, h("span", { class: "label" }, t(`passcode.${kind}`)), h("span", { class: "hint-line" }, t(`passcode.${kind}.hint`))),
    h("output", { class: "passcode-digits mono", "data-passcode": kind }, passcodes[kind]),
    copyButton(passcodes[kind], t("passcode.copy")));
  openDialog(isNew ? t("passcodes.made.title", { number: room.number }) : t("passcodes.new.title", { number: room.number }),
    [notice("warn", "key", t("passcodes.once")), ...shown.map(line)],
    [h("button", { class: "button primary", type: "submit" }, t("passcodes.noted"))], { onSubmit: (dialog) => dialog.close() });
}
