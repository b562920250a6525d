// The translations of a template, and which of them are outdated: those of a text that its author has changed since.
// No DOM.
//
// A place is [tag, id, member]: the tag of a language, the id of a part, and the name of its text.

import { getIn, partOf, setIn } from "./template.js";

const OWN = ["name", "title", "description", "label", "hint"];   // members of parts themselves
export const OF_CONFIG = ["placeholder", "body", "true_label", "false_label", "min_label", "max_label", "unit"];
export const TRANSLATED = new Set([...OWN, ...OF_CONFIG, "tell"]);

/** → the author's text at a place, "" without one. */
export function authorText(template, [, id, member]) {
  const path = OWN.includes(member) ? [member] : [member === "tell" ? "flag" : "config", member];
  const text = getIn(partOf(template, id), path);
  return typeof text === "string" ? text : "";
}

/** → the translation at a place, undefined without one. */
export function translationAt({ translations }, [tag, id, member]) {
  return translations?.[tag]?.[id]?.[member];
}

/** → the template with a translation at a place; undefined leaves it out. */
export function setTranslation(template, [tag, id, member], words) {
  let result = setIn(template, ["translations", tag, id, member], words);
  if (result === template) return template;
  for (const path of [["translations", tag, id], ["translations", tag], ["translations"]]) {
    const isEmpty = words === undefined && Object.keys(getIn(result, path) ?? { "": 0 }).length === 0;
    if (isEmpty) result = setIn(result, path, undefined);
  }
  return result;
}

/** → the places of all translations of a template. */
function placesIn({ translations }) {
  return Object.entries(translations ?? {}).flatMap(([tag, texts]) => Object.entries(texts).flatMap(([id, words]) =>
    Object.keys(words).map((member) => [tag, id, member])));
}

/** The author's texts for which the translations in one editor were confirmed. */
export class Confirmations {
  #template = null;     // the last one whose translations are known, null after JSON that can't be read
  #known = new Map();   // place with the translation → {texts, digest}: the server's digest of the last text, if any

  /** Begins with a stored template, whose translations are then all known. */
  begin(template, outdated) {
    this.learn(template, outdated);
    this.#template = template;
  }

  /** Learns which translations of a stored template are outdated, {tag: {id: {member: digest}}}; all others are
   *  confirmed. */
  learn(template, outdated) {
    for (const [tag, id, member] of placesIn(template)) {
      const digest = outdated[tag]?.[id]?.[member];
      if (digest) this.#get(template, [tag, id, member]).digest = digest;
      else this.confirm(template, [tag, id, member]);
    }
  }

  /** Notes that the translation at a place is right for the author's text in the template. */
  confirm(template, place) {
    this.#get(template, place).texts.add(authorText(template, place));
  }

  /** Notes a change by the person: translations that it writes are for the author's texts in `after`, null for JSON
   *  that can't be read. Those of a copied part are as confirmed as its own; `renamed`: {id: id of its copy}. */
  note(after, renamed = new Map()) {
    const before = this.#template;
    this.goOn(after);
    if (!before || !after || before.translations === after.translations) return;
    const sources = new Map([...renamed].map(([source, copy]) => [copy, source]));
    for (const place of placesIn(after)) {
      const [tag, id, member] = place;
      if (translationAt(before, place) === translationAt(after, place)) continue;
      if (!sources.has(id)) this.confirm(after, place);
      else this.#copy(this.#get(before, [tag, sources.get(id), member]), this.#get(after, place));
    }
  }

  /** Goes on from another template, which was undone or joined. */
  goOn(template) {
    this.#template &&= template;
  }

  isOutdated(template, place) {
    return translationAt(template, place) !== undefined
      && !this.#get(template, place).texts.has(authorText(template, place));
  }

  /** → the places of the outdated translations of a template's parts. */
  outdatedIn(template) {
    const isThere = ([, id]) => partOf(template, id) !== undefined;
    return placesIn(template).filter((place) => isThere(place) && this.isOutdated(template, place));
  }

  /** → the outdated translations as the server reads them: {tag: {id: {member: {text} or {digest}}}}; null if they
   *  are not all known. */
  toSend(template) {
    this.note(template);
    if (!this.#template) return null;
    const result = Object.create(null);   // a tag may be any name
    for (const place of placesIn(template).filter((one) => this.isOutdated(template, one))) {
      const [tag, id, member] = place;
      const { texts, digest } = this.#get(template, place);
      result[tag] ??= Object.create(null);
      result[tag][id] ??= Object.create(null);
      result[tag][id][member] = texts.size ? { text: [...texts].at(-1) } : { digest };
    }
    return result;
  }

  #copy({ texts, digest }, target) {
    target.digest = digest;
    for (const text of texts) target.texts.add(text);
  }

  #get(template, place) {
    const key = [...place, translationAt(template, place)].join("\n");
    if (!this.#known.has(key)) this.#known.set(key, { texts: new Set(), digest: null });
    return this.#known.get(key);
  }
}
