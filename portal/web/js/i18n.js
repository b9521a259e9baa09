// Texts: flat keys in FOLDER/LANGUAGE.json, {name} is replaced by a value. The console's folder unless useTexts() says
// otherwise; the choice of language is shared by all pages.

export const LANGUAGES = { en: "English", "zh-CN": "中文" };
const STORED = "drumtower.language";
let folder = "/static/i18n";
let texts = {};
let current = "en";

function preferred() {
  const stored = localStorage.getItem(STORED);
  if (stored in LANGUAGES) return stored;
  const first = navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag)) ?? "en";
  return first.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

/** Take the texts from another folder; call it before loadLanguage(). */
export function useTexts(path) {
  folder = path;
}

export async function loadLanguage(tag = preferred()) {
  const response = await fetch(`${folder}/${tag}.json`);
  texts = await response.json();
  current = tag;
  document.documentElement.lang = tag;
}

export async function setLanguage(tag) {
  localStorage.setItem(STORED, tag);
  await loadLanguage(tag);
}

export function language() {
  return current;
}

export function has(key) {
  return key in texts;
}

/** The text of `key` with its {values}; the text of `fallback` where the key is unknown. */
export function t(key, values = {}, fallback = key) {
  const text = texts[key] ?? texts[fallback] ?? fallback;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
