// The service worker of all runs on this phone (served as /r/sw.js). It answers only GET requests: pages from the
// network, and without network from this phone. Sending is the outbox's part.
//
// Caches: "rundun <run_id>" has a run's page and pictures, and is deleted with the run; "rundun static" has scripts and
// styles by digest.

const NETWORK_TIMEOUT_MS = 4000;   // until the page on this phone is shown instead of waiting for the network
const STATIC = "rundun static";
const PAGE = /^\/r\/(r-[0-9a-f-]{36})$/;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => {
  const { keep, urls, run, pictures } = event.data ?? {};
  if (keep) event.waitUntil(keepPage(keep, urls));
  if (pictures) event.waitUntil(Promise.all([keepAll(`rundun ${run}`, pictures), keepAll(STATIC, urls)]));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const run = PAGE.exec(url.pathname)?.[1];
  if (run && request.mode === "navigate") event.respondWith(pageResponse(request, run, event));
  else if (url.pathname.startsWith("/static/")) event.respondWith(fileResponse(request));
  else if (url.pathname.startsWith("/media/")) event.respondWith(pictureResponse(request));
});

/** → a run's page from the network, or the kept page where the network fails, is slow or answers with something else: a
 *  gateway's error, the page of a portal, half a page. */
async function pageResponse(request, run, event) {
  const kept = await caches.match(`/r/${run}`, { cacheName: `rundun ${run}`, ignoreSearch: true, ignoreVary: true });
  const arriving = fetch(request).then(async (response) => {
    if (response.type === "opaqueredirect") return response; // to a portal, where the person signs in
    const isPage = await isOwnPage(response.clone()).catch(() => false);
    if (isPage && response.status === 200) event.waitUntil(putPage(run, response.clone()).catch(() => {}));
    return kept && (!isPage || response.status >= 500) ? kept : response;
  });
  if (!kept) return arriving;
  const late = new Promise((resolve) => setTimeout(resolve, NETWORK_TIMEOUT_MS, kept));
  return Promise.race([arriving.catch(() => kept), late]);
}

/** → whether a response is a whole page of Rundun's, by its digest (draft-ietf-httpbis-unencoded-digest); throws when
 *  its body was cut. */
async function isOwnPage(response) {
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return response.headers.get("unencoded-digest") === `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
}

async function fileResponse(request) {
  const kept = await caches.match(request, { cacheName: STATIC, ignoreVary: true });
  return kept ?? fetch(request);
}

async function pictureResponse(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

async function putPage(run, page) {
  await (await caches.open(`rundun ${run}`)).put(`/r/${run}`, page);
}

/** Keeps a run's page and its scripts, `urls`; deletes scripts of older versions while no other run is on the phone. */
async function keepPage(run, urls) {
  const cache = await caches.open(STATIC);
  const version = (url) => new URL(url).pathname.split("/")[2];
  const wanted = new Set(urls.map(version));
  const isAlone = (await caches.keys()).every((name) => name === STATIC || name === `rundun ${run}`);
  const old = (await cache.keys()).filter((request) => isAlone && !wanted.has(version(request.url)));
  for (const request of old) await cache.delete(request);
  await keepAll(STATIC, urls);
  if (await (await caches.open(`rundun ${run}`)).match(`/r/${run}`)) return;
  const response = await fetch(`/r/${run}`, { cache: "no-store" });
  if (response.status === 200 && (await isOwnPage(response.clone()))) await putPage(run, response);
}

/** Adds the URLs to the cache `name` that it does not have yet. */
async function keepAll(name, urls) {
  const cache = await caches.open(name);
  await Promise.all(urls.map(async (url) => (await cache.match(url)) ?? cache.add(url)));
}
