// In the place of static/executor/offline/db.js while a template is previewed in the editor: everything is kept
// in this page's memory, so that nothing of a run that does not exist stays in the operator's browser.

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

export async function storedIds() {
  return { epoch: EPOCH, ids: new Set(kept.keys()) };
}

export async function get(id) {
  return kept.get(id);
}

export async function loadRun() {
  return known;
}

/** The page reads it when it opens only, and then there is none. */
export function recordOf() {
  return null;
}

export async function saveRun(read) {
  known = read() ?? known;
}

export async function forgetState() {
  known = undefined;
}

export async function deleteRun() {
  kept.clear();
  known = undefined;
}

export async function putDraft() {}

export async function removeDraft() {}

export async function drafts() {
  return [];
}

export function isFull() {
  return false;
}

/** The address alone remembers it. */
export function chosenLanguage() {
  return null;
}

export function rememberLanguage() {}

export function withLock(_, work) {
  return work();
}
