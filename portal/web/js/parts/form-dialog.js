// A dialog with fields: what is wrong is shown beside its field, else below them all.

import { h } from "../dom.js";
import { closeButton, openDialog } from "./dialog.js";
import { markFields } from "./field.js";
import { errorText } from "./page.js";

/** `send` is given the values and the form; the dialog closes when it succeeds. */
export function askForm(title, verb, fields, send) {
  const problem = h("p", { class: "field-problem", role: "alert" });
  const button = h("button", { class: "button primary", type: "submit" }, verb);
  openDialog(title, [...fields, problem], [closeButton(), button], {
    onSubmit: async (dialog) => {
      const form = dialog.querySelector("form");
      problem.textContent = "";
      markFields(form, {});
      button.disabled = true;
      try {
        await send(new FormData(form), form);
        dialog.close();
      } catch (error) {
        const wrong = error.fields ?? {};
        const isShown = markFields(form, wrong) && Object.keys(wrong).length;
        problem.textContent = isShown ? "" : errorText(error);
      } finally {
        button.disabled = false;
      }
    },
  });
}
