// HTTP exchanges with the server, which end in a response, a Problem or Unreachable; and modules loaded on demand.

import { learnTime } from "./rules.js";

const REQUEST_TIMEOUT_MS = 30_000;   // until a request without a response counts as lost
const UPLOAD_STALL_MS = 60_000;      // without progress, until an upload counts as lost
const LOAD_TIMEOUT_MS = 8000;        // until a module that has not arrived is given up
const RETRY_PAUSE_MS = 2000;         // between two attempts to load a module
const TRANSIENT_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);
// These codes, and errors without one of our codes (""), mean that request or response was corrupted on the way.
const CORRUPTED_CODES = new Set(["wrong_receipt", "digest_mismatch", "malformed_json", ""]);
const MAX_CORRUPTED_TRIES = 5;

const modules = new Map();   // name → promise of a module that is being loaded, or is here
const imports = new Map();   // name → number of imports that were begun

/** → one of the page's modules, by its name; throws TypeError when it could not be loaded. */
export function loadModuleOnce(name) {
  if (!modules.has(name)) {
    modules.set(name, importModule(name));
    modules.get(name).catch(() => modules.delete(name));
  }
  return modules.get(name);
}

/** Imports a module once its file is in the browser's cache: an import that hangs cannot be given up, and would run the
 *  module a second time if it went on after another. */
async function importModule(name) {
  const tries = imports.get(name) ?? 0;
  // Firefox and WebKit remember that an address failed, so each import has its own.
  const url = new URL(`./${name}.js${tries ? `?${tries}` : ""}`, import.meta.url).href;
  await fetchScript(url);
  imports.set(name, tries + 1);
  return import(url);
}

/** Fetches a script into the browser's cache; throws TypeError when it has not arrived in 8 s. */
async function fetchScript(url) {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), LOAD_TIMEOUT_MS);
  try {
    const response = await fetch(url, { signal: clock.signal });
    const isScript = response.ok && response.headers.get("Content-Type")?.startsWith("text/javascript");
    if (!isScript || !(await response.text()).endsWith("//end")) throw new TypeError("not the whole script");
  } catch {
    throw new TypeError(`${url} could not be loaded`);
  } finally {
    clearTimeout(timer);
  }
}

/** → one of the page's modules, by its name; tries until it is loaded. */
export async function loadModule(name) {
  for (;;) {
    try {
      return await loadModuleOnce(name);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it was loaded, and is faulty
      await awaitNetwork(RETRY_PAUSE_MS);
    }
  }
}

/** Waits until the network comes back, `ms` at most. */
function awaitNetwork(ms) {
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

/** An error response. `members` is its problem document (RFC 9457), {} without one; `retryAfter` is in seconds.
 *  `isDecided`: true once it is known whether a person has to decide about it (refused.js). */
export class Problem extends Error {
  constructor(status, members, retryAfter) {
    super(members.detail || members.title || `HTTP ${status}`);
    this.status = status;
    this.code = members.code ?? "";
    this.members = members;
    this.retryAfter = retryAfter;
  }
}

/** No response: no network, a lost reply, a stopped server; or a response of another server. */
export class Unreachable extends Error {}

/** True when a request that failed for the `tries`-th time should be sent again. */
export function isTransient(error, tries) {
  if (!(error instanceof Problem)) return error instanceof Unreachable;
  return TRANSIENT_STATUS.has(error.status) || (CORRUPTED_CODES.has(error.code) && tries < MAX_CORRUPTED_TRIES);
}

/** Makes one HTTP exchange. `body`: a JSON value, or an ArrayBuffer of media type `type`; `digest`: its SHA-256 in
 *  base64; `onprogress(part)`: called with the part sent, 0 to 1. → the JSON of a 2xx, null for 204 and 304; throws
 *  Problem or Unreachable. */
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
      // A small body is sent even when the phone ends the page for its camera, or the tab is closed.
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
  learnTime(response.headers.get("Date"), tripMs); // only after it is known to be our server's response
  return answer;
}

/** Sends bytes by XMLHttpRequest, since fetch does not report an upload's progress. → as `send`. */
function upload(method, url, body, headers, signal, onprogress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const extendTimer = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), UPLOAD_STALL_MS);
    };
    const lost = () => reject(new Unreachable("no answer"));
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      extendTimer();
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
    extendTimer();
    request.send(body);
  });
}

/** → the JSON of a 2xx, null for 204 and 304; throws Problem, or Unreachable for a response of another server. */
function parseResponse(status, text, retryAfter) {
  if (status === 204 || status === 304) return null;
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // A hotel's log-in page responds 200 with HTML: not our server, so nothing has arrived there.
    if (status < 400) throw new Unreachable("not the server's answer");
  }
  if (status >= 200 && status < 300) return body;
  const seconds = Number(retryAfter);
  throw new Problem(status, body ?? {}, Number.isFinite(seconds) ? seconds : 0);
}

/** → the SHA-256 of an ArrayBuffer, {hex, base64}. */
export async function sha256(buffer) {
  // Over plain http the browser has no crypto.subtle.
  const digest = crypto.subtle ? await crypto.subtle.digest("SHA-256", buffer) : await computeSha256(buffer);
  const bytes = new Uint8Array(digest);
  return {
    hex: Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""),
    base64: btoa(String.fromCharCode(...bytes)),
  };
}

async function computeSha256(buffer) {
  const { sha256 } = await loadModule("offline/sha256");
  return sha256(buffer);
}
