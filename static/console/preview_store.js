// In the place of static/executor/store.js while a template is looked at in the editor: what is kept is kept in this
// page's memory, so that nothing of a run that never was stays in the operator's browser.

const kept = new Map();
let known;

export async function put(item) {
  kept.set(item.id, structuredClone(item));
}

export async function remove(id) {
  kept.delete(id);
}

export async function has(id) {
  return kept.has(id);
}

export async function ids() {
  return [...kept.keys()];
}

export async function get(id) {
  return kept.get(id);
}

export async function items() {
  return [...kept.values()].sort((one, other) => one.seq - other.seq);
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
