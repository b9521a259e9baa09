// Small pieces that all pages share: headings, empty states, errors, waiting, toasts.

import { ProblemError } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";

export function pageHead(title, subtitle, ...actions) {
  document.title = `${title} · ${t("app.name")}`;
  return h("div", { class: "page-head" },
    h("div", {}, h("h1", { tabindex: "-1" }, title), subtitle && h("div", { class: "muted" }, subtitle)),
    h("div", { class: "row" }, ...actions));
}

export function empty(iconName, title, text, ...actions) {
  return h("div", { class: "empty" }, h("span", { class: "empty-icon" }, icon(iconName)), h("h2", {}, title),
    h("p", { class: "muted" }, text), actions.length ? h("div", { class: "row" }, ...actions) : null);
}

export function notice(kind, iconName, ...content) {
  return h("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, icon(iconName),
    h("div", { class: "notice-text" }, ...content));
}

export function waiting() {
  return h("div", { class: "waiting", role: "status" }, h("span", { class: "spinner" }),
    h("span", { class: "visually-hidden" }, t("loading")));
}

/** The sentence for an error; anything that is not a problem of the API is a fault of ours and says so calmly. */
export function errorText(error) {
  if (error instanceof ProblemError) return error.text;
  console.error(error);
  return t("problem.unknown");
}

export function errorNotice(error, retry) {
  return notice("bad", "alert", h("p", {}, errorText(error)),
    retry && h("button", { class: "button compact", type: "button", onclick: retry }, t("try-again")));
}

export function toast(text, kind = "") {
  document.querySelector(".toast")?.remove();
  const element = h("div", { class: `toast ${kind}`, role: kind === "bad" ? "alert" : "status" }, text);
  const host = document.querySelector("dialog[open]") ?? document.body;
  host.append(element);
  setTimeout(() => element.remove(), 4000);
}

/** Run `work` with its button disabled; a problem becomes a toast. */
export async function act(button, work) {
  if (button) button.disabled = true;
  try {
    return await work();
  } catch (error) {
    toast(errorText(error), "bad");
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}

export function copyButton(text, label) {
  const button = h("button", { class: "button quiet icon-only", type: "button", "aria-label": label, title: label }, icon("copy"));
  button.addEventListener("click", async () => {
    await copy(text);
    button.replaceChildren(icon("check"));
    setTimeout(() => button.replaceChildren(icon("copy")), 1500);
  });
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Outside a secure context there is no clipboard API; a selected field still copies.
    const field = h("textarea", { class: "visually-hidden", value: text });
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
