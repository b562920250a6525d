// One HTTP exchange with the server, and how it can end: a response, a Problem, or nobody there. And the modules of the
// page that are loaded when they are needed.

import { learnTime } from "./rules.js";

const REQUEST_TIMEOUT_MS = 30_000;   // until a request without a response counts as lost
const UPLOAD_STALL_MS = 60_000;      // without progress until an upload counts as lost
const RETRY_PAUSE_MS = 2000;         // until a module that did not come is asked for again
const TRANSIENT_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);
// These codes, and an error without one of our server's (""), mean that something on the way corrupted the request or
// the answer.
const CORRUPTED_CODES = new Set(["wrong_receipt", "digest_mismatch", "malformed_json", ""]);
const MAX_CORRUPTED_TRIES = 5;

/** Loads one of the page's modules by its name. → the module; throws TypeError where it did not come. */
export async function loadModuleOnce(name, tries = 0) {
  // Some browsers remember that an address failed, so it is asked for under another.
  const module = await import(`./${name}.js${tries ? `?${tries}` : ""}`);
  // Over plain http a head that was cut short passes for the whole of an empty file.
  if (Object.keys(module).length === 0) throw new TypeError("cut short");
  return module;
}

/** Loads one of the page's modules by its name, as often as it takes. */
export async function loadModule(name) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await loadModuleOnce(name, tries);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it came, and is wrong
      await networkOr(RETRY_PAUSE_MS);
    }
  }
}

/** Waits for the network, `ms` at most. */
function networkOr(ms) {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer);
      removeEventListener("online", go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    addEventListener("online", go);
  });
}

/** A response that says no. `members` is the whole problem document (RFC 9457), {} when there was none. */
export class Problem extends Error {
  constructor(status, members, retryAfter) {
    super(members.detail || members.title || `HTTP ${status}`);
    this.status = status;
    this.code = members.code ?? "";
    this.members = members;
    this.retryAfter = retryAfter;
  }
}

/** No response at all: no network, a lost reply, a server that is away. */
export class Unreachable extends Error {}

/** True when a request that failed after so many `tries` is worth another. */
export function isTransient(error, tries) {
  if (!(error instanceof Problem)) return error instanceof Unreachable;
  return TRANSIENT_STATUS.has(error.status) || (CORRUPTED_CODES.has(error.code) && tries < MAX_CORRUPTED_TRIES);
}

/** One HTTP exchange. → the JSON of a 2xx (null for 204 and 304). */
export async function send(method, url, body, type, { signal, digest, onprogress }) {
  if (signal?.aborted) throw new Unreachable("called off");
  const isBytes = body instanceof ArrayBuffer;
  const headers = { Accept: "application/json" };
  if (isBytes) headers["Content-Type"] = type;
  else if (body !== undefined && body !== null) headers["Content-Type"] = "application/json";
  if (digest) headers["Content-Digest"] = `sha-256=:${digest}:`;
  if (isBytes && onprogress) return upload(method, url, body, headers, signal, onprogress);

  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), REQUEST_TIMEOUT_MS);
  signal?.addEventListener("abort", () => clock.abort());
  const asked = performance.now();
  let response;
  let text;
  try {
    const payload = isBytes ? body : headers["Content-Type"] ? JSON.stringify(body) : undefined;
    response = await fetch(url, {
      method, headers, body: payload, signal: clock.signal,
      credentials: "same-origin", cache: "no-store", redirect: "error",
      // A small answer outlives the page: the camera app or a closed tab must not cost it.
      keepalive: typeof payload === "string" && payload.length < 8000,
    });
    text = await response.text();
  } catch (error) {
    throw new Unreachable(error.message);
  } finally {
    clearTimeout(timer);
  }
  const tripMs = performance.now() - asked;
  const answer = parseResponse(response.status, text, response.headers.get("Retry-After"));
  learnTime(response.headers.get("Date"), tripMs); // not before it is known to be our server's answer
  return answer;
}

/** Sends bytes by XMLHttpRequest: fetch still cannot say how much of an upload has gone out. */
function upload(method, url, body, headers, signal, onprogress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), UPLOAD_STALL_MS);
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
        resolve(parseResponse(request.status, request.responseText, request.getResponseHeader("Retry-After")));
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

function parseResponse(status, text, retryAfter) {
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

/** The SHA-256 of the bytes. → {hex, base64} */
export async function sha256(buffer) {
  // Over plain http the browser does not hash; then we do.
  const digest = crypto.subtle ? await crypto.subtle.digest("SHA-256", buffer) : await sha256Here(buffer);
  const bytes = new Uint8Array(digest);
  return {
    hex: Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""),
    base64: btoa(String.fromCharCode(...bytes)),
  };
}

async function sha256Here(buffer) {
  const { sha256 } = await loadModule("offline/sha256");
  return sha256(buffer);
}
