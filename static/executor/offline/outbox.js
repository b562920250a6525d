// The queue of everything that the page sends: an item is stored on the phone first (db.js), then sent to the server.
// After the server's receipt it is no longer in the queue, but stays on the phone for a while (kept.js).
//
// An item is plain data:
//   {id, run, seq, at, lane, key, kind, method, path, type, body, earlier, hold, tries, state, problem, stored, saved,
//    replaced, and fields of its kind}
// `body` is a JSON value or an ArrayBuffer. `stored` says whether it is on the phone: "writing", "yes" or "no" (full);
// until it is, `replaced` has the ids of items that it replaces there. `saved` resolves when it was written first.
// Lanes run in parallel, one item each at a time: "start" opens the others, "answers" are small, "photos" are large,
// and "last" (the completion) starts when the others are empty. Inside a lane items keep their order, except that an
// item on hold (its position is still being found) lets items of other steps pass.
// Several tabs share the stored items. Where the browser has locks, one of them sends at a time; sending an item twice
// is harmless, since the server recognizes its id.

import { clockMark, correctTimes, earlierVersions, keptMark, sentBody, uuid } from "../rules.js";
import * as db from "./db.js";
import { Problem, Unreachable, isTransient, send, sha256 } from "../http.js";

const MAX_BACKOFF_MS = 30_000;
const MAX_HOLD_MS = 25_000;           // for an item found on the phone: the page that put it on hold may be gone
const MAX_RETRY_AFTER_MS = 300_000;   // the longest Retry-After that is respected
const LANES = ["start", "answers", "photos", "last"];

/** Events: "change" · "sent" {item, answer} · "refused" {item, problem} · "progress" {item}
 *  "restored" {items}: found on the phone, from another tab or an earlier visit
 *  "removed" {item}: sent or taken back by another tab */
export class Outbox extends EventTarget {
  #busyLanes = new Set();
  #timer = 0;
  #retryAfterUntil = 0;       // end of the server's Retry-After, in performance.now()
  #isStopped = false;
  #requests = new Map();      // item id → AbortController
  #acknowledged = new Set();  // items with their receipt, of which the phone does not know yet
  #syncing = Promise.resolve();
  #deletedIds = new Set();    // of items this tab has finished, while they may still be on the phone

  /** `run`: the run's id; its own path is /r/<run_id>. */
  constructor(run) {
    super();
    this.run = run;
    this.base = `/r/${run}`;
    this.items = [];
    this.marks = [];         // of the kept items, as far as this tab knows
    this.sentBefore = new Set(); // ids of items that the server had, and a restored one lacked
    this.confirm = null;     // called before the last lane sends; resolves to false when the server lacks something
    this.retryAt = 0;
    this.isOpen = true;      // false until the server knows of the start, and would refuse all else
    this.trouble = null;     // null, or why the phone stores nothing more: "full" or "none" (no database)
    const kick = () => this.kick();
    addEventListener("online", kick);
    addEventListener("pageshow", kick);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && kick());
    this.tabs = globalThis.BroadcastChannel ? new BroadcastChannel(`rundun ${run}`) : null;
    this.tabs?.addEventListener("message", ({ data }) => this.#takeAgain(data.again ?? []));
  }

  /** Sends a request at once, outside the queue (state, decode, cancel). → its JSON; throws Problem or Unreachable. */
  request(method, path, body, type) {
    return send(method, this.base + path, body, type, {});
  }

  /** Queues an item and stores it on the phone in place of the items `replaced`; `onKept()` is called once it is
   *  stored. → the item. */
  add(item, { replaced = [], onKept = null } = {}) {
    const earlier = item.lane === "answers" ? earlierVersions(item, this.items, this.marks) : [];
    for (const other of replaced) this.#takeOut(other);
    // By the clock, which the phone's tabs share; behind all queued items, in case the clock was set back.
    const seq = Math.max(Date.now(), ...this.items.map((other) => other.seq + 1));
    const gone = replaced.flatMap((other) => [other.id, ...other.replaced]);
    const fresh = { tries: 0, state: "waiting", problem: null, hold: false, sent: 0, earlier, replaced: gone };
    const whole = { id: uuid(), run: this.run, seq, at: Date.now(), clock: clockMark(), ...fresh, ...item };
    this.items.push(whole);
    whole.saved = this.#save(whole, onKept);
    return whole;
  }

  start(identity) {
    return this.add({ lane: "start", key: "start", kind: "start", method: "POST", path: "/start", body: identity });
  }

  /** Queues a start before `item`, which the server refused because this phone had not started the run. */
  startAgain(item) {
    this.isOpen = false;
    if (!this.hasItem("start")) this.start({});
    this.retry(item);
  }

  /** Changes a queued item, here and on the phone. */
  update(item, changes) {
    Object.assign(item, changes);
    if (this.items.includes(item)) this.#save(item);
  }

  /** The items still to be sent: all but the refused ones, about which the person decides. */
  get unsent() {
    return this.items.filter((item) => item.state !== "refused");
  }

  get refused() {
    return this.items.filter((item) => item.state === "refused");
  }

  /** True while an item of this kind is queued, or on the phone after its receipt. */
  hasItem = (kind) => [...this.items, ...this.#acknowledged].some((item) => item.kind === kind);

  /** → how safe items are, by the least safe of them: none (no items) | unkept | locating | saving | stuck | here. */
  savedState(items) {
    if (!items.length) return "none";
    if (items.some((item) => item.stored === "no")) return "unkept";
    if (items.some((item) => item.hold)) return "locating";
    if (items.some((item) => item.state === "sending")) return "saving";
    return this.isStuck && !this.isBackingOff ? "stuck" : "here";
  }

  /** True while the next attempt waits: the last one found no server, or one that asked for time. */
  get isStuck() {
    return this.retryAt > 0;
  }

  /** True until the server's Retry-After is over. */
  get isBackingOff() {
    return performance.now() < this.#retryAfterUntil;
  }

  /** Waits until an error's Retry-After is over (RFC 9110 section 10.2.3), even when the network comes back. */
  respectRetryAfter(error) {
    if (!error.retryAfter) return;
    const ms = Math.min(MAX_RETRY_AFTER_MS, error.retryAfter * 1000);
    this.#retryAfterUntil = performance.now() + ms;
    this.#waitFor(ms);
  }

  retry(item) {
    this.update(item, { state: "waiting", problem: null, tries: 0 });
    this.kick();
  }

  /** Takes an item back. → false when it was sent before, and so may have arrived. */
  drop(item) {
    this.#delete(item);
    // A complete upload is not aborted: the server may store it after the abort, and after a delete that overtook it.
    if (item.sent < 1) this.#requests.get(item.id)?.abort();
    this.#emit("change");
    this.#sendNext();
    return item.tries === 0;
  }

  /** True for the version of an answer, remark or signature after which this phone gave another. */
  isReplaced = (version) => [...this.items, ...this.marks].some(({ earlier }) => earlier.includes(version));

  /** → a step's items of one kind that were never sent or were refused. */
  neverSent(key, kind) {
    const hasNeverLeft = (item) => item.tries === 0 || item.state === "refused";
    return this.items.filter((item) => item.key === key && item.kind === kind && hasNeverLeft(item));
  }

  /** Sends at once, since the network seems back; while a Retry-After lasts, at its end. */
  kick() {
    if (this.isBackingOff) return this.#waitFor(this.#retryAfterUntil - performance.now());
    clearTimeout(this.#timer);
    this.retryAt = 0;
    return this.#sendNext();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const call of this.#requests.values()) call.abort();
  }

  /** Compares with the items on the phone: takes over those of other tabs and earlier visits, and lets go of those that
   *  another tab has sent. */
  sync() {
    return (this.#syncing = this.#syncing.then(() => this.#syncNow())); // two at once would each find a part of them
  }

  async #syncNow() {
    if (this.#isStopped) return;
    try {
      const { epoch, ids, marks } = await db.storedIds(this.run);
      const isBeingWritten = ({ item }) => [...this.#acknowledged].some(({ id }) => id === item);
      this.marks = [...marks, ...this.marks.filter(isBeingWritten)];
      for (const item of this.items.filter((one) => one.stored === "yes" && one.state !== "sending")) {
        if (ids.has(item.id)) item.epoch = epoch;
        else if (item.epoch !== epoch) this.#save(item);
        else if (item.state === "waiting") this.#removedElsewhere(item);
      }
      const known = new Set(this.items.map((item) => item.id));
      const records = [];
      const skip = () => void (this.trouble ??= "none"); // an unreadable item must not hold up the others
      const fresh = [...ids].filter((id) => !known.has(id) && !this.#deletedIds.has(id));
      for (const id of fresh) records.push(await db.get(id).catch(skip));
      // All at once and in their order, since sending goes on in parallel.
      const inOrder = (one, other) => one.seq - other.seq;
      const kept = records.filter((one) => one && !this.#deletedIds.has(one.id)).sort(inOrder);
      const items = kept.map((one) => this.#restore(one, epoch));
      if (!items.length) return;
      this.items.sort(inOrder);
      this.#emit("restored", { items });
      this.#emit("change");
      this.#sendNext();
    } catch {
      this.trouble ??= "none";
    }
  }

  #restore(record, epoch) {
    const problem = record.problem ? new Problem(record.problem.status, record.problem.members) : null;
    // It may have been sent before, and its receipt lost: `tries` is 1.
    const state = problem ? "refused" : "waiting";
    const { earlier = [] } = record;
    const item = { ...record, problem, state, tries: 1, sent: 0, earlier, replaced: [], stored: "yes", epoch };
    const endHold = () => this.update(item, { hold: false });
    if (item.hold) setTimeout(endHold, Math.max(0, item.at + MAX_HOLD_MS - Date.now()));
    this.items.push(item);
    return item;
  }

  async #save(item, onKept = null) {
    item.stored = "writing";
    const writing = (item.writing = {});
    const { state, tries, sent, stored, saved, replaced, epoch, writing: _, problem, ...record } = item;
    if (problem) record.problem = { status: problem.status, members: problem.members };
    this.#emit("change");
    let result = "yes";
    try {
      item.epoch = await db.put(record, replaced);
      item.replaced = [];
      onKept?.();
    } catch (error) {
      result = "no";
      this.trouble = db.isFull(error) ? "full" : "none";
    }
    if (item.writing !== writing) return; // a newer version is being written
    item.stored = result;
    if (result === "yes" && this.unsent.every((other) => other.stored !== "no")) this.trouble = null;
    this.#emit("change");
    this.tabs?.postMessage("sync");
    this.#sendNext();
  }

  /** Takes an item out of the queue. */
  #takeOut(item) {
    this.items = this.items.filter((other) => other !== item);
    item.writing = null;
    this.#deletedIds.add(item.id);
  }

  /** Deletes an item here and on the phone. Resolves once it is deleted there. */
  async #delete(item) {
    this.#takeOut(item);
    await db.settle(this.run, [item.id, ...item.replaced]).catch(() => {});
    this.tabs?.postMessage("sync");
  }

  /** Keeps an item on the phone after its receipt, if it is in force. Resolves once the phone knows of it. */
  async #settle(item, answer) {
    this.#takeOut(item);
    const { mark, gone } = keptMark(item, answer, this.marks);
    const ids = [...gone, ...item.replaced];
    this.marks = [...this.marks.filter((other) => !gone.includes(other.item)), ...(mark ? [mark] : [])];
    for (const id of gone) this.#deletedIds.add(id);
    const all = [item.id, ...ids];
    await db.settle(this.run, mark ? ids : all, mark).catch(() => db.settle(this.run, all)).catch(() => {});
    this.tabs?.postMessage("sync");
  }

  /** Takes items into the queue whose marks were deleted. */
  sendAgain(ids) {
    this.tabs?.postMessage({ again: ids });
    return this.#takeAgain(ids);
  }

  #takeAgain(ids) {
    for (const id of ids) {
      this.#deletedIds.delete(id);
      this.sentBefore.add(id);
    }
    return this.sync();
  }

  /** → true when another tab has deleted the item from the phone. Saves it anew when the phone cleared its storage. */
  async #isElsewhere(item) {
    try {
      const { epoch, ids } = await db.storedIds(this.run);
      if (ids.has(item.id)) return false;
      if (epoch === item.epoch) return true;
      await this.#save(item);
      return false;
    } catch {
      return false;
    }
  }

  #removedElsewhere(item) {
    this.items = this.items.filter((other) => other !== item);
    this.#deletedIds.add(item.id);
    this.#emit("removed", { item });
  }

  #sendNext() {
    if (this.#isStopped || this.isBackingOff || Date.now() < this.retryAt) return;
    for (const lane of LANES) {
      if (this.#busyLanes.has(lane)) continue;
      const item = this.#nextItem(lane);
      if (item) this.#sendItem(lane, item);
    }
  }

  #nextItem(lane) {
    if (lane !== "start" && !this.isOpen) return null;
    // Refused items wait for the person, and the completion with them.
    if (lane === "last" && this.items.some((item) => item.lane !== "last")) return null;
    const busy = new Set();
    for (const item of this.items) {
      if (item.lane !== lane || item.state === "refused") continue;
      if (!item.hold && item.stored !== "writing" && !busy.has(item.key)) return item;
      busy.add(item.key);
    }
    return null;
  }

  async #sendItem(lane, item) {
    this.#busyLanes.add(lane);
    const call = new AbortController();
    this.#requests.set(item.id, call);
    try {
      await db.withLock(`rundun ${this.run} ${lane}`, () => this.#sendNow(item, call.signal));
    } catch (error) {
      if (this.items.includes(item)) this.#onFailure(item, error);
    } finally {
      this.#requests.delete(item.id);
      this.#busyLanes.delete(lane);
      this.#emit("change");
      this.#sendNext();
    }
  }

  async #sendNow(item, signal) {
    const isOff = () => this.#isStopped || signal.aborted || !this.items.includes(item);
    if (isOff()) return;
    const { clock } = item;
    await correctTimes(item, () => this.request("GET", "/state"));
    if (item.lane === "last" && this.confirm && !(await this.confirm())) return;
    const isElsewhere = item.stored === "yes" && (await this.#isElsewhere(item));
    if (isOff()) return;
    if (isElsewhere) return this.#removedElsewhere(item);
    // The times stay the same when it is sent again. Not before: it would be stored anew after another tab has sent it.
    if (clock && !item.clock) await this.#save(item);
    if (isOff()) return;
    Object.assign(item, { state: "sending", tries: item.tries + 1, sent: 0 });
    this.#emit("change");
    const answer = await this.#exchange(item, signal);
    this.retryAt = 0;
    this.#acknowledged.add(item);
    this.items = this.items.filter((other) => other !== item);
    this.#emit("sent", { item, answer }); // listeners save its receipt with the run; only then it is no longer unsent
    await this.#settle(item, answer);
    this.#acknowledged.delete(item);
  }

  /** Sends an item. → the server's receipt; throws Problem or Unreachable, also for a receipt of other content. */
  async #exchange(item, signal) {
    const onprogress = (sent) => this.#emit("progress", { item: Object.assign(item, { sent }) });
    const options = { signal, onprogress };
    if (!(item.body instanceof ArrayBuffer)) {
      const answer = await send(item.method, this.base + item.path, sentBody(item), null, options);
      const isOfStep = item.kind === "remark" ? answer?.remark !== undefined
        : item.kind !== "answer" || answer?.step?.step_id === item.key;
      if (!(Number.isInteger(answer?.run?.revision) && isOfStep)) throw new Unreachable("not the server's answer");
      return answer;
    }
    const hash = await sha256(item.body);
    options.digest = hash.base64;
    const answer = await send(item.method, this.base + item.path, item.body, item.type, options);
    // The phone may delete the bytes only after a receipt for the same bytes.
    if (answer?.bytes === item.body.byteLength && answer.sha256 === hash.hex) return answer;
    throw new Problem(0, { code: "wrong_receipt", detail: "" });
  }

  #onFailure(item, error) {
    if (isTransient(error, item.tries)) {
      item.state = "waiting";
      const backOff = Math.min(MAX_BACKOFF_MS, 1000 * 2 ** Math.min(item.tries - 1, 5)) * (0.8 + 0.4 * Math.random());
      if (error.retryAfter) this.respectRetryAfter(error);
      else this.#waitFor(backOff);
      return;
    }
    const problem = error instanceof Problem ? error : new Problem(0, { code: "page_error", detail: error.message });
    Object.assign(item, { state: "refused", problem });
    this.#emit("refused", { item, problem });
    // Only what stays refused: a page that ends must not leave an item refused that would be sent again at once, nor
    // one that the end of a run refused, since a restored server may have it open again.
    if (this.items.includes(item) && item.state === "refused" && !this.#isStopped) this.#save(item);
  }

  #waitFor(ms) {
    this.retryAt = Date.now() + ms;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.kick(), ms);
  }

  #emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
