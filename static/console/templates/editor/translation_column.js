// The column of translations beside the texts, in one language at a time.

import { h, lang, makeButton, t } from "../../../executor/dom.js";
import { partsOf } from "./template.js";
import { TRANSLATED, authorText, translationAt } from "./translations.js";

const OFFERED = (   // beside the languages that the template has
  "ar bg bn cs da de el en es et fa fi fil fr he hi hr hu id it ja ko lt lv nb nl pl pt ro ru sk sl sq sr sv th tr " +
  "uk ur vi zh").split(" ");
const names = new Intl.DisplayNames([lang], { type: "language" });

export class TranslationColumn {
  language = "";   // the tag of the language that is shown, "" for none
  #editor;
  #select = document.getElementById("language");
  #summary = document.getElementById("outdated");
  #controls = [];

  /** `editor`: is told to draw all texts anew when the language changes. */
  constructor(editor) {
    this.#editor = editor;
    this.#select.addEventListener("change", () => this.show(this.#select.value));
  }

  show(tag) {
    this.language = tag;
    this.#controls = [];
    this.#editor.redraw();
  }

  /** → a text's field with its translation beside it, the field alone while no language is shown. */
  beside(field, id, member) {
    if (!this.language || !TRANSLATED.has(member)) return field;
    const control = this.#make([this.language, id, member]);
    this.#controls.push(control);
    return h("div", { class: "pair" }, field, control.element);
  }

  #make(place) {
    const key = place.join(" ");
    const name = nameOf(this.language);
    const field = h("textarea", {
      rows: "1", dir: "auto", lang: this.language, placeholder: name, "aria-label": name, "data-key": key,
      on: {
        input: () => this.#editor.translate(place, field.value === "" ? undefined : field.value, key),
        change: () => this.#editor.seal(),
        keydown: (event) => this.#press(event, field),
      },
    });
    const mark = h("p", { class: "outdated small" }, t("out_of_date"), " ",
      makeButton("small", () => this.#editor.confirmTranslation(place), t("still_right")));
    const control = { place, field, mark, element: h("div", { class: "translation" }, field, mark) };
    this.#renderControl(control);
    return control;
  }

  /** Enter goes on to the next translation. */
  #press(event, field) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    const all = [...document.querySelectorAll(".translation textarea")];
    all[all.indexOf(field) + 1]?.focus();
    event.preventDefault();
  }

  /** Shows the template's translations. While a text is typed, only those on the page. */
  render(isTyping) {
    this.#controls = this.#controls.filter(({ element }) => element.isConnected);
    for (const control of this.#controls) this.#renderControl(control);
    if (!isTyping) this.#renderLanguages();
  }

  #renderControl({ place, field, mark }) {
    const { template, confirmations } = this.#editor;
    const words = String(translationAt(template, place) ?? "");
    if (field.value !== words) field.value = words;
    mark.hidden = !confirmations.isOutdated(template, place);
  }

  #renderLanguages() {
    const { template, confirmations } = this.#editor;
    const used = Object.keys(template.translations ?? {});
    const isNew = (tag) => !used.some((one) => one.toLowerCase() === tag);
    const others = OFFERED.filter(isNew).sort((one, other) => nameOf(one).localeCompare(nameOf(other), lang));
    const option = (tag) => h("option", { value: tag, selected: tag === this.language }, nameOf(tag));
    this.#select.replaceChildren(h("option", { value: "" }, t("no_translation")), ...used.map(option),
      ...others.map(option));
    const counts = new Map();
    for (const [tag] of confirmations.outdatedIn(template)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    const button = ([tag, count]) => makeButton("small", () => this.show(tag), `${nameOf(tag)} ${count}`);
    const missing = this.language ? this.#missing() : 0;
    this.#summary.replaceChildren(...(counts.size ? [t("outdated_in"), ...[...counts].map(button)] : []),
      ...(missing ? [t("untranslated", { n: missing })] : []));
  }

  /** → the number of texts without a translation into the shown language. */
  #missing() {
    const { template } = this.#editor;
    const places = ["", ...partsOf(template).keys()].flatMap((id) =>
      [...TRANSLATED].map((member) => [this.language, id, member]));
    return places.filter((place) => authorText(template, place) && !translationAt(template, place)).length;
  }
}

/** → the name of a language in the page's. */
function nameOf(tag) {
  try {
    return names.of(tag);
  } catch {
    return tag;
  }
}
