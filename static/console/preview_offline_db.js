// In the place of static/executor/offline_db.js while a template is looked at in the editor: what is kept is kept in this
// page's memory, so that nothing of a run that never was stays in the operator's browser.

const kept = new Map();
let known;

const EPOCH = "preview";   // nothing here outlives the page, nor does the page outlive it

export async function put(item) {
  kept.set(item.id, structuredClone(item));
  return EPOCH;
}

export async function remove(id) {
  kept.delete(id);
}

export async function look() {
  return { epoch: EPOCH, ids: new Set(kept.keys()) };
}

export async function get(id) {
  return kept.get(id);
}

export async function recall() {
  return known;
}

export async function note(say) {
  known = say() ?? known;
}

export async function wipe() {
  kept.clear();
  known = undefined;
}

export function isFull() {
  return false;
}

/** The address alone remembers it. */
export function language() {
  return null;
}

export function chooseLanguage() {}

export function inTurn(_, work) {
  return work();
}
