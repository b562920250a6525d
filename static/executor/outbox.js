// Everything the page sends goes through here: first onto the phone (offline_db.js), then to the server, and off the
// phone only after the server's receipt.
//
// An item is plain data:
//   {id, run, seq, at, lane, key, kind, method, path, type, body, hold, tries, state, problem, kept, …its maker's}
// `body` is a JSON value or an ArrayBuffer. `kept` says whether this phone has it: "writing", "yes" or "no" (full).
// Lanes run side by side: "start" goes before all, "answers" are small and go first, "photos" take their time one by
// one, "last" (the completion) starts when the others are empty. Inside a lane items keep their order, except that
// one on hold (its position is still being found) lets those of other steps pass.
// Several tabs share what is kept. One of them sends at a time where the browser has locks; sending twice is
// harmless anyway, since every item carries an id that the server knows again.

import { uuid } from "./rules.js";
import * as store from "./offline_db.js";
import { Problem, Unreachable, send, sha256 } from "./http.js";

const LONGEST_WAIT = 30_000;     // ms, the cap of the back-off
const LONGEST_HOLD = 25_000;     // ms an item found on the phone is still held: whoever held it may be gone
const LONGEST_PEACE = 300_000;   // ms that a server's Retry-After is believed
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);
// What these say, and an error that is not told in our server's words (""), is that something on the way spoiled the
// bytes or the answer; a few more tries are worth it.
const SPOILED = new Set(["wrong_receipt", "digest_mismatch", "malformed_json", ""]);
const MOST_SPOILED = 5;
const LANES = ["start", "answers", "photos", "last"];

/** Events: "change" · "sent" {item, answer} · "refused" {item, problem} · "progress" {item} · "found" {items} of
 *  another tab or an earlier visit · "gone" {item}: another tab has sent it or taken it back. */
export class Outbox extends EventTarget {
  #busy = new Set();
  #timer = 0;
  #peace = 0;               // until when the server asked not to be asked again, in performance.now()
  #stopped = false;
  #calls = new Map();
  #leaving = new Set();
  #looking = Promise.resolve();
  #forgotten = new Set();   // ids this tab has done with, while the phone may still show them

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
    this.others?.addEventListener("message", () => this.look());
  }

  /** One request now, outside the queue (state, decode, cancel). Throws Problem or Unreachable. */
  request(method, path, body, type) {
    return send(method, this.base + path, body, type, {});
  }

  add(item) {
    // By the clock, which other tabs on this phone share; after all that is there, in case it was set back.
    const seq = Math.max(Date.now(), ...this.items.map((other) => other.seq + 1));
    const whole = { id: uuid(), run: this.run, seq, at: Date.now(), tries: 0, state: "waiting", problem: null, hold: false, sent: 0, ...item };
    this.items.push(whole);
    this.#keep(whole);
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
    if (this.items.includes(item)) this.#keep(item);
  }

  /** Items still owed to the server; refused ones wait for the person and are not among them. */
  get owed() {
    return this.items.filter((item) => item.state !== "refused");
  }

  get refused() {
    return this.items.filter((item) => item.state === "refused");
  }

  holds(kind) {
    return [...this.items, ...this.#leaving].some((item) => item.kind === kind);
  }

  /** What is still owed, by kind: {answers, photos, signatures}. */
  get debts() {
    const count = (...kinds) => this.items.filter((item) => kinds.includes(item.kind)).length;
    return { answers: count("answer", "delete"), photos: count("photo"), signatures: count("signature") };
  }

  /** Where things owed are: none | unkept | locating | saving | stuck | here. The worst one counts. */
  whereabouts(items) {
    if (!items.length) return "none";
    if (items.some((item) => item.kept === "no")) return "unkept";
    if (items.some((item) => item.hold)) return "locating";
    if (items.some((item) => item.state === "sending")) return "saving";
    return this.isStuck && !this.isHushed ? "stuck" : "here";
  }

  /** True while the last try found no server. */
  get isStuck() {
    return this.retryAt > 0;
  }

  /** True while the server, which is there, has asked for time. */
  get isHushed() {
    return performance.now() < this.#peace;
  }

  /** Takes an error's Retry-After (RFC 9110 section 10.2.3) to heart: no sign of a network makes us ask earlier. */
  heed(error) {
    if (!error.retryAfter) return;
    const ms = Math.min(LONGEST_PEACE, error.retryAfter * 1000);
    this.#peace = performance.now() + ms;
    this.#waitFor(ms);
  }

  release(item) {
    this.update(item, { hold: false });
  }

  retry(item) {
    this.update(item, { state: "waiting", problem: null, tries: 0 });
    this.kick();
  }

  /** Takes an item back. → false when it has gone out before, so may have arrived all the same. */
  drop(item) {
    this.#forget(item);
    // An upload that is all out is the server's by now: broken off here it is stored there, after a delete that overtook it.
    if (item.sent < 1) this.#calls.get(item.id)?.abort();
    this.#changed();
    this.#work();
    return item.tries === 0;
  }

  /** A newer answer replaces one that never left the phone, or that the server would not take. */
  dropUnsent(key, kind) {
    for (const item of this.items) {
      const neverLeft = item.tries === 0 || item.state === "refused";
      if (item.key === key && item.kind === kind && neverLeft) this.drop(item);
    }
  }

  /** Tries again at once: the network seems back. Where the server asked for time, when it is over. */
  kick() {
    if (this.isHushed) return this.#waitFor(this.#peace - performance.now());
    clearTimeout(this.#timer);
    this.retryAt = 0;
    return this.#work();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const call of this.#calls.values()) call.abort();
  }

  /** Compares with what the phone keeps: finds what another tab or an earlier visit left, misses what went out. */
  look() {
    return (this.#looking = this.#looking.then(() => this.#lookNow())); // two at once would share out what there is
  }

  async #lookNow() {
    if (this.#stopped) return;
    try {
      const { epoch, ids } = await store.look(this.run);
      for (const item of this.items.filter((one) => one.kept === "yes" && one.state !== "sending")) {
        if (ids.has(item.id)) item.epoch = epoch;
        else if (item.epoch !== epoch) this.#keep(item);
        else if (item.state === "waiting") this.#vanished(item);
      }
      const known = new Set(this.items.map((item) => item.id));
      const records = [];
      const passOver = () => void (this.trouble ??= "none"); // what cannot be read must not hold up the others
      for (const id of ids) if (!known.has(id) && !this.#forgotten.has(id)) records.push(await store.get(id).catch(passOver));
      // All at once and in their order, since sending goes on beside this.
      const inOrder = (one, other) => one.seq - other.seq;
      const fresh = records.filter((one) => one && !this.#forgotten.has(one.id)).sort(inOrder).map((one) => this.#found(one, epoch));
      if (!fresh.length) return;
      this.items.sort(inOrder);
      this.#tell("found", { items: fresh });
      this.#changed();
      this.#work();
    } catch {
      this.trouble ??= "none";
    }
  }

  #found(record, epoch) {
    const problem = record.problem ? new Problem(record.problem.status, record.problem.members) : null;
    // It may have gone out already, with the receipt lost.
    const item = { ...record, problem, state: problem ? "refused" : "waiting", tries: 1, sent: 0, kept: "yes", epoch };
    if (item.hold) setTimeout(() => this.items.includes(item) && this.release(item), Math.max(0, item.at + LONGEST_HOLD - Date.now()));
    this.items.push(item);
    return item;
  }

  async #keep(item) {
    item.kept = "writing";
    const writing = (item.writing = {});
    const { state, tries, sent, kept, epoch: _, writing: __, problem, ...record } = item;
    if (problem) record.problem = { status: problem.status, members: problem.members };
    this.#changed();
    let result = "yes";
    try {
      item.epoch = await store.put(record);
    } catch (error) {
      result = "no";
      this.trouble = store.isFull(error) ? "full" : "none";
    }
    if (item.writing !== writing) return; // a newer version is being written
    item.kept = result;
    if (result === "yes" && this.owed.every((other) => other.kept !== "no")) this.trouble = null;
    this.#changed();
    this.others?.postMessage("look");
    this.#work();
  }

  /** Off the list and off the phone. → once it is off the phone. */
  async #forget(item) {
    this.items = this.items.filter((other) => other !== item);
    item.writing = null;
    this.#forgotten.add(item.id);
    await store.remove(item.id).catch(() => {});
    this.others?.postMessage("look");
  }

  /** True when another tab has taken the item off the phone. Where the phone has cleared all we kept, it is kept anew. */
  async #isElsewhere(item) {
    try {
      const { epoch, ids } = await store.look(this.run);
      if (ids.has(item.id)) return false;
      if (epoch === item.epoch) return true;
      await this.#keep(item);
      return false;
    } catch {
      return false;
    }
  }

  #vanished(item) {
    this.items = this.items.filter((other) => other !== item);
    this.#forgotten.add(item.id);
    this.#tell("gone", { item });
  }

  #work() {
    if (this.#stopped || this.isHushed || Date.now() < this.retryAt) return;
    for (const lane of LANES) {
      if (this.#busy.has(lane)) continue;
      const item = this.#next(lane);
      if (item) this.#carry(lane, item);
    }
  }

  #next(lane) {
    if (lane !== "start" && !this.isOpen) return null;
    // What was refused waits for the person, and the completion with it.
    if (lane === "last" && this.items.some((item) => item.lane !== "last")) return null;
    const held = new Set();
    for (const item of this.items) {
      if (item.lane !== lane || item.state === "refused") continue;
      if (!item.hold && item.kept !== "writing" && !held.has(item.key)) return item;
      held.add(item.key);
    }
    return null;
  }

  async #carry(lane, item) {
    this.#busy.add(lane);
    const call = new AbortController();
    this.#calls.set(item.id, call);
    try {
      await store.inTurn(`rundun ${this.run} ${lane}`, () => this.#carryNow(item, call.signal));
    } catch (error) {
      if (this.items.includes(item)) this.#failed(item, error);
    } finally {
      this.#calls.delete(item.id);
      this.#busy.delete(lane);
      this.#changed();
      this.#work();
    }
  }

  async #carryNow(item, signal) {
    const isOff = () => this.#stopped || signal.aborted || !this.items.includes(item);
    if (isOff()) return;
    const isElsewhere = item.kept === "yes" && (await this.#isElsewhere(item));
    if (isOff()) return;
    if (isElsewhere) return this.#vanished(item);
    item.state = "sending";
    item.tries += 1;
    item.sent = 0;
    this.#changed();
    const answer = await this.#transmit(item, signal);
    this.retryAt = 0;
    this.#leaving.add(item); // with its receipt, but not yet off the phone and known to all
    await this.#forget(item);
    this.#leaving.delete(item);
    this.#tell("sent", { item, answer });
  }

  async #transmit(item, signal) {
    const options = { signal, onprogress: (sent) => this.#progress(item, sent) };
    if (!(item.body instanceof ArrayBuffer)) {
      const answer = await send(item.method, this.base + item.path, item.body, null, options);
      const isReceipt = Number.isInteger(answer?.run?.revision) && (item.kind !== "answer" || answer.step?.step_id === item.key);
      if (!isReceipt) throw new Unreachable("not the server's answer");
      return answer;
    }
    const hash = await sha256(item.body);
    const answer = await send(item.method, this.base + item.path, item.body, item.type, { ...options, digest: hash.base64 });
    // Only a receipt for these very bytes lets the phone forget them.
    if (answer?.bytes !== item.body.byteLength || answer.sha256 !== hash.hex) throw new Problem(0, { code: "wrong_receipt", detail: "" });
    return answer;
  }

  #failed(item, error) {
    const isProblem = error instanceof Problem;
    const isTransient = error instanceof Unreachable || (isProblem && TRANSIENT.has(error.status)) ||
      (isProblem && SPOILED.has(error.code) && item.tries < MOST_SPOILED);
    if (isTransient) {
      item.state = "waiting";
      const backOff = Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(item.tries - 1, 5)) * (0.8 + 0.4 * Math.random());
      if (error.retryAfter) this.heed(error);
      else this.#waitFor(backOff);
      return;
    }
    const problem = isProblem ? error : new Problem(0, { code: "page_error", detail: String(error.message) });
    this.update(item, { state: "refused", problem });
    this.#tell("refused", { item, problem });
  }

  #waitFor(ms) {
    this.retryAt = Date.now() + ms;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.kick(), ms);
  }

  #progress(item, sent) {
    item.sent = sent;
    this.#tell("progress", { item });
  }

  #changed() {
    this.#tell("change", {});
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
