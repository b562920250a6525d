// The page's messages, and functions that make and change elements. The messages are in the one language that the
// server put into the page (rundun/locales/); text always becomes text nodes, never markup.

import { loadModule } from "./http.js";

const { "": about, ...catalogue } = JSON.parse(document.getElementById("words").textContent);
export const lang = document.documentElement.lang;

/** `texts`: the requested language of the template's texts, a BCP 47 tag; `languages`: the page's languages to choose
 *  from, [[tag, name]]. */
export const { texts, languages } = about;
const unknown = about.unknown === true ? null : new Set(about.unknown);

/** The locale of numbers and dates: the browser's, if it is of the page's language; else the page's language. */
export const locale = navigator.languages?.find((one) => one.split("-")[0] === lang.split("-")[0]) ?? lang;
const plural = new Intl.PluralRules(lang);
const isRightToLeft = document.documentElement.dir === "rtl";
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFD\uFE70-\uFEFC]/;

/** → the message `key`, with each {name} replaced by `values[name]`; `values.n` chooses its plural form. */
export function t(key, values = {}) {
  const entry = catalogue[key];
  if (entry === undefined) return key;
  const text = typeof entry === "string" ? entry : entry[plural.select(values.n)] ?? entry.other;
  const filled = (value) => (typeof value === "number" ? showCount(value) : isolate(String(value ?? "")));
  return text.replace(/\{(\w+)\}/g, (_, name) => filled(values[name]));
}

/** → text isolated from the writing direction of the words around it (Unicode UAX 9, FSI and PDI). */
function isolate(text) {
  return text && (isRightToLeft || RIGHT_TO_LEFT.test(text)) ? `\u2068${text}\u2069` : text;
}

/** → a number in the person's locale. */
export function showCount(n) {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 20 }).format(n);
}

/** → a time of the wire in the person's locale and time zone. */
export function showTime(utc) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(utc));
}

/** → a day, YYYY-MM-DD, in the person's locale. */
export function showDate(day) {
  // A day has no time zone: formatted as UTC it stays the same day.
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
}

/** Rewrites the times and numbers that the server wrote into `root` in the person's time zone and locale. */
export function showTimes(root) {
  const counts = root.querySelectorAll("[data-word]");
  for (const count of counts) setText(count, t(count.dataset.word, { n: Number(count.dataset.n) }));
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = showTime(time.dateTime);
}

/** True when `tag` is the page's language, with or without a region. */
export function isPageLanguage(tag) {
  return lang === tag || lang.startsWith(`${tag}-`);
}

/** → the URL of this page in another language. */
export function languageUrl(tag) {
  const address = new URL(location.href);
  address.searchParams.set("lang", tag);
  address.hash = "";
  return address;
}

/** Makes a <select> reload the page in the chosen language; `remember(tag)` is called before. */
export function connectLanguages(select, remember) {
  const spoken = [...select.options].find((option) => isPageLanguage(option.value))?.value ?? select.value;
  const change = () => {
    remember(select.value);
    location.assign(languageUrl(select.value));
    select.value = spoken; // for a person who is asked whether to leave, and stays
  };
  select.addEventListener("change", change);
  if (select.value !== spoken) change(); // chosen before this script was loaded
}

/** → the attributes {dir, lang} of a template's text; `id`: of its step, section or option, "" for the template. A text
 *  that is not translated is in an unknown language (HTML 3.2.6.2: an empty lang) of any direction. */
export function textAttributes(id) {
  const isKnown = unknown !== null && !unknown.has(id);
  return { dir: "auto", lang: !isKnown ? "" : texts.split("-")[0] === lang.split("-")[0] ? null : texts };
}

// Codes that share a message.
const MESSAGE_OF_CODE = {
  wrong_receipt: "wrong_receipt", digest_mismatch: "wrong_receipt", unsupported_media_type: "problem_unreadable_image",
};

/** → the message of a problem: the catalogue's, or on an English page the server's `detail`, which is more exact. */
export function problemText({ word, code, status, members }) {
  if (word) return t(word);
  const isEnglish = lang.startsWith("en");
  const ours = (key) => catalogue[key] ?? t("problem_other", { code: code || String(status) });
  if (members?.errors?.length) {
    const texts = members.errors.map((error) => (isEnglish && error.detail) || ours(`place_${error.code}`));
    return [...new Set(texts)].join(" ");
  }
  const key = MESSAGE_OF_CODE[code] ?? `problem_${code}`;
  return (isEnglish && catalogue[key] && members?.detail) || ours(key);
}

/** → the message that something was not saved, with the problem's message. */
export function refusedText(problem) {
  return t("refused", { detail: problemText(problem) });
}

/** → a new element. `attributes`: by name; true sets an empty attribute, false and null set none; `on`: {event:
 *  listener}. `children`: nodes, texts and arrays of them; null and false are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "value" || name === "checked") element[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** → a button that calls `act` when it is pressed. */
export function makeButton(className, act, ...content) {
  return h("button", { type: "button", class: className, on: { click: act } }, ...content);
}

const SVG = "http://www.w3.org/2000/svg";

/** → an icon of templates/executor/icons.html; always beside words, so hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** → a text as nodes, with its http(s) URLs as links that send no referrer. */
export function withLinks(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    const hasBrackets = found[0].includes("(");
    const address = found[0].replace(/[.,;:!?'’)\]]+$/, (tail) => (tail.startsWith(")") && hasBrackets ? ")" : ""));
    parts.push(text.slice(from, found.index));
    parts.push(h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address));
    from = found.index + address.length;
  }
  parts.push(text.slice(from));
  return parts;
}

/** → the telephone numbers in a text, as written there: 7 to 15 digits (ITU-T E.164) that begin with "+" or 0, or 9 and
 *  more digits with gaps. Dates are not among them. */
export function phoneNumbers(text) {
  const isNumber = ({ 0: found, index }) => {
    const digits = found.replace(/\D/g, "");
    const isCut = /[\w.,/+-]$/.test(text.slice(0, index)) || /^\w/.test(text.slice(index + found.length));
    const isDate = /^(\d{1,4})([./-])\d{1,2}\2\d{1,4}(\s|$)/.test(found);
    return !isCut && !isDate && (/^[+(0]/.test(found) || (digits.length > 8 && /[^\d./]/.test(found)));
  };
  return [...text.matchAll(/\+?\(?\d(?:[ \u00a0()./-]{0,2}\d){6,14}/g)].filter(isNumber).map(([found]) => found);
}

/** → the tel: URL of a telephone number. */
export function telAddress(number) {
  return `tel:${number.replace(/[^\d+*#,;]/g, "")}`;
}

/** Has screen readers read `words`. */
export function announce(words) {
  const region = document.getElementById("live");
  if (region && region.textContent !== words) region.textContent = words;
}

/** Sets an attribute: true sets it empty, false and null remove it. */
export function setAttr(element, name, value) {
  if (value === false || value === null) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Changes an element's text only if it differs, so that nothing is repainted or read out twice. */
export function setText(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** → "smooth", or "auto" for a person who prefers less motion. */
export function scrollBehavior() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

/** → a <dt> and a <dd> in an array, [] without a value. */
export function fact(word, value) {
  return value ? [h("dt", {}, t(word)), h("dd", {}, h("bdi", {}, value))] : [];
}

/** → an answer in a line of words. */
export function describe(step, answer) {
  if (!answer) return t("not_answered");
  if (answer.skipped) return t("skipped");
  if (answer.unable) return t("unable_because", { reason: answer.unable.reason });
  const config = step.config ?? {};
  const label = (id) => config.options.find((option) => option.id === id)?.label ?? id;
  switch (step.type) {
    case "boolean": return answer.value ? config.true_label ?? t("yes") : config.false_label ?? t("no");
    case "choice": return label(answer.value);
    case "multi_choice": return answer.value.length ? answer.value.map(label).join(", ") : t("none_of_these");
    case "number": return `${showCount(answer.value)}\u00a0${config.unit ?? ""}`.trim();
    case "rating": return t("rating_of", { value: answer.value, max: config.max ?? 5 });
    case "datetime": return (config.mode ?? "date") === "date" ? showDate(answer.value) : showTime(answer.value);
    case "photo": return t("photo_count", { n: answer.photos?.length ?? 0 });
    case "signature": return t("signed");
    case "instruction": return t("acknowledged");
    default: return String(answer.value);
  }
}

/** → a remark's text and photo count in one line; null when it has neither. */
export function remarkWords(remark) {
  const n = remark?.photos.length ?? 0;
  return [remark?.value, n ? t("photo_count", { n }) : ""].filter(Boolean).join(" · ") || null;
}

/** Opens a dialog, as in dialog.js. → a promise of its result, null when the person cancels. */
export async function openDialog(...given) {
  return (await loadModule("dialog")).openDialog(...given);
}

/** Opens a dialog that asks for a reason, as in dialog.js. → a promise of the reason, null when the person cancels. */
export async function askReason(...given) {
  return (await loadModule("dialog")).askReason(...given);
}
