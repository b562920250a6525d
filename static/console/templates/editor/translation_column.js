// The column of translations beside the texts, in one language at a time.

import { h, lang, makeButton, t } from "../../../executor/dom.js";
import { partsOf, rowIdOf } from "./template.js";
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

  /** Shows a language, "" for none. */
  show(tag) {
    this.language = tag;
    this.#controls = [];
    this.#editor.redraw();
  }

  /** Shows the language that the page's address asks for. */
  showAddressed() {
    const [, tag] = /^#translation-([\w-]+)$/.exec(location.hash) ?? [];
    if (tag && this.#editor.template) this.#showOutdated(tag);
  }

  /** Shows a language, and goes to its first outdated translation. */
  #showOutdated(tag) {
    this.#editor.showTab("rows");
    this.show(tag);
    const { template, confirmations, rows } = this.#editor;
    const place = confirmations.outdatedIn(template).find(([one]) => one === tag);
    if (!place) return;
    rows.open(rowIdOf(template, place[1]));
    const { field } = this.#controls.find((one) => one.place.join(" ") === place.join(" ")) ?? {};
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  }

  /** → whether a text has a translation into the shown language. */
  has(id, member) {
    return translationAt(this.#editor.template, [this.language, id, member]) !== undefined;
  }

  /** → a text's field with its translation beside it, the field alone while no language is shown. */
  beside(field, id, member) {
    if (!this.language || !TRANSLATED.has(member)) return field;
    const control = this.#make([this.language, id, member], field);
    this.#controls.push(control);
    return h("div", { class: "pair" }, field, control.element);
  }

  /** → the control of the translation at a place, of the text in the field `of`. */
  #make(place, of) {
    const key = place.join(" ");
    const name = nameOf(this.language);
    const label = [name, of.ariaLabel].filter(Boolean).join(": ");
    const field = h("textarea", {
      rows: "1", dir: "auto", lang: this.language, placeholder: name, "aria-label": label, "data-key": key,
      on: {
        input: () => this.#editor.translate(place, field.value === "" ? undefined : field.value, key),
        change: () => this.#editor.seal(),
        keydown: (event) => this.#press(event, field),
      },
    });
    const mark = h("p", { class: "outdated small" }, t("out_of_date"), " ", makeButton("small", () => {
      this.#editor.confirmTranslation(place);
      field.focus();
    }, t("still_right")));
    const control = { place, field, mark, element: h("div", { class: "translation" }, field, mark) };
    this.#renderControl(control);
    return control;
  }

  /** Enter goes on to the next translation. */
  #press(event, field) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    const all = [...document.querySelectorAll(".translation textarea")].filter((one) => one.checkVisibility());
    all[all.indexOf(field) + 1]?.focus();
    event.preventDefault();
  }

  /** Shows the template's translations. While a text is typed, only those on the page. */
  render(isTyping = false) {
    if (!this.#editor.template) return;   // JSON that can't be read
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
    const used = [...new Set([...Object.keys(template.translations ?? {}), this.language])].filter(Boolean);
    const isNew = (tag) => !used.some((one) => one.toLowerCase() === tag);
    const others = OFFERED.filter(isNew).sort((one, other) => nameOf(one).localeCompare(nameOf(other), lang));
    const option = (tag) => h("option", { value: tag, selected: tag === this.language }, nameOf(tag));
    if (used.join() !== this.#select.dataset.used) {   // an open menu is left alone
      this.#select.replaceChildren(h("option", { value: "" }, t("no_translation")), ...used.map(option),
        ...others.map(option));
      this.#select.dataset.used = used.join();
    }
    this.#select.value = this.language;
    const counts = new Map();
    for (const [tag] of confirmations.outdatedIn(template)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    const button = ([tag, count]) => makeButton("small", () => this.#showOutdated(tag), `${nameOf(tag)} ${count}`);
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
