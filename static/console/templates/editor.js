// The editor of a checklist: rows and their panels, the JSON, and the phone beside them; all of them show one template,
// which operations change. Without this script the form still works: its buttons store, check and publish the JSON.

import { announce, t } from "../../executor/dom.js";
import { danglingSteps } from "./editor/conditions.js";
import { focusControl } from "./editor/controls.js";
import { askAboutBroken, askForLines, askForText, lineWords } from "./editor/dialogs.js";
import { Draft } from "./editor/draft.js";
import { History } from "./editor/history.js";
import { Joining } from "./editor/joining.js";
import { JsonView } from "./editor/json_view.js";
import { rowOf } from "./editor/lines.js";
import {
  TYPES, addParts, addRows, changeType, duplicatePart, insertParts, insertRows, isUntouched, makeHeading, movePart,
  movePartAfter, newStep, removeHeading, removePart, removeRule, setMember,
} from "./editor/operations.js";
import { Phone } from "./editor/phone.js";
import { Rows } from "./editor/rows.js";
import { roomIn } from "./editor/showable.js";
import { outlineOf, partOf, partsOf, stepsOf } from "./editor/template.js";
import { TemplateHead } from "./editor/template_head.js";
import { readTemplate, textOf } from "./editor/text.js";
import { TranslationColumn } from "./editor/translation_column.js";
import { Confirmations, setTranslation } from "./editor/translations.js";
import { chooseType } from "./editor/type_menu.js";

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH = 10;

class Editor {
  #form = document.getElementById("editor");
  #text = document.getElementById("text");
  #workshop = document.querySelector(".workshop");
  #history = new History(null);
  #textOf = null;         // the template that the text field has, null while the text is being typed
  #stored = null;         // the text that was stored last, as `value`, and the outdated translations of it
  #opened = new Set();    // optional parts of panels that are open without a value yet

  words = JSON.parse(document.getElementById("editor-data").textContent);
  operators = this.words.operators;
  pictures = {};
  chosen = null;          // the id of the selected row
  phone = new Phone();
  json = new JsonView();
  draft = new Draft(this.#form, () => this.#currentText(), () => this.#outdated);
  confirmations = new Confirmations();
  translations = new TranslationColumn(this);
  head = new TemplateHead(this, document.getElementById("whole"));
  rows = new Rows(this, document.getElementById("rows"));

  constructor() {
    for (const part of document.querySelectorAll(".scripted-only")) part.hidden = false;
    this.#stored = { value: this.#text.value, outdated: this.words.outdated };
    this.#connect();
    this.readText();
    this.showTab(this.template ? "rows" : "json");
    new Joining(this, this.draft).joinVersion(this.words.version);
    this.#loadFile();   // a file may have been chosen before this script ran
    if (this.#text.value.trim()) this.draft.check();
    this.translations.showAddressed();
    if (!this.draft.place.draft && !this.draft.place.template_id && this.#tab === "rows") this.head.focus();
  }

  get template() {
    return this.#history.template;
  }

  get csrf() {
    return this.#form.elements.csrf.value;
  }

  /** The id of the last row, null without one. */
  get #last() {
    return outlineOf(this.template).at(-1)?.id ?? null;
  }

  get #tab() {
    return this.#workshop.dataset.tab;
  }

  makeId = (prefix) => {
    const numbers = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
    return prefix + Array.from(numbers, (number) => ID_LETTERS[number % ID_LETTERS.length]).join("");
  };

  // What views do to the template

  set(id, path, value, { typing = null } = {}) {
    const isRule = path[0] === "condition" || path[0] === "flag";
    const change = (template) => setMember(template, id, path, value);
    if (typing || isRule) return this.#take(change(this.template), typing);
    this.#act(change);
  }

  /** Writes the translation at a place ("./editor/translations.js"); undefined leaves it out. */
  translate(place, words, typing) {
    this.#take(setTranslation(this.template, place, words), typing);
  }

  /** Notes that the translation at a place is right although its author's text was changed. */
  confirmTranslation(place) {
    this.confirmations.confirm(this.template, place);
    this.draft.confirm();
    this.#render();
  }

  /** Ends a row of typed changes that are undone together. */
  seal() {
    this.#history.seal();
    this.translations.render();
  }

  async addStep(after) {
    const step = newStep("boolean", this.makeId);
    await this.#act((template) => addRows(template, after, [{ part: step, isHeading: false }], this.#sectionOptions));
    this.rows.focus(step.id);
  }

  /** Adds a step at the end, of the type that the person chooses. */
  async addStepOfType() {
    await this.addStep(this.#last);
    const { id } = stepsOf(this.template).at(-1);
    this.chooseType(id, this.rows.textOf(id));
  }

  /** Removes an empty part of a list, and goes on to a new step behind the list's. */
  async goOn(id, stepId) {
    await this.#act((template) => removePart(template, id));
    this.addStep(stepId);
  }

  async addSection() {
    const part = { id: this.makeId("g-"), title: "", steps: [] };
    await this.#act((template) => addRows(template, this.#last, [{ part, isHeading: true }], this.#sectionOptions));
    this.rows.focus(part.id);
  }

  /** Adds the rows that pasted lines become, behind the row `after` or in place of it if nothing is in it. */
  async addLines(text, after = this.#last) {
    const lines = await askForLines(text, roomIn(this.template, this.words.max_steps));
    const rows = lines.map((line) => rowOf(line, this.makeId, lineWords()));
    if (!rows.length) return;
    await this.#act((template) => insertRows(template, after, rows, this.#sectionOptions));
    this.rows.focus(rows.at(-1).part.id);
  }

  /** Removes the row of a step or heading, and puts the cursor into the row before it. */
  async removeRow(id, isHeading) {
    const rows = outlineOf(this.template);
    const at = rows.findIndex((row) => row.id === id);
    if (!await this.#act((template) => (isHeading ? removeHeading : removePart)(template, id))) return;
    if (rows[at - 1]) this.rows.focus(rows[at - 1].id);
    else this.head.focus();
  }

  async remove(id) {
    const { list } = partsOf(this.template).get(id);
    const before = this.#beside(id, -1) ?? this.#beside(id, 1);
    if (!await this.#act((template) => removePart(template, id))) return;
    announce(t("removed"));
    if (list === "steps" || list === "sections") return this.rows.focus(before);
    focusControl(`${before} label`);
  }

  async move(id, by) {
    if (await this.#act((template) => movePart(template, id, by))) this.#tellPlace(id);
  }

  async moveAfter(id, after) {
    if (id !== after && await this.#act((template) => movePartAfter(template, id, after))) this.#tellPlace(id);
  }

  duplicate(id) {
    const [template, copy, renamed] = duplicatePart(this.template, id, this.makeId);
    this.#take(template, null, renamed);
    this.rows.focus(copy);
  }

  /** Removes a step's condition or flag. */
  removeRule(id, member) {
    this.#act((template) => removeRule(template, id, member));
  }

  async addPart(id, path, part, after = null) {
    await this.#act((template) => addParts(template, id, path, [part], after));
    focusControl(`${part.id} label`);
  }

  async insertParts(id, path, parts, after) {
    if (!parts.length) return;
    await this.#act((template) => insertParts(template, id, path, parts, after));
    focusControl(`${parts.at(-1).id} label`);
  }

  /** Lets the person choose a step's type, or make a heading of it. */
  async chooseType(id, anchor) {
    const { type } = partOf(this.template, id);
    const choices = [...TYPES.map((name) => [name, t(`type_${name}`)]), ["section", t("type_section")]];
    const { value: chosen, text } = await chooseType(anchor, choices, type);
    if (text) {   // no kind of answer, but the question
      this.set(id, ["label"], `${partOf(this.template, id)?.label ?? ""}${text}`);
      return this.rows.focus(id);
    }
    if (!chosen || !partOf(this.template, id)) return;
    const heading = this.makeId("g-");
    if (chosen === "section") await this.#act((template) => makeHeading(template, id, heading, this.#sectionOptions));
    else await this.#act((template) => changeType(template, id, chosen, this.makeId));
    this.rows.focus(chosen === "section" ? heading : id);
  }

  // What views show

  isOpened(id, name) {
    return this.#opened.has(`${id} ${name}`);
  }

  /** Opens an optional part of a step's panel that has no value yet. */
  open(id, name) {
    this.#opened.add(`${id} ${name}`);
    this.#render();
    focusControl(`${id} ${name}`);
  }

  focusBeside(id, by) {
    const other = this.#beside(id, by);
    if (other && partOf(this.template, other)) this.rows.focus(other);
    else if (by < 0) this.head.focus();
  }

  focusFirst() {
    const first = stepsOf(this.template)[0];
    if (first) this.rows.focus(first.id);
    else this.addStep(null);
  }

  /** Says something that the person has to know, also to screen readers. */
  say(words) {
    document.getElementById("said").textContent = words;
  }

  // The template, and the text that is stored

  get #sectionOptions() {
    return { makeId: this.makeId, firstTitle: t("first_section") };
  }

  /** Changes the template, after asking if the change breaks conditions. → whether it was changed. */
  async #act(change) {
    const before = this.template;
    const after = change(before);
    if (after === before) return false;
    const broken = danglingSteps(before, this.operators);
    const breaks = [...danglingSteps(after, this.operators)].filter((id) => !broken.has(id));
    if (breaks.length && !await askAboutBroken(breaks.map((id) => partOf(after, id).label || t("no_text")))) {
      this.#render();
      return false;
    }
    if (this.template !== before) return this.#act(change);   // it was changed meanwhile
    this.#take(after);
    return true;
  }

  #take(template, typing = null, renamed = undefined) {
    if (template === this.template) return;
    this.confirmations.note(template, renamed);
    this.#history.act(template, typing);
    this.say("");
    this.draft.change();
    this.#render(Boolean(typing));
  }

  #undo(isRedo = false) {
    if (!this.#textOf) {
      this.#text.value = textOf(this.template);
      this.readText();
      return this.draft.change();
    }
    const isDone = isRedo ? this.#history.redo() : this.#history.undo();
    this.confirmations.goOn(this.template);
    this.say(isDone ? "" : t("not_undone"));
    this.draft.change();
    this.#render();
  }

  /** Shows the template everywhere but in the phone, which the server's answer to the text reaches. */
  #render(isTyping = false) {
    const active = document.activeElement;
    const [start, end] = [active?.selectionStart, active?.selectionEnd];
    this.head.render(isTyping);
    this.rows.render(isTyping);
    this.translations.render(isTyping);
    this.#showUndo();
    if (this.#tab === "json" && this.#textOf) {
      this.#currentText();
      this.json.render();
    }
    if (!active?.isConnected || document.activeElement === active) return;
    active.focus({ preventScroll: true });   // a row that moves loses the focus
    if (typeof start === "number") active.setSelectionRange(start, end);
  }

  /** Draws all texts anew, with their translations beside them. */
  redraw() {
    this.phone.speak(this.translations.language);
    this.head.clear();
    this.rows.clear();
    this.#render();
  }

  /** Undo and redo are of the rows. While the JSON can't be shown as rows, undo there returns to what they show. */
  #showUndo() {
    const isUnreadable = this.template && !this.#textOf && this.#tab !== "json";
    document.getElementById("undo").disabled = !isUnreadable && (!this.#textOf || !this.#history.canUndo);
    document.getElementById("redo").disabled = !this.#textOf || !this.#history.canRedo;
  }

  #currentText() {
    if (this.#textOf && this.#textOf !== this.template) {
      this.#text.value = textOf(this.template);
      this.#textOf = this.template;
    }
    return this.#text.value;
  }

  /** The outdated translations as the server reads them, null if they aren't known. */
  get #outdated() {
    return this.confirmations.toSend(this.#textOf ?? this.readTemplate(this.#text.value));
  }

  /** Whether the text field has the template that is shown: not while the JSON is being typed. */
  get isTextRead() {
    return this.#textOf !== null;
  }

  /** → the template in a JSON text; null if rows can't show it. */
  readTemplate(text) {
    return readTemplate(text, () => "");
  }

  /** Takes over what the server knows of the translations of a text that it has stored. */
  #takeStored(stored) {
    this.#stored = stored;
    const isOfNow = this.#textOf && this.#textOf === this.template && stored.value === this.#text.value;
    const template = isOfNow ? this.template : this.readTemplate(stored.value);
    if (isOfNow) this.confirmations.begin(template, stored.outdated);
    else if (template) this.confirmations.learn(template, stored.outdated);
    this.translations.render();
  }

  /** Replaces the template by a merged one. */
  join(template) {
    this.confirmations.goOn(template);
    this.#history.join(template);
    this.#render();
  }

  /** Shows the template in the text field; rows are read-only while it can't be read. → whether it can be. */
  readText() {
    const template = readTemplate(this.#text.value, this.makeId);
    document.getElementById("unreadable").hidden = Boolean(template);
    document.getElementById("sheet").inert = !template;
    if (!template) {
      this.#showUndo();
      return false;
    }
    const { value, outdated } = this.#stored;
    if (value !== this.#text.value) this.confirmations.note(template);
    else this.confirmations.begin(template, outdated);
    if (this.template) this.#history.act(template);
    else this.#history = new History(template);
    this.#textOf = template;
    this.#render();
    return true;
  }

  // Faults

  #showChecked({ value, summary, faults, preview, left_out: leftOut, languages, pictures }) {
    const result = document.getElementById("summary");
    if (!faults || value === this.#currentText()) {
      result.textContent = summary;
      result.className = faults?.length === 0 ? "soft" : "wrong";
    }
    if (!faults || value !== this.#currentText()) return;
    const isNew = Object.keys(pictures).some((id) => !(id in this.pictures));
    this.pictures = { ...this.pictures, ...pictures };
    this.json.showFaults(faults);
    const places = new Map();
    for (const fault of faults) places.set(fault.id, [...(places.get(fault.id) ?? []), fault]);
    this.rows.showFaults(places);
    this.head.showFaults([...places].filter(([id]) => !this.#isRow(id)).flatMap(([, found]) => found));
    this.phone.show({ preview, left_out: leftOut, languages });
    if (isNew && this.template) this.#render();
  }

  /** Shows why nothing is published, at the first row that has a problem. */
  #showFaulty({ faults }) {
    this.say(t("not_published"));
    const { id } = faults.find((fault) => this.#isRow(fault.id)) ?? {};
    if (id && this.#tab === "rows") this.rows.focus(id);
  }

  #isRow(id) {
    return outlineOf(this.template ?? {}).some((row) => row.id === id);
  }

  // Events

  #connect() {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    on("undo", () => this.#undo());
    on("redo", () => this.#undo(true));
    on("add-step", () => this.addStepOfType());
    on("add-section", () => this.addSection());
    on("add-lines", async () => this.addLines(await askForText()));
    for (const tab of document.querySelectorAll("[data-shows]")) {
      tab.addEventListener("click", () => this.showTab(tab.dataset.shows));
    }
    this.#form.addEventListener("submit", () => this.#dropEmptyEnd(), { capture: true });
    this.#text.addEventListener("input", () => {
      this.#textOf = null;
      this.json.render();
      this.draft.change();
    });
    this.draft.addEventListener("stored", ({ detail }) => this.#takeStored(detail));
    this.draft.addEventListener("checked", ({ detail }) => this.#showChecked(detail));
    this.draft.addEventListener("faulty", ({ detail }) => this.#showFaulty(detail));
    this.phone.addEventListener("again", () => this.#restartPhone());
    this.phone.addEventListener("choose", ({ detail }) => this.rows.reveal(detail));
    document.addEventListener("keydown", (event) => this.#press(event));
    document.getElementById("file").addEventListener("change", () => this.#loadFile());
  }

  #press(event) {
    if (!(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key === "s") this.draft.schedule(0);
    else if (this.#tab === "json" || !this.template || !["z", "y"].includes(key)) return;
    else this.#undo(key === "y" || event.shiftKey);
    event.preventDefault();
  }

  /** Shows the rows, the JSON, or the phone where there is no room for it beside. */
  showTab(name) {
    if (this.#tab === "json" && name !== "json" && !this.#textOf) this.readText();
    if (name === "json" && this.#textOf) this.#currentText();
    this.#workshop.dataset.tab = name;
    for (const tab of document.querySelectorAll("[data-shows]")) {
      tab.setAttribute("aria-pressed", String(tab.dataset.shows === name));
    }
    if (name === "json") this.json.render();
    this.#showUndo();
  }

  /** Removes the empty step that Enter has made at the end. */
  #dropEmptyEnd() {
    const last = this.#textOf && outlineOf(this.template).at(-1);
    if (last && isUntouched(last) && stepsOf(this.template).length > 1) this.#take(removePart(this.template, last.id));
  }

  /** Starts the phone anew, with the last valid text if the server cannot be reached. */
  async #restartPhone() {
    await this.draft.check();
    this.phone.restart();
  }

  #tellPlace(id) {
    const rows = outlineOf(this.template);
    const at = rows.findIndex((row) => row.id === id);
    if (at >= 0) announce(t("moved", { place: at + 1, n: rows.length }));
  }

  /** → the id of the part beside one in its list, or of the row beside a step or heading; undefined without one. */
  #beside(id, by) {
    const { list, parent, path } = partsOf(this.template).get(id);
    const rows = outlineOf(this.template).map((row) => row.id);
    const isRow = list === "steps" || list === "sections";
    const ids = isRow ? rows : [...partsOf(this.template)]
      .filter(([, other]) => other.list === list && other.parent === parent && other.path.length === path.length)
      .map(([other]) => other);
    return ids[ids.indexOf(id) + by];
  }

  /** Replaces the text by the chosen file's. */
  async #loadFile() {
    const field = document.getElementById("file");
    const [chosen] = field.files;
    if (!chosen) return;
    this.#text.focus();
    this.#text.setRangeText(await chosen.text(), 0, this.#text.value.length, "start");
    field.value = "";
    this.#text.dispatchEvent(new Event("input"));
    this.readText();
    if (this.template) this.showTab("rows");
  }
}

new Editor();
