// Everything the page sends goes through here, and nothing leaves this queue before the server's receipt.
//
// An item is plain data, so that it can be kept on the phone as well:
//   {id, lane, key, kind, method, path, type, body, hold, tries, state, problem, …whatever its maker needs}
// `body` is a JSON value or an ArrayBuffer (never a File: Safari sends files read back from storage empty).
// Lanes run side by side: "answers" are small and go first, "photos" take their time one by one, "last" (the
// completion) starts when the others are empty. Inside a lane items keep their order, except that an item on
// hold (its position is still being found) lets those of other steps pass.

import { uuid } from "./values.js";

const PATIENCE = 30_000;         // ms until a request without an answer counts as lost
const STALL = 60_000;            // ms without progress until an upload counts as lost
const LONGEST_WAIT = 30_000;     // ms, the cap of the back-off
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An answer that says no. `members` is the whole problem document (RFC 9457), {} when there was none. */
export class Problem extends Error {
  constructor(status, members, retryAfter) {
    super(members.detail || members.title || `HTTP ${status}`);
    this.status = status;
    this.code = members.code ?? "";
    this.members = members;
    this.retryAfter = retryAfter;
  }
}

/** No answer at all: no network, a lost reply, a server that is away. */
export class Unreachable extends Error {}

export class Outbox extends EventTarget {
  #busy = new Set();
  #timer = 0;
  #stopped = false;
  #calls = new Map();

  /** `base` is the run's own path, /r/<run_id>. */
  constructor(base) {
    super();
    this.base = base;
    this.items = [];
    this.retryAt = 0;
    const kick = () => this.kick();
    addEventListener("online", kick);
    addEventListener("pageshow", kick);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && kick());
  }

  /** One request now, outside the queue (start, state, decode). Throws Problem or Unreachable. */
  request(method, path, body, type) {
    return send(method, this.base + path, body, type, {});
  }

  add(item) {
    const whole = { id: uuid(), tries: 0, state: "waiting", problem: null, hold: false, sent: 0, ...item };
    this.items.push(whole);
    this.#changed();
    this.#work();
    return whole;
  }

  /** Items still owed to the server; refused ones wait for the person and are not among them. */
  get owed() {
    return this.items.filter((item) => item.state !== "refused");
  }

  get refused() {
    return this.items.filter((item) => item.state === "refused");
  }

  /** True while the last try found no server. */
  get isStuck() {
    return this.retryAt > 0;
  }

  release(item) {
    item.hold = false;
    this.#work();
  }

  retry(item) {
    Object.assign(item, { state: "waiting", problem: null, tries: 0 });
    this.#changed();
    this.kick();
  }

  /** Takes an item back. → false when it is under way, so may have arrived all the same. */
  drop(item) {
    const wasUnderWay = item.state === "sending";
    this.items = this.items.filter((other) => other !== item);
    this.#calls.get(item.id)?.abort();
    this.#changed();
    this.#work();
    return !wasUnderWay;
  }

  /** Tries again at once: the network seems back. */
  kick() {
    clearTimeout(this.#timer);
    this.retryAt = 0;
    this.#work();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const call of this.#calls.values()) call.abort();
  }

  #work() {
    if (this.#stopped || Date.now() < this.retryAt) return;
    for (const lane of ["answers", "photos", "last"]) {
      if (this.#busy.has(lane)) continue;
      const item = this.#next(lane);
      if (item) this.#carry(lane, item);
    }
  }

  #next(lane) {
    if (lane === "last" && this.owed.some((item) => item.lane !== "last")) return null;
    const held = new Set();
    for (const item of this.items) {
      if (item.lane !== lane || item.state === "refused") continue;
      if (!item.hold && !held.has(item.key)) return item;
      held.add(item.key);
    }
    return null;
  }

  async #carry(lane, item) {
    this.#busy.add(lane);
    const call = new AbortController();
    this.#calls.set(item.id, call);
    item.state = "sending";
    item.tries += 1;
    this.#changed();
    try {
      const answer = await this.#transmit(item, call.signal);
      this.retryAt = 0;
      this.items = this.items.filter((other) => other !== item);
      this.#tell("sent", { item, answer });
    } catch (error) {
      if (this.items.includes(item)) this.#failed(item, error);
    } finally {
      this.#calls.delete(item.id);
      this.#busy.delete(lane);
      this.#changed();
      this.#work();
    }
  }

  async #transmit(item, signal) {
    const options = { signal, onprogress: (sent) => this.#progress(item, sent) };
    if (!(item.body instanceof ArrayBuffer)) return send(item.method, this.base + item.path, item.body, null, options);
    const hash = await sha256(item.body);
    const answer = await send(item.method, this.base + item.path, item.body, item.type, { ...options, digest: hash?.base64 });
    // Only a receipt for these very bytes lets the phone forget them.
    const isReceipt = answer.bytes === item.body.byteLength && (!hash || answer.sha256 === hash.hex);
    if (!isReceipt) throw new Problem(0, { code: "wrong_receipt", detail: "" });
    return answer;
  }

  #failed(item, error) {
    const isTransient = error instanceof Unreachable || (error instanceof Problem && TRANSIENT.has(error.status));
    if (isTransient) {
      item.state = "waiting";
      const backOff = Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(item.tries - 1, 5)) * (0.8 + 0.4 * Math.random());
      this.#waitFor(Math.max(backOff, (error.retryAfter ?? 0) * 1000));
      return;
    }
    item.state = "refused";
    item.problem = error instanceof Problem ? error : new Problem(0, { code: "page_error", detail: String(error.message) });
    this.#tell("refused", { item, problem: item.problem });
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

/** One HTTP exchange. → the JSON of a 2xx (null for 204 and 304). */
async function send(method, url, body, type, { signal, digest, onprogress }) {
  const isBytes = body instanceof ArrayBuffer;
  const headers = { Accept: "application/json" };
  if (isBytes) headers["Content-Type"] = type;
  else if (body !== undefined && body !== null) headers["Content-Type"] = "application/json";
  if (digest) headers["Content-Digest"] = `sha-256=:${digest}:`;
  if (isBytes && onprogress) return upload(method, url, body, headers, signal, onprogress);

  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), PATIENCE);
  signal?.addEventListener("abort", () => clock.abort());
  let response;
  let text;
  try {
    const payload = isBytes ? body : headers["Content-Type"] ? JSON.stringify(body) : undefined;
    response = await fetch(url, {
      method, headers, body: payload, signal: clock.signal, credentials: "same-origin", cache: "no-store", redirect: "error",
      // A small answer outlives the page: the camera app or a closed tab must not cost it.
      keepalive: typeof payload === "string" && payload.length < 8000,
    });
    text = await response.text();
  } catch (error) {
    throw new Unreachable(error.message);
  } finally {
    clearTimeout(timer);
  }
  return outcome(response.status, text, response.headers.get("Retry-After"));
}

/** As `send`, by XMLHttpRequest: fetch still cannot say how much of an upload has gone out. */
function upload(method, url, body, headers, signal, onprogress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STALL);
    };
    const lost = () => reject(new Unreachable("no answer"));
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      alive();
      onprogress(event.loaded / event.total);
    });
    for (const end of ["error", "abort", "timeout"]) request.addEventListener(end, lost);
    request.addEventListener("load", () => {
      try {
        resolve(outcome(request.status, request.responseText, request.getResponseHeader("Retry-After")));
      } catch (problem) {
        reject(problem);
      }
    });
    request.addEventListener("loadend", () => clearTimeout(timer));
    signal?.addEventListener("abort", () => request.abort());
    alive();
    request.send(body);
  });
}

function outcome(status, text, retryAfter) {
  if (status === 204 || status === 304) return null;
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // A hotel's log-in page answers 200 with HTML: that is not our server, so nothing has arrived.
    if (status < 400) throw new Unreachable("not the server's answer");
  }
  if (status >= 200 && status < 300) return body;
  const seconds = Number(retryAfter);
  throw new Problem(status, body ?? {}, Number.isFinite(seconds) ? seconds : 0);
}

/** {hex, base64} of the bytes, or null where the page came over plain http and may not hash. */
async function sha256(buffer) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
  return {
    hex: Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""),
    base64: btoa(String.fromCharCode(...bytes)),
  };
}
