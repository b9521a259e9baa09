// A line that everybody reads in the picture for a while.

import { api } from "../api.js";
import { t } from "../i18n.js";
import { selectField, textField } from "./field.js";
import { askForm } from "./form-dialog.js";

const LONGEST = 80;
const SECONDS = [10, 20, 60, 300];

export function askMessage(path) {
  const times = SECONDS.map((seconds) => [String(seconds), t("message.seconds", { seconds })]);
  askForm(t("live.message"), t("message.show"), [
    textField("text", t("message.text"), { maxlength: LONGEST, required: true, autofocus: true }),
    selectField("seconds", t("message.for"), times, "20"),
  ], (values) => api.post(`${path}/message`, { text: values.get("text").trim(), seconds: Number(values.get("seconds")) }));
}
