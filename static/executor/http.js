// One exchange with the server, and how it can end: an answer, a Problem, or nobody there. And the parts of the page
// that are fetched when they are needed, as often as it takes.

const PATIENCE = 30_000;   // ms until a request without an answer counts as lost
const STALL = 60_000;      // ms without progress until an upload counts as lost

const AGAIN = 2000;        // ms until a part of the page that did not come is asked for again

/** One of the page's modules, by name, asked for once. */
export async function want(name, tries = 0) {
  // Some browsers remember that an address failed, so it is asked for under another.
  const module = await import(`./${name}.js${tries ? `?${tries}` : ""}`);
  // Over plain http a head that was cut short passes for the whole of an empty file.
  if (Object.keys(module).length === 0) throw new TypeError("cut short");
  return module;
}

/** The same; waits for the network where there is none. */
export async function need(name) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await want(name, tries);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it came, and is wrong
      await networkOr(AGAIN);
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

/** {hex, base64} of the bytes. */
export async function sha256(buffer) {
  // Over plain http the browser does not hash; then we do.
  const bytes = crypto.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", buffer)) : await sha256Here(buffer);
  return {
    hex: Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""),
    base64: btoa(String.fromCharCode(...bytes)),
  };
}

async function sha256Here(buffer) {
  const { sha256 } = await need("sha256");
  return sha256(buffer);
}
