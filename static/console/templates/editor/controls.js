// Form controls that edit one member of a part. Each is made with the editor, the part's id and the path to the member.

import { h, makeButton, t } from "../../../executor/dom.js";
import { getIn, partOf } from "./template.js";

let made = 0;

/** → a control with its label, in a paragraph of a form. */
export function labelled(words, control, hint = null) {
  made += 1;
  const field = control.matches(".pair") ? control.firstElementChild : control;
  field.id = `control-${made}`;
  if (field !== control) control.querySelector(".translation textarea").ariaLabel += `: ${words}`;
  return h("div", { class: "field" }, h("label", { for: field.id }, words), control,
    hint && h("p", { class: "hint" }, hint));
}

/** → a growing field for a text. An empty text is left out unless `isNeeded`; `look` has its {name, placeholder,
 *  className}, the name for screen readers. */
export function textField(editor, id, path, { isNeeded = false, ...look } = {}) {
  const key = `${id} ${path.join(" ")}`;
  const field = h("textarea", {
    rows: "1", dir: "auto", class: look.className, placeholder: look.placeholder, "aria-label": look.name,
    "data-key": key,
    value: String(getIn(partOf(editor.template, id), path) ?? ""),
    on: {
      input: () => editor.set(id, path, field.value === "" && !isNeeded ? undefined : field.value, { typing: key }),
      change: () => editor.seal(),
    },
  });
  return field;
}

/** → a `textField`, with its translation beside it. */
export function textControl(editor, id, path, look) {
  return editor.translations.beside(textField(editor, id, path, look), id, path.at(-1));
}

/** Puts a pasted line into a field, without its end. More than one line, or columns of a spreadsheet, are given to
 *  `take` as a text instead. */
export function onPaste(field, take) {
  field.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (!/[\r\n\t]/.test(text)) return;
    event.preventDefault();
    if (/[\r\n\t]/.test(text.trim())) return take(text);
    field.setRangeText(text.trim(), field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input"));
  });
}

/** → a field for a number; another text is kept as it is typed, for the check to complain of. */
export function numberControl(editor, id, path, placeholder = null) {
  const key = `${id} ${path.join(" ")}`;
  const field = h("input", {
    inputmode: "decimal", placeholder, "data-key": key, class: "number", autocomplete: "off",
    value: String(getIn(partOf(editor.template, id), path) ?? ""),
    on: {
      input: () => editor.set(id, path, numberIn(field.value), { typing: key }),
      change: () => editor.seal(),
    },
  });
  return field;
}

/** → the number in a typed text, the text if it is none, undefined for an empty one. */
export function numberIn(typed) {
  const text = typed.trim();
  if (text === "") return undefined;
  return /^-?\d{1,15}([.,]\d{1,15})?$/.test(text) ? Number(text.replace(",", ".")) : typed;
}

/** → a tick box with its label, for a member that is left out while it has the value `fallback`. */
export function tickControl(editor, id, path, words, fallback = false) {
  const box = h("input", {
    type: "checkbox", "data-key": `${id} ${path.join(" ")}`,
    checked: Boolean(getIn(partOf(editor.template, id), path) ?? fallback),
    on: { change: () => editor.set(id, path, box.checked === fallback ? undefined : box.checked) },
  });
  return h("label", { class: "tick" }, box, words);
}

/** → a choice of `options`, [[value, words]], for a member that is left out while it has the value `fallback`. */
export function selectControl(editor, id, path, options, fallback, name = null) {
  const value = getIn(partOf(editor.template, id), path) ?? fallback;
  return choice(options, value, (chosen) => editor.set(id, path, chosen === fallback ? undefined : chosen),
    { name, key: `${id} ${path.join(" ")}` });
}

/** → a <select> of `options`, [[value, words]]; a value that is not among them is shown, too. */
export function choice(options, value, choose, { name = null, key = null } = {}) {
  const known = options.some(([one]) => one === value);
  const all = known ? options : [...options, [value, value === undefined || value === "" ? "…" : String(value)]];
  const select = h("select", {
    "aria-label": name, "data-key": key,
    on: { change: () => choose(all[select.selectedIndex][0]) },
  }, ...all.map(([one, words]) => h("option", { selected: one === value }, words)));
  return select;
}

/** → a small button with a sign, named for screen readers and in its tooltip. */
export function signButton(sign, name, act, key = null) {
  const button = makeButton("sign", act, sign);
  Object.assign(button, { title: name, ariaLabel: name });
  if (key) button.dataset.key = key;
  return button;
}

/** → the buttons that move a part up and down. */
export function moveButtons(editor, id) {
  return [
    signButton("↑", t("move_up"), () => editor.move(id, -1), `up ${id}`),
    signButton("↓", t("move_down"), () => editor.move(id, 1), `down ${id}`),
  ];
}

/** → the buttons that move a part of a list, and delete it. */
export function partButtons(editor, id) {
  return h("span", { class: "signs" }, ...moveButtons(editor, id),
    signButton("✕", t("delete"), () => editor.remove(id), `delete ${id}`));
}

/** → a fault in words. Faults of missing values are hidden in the selected row: the person is about to write them. */
export function faultItem({ words, code }) {
  return h("li", { class: ["required", "too_short"].includes(code) ? "missing" : null }, words);
}

/** → a small button that keeps the focus when the page around it is drawn anew, by its `key`. */
export function actButton(key, act, ...content) {
  const button = makeButton("small", act, ...content);
  button.dataset.key = key;
  return button;
}

/** Puts the cursor into the control of a member, by its key. */
export function focusControl(key) {
  document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

/** Replaces the content of an element, with the focus and the selection where they were, by the attribute data-key. */
export function replaceContent(element, ...children) {
  const active = element.contains(document.activeElement) ? document.activeElement : null;
  const { key } = active?.dataset ?? {};
  const [start, end] = active ? [active.selectionStart, active.selectionEnd] : [];
  element.replaceChildren(...children.flat().filter(Boolean));
  const again = key && element.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (start !== undefined && start !== null) again.setSelectionRange?.(start, end);
}
