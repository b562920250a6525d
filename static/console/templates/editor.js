// The editor: a draft that is stored while it is typed, line numbers, faults, and the preview. Without this script the
// form still works: its buttons store, check and publish on the server.

const WRITE_INTERVAL_MS = 1000;   // at least between two writes of the draft
const RETRY_MS = 5000;            // until a write that got no answer is tried again
const PATIENCE_MS = 15_000;       // for an answer
const LETTER_WIDTH_EM = 0.6;      // approximate width of a letter in the editor's fonts

const form = document.getElementById("editor");
const text = document.getElementById("text");
const numbers = form.querySelector(".numbers");
const result = document.getElementById("summary");
const list = document.getElementById("faults");
const state = document.getElementById("state");
const conflict = document.getElementById("newer");
const keepMine = document.getElementById("keep-mine");
const discard = document.getElementById("discard");
const phone = document.getElementById("phone");
const empty = document.querySelector(".empty");
const at = document.getElementById("at");
const lang = document.getElementById("lang");
const file = document.getElementById("file");
const PLACE = ["draft", "revision", "template_id", "made_from", "once"];   // fields: where the text is stored

let timer = 0;             // of the next write, 0 without one
let due = 0;               // when the next write begins
let lastWrite = 0;         // when the last one began
let writing = null;        // the write that is under way
let isHeard = true;        // whether the last write got an answer
let isSignedOut = false;
let isLeaving = false;
let newer = null;          // the place of a newer text, until one of the two is chosen
let counted = "";
const unheard = new Set();   // texts of writes that got no answer: the server may have them
let stored = form.dataset.saved === "no" ? null : text.defaultValue;

for (const part of document.querySelectorAll(".tools, .file")) part.hidden = false;
numberLines(faultLines());
if (!conflict.hidden) showNewer(Object.fromEntries(PLACE.map((name) => [name, form.elements[name].value])));
text.addEventListener("input", () => {
  numberLines(faultLines());
  showState(form.dataset.notSaved);
  scheduleWrite(WRITE_INTERVAL_MS);
});
text.addEventListener("scroll", () => (numbers.scrollTop = text.scrollTop));
list.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  selectFault(Number(link.dataset.line), Number(link.dataset.column));
});
form.addEventListener("submit", submit);
discard.addEventListener("submit", () => (isLeaving = true));
addEventListener("pageshow", () => (isLeaving = false));
addEventListener("online", () => scheduleWrite(0));
addEventListener("beforeunload", (event) => {
  if (!isLeaving && text.value !== stored) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  scheduleWrite(0);
});
keepMine.addEventListener("click", () => {
  takePlace(newer);
  newer = null;
  conflict.hidden = true;
  scheduleWrite(0);
});
file.addEventListener("change", loadFile);
for (const select of [at, lang]) select.addEventListener("change", restartPreview);
document.getElementById("again").addEventListener("click", restartPreview);
const isOffered = (tag) => lang.querySelector(`[value="${CSS.escape(tag)}"]`);
lang.value = navigator.languages.map((tag) => tag.split("-")[0]).find(isOffered) ?? "en";
loadFile();   // a file may have been chosen before this script ran
if (text.value.trim()) check();

/** Replaces the text by the chosen file's. */
async function loadFile() {
  const [chosen] = file.files;
  if (!chosen) return;
  text.focus();
  text.setRangeText(await chosen.text(), 0, text.value.length, "start");
  file.value = "";
  text.dispatchEvent(new Event("input"));
}

/** Sends the form once the text is stored, or the server has refused it; otherwise stays, so that no text is lost. */
async function submit(event) {
  isLeaving ||= !writing && text.value === stored;
  if (isLeaving) return;
  event.preventDefault();
  const { submitter } = event;
  isSignedOut = false;
  await writing;
  if (text.value !== stored && !newer) await write();
  isLeaving = isHeard && !isSignedOut && !newer;
  if (isLeaving) form.requestSubmit(submitter);
}

function showState(words) {
  state.textContent = words;
}

/** Writes the draft in `delay` milliseconds at the earliest, unless an earlier write is planned. */
function scheduleWrite(delay) {
  const when = Math.max(Date.now() + delay, lastWrite + WRITE_INTERVAL_MS);
  if (timer && due <= when) return;
  clearTimeout(timer);
  due = when;
  timer = setTimeout(async () => {
    timer = 0;
    await writing;
    if (text.value !== stored && !newer) await write();
  }, when - Date.now());
}

/** Has the server store and check the text; resolves once it has answered, or did not in time. */
function write() {
  clearTimeout(timer);
  timer = 0;
  lastWrite = Date.now();
  writing = sendText(text.value).finally(() => (writing = null));
  return writing;
}

async function sendText(value) {
  const response = await post(value);
  isHeard = Boolean(response);
  if (response?.redirected) return showSignedOut();
  if (response?.ok) return showWritten(value, await response.json());
  if (response?.status === 404) return showGone();
  if (!response) unheard.add(value);
  showRefused(response ? (await response.json()).detail : "");
  showState(response ? form.dataset.notSaved : form.dataset.lost);
  if (!response || response.status >= 429) scheduleWrite(RETRY_MS);
}

/** Has the server check the text only, and shows the result unless another text stands there by then. */
async function check() {
  const value = text.value;
  const response = await post(value, { check: "true" });
  if (response?.redirected) return showSignedOut();
  if (response?.ok) showChecked(value, await response.json());
}

/** Sends a text; returns the response, null without one. */
async function post(value, more = {}) {
  const place = Object.fromEntries(PLACE.map((name) => [name, form.elements[name].value]));
  const headers = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-CSRF-Token": form.elements.csrf.value,
    Accept: "application/json",
  };
  try {
    return await fetch(`${form.dataset.drafts}/text?${new URLSearchParams({ ...place, ...more })}`, {
      method: "POST", body: value, headers, signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {   // no connection, or no answer in time
    return null;
  }
}

/** Takes the form's fields, where the text is stored from now on. */
function takePlace(place) {
  for (const name of PLACE) form.elements[name].value = place[name] ?? "";
  discard.hidden = !place.draft;
  if (!place.draft) return;
  discard.querySelector("form").action = `${form.dataset.drafts}/${place.draft}/discard`;
  discard.querySelector("[name=revision]").value = place.revision;
  history.replaceState(null, "", `${form.dataset.drafts}/${place.draft}`);
}

function showWritten(value, answer) {
  showChecked(value, answer);
  showRefused(answer.refused);
  if (answer.newer && unheard.has(answer.newer.text)) {   // our own, whose answer was lost
    takePlace(answer.place);
    stored = answer.newer.text;
    return scheduleWrite(0);
  }
  if (answer.newer) {
    conflict.querySelector("p").textContent = answer.newer.said;
    return showNewer(answer.place);
  }
  if (!answer.place) return;
  takePlace(answer.place);
  stored = value;
  unheard.clear();
  document.getElementById("gone").hidden = true;
  if (text.value === value) showState(form.dataset.isSaved);
}

/** Shows that somebody wrote the draft meanwhile: nothing is written before one of the two texts is chosen. */
function showNewer(place) {
  newer = place;
  conflict.hidden = keepMine.hidden = false;
  document.getElementById("theirs").href = `${form.dataset.drafts}/${place.draft}`;
  showState(form.dataset.notSaved);
}

/** Shows that the draft is no more; what is typed from now on begins a new one. */
function showGone() {
  stored = null;
  document.getElementById("gone").hidden = false;
  takePlace({ ...Object.fromEntries(new FormData(form)), draft: "", revision: "", once: String(Math.random()) });
  showState(form.dataset.notSaved);
}

/** Shows why the text was not stored, "" for nothing. */
function showRefused(words) {
  const refused = document.getElementById("refused");
  refused.textContent = words;
  refused.hidden = !words;
}

/** Shows that the session has ended and that nothing was stored. */
function showSignedOut() {
  isSignedOut = true;
  result.textContent = form.dataset.signedOut;
  result.className = "wrong";
}

/** Restarts the preview, with the last valid text if this one has faults or the server cannot be reached. */
async function restartPreview() {
  await check();
  showPreview(phone.dataset.base, true);
}

/** Shows the faults of a text and its preview, unless another text stands there by now. */
function showChecked(value, { summary, faults, preview, languages }) {
  if (value !== text.value) return;
  result.textContent = summary;
  result.className = faults.length ? "wrong" : "soft";
  if (faults.length) text.setAttribute("aria-invalid", "true");
  else text.removeAttribute("aria-invalid");
  list.replaceChildren(...faults.map(faultItem));
  numberLines(faultLines());
  offerLanguages(languages);
  showPreview(preview, false);
}

/** Adds the template's languages `tags` to the choice of preview languages. */
function offerLanguages(tags) {
  const known = new Set(Array.from(lang.options, (one) => one.value));
  for (const tag of tags.filter((one) => !known.has(one))) {
    lang.append(Object.assign(document.createElement("option"), { value: tag, lang: tag, textContent: tag }));
  }
}

function faultItem(fault) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  Object.assign(link, { href: "#text", textContent: fault.where });
  Object.assign(link.dataset, { line: fault.line, column: fault.column });
  const detail = document.createElement("span");
  detail.textContent = fault.detail;
  item.append(link, " ");
  if (fault.pointer) {
    const code = document.createElement("code");
    code.textContent = fault.pointer;
    item.append(code, " ");
  }
  item.append(detail);
  return item;
}

function faultLines() {
  return new Set(Array.from(list.querySelectorAll("a[data-line]"), (link) => Number(link.dataset.line)));
}

/** Shows the line numbers, and marks those in `bad`. */
function numberLines(bad) {
  const count = text.value.split("\n").length;
  const key = `${count} ${[...bad].join()}`;
  if (key === counted) return;
  counted = key;
  const parts = [];
  let plain = "";
  for (let n = 1; n <= count; n += 1) {
    if (!bad.has(n)) {
      plain += `${n}\n`;
      continue;
    }
    const mark = document.createElement("b");
    mark.textContent = n;
    parts.push(plain, mark);
    plain = "\n";
  }
  numbers.replaceChildren(...parts, plain);
  numbers.scrollTop = text.scrollTop;
}

/** Selects the line from a column on, and scrolls to it. The server counts code points, the field UTF-16 units. */
function selectFault(row, column) {
  const lines = text.value.split("\n");
  const before = lines.slice(0, row - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const whole = lines[row - 1] ?? "";
  const start = before + [...whole].slice(0, column - 1).join("").length;
  text.focus({ preventScroll: true });
  text.setSelectionRange(start, Math.max(start, before + whole.trimEnd().replace(/,$/, "").length));
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (row - 1) * height - text.clientHeight / 2);
  const letter = parseFloat(getComputedStyle(text).fontSize) * LETTER_WIDTH_EM;
  text.scrollLeft = Math.max(0, column * letter - text.clientWidth / 2);
  numbers.scrollTop = text.scrollTop;
  text.closest(".sheet").scrollIntoView({ block: "nearest" });
}

/** Shows the draft at the path `base` in the preview, with the scroll position of the previous one. */
function showPreview(base, isRestart) {
  if (!base || (base === phone.dataset.base && phone.src && !isRestart)) return;
  phone.dataset.base = base;
  const from = phone.hidden ? 0 : phone.contentWindow?.scrollY ?? 0;
  phone.addEventListener("load", () => restoreScroll(from), { once: true });
  phone.hidden = false;
  empty.hidden = true;
  const address = `${base}?lang=${lang.value}${at.value ? `&at=${at.value}` : ""}`;
  // Replaces the history entry, so that the browser's "back" leaves the editor.
  phone.contentWindow.location.replace(address);
  phone.setAttribute("data-shown", address);
}

function restoreScroll(from, tries = 0) {
  const { document: inside, scrollTo } = phone.contentWindow ?? {};
  if (!from || tries > 20) return;
  if (inside?.querySelector(".form, .start")) scrollTo(0, from);
  else setTimeout(restoreScroll, 100, from, tries + 1);
}
