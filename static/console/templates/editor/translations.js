// The translations of a template, and which of them are outdated: those of a text that its author has changed since.
// No DOM.
//
// A place is [tag, id, member]: the tag of a language, the id of a part, and the name of its text.

import { getIn, partOf, setIn } from "./template.js";

const OWN = ["name", "title", "description", "label", "hint"];   // members of parts themselves
const OF_STEP = ["placeholder", "body", "true_label", "false_label", "min_label", "max_label", "unit", "tell"];
export const TRANSLATED = new Set([...OWN, ...OF_STEP]);

/** → the author's text at a place, undefined without one. */
export function authorText(template, [, id, member]) {
  const path = OWN.includes(member) ? [member] : [member === "tell" ? "flag" : "config", member];
  return getIn(partOf(template, id), path);
}

/** → the translation at a place, undefined without one. */
export function translationAt({ translations }, [tag, id, member]) {
  return translations?.[tag]?.[id]?.[member];
}

/** → the template with a translation at a place; undefined leaves it out. */
export function setTranslation(template, [tag, id, member], words) {
  let result = setIn(template, ["translations", tag, id, member], words);
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

/** The author's texts for which translations are known to be right. */
export class Confirmations {
  #known = new Map();   // place with the translation → {texts, digest}: the server's digest of the last text, if any

  /** Takes over which translations of a template are outdated, {tag: {id: {member: digest}}}; all others are right. */
  load(template, outdated) {
    for (const [tag, id, member] of placesIn(template)) {
      const digest = outdated[tag]?.[id]?.[member];
      if (digest) this.#get(template, [tag, id, member]).digest = digest;
      else this.confirm(template, [tag, id, member]);
    }
  }

  /** Notes that the translation at a place is right for the text of now. */
  confirm(template, place) {
    this.#get(template, place).texts.add(authorText(template, place));
  }

  /** Notes a change by the person, who writes translations for the text of now. */
  note(before, after) {
    if (before.translations === after.translations) return;
    for (const place of placesIn(after)) {
      if (translationAt(before, place) !== translationAt(after, place)) this.confirm(after, place);
    }
  }

  isOutdated(template, place) {
    const text = authorText(template, place);
    const isBoth = text !== undefined && translationAt(template, place) !== undefined;
    return isBoth && !this.#get(template, place).texts.has(text);
  }

  /** → the places of the outdated translations of a template. */
  outdatedIn(template) {
    return placesIn(template).filter((place) => this.isOutdated(template, place));
  }

  /** → the outdated translations as the server reads them: {tag: {id: {member: {text} or {digest}}}}. */
  toSend(template) {
    let result = {};
    for (const place of this.outdatedIn(template)) {
      const { texts, digest } = this.#get(template, place);
      result = setIn(result, place, texts.size ? { text: [...texts].at(-1) } : { digest });
    }
    return result;
  }

  #get(template, place) {
    const key = [...place, translationAt(template, place)].join("\n");
    if (!this.#known.has(key)) this.#known.set(key, { texts: new Set() });
    return this.#known.get(key);
  }
}
