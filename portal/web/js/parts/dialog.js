// Modal dialogs on the browser's own <dialog>: focus is kept inside, Escape closes.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { errorText } from "./page.js";

export function openDialog(title, body, buttons, { onSubmit = null, isWide = false } = {}) {
  const close = h("button", { class: "button quiet icon-only", type: "button", "aria-label": t("close") }, icon("close"));
  const form = h("form", { method: "dialog", novalidate: true },
    h("div", { class: "dialog-head" }, h("h2", { id: "dialog-title" }, title), close),
    h("div", { class: "dialog-body" }, ...body),
    h("div", { class: "dialog-foot" }, ...buttons));
  const dialog = h("dialog", { "aria-labelledby": "dialog-title", class: isWide ? "wide" : null }, form);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit?.(dialog);
  });
  document.querySelector("dt-console").append(dialog);
  dialog.showModal();
  return dialog;
}

export function closeButton(label = t("cancel")) {
  const button = h("button", { class: "button", type: "button" }, label);
  button.addEventListener("click", () => button.closest("dialog").close());
  return button;
}

/** Ask before something that cannot be undone; `text` names the consequence. Resolves when it is done or given up. */
export function confirmDanger(title, text, verb, work) {
  return new Promise((resolve) => {
    const problem = h("p", { class: "field-problem", role: "alert" });
    const button = h("button", { class: "button danger", type: "submit" }, verb);
    const dialog = openDialog(title, [h("p", {}, text), problem], [closeButton(), button], {
      onSubmit: async () => {
        button.disabled = true;
        try {
          await work();
          dialog.close("done");
        } catch (error) {
          problem.textContent = errorText(error);
          button.disabled = false;
        }
      },
    });
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "done"));
  });
}
