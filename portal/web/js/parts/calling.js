// Calls out of a room: the dialog that invites, and the list of those who are being called.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { closeButton, openDialog } from "./dialog.js";
import { selectField, textField } from "./field.js";
import { act, errorText } from "./page.js";

/** Call a terminal, a number or an address into a room; the list of terminals is that of the registered ones. */
export async function invite(number) {
  const { terminals } = await api.get("/dialable");
  const target = textField("target", t("invite.target"), { maxlength: 256, required: true, list: "dialable", hint: t("invite.target.hint") });
  const known = h("datalist", { id: "dialable" }, terminals.map(({ alias, name }) => h("option", { value: alias }, name)));
  const picks = terminals.slice(0, 12).map(({ alias, name }) => h("button", { class: "button compact", type: "button",
    onclick: () => { target.querySelector("input").value = alias; } }, icon("phone"), name));
  const role = selectField("role", t("invite.role"), [["guest", t("invite.role.guest")], ["host", t("invite.role.host")]], "guest");
  const problem = h("p", { class: "field-problem", role: "alert" });
  const button = h("button", { class: "button primary", type: "submit" }, icon("phone"), t("invite.call"));
  openDialog(t("invite.title"), [target, known, picks.length > 0 && h("div", { class: "row wrap", "aria-label": t("invite.registered") }, picks), role, problem].filter(Boolean),
    [closeButton(), button], {
      onSubmit: async (dialog) => {
        const values = new FormData(dialog.querySelector("form"));
        button.disabled = true;
        try {
          await api.post(`/conferences/${number}/calls`, { target: values.get("target").trim(), role: values.get("role") });
          dialog.close();
        } catch (error) {
          const outcome = error.code === "dial-refused" && error.fields.target;
          problem.textContent = outcome ? t(`calling.outcome.${outcome}`) : errorText(error);
          button.disabled = false;
        }
      },
    });
}

/** Set number and mayControl, then calls whenever they change. */
class Calling extends HTMLElement {
  #key = "[]";

  set calls(calls) {
    const key = JSON.stringify(calls);
    if (key === this.#key) return;
    this.#key = key;
    if (calls.length === 0) {
      fill(this);
      return;
    }
    fill(this, h("section", { class: "card outside", "aria-label": t("calling.heading") },
      h("h2", { class: "row tight" }, icon("phone"), t("calling.heading")),
      h("ul", { class: "outside-list" }, calls.map((call) => this.#row(call)))));
  }

  #row(call) {
    const isOver = call.state === "ended";
    const text = isOver ? t(`calling.outcome.${call.outcome}`) : t(`calling.state.${call.state}`);
    const verb = t(isOver ? "calling.dismiss" : "calling.cancel");
    const button = h("button", { class: "button compact", type: "button", "aria-label": `${verb}: ${call.target}` }, verb);
    button.addEventListener("click", () => act(button, () => api.delete(`/conferences/${this.number}/calls/${call.id}`)));
    return h("li", { class: "outside-row" },
      h("div", { class: "grow" }, h("strong", {}, call.target), h("div", { class: "small muted" }, t("calling.by", { name: call.by }))),
      h("span", { class: isOver ? "badge bad" : "badge accent", role: "status" }, text), this.mayControl && button);
  }
}

customElements.define("dt-calling", Calling);
