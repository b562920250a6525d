// What the page shows: its messages, and the few ways it makes and changes elements. The messages come in the one
// language the server put into the page (rundun/locales/); text always becomes text nodes, never markup.

const { "": about, ...catalogue } = JSON.parse(document.getElementById("words").textContent);
export const lang = document.documentElement.lang;

/** `texts`: the language that the template's own texts were looked for in, as a BCP 47 tag; `languages` there are to
 *  choose from: [[tag, name]]. */
export const { texts, languages } = about;
const unknown = about.unknown === true ? null : new Set(about.unknown);

/** How numbers and dates are written: as the person's own region does, where it speaks the page's language. */
export const locale = navigator.languages?.find((one) => one.split("-")[0] === lang.split("-")[0]) ?? lang;
const plural = new Intl.PluralRules(lang);
const isRightToLeft = document.documentElement.dir === "rtl";
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFD\uFE70-\uFEFC]/;

/** The message `key`, with {name} filled in; where the catalogue has forms, `n` chooses the right one. */
export function t(key, values = {}) {
  const entry = catalogue[key];
  if (entry === undefined) return key;
  const text = typeof entry === "string" ? entry : entry[plural.select(values.n)] ?? entry.other;
  const filled = (value) => (typeof value === "number" ? showCount(value) : isolated(String(value ?? "")));
  return text.replace(/\{(\w+)\}/g, (_, name) => filled(values[name]));
}

/** Keeps what others wrote from turning the words around it where the directions meet (Unicode UAX 9, FSI and PDI). */
function isolated(text) {
  return text && (isRightToLeft || RIGHT_TO_LEFT.test(text)) ? `\u2068${text}\u2069` : text;
}

/** A number as the person's region writes it. */
export function showCount(n) {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 20 }).format(n);
}

export function showTime(utc) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(utc));
}

export function showDate(day) {
  // A plain day has no zone: formatted as UTC it stays the day that was chosen.
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
}

/** Times that the server wrote in UTC, and numbers, as the person's own clock and region write them. */
export function showTimes(root) {
  const counts = root.querySelectorAll("[data-word]");
  for (const count of counts) setText(count, t(count.dataset.word, { n: Number(count.dataset.n) }));
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = showTime(time.dateTime);
}

/** True when `tag` is the page's language, with or without a region. */
export function isPageLanguage(tag) {
  return lang === tag || lang.startsWith(`${tag}-`);
}

/** The address of this page in another language. */
export function inLanguage(tag) {
  const address = new URL(location.href);
  address.searchParams.set("lang", tag);
  address.hash = "";
  return address;
}

/** Makes a <select> of languages load the page again in the one chosen; `remember(tag)` is called before. */
export function connectLanguages(select, remember) {
  const spoken = [...select.options].find((option) => isPageLanguage(option.value))?.value ?? select.value;
  const change = () => {
    remember(select.value);
    location.assign(inLanguage(select.value));
    select.value = spoken; // for those who are asked whether to leave, and stay
  };
  select.addEventListener("change", change);
  if (select.value !== spoken) change(); // chosen before this script was there
}

/** The attributes of a text of the template, by the id of what it belongs to ("" for the template itself): what is not
 *  translated is in an unknown language (HTML 3.2.6.2: an empty lang), and may be written in another direction. */
export function textAttributes(id) {
  const isKnown = unknown !== null && !unknown.has(id);
  return { dir: "auto", lang: !isKnown ? "" : texts.split("-")[0] === lang.split("-")[0] ? null : texts };
}

// Codes whose problems are the same to the person.
const MESSAGE_OF_CODE = {
  wrong_receipt: "wrong_receipt", digest_mismatch: "wrong_receipt", unsupported_media_type: "problem_unreadable_image",
};

/** The message of a problem: from the catalogue, or in English the server's own, which is more exact. */
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

/** The message that something was not saved, and why. */
export function refusedText(problem) {
  return t("refused", { detail: problemText(problem) });
}

/** An element: attributes by name, `on` for listeners; true sets an attribute empty, false and null leave it out. */
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

/** A button that calls `act` when it is pressed. */
export function makeButton(className, act, ...content) {
  return h("button", { type: "button", class: className, on: { click: act } }, ...content);
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the drawings in templates/executor/icons.html; always beside words, so hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Text with its http(s) addresses as links that give nothing away to where they lead. */
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

/** The telephone numbers in a text: 7 to 15 digits (ITU-T E.164) from "+" or 0 on, or 9 and more with gaps; no dates.
 *  → as they are written there. */
export function phoneNumbers(text) {
  const isNumber = ({ 0: found, index }) => {
    const digits = found.replace(/\D/g, "");
    const isCut = /[\w.,/+-]$/.test(text.slice(0, index)) || /^\w/.test(text.slice(index + found.length));
    const isDate = /^(\d{1,4})([./-])\d{1,2}\2\d{1,4}(\s|$)/.test(found);
    return !isCut && !isDate && (/^[+(0]/.test(found) || (digits.length > 8 && /[^\d./]/.test(found)));
  };
  return [...text.matchAll(/\+?\(?\d(?:[ \u00a0()./-]{0,2}\d){6,14}/g)].filter(isNumber).map(([found]) => found);
}

/** The address by which a tap dials a number. */
export function telAddress(number) {
  return `tel:${number.replace(/[^\d+*#,;]/g, "")}`;
}

/** Has screen readers say something. */
export function announce(words) {
  const region = document.getElementById("live");
  if (region && region.textContent !== words) region.textContent = words;
}

export function setAttr(element, name, value) {
  if (value === false || value === null) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Changes text only where it differs, so that nothing is repainted or read out twice. */
export function setText(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function scrollBehavior() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

/** A pair for a <dl>, or nothing where there is nothing to say. */
export function fact(word, value) {
  return value ? [h("dt", {}, t(word)), h("dd", {}, h("bdi", {}, value))] : [];
}

/** An answer in a line of words. */
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
