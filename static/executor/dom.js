// The few ways the page makes and changes what is on the screen. Text always becomes text nodes, never markup.

import { t } from "./words.js";

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
