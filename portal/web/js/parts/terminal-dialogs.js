// Dialogs that make, change and delete a terminal, and the one that shows its secret once.

import { api } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { confirmDanger, openDialog } from "./dialog.js";
import { checkField, selectField, textField } from "./field.js";
import { askForm } from "./form-dialog.js";
import { copyButton, notice } from "./page.js";

const KINDS = ["generate", "given"];

export function createTerminal(onDone) {
  const alias = textField("alias", t("terminal.alias"), { maxlength: 64, placeholder: "ward-3", hint: t("terminal.alias.hint"), autocapitalize: "none", spellcheck: "false" });
  askForm(t("terminal.create.title"), t("terminal.create.action"), [alias, ...describing({ name: "", site: "" }), secretFields()], async (values) => {
    const made = await api.post("/terminals", { alias: values.get("alias").trim(), ...described(values), ...wished(values) });
    onDone();
    showSecret(made);
  });
}

export function editTerminal(terminal, onDone) {
  const fields = [...describing(terminal), checkField("is_enabled", t("terminal.enabled.label"), terminal.is_enabled, t("terminal.enabled.hint"))];
  askForm(t("terminal.edit.title", { alias: terminal.alias }), t("save"), fields, async (values) => {
    await api.patch(`/terminals/${terminal.alias}`, { ...described(values), is_enabled: values.has("is_enabled") }, terminal.etag);
    onDone();
  });
}

/** Give a terminal a new secret; the old one stops working at once. */
export function newSecret(terminal, onDone) {
  askForm(t("terminal.secret.title", { alias: terminal.alias }), t("terminal.secret.new"),
    [notice("warn", "alert", t("terminal.secret.text")), secretFields()], async (values) => {
      const made = await api.post(`/terminals/${terminal.alias}/secret`, wished(values));
      onDone();
      showSecret(made);
    });
}

export async function removeTerminal(terminal, onDone) {
  const isDone = await confirmDanger(t("terminal.delete.title", { name: terminal.name }), t("terminal.delete.text"),
    t("terminal.delete.action"), () => api.delete(`/terminals/${terminal.alias}`));
  if (isDone) onDone();
}

function describing(terminal) {
  return [h("div", { class: "two" },
    textField("name", t("terminal.name"), { maxlength: 80, value: terminal.name, placeholder: t("terminal.name.example") }),
    textField("site", t("terminals.site"), { maxlength: 80, value: terminal.site, placeholder: t("terminal.site.example") }))];
}

function described(values) {
  return { name: values.get("name").trim(), site: values.get("site").trim() };
}

function secretFields() {
  const kind = selectField("secret_kind", t("terminal.secret"), KINDS.map((name) => [name, t(`terminal.secret.${name}`)]), "generate");
  const given = textField("secret", t("terminal.secret.yours"), { type: "password", maxlength: 128, autocomplete: "new-password", hint: t("terminal.secret.hint") });
  const fields = h("div", { class: "two" }, kind, given);
  const update = () => {
    given.hidden = kind.querySelector("select").value !== "given";
  };
  fields.addEventListener("change", update);
  update();
  return fields;
}

function wished(values) {
  return { secret: values.get("secret_kind") === "given" ? values.get("secret") : "" };
}

function showSecret({ terminal, secret }) {
  if (!secret) return;
  const line = (label, text, kind) => h("div", { class: "passcode" },
    h("div", {}, h("span", { class: "label" }, label)),
    h("output", { class: "passcode-digits is-text mono", "data-terminal": kind }, text), copyButton(text, t("copy")));
  openDialog(t("terminal.made.title", { name: terminal.name }),
    [notice("warn", "key", t("terminal.made.once")), line(t("terminal.alias"), terminal.alias, "alias"),
      line(t("terminal.secret"), secret, "secret")],
    [h("button", { class: "button primary", type: "submit" }, t("passcodes.noted"))], { onSubmit: (dialog) => dialog.close() });
}
