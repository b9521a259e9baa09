// Texts of the console: flat keys in /static/i18n/LANGUAGE.json, {name} is replaced by a value.

export const LANGUAGES = { en: "English", "zh-CN": "中文" };
const STORED = "drumtower.language";
let texts = {};
let current = "en";

function preferred() {
  const stored = localStorage.getItem(STORED);
  if (stored in LANGUAGES) return stored;
  const first = navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag)) ?? "en";
  return first.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export async function loadLanguage(tag = preferred()) {
  const response = await fetch(`/static/i18n/${tag}.json`);
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

export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
