// Everything the page sends goes through here: first onto the phone (db.js), then to the server, and off the
// phone only after the server's receipt.
//
// An item is plain data:
//   {id, run, seq, at, lane, key, kind, method, path, type, body, hold, tries, state, problem, stored, …its maker's}
// `body` is a JSON value or an ArrayBuffer. `stored` says whether this phone keeps it: "writing", "yes" or "no" (full).
// Lanes run side by side: "start" goes before all, "answers" are small and go first, "photos" take their time one by
// one, "last" (the completion) starts when the others are empty. Inside a lane items keep their order, except that
// one on hold (its position is still being found) lets those of other steps pass.
// Several tabs share what the phone keeps. One of them sends at a time where the browser has locks; sending twice is
// harmless anyway, since every item carries an id that the server recognizes.

import { clockMark, correct, uuid, withSkew } from "../rules.js";
import * as db from "./db.js";
import { Problem, Unreachable, isTransient, send, sha256 } from "../http.js";

const MAX_BACKOFF_MS = 30_000;
const MAX_HOLD_MS = 25_000;           // for an item found on the phone: the page that held it may be gone
const MAX_RETRY_AFTER_MS = 300_000;   // a server that asks for longer is asked again all the same
const LANES = ["start", "answers", "photos", "last"];

/** Events: "change" · "sent" {item, answer} · "refused" {item, problem} · "progress" {item}
 *  "restored" {items}: left by another tab or an earlier visit · "removed" {item}: sent or taken back by another tab */
export class Outbox extends EventTarget {
  #busyLanes = new Set();
  #timer = 0;
  #retryAfterUntil = 0;       // until when the server asked not to be asked again, in performance.now()
  #isStopped = false;
  #requests = new Map();      // item id → AbortController
  #acknowledged = new Set();  // items with their receipt, but not yet off the phone
  #syncing = Promise.resolve();
  #deletedIds = new Set();    // of items this tab has done with, while the phone may still show them

  /** `run`: the run's id; its own path is /r/<run_id>. */
  constructor(run) {
    super();
    this.run = run;
    this.base = `/r/${run}`;
    this.items = [];
    this.retryAt = 0;
    this.isOpen = true;      // false until the server knows of the start: all else would be refused
    this.trouble = null;     // null, "full" or "none": why this phone keeps nothing more
    const kick = () => this.kick();
    addEventListener("online", kick);
    addEventListener("pageshow", kick);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && kick());
    this.others = globalThis.BroadcastChannel ? new BroadcastChannel(`rundun ${run}`) : null;
    this.others?.addEventListener("message", () => this.sync());
  }

  /** One request now, outside the queue (state, decode, cancel). Throws Problem or Unreachable. */
  request(method, path, body, type) {
    return send(method, this.base + path, body, type, {});
  }

  /** `onKept()` is called once the phone keeps the item. */
  add(item, onKept = null) {
    // By the clock, which other tabs on this phone share; after all that is there, in case it was set back.
    const seq = Math.max(Date.now(), ...this.items.map((other) => other.seq + 1));
    const fresh = { tries: 0, state: "waiting", problem: null, hold: false, sent: 0 };
    const whole = { id: uuid(), run: this.run, seq, at: Date.now(), clock: clockMark(), ...fresh, ...item };
    this.items.push(whole);
    this.#save(whole, onKept);
    return whole;
  }

  start(identity) {
    return this.add({ lane: "start", key: "start", kind: "start", method: "POST", path: "/start", body: identity });
  }

  /** Starts first, then goes on with `item`, which was refused because nobody here had started. */
  startAgain(item) {
    this.isOpen = false;
    if (!this.holds("start")) this.start({});
    this.retry(item);
  }

  /** Changes an item that has not gone out yet, here and on the phone. */
  update(item, changes) {
    Object.assign(item, changes);
    if (this.items.includes(item)) this.#save(item);
  }

  /** Items that the server still has to get; refused ones wait for the person and are not among them. */
  get unsent() {
    return this.items.filter((item) => item.state !== "refused");
  }

  get refused() {
    return this.items.filter((item) => item.state === "refused");
  }

  holds = (kind) => [...this.items, ...this.#acknowledged].some((item) => item.kind === kind);

  /** How safe items are: none | unkept | locating | saving | stuck | here. The worst one counts. */
  savedState(items) {
    if (!items.length) return "none";
    if (items.some((item) => item.stored === "no")) return "unkept";
    if (items.some((item) => item.hold)) return "locating";
    if (items.some((item) => item.state === "sending")) return "saving";
    return this.isStuck && !this.isBackingOff ? "stuck" : "here";
  }

  /** True while the last try found no server. */
  get isStuck() {
    return this.retryAt > 0;
  }

  /** True until the time is over that the server has asked for. */
  get isBackingOff() {
    return performance.now() < this.#retryAfterUntil;
  }

  /** Waits for as long as an error's Retry-After says (RFC 9110 section 10.2.3), even when the network comes back. */
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

  /** Takes an item back. → false when it has gone out before, so may have arrived all the same. */
  drop(item) {
    this.#delete(item);
    // All of an upload that is out may be stored after it was aborted here, and after a delete that overtook it.
    if (item.sent < 1) this.#requests.get(item.id)?.abort();
    this.#emit("change");
    this.#sendNext();
    return item.tries === 0;
  }

  /** A newer answer replaces one that never left the phone, or that the server would not take. */
  dropUnsent(key, kind) {
    for (const item of this.items) {
      const neverLeft = item.tries === 0 || item.state === "refused";
      if (item.key === key && item.kind === kind && neverLeft) this.drop(item);
    }
  }

  /** Tries again at once, since the network seems back, or when the time is over that the server asked for. */
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

  /** Compares with what the phone keeps: finds what another tab or an earlier visit left, misses what went out. */
  sync() {
    return (this.#syncing = this.#syncing.then(() => this.#syncNow())); // two at once would each find a part
  }

  async #syncNow() {
    if (this.#isStopped) return;
    try {
      const { epoch, ids } = await db.storedIds(this.run);
      for (const item of this.items.filter((one) => one.stored === "yes" && one.state !== "sending")) {
        if (ids.has(item.id)) item.epoch = epoch;
        else if (item.epoch !== epoch) this.#save(item);
        else if (item.state === "waiting") this.#removedElsewhere(item);
      }
      const known = new Set(this.items.map((item) => item.id));
      const records = [];
      const skip = () => void (this.trouble ??= "none"); // one that cannot be read must not hold up the others
      const fresh = [...ids].filter((id) => !known.has(id) && !this.#deletedIds.has(id));
      for (const id of fresh) records.push(await db.get(id).catch(skip));
      // All at once and in their order, since sending goes on beside this.
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
    // It may have gone out already, with the receipt lost.
    const state = problem ? "refused" : "waiting";
    const item = { ...record, problem, state, tries: 1, sent: 0, stored: "yes", epoch };
    const release = () => this.update(item, { hold: false });
    if (item.hold) setTimeout(release, Math.max(0, item.at + MAX_HOLD_MS - Date.now()));
    this.items.push(item);
    return item;
  }

  async #save(item, onKept = null) {
    item.stored = "writing";
    const writing = (item.writing = {});
    const { state, tries, sent, stored, epoch: _, writing: __, problem, ...record } = item;
    if (problem) record.problem = { status: problem.status, members: problem.members };
    this.#emit("change");
    let result = "yes";
    try {
      item.epoch = await db.put(record);
      onKept?.();
    } catch (error) {
      result = "no";
      this.trouble = db.isFull(error) ? "full" : "none";
    }
    if (item.writing !== writing) return; // a newer version is being written
    item.stored = result;
    if (result === "yes" && this.unsent.every((other) => other.stored !== "no")) this.trouble = null;
    this.#emit("change");
    this.others?.postMessage("sync");
    this.#sendNext();
  }

  /** Takes an item off the list and off the phone. → once it is off the phone. */
  async #delete(item) {
    this.items = this.items.filter((other) => other !== item);
    item.writing = null;
    this.#deletedIds.add(item.id);
    await db.remove(item.id).catch(() => {});
    this.others?.postMessage("sync");
  }

  /** True when another tab has taken the item off the phone. Where the phone has cleared its storage, saves it anew. */
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
    // What was refused waits for the person, and the completion with it.
    if (lane === "last" && this.items.some((item) => item.lane !== "last")) return null;
    const held = new Set();
    for (const item of this.items) {
      if (item.lane !== lane || item.state === "refused") continue;
      if (!item.hold && item.stored !== "writing" && !held.has(item.key)) return item;
      held.add(item.key);
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
      if (this.items.includes(item)) this.#failed(item, error);
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
    await correct(item, () => this.request("GET", "/state"));
    const isElsewhere = item.stored === "yes" && (await this.#isElsewhere(item));
    if (isOff()) return;
    if (isElsewhere) return this.#removedElsewhere(item);
    Object.assign(item, { state: "sending", tries: item.tries + 1, sent: 0 });
    this.#emit("change");
    const answer = await this.#exchange(item, signal);
    this.retryAt = 0;
    this.#acknowledged.add(item);
    this.items = this.items.filter((other) => other !== item);
    this.#emit("sent", { item, answer }); // its receipt is saved with the run, and only then is it deleted
    await this.#delete(item);
    this.#acknowledged.delete(item);
  }

  async #exchange(item, signal) {
    const onprogress = (sent) => this.#emit("progress", { item: Object.assign(item, { sent }) });
    const options = { signal, onprogress };
    if (!(item.body instanceof ArrayBuffer)) {
      const answer = await send(item.method, this.base + item.path, withSkew(item), null, options);
      const isOfStep = item.kind === "remark" ? answer?.remark !== undefined
        : item.kind !== "answer" || answer?.step?.step_id === item.key;
      if (!(Number.isInteger(answer?.run?.revision) && isOfStep)) throw new Unreachable("not the server's answer");
      return answer;
    }
    const hash = await sha256(item.body);
    options.digest = hash.base64;
    const answer = await send(item.method, this.base + item.path, item.body, item.type, options);
    // Only a receipt for these very bytes lets the phone delete them.
    if (answer?.bytes === item.body.byteLength && answer.sha256 === hash.hex) return answer;
    throw new Problem(0, { code: "wrong_receipt", detail: "" });
  }

  #failed(item, error) {
    if (isTransient(error, item.tries)) {
      item.state = "waiting";
      const backOff = Math.min(MAX_BACKOFF_MS, 1000 * 2 ** Math.min(item.tries - 1, 5)) * (0.8 + 0.4 * Math.random());
      if (error.retryAfter) this.respectRetryAfter(error);
      else this.#waitFor(backOff);
      return;
    }
    const problem = error instanceof Problem ? error : new Problem(0, { code: "page_error", detail: error.message });
    this.update(item, { state: "refused", problem });
    this.#emit("refused", { item, problem });
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
