// Texts of the join page; the choice of language is shared with the console.

const STORED = "drumtower.language";
export const LANGUAGES = { en: "English", "zh-CN": "中文" };
let texts = {};
let current = "en";

function preferred() {
  const stored = localStorage.getItem(STORED);
  if (stored in LANGUAGES) return stored;
  const first = navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag)) ?? "en";
  return first.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export async function loadLanguage(tag = preferred()) {
  texts = await (await fetch(`/static/join/i18n/${tag}.json`)).json();
  current = tag;
  document.documentElement.lang = tag;
  document.title = texts["title"];
}

export async function setLanguage(tag) {
  localStorage.setItem(STORED, tag);
  await loadLanguage(tag);
}

export const language = () => current;

/** The text of `key` with its {values}; the text of `fallback` where the key is unknown. */
export function t(key, values = {}, fallback = key) {
  const text = texts[key] ?? texts[fallback] ?? fallback;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
