// The storage of this phone until the server has everything: one IndexedDB database per origin, records per run.
//
//   items  the outbox's items: plain data, bytes as ArrayBuffer (never File or Blob: Safari reads them back empty)
//   runs   {run, name, labels, state, camera}: a page's last state, for a reload without network. Drafts, under "<run>
//          <step> <page>", and marks, under "kept <run> <item>": stores of their own would need a new version of the
//          database, which open pages cannot use
//   epoch… empty; its name distinguishes this database from the one made after the phone has cleared its storage. A
//          name, since a record would need free space, and a full phone must still get its database
//
// A marked item has its receipt, and is kept for a server that is restored to an older state (kept.js).
//
// Phones close a database while a page uses it, and some never answer a request to open one: every access reopens it
// where needed, and rejects after a timeout. The caller then knows that nothing is stored.

const NAME = "rundun";
const ANSWER_TIMEOUT_MS = 5000;
const MAX_LOCK_WAIT_MS = 20_000;   // for a lock of another tab, which may be frozen

let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    const timer = setTimeout(() => reject(new Error("no database")), ANSWER_TIMEOUT_MS);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("items", { keyPath: "id" }).createIndex("run", "run");
      request.result.createObjectStore("runs", { keyPath: "run" });
      request.result.createObjectStore(`epoch ${Date.now()} ${Math.random()}`);
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      const database = request.result;
      database.onversionchange = () => {
        database.close(); // another tab deletes or upgrades it, and must not wait for this page
        opening = null;
      };
      database.onclose = () => (opening = null);
      resolve(database);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(request.error);
    };
  });
  opening.catch(() => (opening = null));
  return opening;
}

/** Runs `work(transaction)`, which for a read returns a request, or a function that returns the result. → {epoch,
 *  result} once the transaction is on the disk. Retries once on a reopened database, and on a full phone as long as
 *  there are kept photos to delete. */
async function transact(mode, work) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runTransaction(await open(), mode, work);
    } catch (error) {
      if (isFull(error) && (await deleteOldestPhoto())) continue;
      if (isFull(error) || attempt >= 2) throw error;
      opening?.then((database) => database.close(), () => {});
      opening = null;
    }
  }
}

function runTransaction(database, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(["items", "runs"], mode, { durability: "strict" });
    const request = work(transaction); // or anything, for a write whose requests are all made
    // Without commit() a write waits for its page to hear of each request, which a page that is being left never does.
    // A committed read may be complete before a large result is there (Chromium, from 64 KiB on).
    const isWrite = mode === "readwrite";
    if (request && isWrite) transaction.commit?.();
    const timer = setTimeout(() => reject(new Error("no answer")), ANSWER_TIMEOUT_MS);
    transaction.oncomplete = () => {
      clearTimeout(timer);
      const epoch = [...database.objectStoreNames].find((name) => name.startsWith("epoch "));
      try {
        resolve({ epoch, result: isWrite ? undefined : typeof request === "function" ? request() : request.result });
      } catch (error) {
        reject(error); // uncaught, guard.js would take it for an outdated browser
      }
    };
    transaction.onabort = () => {
      clearTimeout(timer);
      reject(transaction.error ?? request?.error ?? new Error("aborted"));
    };
  });
}

/** True when an error says that the phone's storage is full. */
export function isFull(error) {
  return error?.name === "QuotaExceededError";
}

/** Stores an item, without a mark, and deletes the items whose ids are in `replaced`, all or nothing. → the epoch of
 *  its database. */
export async function put(item, replaced = []) {
  return (await transact("readwrite", (to) => {
    deleteItems(to, item.run, replaced);
    to.objectStore("runs").delete(markKey(item.run, item.id));
    return to.objectStore("items").put(item);
  })).epoch;
}

/** Deletes items and their marks once the newest save of the run, which contains their receipts, is done: a phone that
 *  dies in between then shows an item or its receipt. `mark`: of an item that has its receipt, to be stored. */
export async function settle(run, ids, mark = null) {
  await saving;
  return transact("readwrite", (to) => {
    deleteItems(to, run, ids);
    if (mark) to.objectStore("runs").put({ ...mark, run: markKey(run, mark.item), of: run });
    return true;
  });
}

const markKey = (run, id) => `kept ${run} ${id}`;
const markRange = (run) => IDBKeyRange.bound(markKey(run, ""), markKey(run, "\uFFFF"));

function deleteItems(to, run, ids) {
  for (const id of ids) {
    to.objectStore("items").delete(id);
    to.objectStore("runs").delete(markKey(run, id));
  }
}

/** Deletes marks: their items are to be sent again. */
export function unmark(run, ids) {
  return transact("readwrite", (to) => ids.map((id) => to.objectStore("runs").delete(markKey(run, id))).at(-1));
}

/** Makes a kept item an unsent one as `change(item)` returns it; nothing, where it was deleted. */
export function putUnsent(run, id, change) {
  return transact("readwrite", (to) => {
    const items = to.objectStore("items");
    items.get(id).onsuccess = ({ target: { result } }) => result && items.put(change(result));
    to.objectStore("runs").delete(markKey(run, id));
  });
}

/** → {epoch, ids, marks}: the ids of a run's unsent items, as a Set, and the marks of those that are kept. */
export async function storedIds(run) {
  const { epoch, result: [keys, marks] } = await transact("readonly", (from) => {
    const keys = from.objectStore("items").index("run").getAllKeys(run);
    const marks = from.objectStore("runs").getAll(markRange(run));
    return () => [keys.result, marks.result];
  });
  const ids = new Set(keys);
  for (const { item } of marks) ids.delete(item);
  return { epoch, ids, marks };
}

/** → the marks of all runs. */
export async function listMarks() {
  const all = IDBKeyRange.bound("kept ", "kept \uFFFF");
  return (await transact("readonly", (from) => from.objectStore("runs").getAll(all))).result;
}

/** Deletes the kept photo with the oldest receipt, since a full phone needs its space. → false when there is none. */
async function deleteOldestPhoto() {
  try {
    const photos = (await listMarks()).filter(({ kind }) => kind === "photo");
    const [{ of: run, item }] = photos.sort((one, other) => one.at - other.at);
    await runTransaction(await open(), "readwrite", (to) => deleteItems(to, run, [item]) ?? true);
    return true;
  } catch {
    return false;
  }
}

/** → an item, or undefined. */
export async function get(id) {
  return (await transact("readonly", (from) => from.objectStore("items").get(id))).result;
}

/** → a run as a page has saved it, {run, name, labels, state, camera}, or undefined. */
export async function loadRun(run) {
  return (await transact("readonly", (from) => from.objectStore("runs").get(run))).result;
}

const draftKey = (run, step, page) => `${run} ${step} ${page}`;
const draftRange = (run) => IDBKeyRange.bound(`${run} `, `${run} \uFFFF`);

/** Stores a draft, {run, step, page, at, text, replaces}; `page` names the tab. */
export function putDraft(draft) {
  const record = { ...draft, run: draftKey(draft.run, draft.step, draft.page) };
  return transact("readwrite", (to) => to.objectStore("runs").put(record));
}

export function removeDraft(run, step, page) {
  return transact("readwrite", (to) => to.objectStore("runs").delete(draftKey(run, step, page)));
}

/** → all drafts of a run, of every tab. */
export async function listDrafts(run) {
  return (await transact("readonly", (from) => from.objectStore("runs").getAll(draftRange(run)))).result;
}

/** → the language chosen for a run on this phone, or null. Not in the database, since it is needed before the first
 *  paint. */
export function chosenLanguage(run) {
  try {
    return localStorage.getItem(`rundun language ${run}`);
  } catch {
    return null; // storage is not allowed: the address has the language
  }
}

/** Remembers the language chosen for a run; null deletes it. */
export function rememberLanguage(run, tag) {
  try {
    if (tag) localStorage.setItem(`rundun language ${run}`, tag);
    else localStorage.removeItem(`rundun language ${run}`);
  } catch {
    // Storage is not allowed: the address has the language.
  }
}

/** → the record of a run for `saveRun`, from its Session: {run, name, labels, state, camera}. `known`: a state to be
 *  saved in place of the session's, or null. */
export function runRecord(session, camera, known) {
  const { run, job, answers, signatures, photoStore, shown, rows, template, generation, server_time, lost } = session;
  const labels = Object.fromEntries(rows.map(({ step }) => [step.id, step.label]));
  const { pictures, step_pictures } = shown ?? {};
  const photos = photoStore.receipts();
  const about = { generation, server_time, lost };
  const state = { run, job: job.value, answers, signatures, photos, pictures, step_pictures, ...about };
  return { run: run.run_id, name: template.name, labels, state: known ?? state, camera };
}

let saves = 0;
let saving = Promise.resolve(); // the newest save, which never fails

/** Saves a run: `read()` returns its record, or null to save nothing. Several calls in one task become one write, whose
 *  failure is ignored. */
export function saveRun(read) {
  return (saving = save((saves += 1), read));
}

async function save(mine, read) {
  await Promise.resolve();
  const record = mine === saves ? read() : null;
  if (record) await transact("readwrite", (to) => to.objectStore("runs").put(structuredClone(record))).catch(() => {});
}

/** Deletes the state of a closed run, including its secrets. The names and labels stay, for its unsent items. */
export async function deleteState(run) {
  const known = await loadRun(run);
  if (known?.state) await transact("readwrite", (to) => to.objectStore("runs").put({ ...known, state: null }));
}

/** Deletes a run from the phone: its language, items, drafts and record, and its page in the service worker's cache. */
export async function deleteRun(run) {
  rememberLanguage(run, null);
  await transact("readwrite", (to) => {
    const all = to.objectStore("items").index("run").openKeyCursor(IDBKeyRange.only(run));
    all.onsuccess = () => {
      if (!all.result) return;
      to.objectStore("items").delete(all.result.primaryKey);
      all.result.continue();
    };
    to.objectStore("runs").delete(run);
    to.objectStore("runs").delete(draftRange(run));
    to.objectStore("runs").delete(markRange(run));
  });
  await globalThis.caches?.delete(`rundun ${run}`);
}

/** Runs `work` under a lock that all tabs share; without it in a browser that has no locks, or after 20 s of waiting.
 *  → the result of `work`. */
export async function withLock(name, work) {
  if (!navigator.locks) return work();
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), MAX_LOCK_WAIT_MS);
  let hasBegun = false;
  try {
    return await navigator.locks.request(name, { signal: timeout.signal }, () => {
      hasBegun = true;
      clearTimeout(timer);
      return work();
    });
  } catch (error) {
    if (hasBegun) throw error;
    return work();
  }
}
