// Keeps a page of the console up to date. Of the element with `data-live` it takes the address of the events; at each
// `change` it fetches the page's own address again and takes over what is different in its `data-part`s. Rows of a
// `data-keyed` part are compared one by one, by their ids, so that focus and selection stay where they are. A part that
// is "kept", since scripts have changed it, only goes when it is gone. One with `data-again` asks to be fetched again
// after so many milliseconds: no event tells of what it waits for.

const RETRY_PAUSE_MS = 30_000; // ms after which a stream that was refused is asked for again

const sign = document.querySelector("[data-live]");
let fetching = false;
let missed = false;
let printing = false; // then the page stays as it was made ready for paper
let stream;
let waiting;

function listen() {
  stream?.close();
  stream = new EventSource(sign.dataset.live);
  stream.addEventListener("open", () => {
    say("on");
    renew(); // what has changed while nobody listened
  });
  stream.addEventListener("change", renew);
  stream.addEventListener("error", () => {
    say("off");
    renew(); // where the session is over, there is a page to sign in
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || listen(), RETRY_PAUSE_MS);
  });
}

function say(state) {
  sign.hidden = false;
  sign.dataset.state = state;
  sign.textContent = sign.dataset[state];
}

/** Fetch the page and take over what is different; a change meanwhile makes it do so once more. */
async function renew() {
  if (fetching || printing || document.hidden) {
    missed = true;
    return;
  }
  fetching = true;
  missed = false;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.reload(); // signed out elsewhere: nothing may stay readable
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (printing) missed = true;
    else if (answer.ok) takeOver(page);
  } catch {
    missed = true; // no connection: the stream says so, and opens again
  }
  fetching = false;
  if (missed && stream?.readyState === EventSource.OPEN && !document.hidden) setTimeout(renew, 1000);
}

function takeOver(page) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh) part.remove();
    else if (part.dataset.part !== "kept") replace(part, document.importNode(fresh, true));
  }
  again();
}

function again() {
  const times = [...document.querySelectorAll("[data-again]")].map((part) => Number(part.dataset.again));
  clearTimeout(waiting);
  if (times.length) waiting = setTimeout(renew, Math.min(...times));
}

function replace(part, fresh) {
  for (const one of fresh.querySelectorAll("details[id]")) {
    one.open = document.getElementById(one.id)?.open ?? one.open;
  }
  if (part.isEqualNode(fresh)) return;
  const rows = part.querySelector("[data-keyed]");
  if (rows) {
    part.hidden = fresh.hidden;
    renewRows(rows, fresh.querySelector("[data-keyed]"));
    return;
  }
  if (isInUse(part)) return;
  keepingFocus(part, () => part.replaceWith(fresh));
}

function renewRows(rows, fresh) {
  const known = new Map([...rows.children].map((row) => [row.id, row]));
  let place = rows.firstElementChild;
  for (const row of [...fresh.children]) {
    let old = known.get(row.id);
    known.delete(row.id);
    if (old && !old.isEqualNode(row)) {
      if (place === old) place = row;
      keepingFocus(old, () => old.replaceWith(row));
      old = row;
    }
    if (place && (old ?? row) === place) place = place.nextElementSibling;
    else rows.insertBefore(old ?? row, place);
  }
  for (const gone of known.values()) gone.remove();
}

/** Somebody types here, or has: it stays as it is. */
function isInUse(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea, select")];
  const isChanged = (field) => field.type !== "select-one" && field.value !== field.defaultValue;
  return fields.some((field) => field === document.activeElement || isChanged(field));
}

function keepingFocus(part, change) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  change();
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Over HTTP/1.1 a browser opens six connections to a host: tabs that nobody looks at give theirs back.
document.addEventListener("visibilitychange", () => {
  if (!sign) return void (missed && renew());
  if (document.hidden) stream?.close();
  else if (stream?.readyState !== EventSource.OPEN) listen();
});
addEventListener("beforeprint", () => { printing = true; });
addEventListener("afterprint", () => {
  printing = false;
  if (missed) renew();
});
addEventListener("pageshow", (event) => event.persisted && renew());
if (sign && !document.hidden) listen();
again();
