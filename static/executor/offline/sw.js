// The service worker of all runs on this phone (served as /r/sw.js). It answers GET and nothing else: pages from the
// network while there is one, and from this phone while there is none. It sends nothing: that is the outbox's part.
//
// Caches: "rundun <run_id>" holds a run's page and what its steps show, and dies with it; "rundun static" holds scripts
// and styles by digest.

const NETWORK_TIMEOUT_MS = 4000;   // ms until a page that is on this phone is shown instead of waiting for the network
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
  if (run && request.mode === "navigate") event.respondWith(page(request, run, event));
  else if (url.pathname.startsWith("/static/")) event.respondWith(file(request));
  else if (url.pathname.startsWith("/media/")) event.respondWith(picture(request));
});

async function page(request, run, event) {
  const arriving = fetch(request).then((response) => {
    if (response.status === 200) event.waitUntil(put(run, response.clone()).catch(() => {}));
    return response;
  });
  const ours = await caches.match(`/r/${run}`, { cacheName: `rundun ${run}`, ignoreSearch: true, ignoreVary: true });
  if (!ours) return arriving;
  const late = new Promise((resolve) => setTimeout(resolve, NETWORK_TIMEOUT_MS, ours));
  // A gateway's error is no page either; the run's own 403, 404 and 410 are.
  return Promise.race([arriving.then((response) => (response.status >= 500 ? ours : response), () => ours), late]);
}

async function file(request) {
  const kept = await caches.match(request, { cacheName: STATIC, ignoreVary: true });
  return kept ?? fetch(request);
}

async function picture(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

async function put(run, response) {
  if (!(await response.clone().text())) return; // over plain http what is left of an answer whose head was cut
  const cache = await caches.open(`rundun ${run}`);
  await cache.put(`/r/${run}`, response);
}

/** Keeps the page of a run and the scripts it names; drops scripts of older versions of the service. */
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
  if (response.status === 200) await put(run, response);
}

async function keepAll(name, urls) {
  const cache = await caches.open(name);
  await Promise.all(urls.map(async (url) => (await cache.match(url)) ?? cache.add(url)));
}
