// The states of a template in one editor, for undo and redo. Pure: no DOM.

import { merge } from "./merge.js";

const MAX_STEPS_BACK = 500;

export class History {
  #done = [];     // [{before, after, key}]
  #undone = [];

  constructor(template) {
    this.template = template;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Takes a changed template. Changes with one `key` in a row, such as the letters of a text, are undone together. */
  act(after, key = null) {
    if (after === this.template) return;
    const last = this.#done.at(-1);
    if (key && last?.key === key && last.after === this.template && !this.canRedo) last.after = after;
    else this.#done.push({ before: this.template, after, key });
    this.#done.splice(0, this.#done.length - MAX_STEPS_BACK);
    this.#undone = [];
    this.template = after;
  }

  /** Ends a row of changes that are undone together. */
  seal() {
    const last = this.#done.at(-1);
    if (last) last.key = null;
  }

  /** Replaces the template by a merged one. Earlier changes of this page can still be undone. */
  join(template) {
    this.seal();
    this.template = template;
  }

  /** Undoes the last change, whatever others changed meanwhile. → false if they changed the same place: the change is
   *  dropped. */
  undo() {
    return this.#revert(this.#done, this.#undone, ({ before, after }) => ({ from: after, to: before }));
  }

  /** Does the change again that was undone last. → false if others changed the same place: the change is dropped. */
  redo() {
    return this.#revert(this.#undone, this.#done, ({ before, after }) => ({ from: before, to: after }));
  }

  #revert(source, target, direction) {
    const entry = source.pop();
    if (!entry) return true;
    const { from, to } = direction(entry);
    const isAlone = from === this.template;
    const { template, clashes } = isAlone ? { template: to, clashes: [] } : merge(from, to, this.template);
    if (clashes.length) return false;
    target.push({ ...entry, key: null });
    this.template = template;
    return true;
  }
}
