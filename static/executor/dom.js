// What the page shows: its words, and the few ways it makes and changes elements. The words come in the one language
// the server put into the page (rundun/locales/); text always becomes text nodes, never markup.

const { "": about, ...catalogue } = JSON.parse(document.getElementById("words").textContent);
export const lang = document.documentElement.lang;

/** The language of the template's own texts, as a BCP 47 tag; `languages` there are to choose from: [[tag, name]]. */
export const { texts, languages } = about;

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

function showCount(n) {
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

/** A <select> of languages loads the page again in the one chosen; what is unsent stays on the phone. */
export function wireLanguages(select) {
  const spoken = select.value;
  select.addEventListener("change", () => {
    const address = new URL(location.href);
    address.searchParams.set("lang", select.value);
    address.hash = "";
    location.assign(address);
    select.value = spoken; // for those who are asked whether to leave, and stay
  });
}

/** What a problem says to the person: in English the server's own sentences, else ours where we have some. */
export function explain(problem) {
  if (problem.word) return t(problem.word);
  if (problem.code === "wrong_receipt") return t("wrong_receipt");
  const places = problem.members?.errors;
  const sentence = (key, detail) => (lang.startsWith("en") && detail) || catalogue[key] || detail;
  const said = places?.length
    ? [...new Set(places.map((place) => sentence(`place_${place.code}`, place.detail)))].join(" ")
    : sentence(`problem_${problem.code}`, problem.members?.detail);
  return said ? t("refused", { detail: said }) : t("refused_silently", { code: problem.code || problem.status });
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

let openSheets = 0;

/**
 * A sheet from the bottom of the screen. `build(close)` returns its content; `close(result)` ends it.
 * → a promise of the result, null when the person backed out.
 */
export function sheet(title, build, { wide = false } = {}) {
  return new Promise((resolve) => {
    let result = null;
    const titleId = `sheet-${(openSheets += 1)}`;
    const dialog = h("dialog", { class: wide ? "sheet wide" : "sheet", "aria-labelledby": titleId });
    const close = (value = null) => {
      result = value;
      dialog.close();
    };
    dialog.append(
      h("div", { class: "sheet-head" },
        h("h2", { id: titleId, dir: "auto" }, title),
        h("button", { type: "button", class: "quiet round", "aria-label": t("close"), on: { click: () => close() } }, icon("cross"))),
      h("div", { class: "sheet-body" }, build(close)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) close(); // the backdrop
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A sheet that asks for a reason in words. → the reason, or null. */
export function askReason(title, explanation, label, confirm, dangerous = false) {
  return sheet(title, (close) => {
    const field = h("textarea", { id: "reason", rows: "3", dir: "auto", maxlength: "1000", autofocus: true, "aria-describedby": "reason-wrong" });
    const wrong = h("p", { class: "wrong", id: "reason-wrong", role: "alert" });
    const done = () => {
      const reason = field.value.trim();
      if (reason) close(reason);
      else {
        setText(wrong, t("reason_needed"));
        field.focus();
      }
    };
    return [
      h("p", { class: "soft", dir: "auto" }, explanation),
      h("label", { for: "reason" }, label), field, wrong,
      h("div", { class: "pair" },
        h("button", { type: "button", class: "button", on: { click: () => close() } }, t("back")),
        h("button", { type: "button", class: dangerous ? "button danger" : "button primary", on: { click: done } }, confirm)),
    ];
  });
}
