// What this phone keeps until the server has it: one IndexedDB database per origin, records per run.
//
//   items  one thing to send each: plain data, bytes as ArrayBuffer (never File or Blob: Safari reads them back empty)
//   runs   {run, name, labels, state, camera}: what the page last knew, for a reload without network; and what is being
//          typed, under "<run> <step> <page>": a store of their own would be a new version of the database, which pages
//          that are open cannot use
//   epoch… nothing; its name tells this very database from the one that a phone makes after it has cleared its storage.
//          A name, since a record would need room, and a phone that is full must still get its database
//
// Phones close a database while a page uses it, and some never answer a request to open one: every access opens it
// again where it must, and fails after a while. The caller then knows that nothing is kept.

const NAME = "rundun";
const ANSWER_TIMEOUT_MS = 5000;
const MAX_LOCK_WAIT_MS = 20_000;   // for another tab, which the phone may have frozen

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
        database.close(); // somebody wants to delete or change it, and must not wait for this page
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

/** `work(transaction)` may return a request; → {epoch, result} of it once the transaction is on the disk. */
async function transact(mode, work) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runTransaction(await open(), mode, work);
    } catch (error) {
      if (isFull(error) || attempt === 2) throw error;
      opening?.then((database) => database.close(), () => {});
      opening = null;
    }
  }
}

function runTransaction(database, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(["items", "runs"], mode, { durability: "strict" });
    const request = work(transaction);
    // A write else waits for this page to hear how its requests went, which one that is being left never does. A read
    // that is committed may be complete before a large result is there (Chromium, from 64 KiB on).
    const isWrite = mode === "readwrite";
    if (request && isWrite) transaction.commit?.();
    const timer = setTimeout(() => reject(new Error("no answer")), ANSWER_TIMEOUT_MS);
    transaction.oncomplete = () => {
      clearTimeout(timer);
      const epoch = [...database.objectStoreNames].find((name) => name.startsWith("epoch "));
      try {
        resolve({ epoch, result: isWrite ? undefined : request.result });
      } catch (error) {
        reject(error); // an error that nobody catches passes for a browser that is too old (guard.js)
      }
    };
    transaction.onabort = () => {
      clearTimeout(timer);
      reject(transaction.error ?? request?.error ?? new Error("aborted"));
    };
  });
}

/** True when the phone had no room. */
export function isFull(error) {
  return error?.name === "QuotaExceededError";
}

/** Keeps an item. → the epoch of the database that it is in. */
export async function put(item) {
  return (await transact("readwrite", (to) => to.objectStore("items").put(item))).epoch;
}

/** Deletes an item, after what its receipt has told of the run is saved: a phone that dies in between shows it. */
export async function remove(id) {
  await saving;
  return transact("readwrite", (to) => to.objectStore("items").delete(id));
}

/** Finds the items of a run, without their bytes. → {epoch, ids} */
export async function storedIds(run) {
  const keys = (from) => from.objectStore("items").index("run").getAllKeys(run);
  const { epoch, result } = await transact("readonly", keys);
  return { epoch, ids: new Set(result) };
}

export async function get(id) {
  return (await transact("readonly", (from) => from.objectStore("items").get(id))).result;
}

/** → what a page has saved of a run: {name, labels, state, camera}, or undefined. */
export async function loadRun(run) {
  return (await transact("readonly", (from) => from.objectStore("runs").get(run))).result;
}

const draftKey = (run, step, page) => `${run} ${step} ${page}`;
const draftsOf = (run) => IDBKeyRange.bound(`${run} `, `${run} \uFFFF`);

/** Keeps what is being typed: {run, step, page, at, text, replaces}; `page` names the tab. */
export function putDraft(draft) {
  const record = { ...draft, run: draftKey(draft.run, draft.step, draft.page) };
  return transact("readwrite", (to) => to.objectStore("runs").put(record));
}

export function removeDraft(run, step, page) {
  return transact("readwrite", (to) => to.objectStore("runs").delete(draftKey(run, step, page)));
}

/** → all drafts of a run, those of other tabs too. */
export async function drafts(run) {
  return (await transact("readonly", (from) => from.objectStore("runs").getAll(draftsOf(run)))).result;
}

/** → the language chosen for a run on this phone, or null. Needed before anything is shown, so not in the database. */
export function chosenLanguage(run) {
  try {
    return localStorage.getItem(`rundun language ${run}`);
  } catch {
    return null; // not allowed here: the address remembers it
  }
}

/** Remembers the language chosen for a run; null deletes it. */
export function rememberLanguage(run, tag) {
  try {
    if (tag) localStorage.setItem(`rundun language ${run}`, tag);
    else localStorage.removeItem(`rundun language ${run}`);
  } catch {
    // not allowed here: the address remembers it
  }
}

/** What is saved of a run as a page's session knows it. → {run, name, labels, state, camera} */
export function recordOf({ run, job, answers, signatures, photoStore, shown, rows, template }, camera) {
  const labels = Object.fromEntries(rows.map(({ step }) => [step.id, step.label]));
  const { pictures, step_pictures } = shown ?? {};
  const photos = photoStore.receipts();
  const state = { run, job: job.value, answers, signatures, photos, pictures, step_pictures };
  return { run: run.run_id, name: template.name, labels, state, camera };
}

let saves = 0;
let saving = Promise.resolve(); // the newest save, which never fails

/** Saves what the page knows of a run: `read()` → {run, name, labels, state, camera}, or null for nothing. Several
 *  calls at once become one; that one cannot be written is no error. */
export function saveRun(read) {
  return (saving = save((saves += 1), read));
}

async function save(mine, read) {
  await Promise.resolve();
  const record = mine === saves ? read() : null;
  if (record) await transact("readwrite", (to) => to.objectStore("runs").put(structuredClone(record))).catch(() => {});
}

/** Deletes what a page has saved of a run that is over, door codes with it, but for the names of what is not sent. */
export async function forgetState(run) {
  const known = await loadRun(run);
  if (known?.state) await transact("readwrite", (to) => to.objectStore("runs").put({ ...known, state: null }));
}

/** Deletes a run from the phone: its language, its items and drafts, what was saved of it, and its page in the worker's
 *  cache. */
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
    to.objectStore("runs").delete(draftsOf(run));
  });
  await globalThis.caches?.delete(`rundun ${run}`);
}

/** Runs `work` under a lock that all tabs share, where the browser has locks. */
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
