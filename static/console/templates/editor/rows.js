// The checklist as rows: a heading or step each, whose text is edited in place. The selected row shows its panel.

import { h, makeButton, setText, t } from "../../../executor/dom.js";
import { ruleText } from "./conditions.js";
import { faultItem, onPaste, replaceContent, textField } from "./controls.js";
import { sectionPanel, stepPanel } from "./panel.js";
import { addPictures } from "./picture_list.js";
import { outlineOf, partOf } from "./template.js";

const ROW = "text/x-rundun-row";   // the type of a dragged row's data, which is its id

/** → whether an element is a field of one line, in which Enter goes on to a new step. */
function isOneLine(element) {
  return element.matches("input:not([type=checkbox]), textarea:not(.long)");
}

export class Rows {
  #editor;
  #list;
  #rows = new Map();   // {id: {element, part, text, chips, faults, panel}}
  #isPressed = false;  // a pointer is down: the page must not move below it

  constructor(editor, list) {
    this.#editor = editor;
    this.#list = list;
    list.addEventListener("pointerdown", () => (this.#isPressed = true));
    for (const end of ["pointerup", "pointercancel", "dragend"]) {
      addEventListener(end, () => setTimeout(() => (this.#isPressed = false)));
    }
    list.addEventListener("focusin", (event) => this.#isPressed || this.#choose(event));
    list.addEventListener("click", (event) => this.#choose(event));
    list.addEventListener("keydown", (event) => this.#press(event));
    list.addEventListener("dragover", (event) => this.#markDrop(event));
    list.addEventListener("dragleave", () => this.#unmarkDrop());
    list.addEventListener("drop", (event) => this.#drop(event));
    list.addEventListener("paste", (event) => this.#paste(event));
  }

  /** Shows the template's rows. While a text is typed, the panel is left alone. */
  render(isTyping = false) {
    const { template } = this.#editor;
    const outline = outlineOf(template);
    let number = 0;
    const elements = outline.map(({ id, part, isHeading }) => {
      const known = this.#rows.get(id);
      if (known && known.isHeading !== isHeading) known.element.remove();
      const row = known?.isHeading === isHeading ? known : this.#make(id, isHeading);
      if (!isHeading) number += 1;
      this.#show(row, part, isHeading ? "" : String(number), isTyping);
      return row.element;
    });
    const ids = new Set(outline.map(({ id }) => id));
    for (const id of [...this.#rows.keys()].filter((one) => !ids.has(one))) {
      this.#rows.get(id).element.remove();
      this.#rows.delete(id);
    }
    elements.forEach((element, index) => {
      const here = this.#list.children[index];
      if (here !== element) this.#list.insertBefore(element, here ?? null);
    });
  }

  /** Removes all rows, to be drawn anew. */
  clear() {
    this.#list.replaceChildren();
    this.#rows.clear();
  }

  /** Shows the faults of the rows, {id: [fault]}, each with its `words`. */
  showFaults(faults) {
    for (const [id, row] of this.#rows) this.#showRowFaults(row, faults.get(id) ?? []);
  }

  #showRowFaults({ element, faults }, found) {
    element.classList.toggle("faulty", found.length > 0);
    faults.replaceChildren(...found.map(faultItem));
  }

  /** Puts the cursor into the text of a row, at the end. */
  focus(id) {
    this.open(id);
    const text = this.#rows.get(id)?.text;
    text?.focus();
    text?.setSelectionRange(text.value.length, text.value.length);
  }

  /** → the field with the text of a row. */
  textOf(id) {
    return this.#rows.get(id).text;
  }

  /** Shows the panel of a row, the chosen one, where the row was on the screen. */
  open(id) {
    const before = this.#rows.get(this.#editor.chosen);
    const row = this.#rows.get(id);
    if (!row || before === row) return;
    const { top } = row.element.getBoundingClientRect();
    this.#editor.chosen = id;
    if (before) this.#showPanel(before);
    this.#showPanel(row);
    scrollBy(0, row.element.getBoundingClientRect().top - top);
    this.#editor.phone.scrollTo(id);
  }

  /** Scrolls to a row and opens it. */
  reveal(id) {
    this.open(id);
    this.#rows.get(id)?.element.scrollIntoView({ block: "nearest" });
  }

  #make(id, isHeading) {
    const path = [isHeading ? "title" : "label"];
    const name = isHeading ? t("section_title") : t("step_label");
    const look = { name, placeholder: name, className: "text" };
    const text = textField(this.#editor, id, path, { isNeeded: true, ...look });
    onPaste(text, (lines) => this.#editor.addLines(lines, id));
    const number = h("span", { class: "number", "aria-hidden": "true" });
    const grip = h("span", { class: "grip", draggable: "true", "aria-hidden": "true" }, "⠿");
    const type = makeButton("type", () => this.#editor.chooseType(id, type));
    const chips = h("p", { class: "chips-text" });
    const faults = h("ul", { class: "faults" });
    const panel = h("div", { class: "row-panel" });
    const element = h("li", { class: isHeading ? "heading" : "step", "data-id": id },
      h("div", { class: "line" }, grip, number, this.#editor.translations.beside(text, id, path[0]),
        isHeading ? null : type), chips, faults, panel);
    grip.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData(ROW, id);
      event.dataTransfer.setDragImage(element, 0, 0);
    });
    const row = { element, part: null, text, number, type, chips, faults, panel, isHeading };
    this.#rows.set(id, row);
    return row;
  }

  #show(row, part, number, isTyping) {
    if (isTyping && row.part === part && !part.condition) return;   // texts appear in conditions of other rows only
    setText(row.number, number);
    const chips = row.isHeading ? [] : this.#chipsOf(part);
    setText(row.chips, chips.join(" · "));
    if (row.part === part) return isTyping || this.#showPanel(row);
    const isNew = row.part === null;
    row.part = part;
    this.#showRowFaults(row, []);   // those of the text before; the next check says what is still wrong
    const text = String((row.isHeading ? part.title : part.label) ?? "");
    if (row.text.value !== text) row.text.value = text;
    if (!row.isHeading) setText(row.type, t(`type_${part.type}`));
    if (!isTyping || isNew) this.#showPanel(row);
  }

  /** → what a step says beside its text, in words. */
  #chipsOf(step) {
    const { template } = this.#editor;
    const parts = step.config?.options ?? step.config?.slots ?? [];
    const { true_label: yes, false_label: no } = step.config ?? {};
    return [
      step.type === "boolean" && (yes || no) && `${yes ?? t("yes")}, ${no ?? t("no")}`,
      parts.length > 0 && parts.map(({ label }) => label).join(", "),
      step.type === "number" && limitsOf(step.config ?? {}),
      step.condition && `${t("ask_only_if")} ${ruleText(template, step.condition, step, t)}`,
      step.type === "datetime" && step.config?.mode === "datetime" && t("value_mode_datetime"),
      step.flag?.when && `${t("flag_when")} ${ruleText(template, step.flag.when, step, t)}`,
      step.flag?.tell && t("quoted", { text: step.flag.tell }),
      step.required === false && t("optional"),
    ].filter(Boolean);
  }

  #showPanel(row) {
    const isOpen = this.#editor.chosen === row.part.id;
    row.element.classList.toggle("chosen", isOpen);
    if (!isOpen) return row.panel.childElementCount && row.panel.replaceChildren();
    replaceContent(row.panel, (row.isHeading ? sectionPanel : stepPanel)(this.#editor, row.part));
  }

  #choose(event) {
    const id = event.target.closest("[data-id]")?.dataset.id;
    if (id) this.open(id);
  }

  /** The keys of a row's text. */
  #press(event) {
    const row = [...this.#rows.values()].find(({ text }) => text === event.target);
    const id = event.target.closest("[data-id]")?.dataset.id;
    if (event.isComposing || event.defaultPrevented || !id) return;
    const isArrow = event.key === "ArrowUp" || event.key === "ArrowDown";
    const by = event.key === "ArrowUp" ? -1 : 1;
    const isEmpty = row?.text.value === "";
    if (isArrow && event.altKey && event.shiftKey) {
      if (by > 0) this.#editor.duplicate(id);
    } else if (isArrow && event.altKey) this.#editor.move(id, by);
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "Enter" && !event.shiftKey && isOneLine(event.target)) this.#editor.addStep(id);
    else if (!row) return;
    else if (event.key === "Backspace" && isEmpty && !event.repeat) this.#editor.removeRow(id, row.isHeading);
    else if (event.key === "/" && isEmpty && !row.isHeading) this.#editor.chooseType(id, row.text);
    else if (isArrow && this.#isAtEdge(row.text, by)) this.#editor.focusBeside(id, by);
    else return;
    event.preventDefault();
  }

  #isAtEdge({ value, selectionStart, selectionEnd }, by) {
    return selectionStart === selectionEnd && selectionStart === (by < 0 ? 0 : value.length);
  }

  /** Marks where a dragged row would land, or the step that would get a picture. */
  #markDrop(event) {
    const target = this.#dropTarget(event);
    this.#unmarkDrop();
    if (!target) return;
    event.preventDefault();
    target.dataset.drop = event.dataTransfer.types.includes(ROW) ? this.#side(target, event) : "into";
  }

  /** → the row on which a dragged row or files would be dropped; texts are left to the fields. */
  #dropTarget({ target, dataTransfer }) {
    const isOurs = dataTransfer.types.includes(ROW) || dataTransfer.types.includes("Files");
    return isOurs ? target.closest("[data-id]") : null;
  }

  #unmarkDrop() {
    for (const one of this.#list.querySelectorAll("[data-drop]")) delete one.dataset.drop;
  }

  #side(target, { clientY }) {
    const { top, height } = target.getBoundingClientRect();
    return clientY < top + height / 2 ? "before" : "after";
  }

  #drop(event) {
    const target = this.#dropTarget(event);
    this.#unmarkDrop();
    if (!target) return;
    event.preventDefault();
    const id = event.dataTransfer.getData(ROW);
    const isStep = !this.#rows.get(target.dataset.id).isHeading;
    const before = this.#side(target, event) === "before" ? target.previousElementSibling : target;
    if (this.#rows.has(id)) this.#editor.moveAfter(id, before?.dataset.id ?? null);
    else if (isStep && !id) addPictures(this.#editor, target.dataset.id, [...event.dataTransfer.files]);
  }

  /** Adds pasted pictures. A spreadsheet's cells come as a text and as a picture of them. */
  #paste(event) {
    const id = event.target.closest(".step[data-id]")?.dataset.id;
    const files = [...event.clipboardData.files];
    const hasText = event.clipboardData.types.includes("text/plain");
    if (!id || !files.length || hasText || !partOf(this.#editor.template, id)) return;
    event.preventDefault();
    addPictures(this.#editor, id, files);
  }
}

/** → the limits of a number as signs, such as "≥ 4 km", each to be read from left to right. */
function limitsOf({ min, max, unit }) {
  const signs = [["≥", min], ["≤", max]].filter(([, value]) => value !== undefined && value !== null);
  return signs.map(([sign, value]) => `\u2066${sign} ${value} ${unit ?? ""}`.trim() + "\u2069").join(", ");
}
