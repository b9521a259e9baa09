// Labelled form fields with a place for a hint and for what is wrong.

import { h } from "../dom.js";
import { has, t } from "../i18n.js";

let counter = 0;

export function textField(name, label, { hint = "", ...attributes } = {}) {
  const id = `field-${(counter += 1)}`;
  const input = h("input", { class: "input", id, name, "aria-describedby": `${id}-note`, autocomplete: "off", ...attributes });
  return wrap(name, id, label, input, hint);
}

export function selectField(name, label, options, value, { hint = "" } = {}) {
  const id = `field-${(counter += 1)}`;
  const select = h("select", { class: "input", id, name, "aria-describedby": `${id}-note` },
    ...options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  return wrap(name, id, label, select, hint);
}

function wrap(name, id, label, control, hint) {
  return h("div", { class: "field", "data-field": name }, h("label", { for: id }, label), control,
    h("span", { id: `${id}-note`, class: "hint", "data-hint": hint }, hint));
}

export function checkField(name, label, isChecked, hint = "") {
  return h("label", { class: "check" }, h("input", { type: "checkbox", name, checked: isChecked }),
    h("span", {}, label, hint && h("span", { class: "hint-line" }, hint)));
}

/** Mark the fields that the server refused; true when every refused field is on the form. */
export function markFields(form, fields) {
  for (const field of form.querySelectorAll("[data-field]")) {
    const reason = fields[field.dataset.field];
    const note = field.querySelector("[data-hint]");
    const key = `field-error.${reason}`;
    note.textContent = reason ? t(has(key) ? key : "field-error.wrong") : note.dataset.hint;
    note.className = reason ? "error" : "hint";
    field.querySelector("input, select").setAttribute("aria-invalid", String(Boolean(reason)));
  }
  form.querySelector("[aria-invalid='true']")?.focus();
  return Object.keys(fields).every((name) => form.querySelector(`[data-field="${CSS.escape(name)}"]`));
}
