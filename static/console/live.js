// Keeps a page of the console up to date. The element with `data-live` has the URL of the event stream; at each
// `change`, the page is fetched again, and each `data-part` that differs is replaced. Rows of a `data-keyed` part are
// compared one by one, by their ids, so that focus and selection stay. A part marked "kept" has been changed by
// scripts, so it is never replaced, only removed. `data-again` is the number of milliseconds until the page is fetched
// again, for parts without events.

const RETRY_PAUSE_MS = 30_000; // until a refused stream is opened again

const indicator = document.querySelector("[data-live]");
let isFetching = false;
let isMissed = false;
let isPrinting = false; // the page, prepared for paper, must not change
let isSigningOut = false;
let stream;
let timer;

// A reload before the response arrives would show a sign-in form that leads back to this page.
document.querySelector("form[action='/console/sign-out']")?.addEventListener("submit", () => (isSigningOut = true));

function listen() {
  stream?.close();
  stream = new EventSource(indicator.dataset.live);
  stream.addEventListener("open", () => {
    showState("on");
    refresh(); // changes may have been missed without a stream
  });
  stream.addEventListener("change", refresh);
  stream.addEventListener("error", () => {
    showState("off");
    refresh(); // if the session has ended, this leads to the sign-in form
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || listen(), RETRY_PAUSE_MS);
  });
}

function showState(state) {
  indicator.hidden = false;
  indicator.dataset.state = state;
  indicator.textContent = indicator.dataset[state];
}

/** Fetches the page and replaces the parts that differ. After a change in the meantime, it is fetched again. */
async function refresh() {
  if (isFetching || isPrinting || document.hidden) {
    isMissed = true;
    return;
  }
  isFetching = true;
  isMissed = false;
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "manual" });
    // Signed out elsewhere, or the run was erased: nothing may stay readable.
    if (response.type === "opaqueredirect" || response.status === 410) return isSigningOut || location.reload();
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (isPrinting || response.status === 429) isMissed = true;
    else if (response.ok) applyPage(page);
  } catch {
    isMissed = true; // no connection: the stream shows that, and reopens
  }
  isFetching = false;
  if (isMissed && stream?.readyState === EventSource.OPEN && !document.hidden) setTimeout(refresh, 1000);
}

function applyPage(page) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh) part.remove();
    else if (part.dataset.part !== "kept") replace(part, document.importNode(fresh, true));
  }
  document.title = page.title;
  scheduleRefresh();
}

function scheduleRefresh() {
  const times = [...document.querySelectorAll("[data-again]")].map((part) => Number(part.dataset.again));
  clearTimeout(timer);
  if (times.length) timer = setTimeout(refresh, Math.min(...times));
}

function replace(part, fresh) {
  for (const one of fresh.querySelectorAll("details[id]")) {
    one.open = document.getElementById(one.id)?.open ?? one.open;
  }
  if (part.isEqualNode(fresh)) return;
  const rows = part.querySelector("[data-keyed]");
  if (rows) {
    part.hidden = fresh.hidden;
    refreshRows(rows, fresh.querySelector("[data-keyed]"));
    return;
  }
  if (isInUse(part)) return;
  changeKeepingFocus(part, () => part.replaceWith(fresh));
}

function refreshRows(rows, fresh) {
  const known = new Map([...rows.children].map((row) => [row.id, row]));
  let place = rows.firstElementChild;
  for (const row of [...fresh.children]) {
    let old = known.get(row.id);
    known.delete(row.id);
    if (old && !old.isEqualNode(row)) {
      if (place === old) place = row;
      for (const box of old.querySelectorAll("input:checked")) row.querySelector(`[id="${box.id}"]`).checked = true;
      changeKeepingFocus(old, () => old.replaceWith(row));
      old = row;
    }
    if (place && (old ?? row) === place) place = place.nextElementSibling;
    else rows.insertBefore(old ?? row, place);
  }
  for (const removed of known.values()) removed.remove();
}

/** True if a field of the part has the focus or was changed: the part must not be replaced. */
function isInUse(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea, select")];
  const isChanged = (field) => field.type !== "select-one" && field.value !== field.defaultValue;
  return fields.some((field) => field === document.activeElement || isChanged(field));
}

function changeKeepingFocus(part, change) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  change();
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Over HTTP/1.1 a browser opens six connections to a host, so hidden tabs close their streams.
document.addEventListener("visibilitychange", () => {
  if (!indicator) return void (isMissed && refresh());
  if (document.hidden) stream?.close();
  else if (stream?.readyState !== EventSource.OPEN) listen();
});
addEventListener("beforeprint", () => { isPrinting = true; });
addEventListener("afterprint", () => {
  isPrinting = false;
  if (isMissed) refresh();
});
addEventListener("pageshow", (event) => event.persisted && refresh());
if (indicator && !document.hidden) listen();
scheduleRefresh();
