// Replaces static/executor/offline/db.js in the preview of the editor: everything is kept in the page's memory, so that
// nothing of the imaginary run stays in the operator's browser.

const kept = new Map();
let known;

const EPOCH = "preview";   // constant: this memory is never lost while the page lives

export async function put(item, replaced = []) {
  for (const id of replaced) kept.delete(id);
  kept.set(item.id, structuredClone(item));
  return EPOCH;
}

/** The preview's server is never restored, so nothing is kept after its receipt. */
export async function settle(run, ids, mark = null) {
  for (const id of [...ids, mark?.item]) kept.delete(id);
}

export async function unmark() {}

export async function putUnsent() {}

export async function listMarks() {
  return [];
}

export async function storedIds() {
  return { epoch: EPOCH, ids: new Set(kept.keys()), marks: [] };
}

export async function get(id) {
  return kept.get(id);
}

export async function loadRun() {
  return known;
}

/** The page reads the record only when it opens; in the preview there is none then. */
export function runRecord() {
  return null;
}

export async function saveRun(read) {
  known = read() ?? known;
}

export async function deleteState() {
  known = undefined;
}

export async function deleteRun() {
  kept.clear();
  known = undefined;
}

export async function putDraft() {}

export async function removeDraft() {}

export async function listDrafts() {
  return [];
}

export function isFull() {
  return false;
}

/** In the preview the language is only in the URL. */
export function chosenLanguage() {
  return null;
}

export function rememberLanguage() {}

export function withLock(_, work) {
  return work();
}
