// What surrounds every page after the sign-in: brand, navigation, who is signed in, language.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { LANGUAGES, language, setLanguage, t } from "../i18n.js";
import { menuOf } from "../pages.js";

export function brand() {
  return h("span", { class: "brand" }, h("img", { src: "/static/img/drumtower.svg", alt: "", width: 32, height: 32 }),
    h("span", {}, t("app.name")));
}

export function languageSwitch() {
  const other = Object.keys(LANGUAGES).find((tag) => tag !== language());
  const button = h("button", { class: "button quiet compact", type: "button", lang: other }, icon("globe"),
    h("span", { class: "wide-label" }, LANGUAGES[other]));
  button.setAttribute("aria-label", LANGUAGES[other]);
  button.addEventListener("click", async () => {
    await setLanguage(other);
    button.dispatchEvent(new CustomEvent("language-changed", { bubbles: true }));
  });
  return button;
}

function signOutButton() {
  const button = h("button", { class: "button quiet compact", type: "button", "aria-label": t("sign-out") },
    icon("out"), h("span", { class: "wide-label" }, t("sign-out")));
  button.addEventListener("click", () => button.dispatchEvent(new CustomEvent("sign-out", { bubbles: true })));
  return button;
}

function link(href, name, label, isCurrent) {
  return h("a", { href, class: "nav-link", "aria-current": isCurrent ? "page" : null }, icon(name), h("span", {}, label));
}

export function frame(session, section, page) {
  const menu = menuOf(session.rights);
  return h("div", { class: "console" },
    h("a", { class: "skip", href: "#main", "data-leaves": "" }, t("nav.skip")),
    h("header", { class: "side" },
      h("a", { href: "/", class: "brand-link" }, brand()),
      h("nav", { class: "nav", "aria-label": t("nav.label") },
        ...menu.map((entry) => link(entry.href, entry.icon, t(entry.title), section === entry.href))),
      h("div", { class: "side-foot" },
        h("span", { class: "who" }, h("span", { class: "avatar", "aria-hidden": "true" }, initial(session.user.name)),
          h("span", { class: "wide-label who-name" }, session.user.name)),
        h("span", { class: "side-tools" }, languageSwitch(), signOutButton()))),
    h("main", { id: "main", tabindex: "-1" },
      h("div", { id: "offline", class: "notice warn", role: "status", hidden: true }, icon("alert"), t("offline")), page));
}

function initial(name) {
  return [...name][0]?.toUpperCase() ?? "?";
}
