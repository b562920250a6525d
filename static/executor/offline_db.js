// What this phone keeps until the server has it: one IndexedDB database per origin, records per run.
//
//   items  one thing to send each: plain data, bytes as ArrayBuffer (never File or Blob: Safari reads them back empty)
//   runs   {run, name, labels, state, camera}: what the page last knew, for a reload without network
//   epoch… nothing; its name tells this very database from the one that a phone makes after it has cleared its storage.
//          A name, since a record would need room, and a phone that is full must still get its database
//
// Phones close databases behind a page's back, and some never answer an open at all: every access opens anew
// where it must, gives up after a while, and says so. Whoever asks then knows that nothing is kept.

const NAME = "rundun";
const ANSWER_TIMEOUT_MS = 5000;         // ms
const MAX_LOCK_WAIT_MS = 20_000;   // ms to wait for another tab, which the phone may have frozen

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
    const timer = setTimeout(() => reject(new Error("no answer")), ANSWER_TIMEOUT_MS);
    transaction.oncomplete = () => {
      clearTimeout(timer);
      const epoch = [...database.objectStoreNames].find((name) => name.startsWith("epoch "));
      resolve({ epoch, result: request?.result });
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

/** → the epoch of the database that has it now. */
export async function put(item) {
  return (await transact("readwrite", (to) => to.objectStore("items").put(item))).epoch;
}

export function remove(id) {
  return transact("readwrite", (to) => to.objectStore("items").delete(id));
}

/** {epoch, ids}: what is kept for a run, and in which database. The bytes stay where they are. */
export async function storedIds(run) {
  const keys = (from) => from.objectStore("items").index("run").getAllKeys(run);
  const { epoch, result } = await transact("readonly", keys);
  return { epoch, ids: new Set(result) };
}

export async function get(id) {
  return (await transact("readonly", (from) => from.objectStore("items").get(id))).result;
}

/** What the page knew of a run: {name, labels, state, camera}, or undefined. */
export async function loadRun(run) {
  return (await transact("readonly", (from) => from.objectStore("runs").get(run))).result;
}

/** The language chosen for a run on this phone, or null. Wanted before anything is shown, so not from the database. */
export function chosenLanguage(run) {
  try {
    return localStorage.getItem(`rundun language ${run}`);
  } catch {
    return null; // not allowed here: the address remembers it
  }
}

/** Remembers it; null forgets it. */
export function rememberLanguage(run, tag) {
  try {
    if (tag) localStorage.setItem(`rundun language ${run}`, tag);
    else localStorage.removeItem(`rundun language ${run}`);
  } catch {
    // as above
  }
}

let notes = 0;

/** Writes down what is known of a run: `say()` → {run, name, labels, state, camera}, or null for nothing. Several
 *  notes at once become one, and one that cannot be written is not missed. */
export async function saveRun(say) {
  notes += 1;
  const mine = notes;
  await Promise.resolve();
  const record = mine === notes ? say() : null;
  if (record) await transact("readwrite", (to) => to.objectStore("runs").put(structuredClone(record))).catch(() => {});
}

/** Forgets a run wholly: its language, its items, what was known of it, and its pages in the service worker's cache. */
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
  });
  await globalThis.caches?.delete(`rundun ${run}`);
}

/** Runs `work` while no other tab does the same, as far as the browser can tell. */
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
