// Words of the page in the reader's language. Identifiers and the daemon's own sentences are never translated.
import { signal } from "./ui.js";

export const LANGUAGES = { en: "English", ja: "日本語", es: "Español", ko: "한국어" };
export const language = signal(null);

let words = {};

/** The language that was chosen before, else the first of the browser's that exists. */
export function preferred() {
  const wanted = [remembered(), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return wanted.find((code) => code in LANGUAGES) ?? "en";
}

/** Loads the words of `code`; everything that is shown follows. */
export async function speak(code, remember = false) {
  words = (await import(`./languages/${code}.js`)).default;
  document.documentElement.lang = code;
  if (remember) localStorage.setItem("language", code);
  language.value = code;
}

/** The text of `key`, with its {places} filled in. A key that is missing stands for itself, so that it is seen. */
export function t(key, values) {
  language.value; // whoever calls is drawn again when the language changes
  const text = words[key] ?? key;
  return values ? text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place) : text;
}

/** Whether there is a text of `key`. */
export const has = (key) => key in words;

function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // storage is switched off
  }
}
