// What the page shows: its words, and the few ways it makes and changes elements. The words come in the one language
// the server put into the page (rundun/locales/); text always becomes text nodes, never markup.

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

/** The words for `key`, with {name} filled in; where the catalogue has forms, `n` chooses the right one. */
export function t(key, values = {}) {
  const entry = catalogue[key];
  if (entry === undefined) return key;
  const text = typeof entry === "string" ? entry : entry[plural.select(values.n)] ?? entry.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? showCount(values[name]) : isolated(String(values[name] ?? ""))));
}

/** What others wrote, kept from turning the words around it where the directions meet (Unicode UAX 9, FSI and PDI). */
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

/** Times that the server wrote in UTC, as the person's own clock and region write them. */
export function showTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = showTime(time.dateTime);
}

/** Whether the page speaks a language of the catalogue, be it with a region's own tag. */
export function speaks(tag) {
  return lang === tag || lang.startsWith(`${tag}-`);
}

/** The address of this page in another language. */
export function inLanguage(tag) {
  const address = new URL(location.href);
  address.searchParams.set("lang", tag);
  address.hash = "";
  return address;
}

/** A <select> of languages loads the page again in the one chosen; what is unsent stays on the phone. */
export function wireLanguages(select, session) {
  const spoken = [...select.options].find((option) => speaks(option.value))?.value ?? select.value;
  const change = () => {
    session.speak(select.value);
    location.assign(inLanguage(select.value));
    select.value = spoken; // for those who are asked whether to leave, and stay
  };
  select.addEventListener("change", change);
  if (select.value !== spoken) change(); // chosen before this script was there
}

/** Attributes for a text of the template, by the id of what it belongs to ("" for the template itself): what nobody
 *  translated is in a language that we do not know (HTML 3.2.6.2: an empty lang), and it may run another way. */
export function theirs(id) {
  const isKnown = unknown !== null && !unknown.has(id);
  return { dir: "auto", lang: !isKnown ? "" : texts.split("-")[0] === lang.split("-")[0] ? null : texts };
}

// What only machines tell apart: for the person it is the same trouble.
const SAME = { wrong_receipt: "wrong_receipt", digest_mismatch: "wrong_receipt", unsupported_media_type: "problem_unreadable_image" };

/** A problem as a sentence for the person: ours in their language, or in English the server's own, which are more exact. */
export function sentence({ word, code, status, members }) {
  if (word) return t(word);
  const isEnglish = lang.startsWith("en");
  const ours = (key) => catalogue[key] ?? t("problem_other", { code: code || String(status) });
  if (members?.errors?.length) return [...new Set(members.errors.map((place) => (isEnglish && place.detail) || ours(`place_${place.code}`)))].join(" ");
  const key = SAME[code] ?? `problem_${code}`;
  return (isEnglish && catalogue[key] && members?.detail) || ours(key);
}

/** The same of something that was to be kept. */
export function explain(problem) {
  return t("refused", { detail: sentence(problem) });
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
export function linked(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    const address = found[0].replace(/[.,;:!?'’)\]]+$/, (tail) => (tail.startsWith(")") && found[0].includes("(") ? ")" : ""));
    parts.push(text.slice(from, found.index));
    parts.push(h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address));
    from = found.index + address.length;
  }
  parts.push(text.slice(from));
  return parts;
}

/** Says something to screen readers without moving anything. */
export function announce(words) {
  const region = document.getElementById("live");
  if (region && region.textContent !== words) region.textContent = words;
}

export function set(element, name, value) {
  if (value === false || value === null) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Changes text only where it differs, so that nothing is repainted or read out twice. */
export function setText(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function calmly() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

/** A pair for a <dl>, or nothing where there is nothing to say. */
export function fact(word, value) {
  return value ? [h("dt", {}, t(word)), h("dd", {}, h("bdi", {}, value))] : [];
}
