// Sign in; with a one-time password a new one is chosen before anything else.

import { api, keepCsrf } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { markFields, textField } from "../parts/field.js";
import { brand, languageSwitch } from "../parts/frame.js";
import { errorText } from "../parts/page.js";

class SignIn extends HTMLElement {
  mustChange = false;

  connectedCallback() {
    document.title = `${t("sign-in.title")} · ${t("app.name")}`;
    fill(this, h("div", { class: "sign-in" },
      h("div", { class: "sign-in-top" }, brand(), languageSwitch()),
      this.mustChange ? this.#changeForm() : this.#signInForm(),
      h("p", { class: "small muted sign-in-foot" }, t("sign-in.footer"))));
    this.querySelector("input")?.focus();
  }

  #signInForm() {
    return this.#form(t("sign-in.title"), t("sign-in.text"), t("sign-in.action"), [
      textField("name", t("sign-in.name"), { autocomplete: "username", maxlength: 64, required: true, autocapitalize: "none" }),
      textField("password", t("sign-in.password"), { type: "password", autocomplete: "current-password", maxlength: 256 }),
    ], (values) => api.post("/session", { name: values.name, password: values.password }));
  }

  #changeForm() {
    return this.#form(t("new-password.title"), t("new-password.text"), t("new-password.action"), [
      textField("current", t("new-password.current"), { type: "password", autocomplete: "current-password", maxlength: 256 }),
      textField("new", t("new-password.new"),
        { type: "password", autocomplete: "new-password", maxlength: 256, hint: t("new-password.hint") }),
      textField("repeat", t("new-password.repeat"), { type: "password", autocomplete: "new-password", maxlength: 256 }),
    ], (values, form) => {
      if (values.new !== values.repeat) {
        markFields(form, { repeat: "repeat" });
        return null;
      }
      return api.put("/session/password", { current: values.current, new: values.new });
    });
  }

  #form(title, text, verb, fields, send) {
    const problem = h("p", { class: "field-problem", role: "alert" });
    const button = h("button", { class: "button primary", type: "submit" }, verb);
    const form = h("form", { class: "card stack", novalidate: true },
      h("div", {}, h("h1", {}, title), h("p", { class: "muted" }, text)), ...fields, problem, button);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      markFields(form, {});
      button.disabled = true;
      try {
        const session = await send(Object.fromEntries(new FormData(form)), form);
        if (session) this.dispatchEvent(new CustomEvent("signed-in", { bubbles: true, detail: keepCsrf(session) }));
      } catch (error) {
        if (!markFields(form, error.fields ?? {}) || !Object.keys(error.fields ?? {}).length) problem.textContent = errorText(error);
        form.querySelector("input[type='password']").select();
      } finally {
        button.disabled = false;
      }
    });
    return form;
  }
}

customElements.define("dt-sign-in", SignIn);
