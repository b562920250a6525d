// The editor: line numbers, faults shown while typing, and the preview. Without this script the form still works: its
// buttons check and save on the server.

const CHECK_DELAY_MS = 400;      // after the last key, until the text is checked
const LETTER_WIDTH_EM = 0.6;     // approximate width of a letter in the editor's fonts

const form = document.getElementById("editor");
const text = document.getElementById("text");
const numbers = form.querySelector(".numbers");
const result = document.getElementById("summary");
const list = document.getElementById("faults");
const phone = document.getElementById("phone");
const empty = document.querySelector(".empty");
const at = document.getElementById("at");
const lang = document.getElementById("lang");
const file = document.getElementById("file");

let timer = 0;
let request = null;
let isSaving = false;
let isSignedOut = false;
let isStale = false;   // the preview must be restarted
let counted = "";
const saved = form.dataset.saved === "no" ? null : text.value;   // a refused form shows an unsaved text

for (const part of document.querySelectorAll(".tools, .file")) part.hidden = false;
numberLines(faultLines());
text.addEventListener("input", () => {
  numberLines(faultLines());
  clearTimeout(timer);
  timer = setTimeout(checkDraft, CHECK_DELAY_MS);
});
text.addEventListener("scroll", () => (numbers.scrollTop = text.scrollTop));
list.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  selectFault(Number(link.dataset.line), Number(link.dataset.column));
});
form.addEventListener("submit", save);
addEventListener("pageshow", () => (isSaving = false));
addEventListener("beforeunload", (event) => {
  if (!isSaving && text.value !== saved) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  form.querySelector("[value=save]").click();
});
file.addEventListener("change", loadFile);
for (const select of [at, lang]) select.addEventListener("change", restartPreview);
document.getElementById("again").addEventListener("click", restartPreview);
const isOffered = (tag) => lang.querySelector(`[value="${CSS.escape(tag)}"]`);
lang.value = navigator.languages.map((tag) => tag.split("-")[0]).find(isOffered) ?? "en";
loadFile();   // a file may have been chosen before this script ran
if (text.value.trim()) checkDraft();

/** Replaces the text by the chosen file's. */
async function loadFile() {
  const [chosen] = file.files;
  if (!chosen) return;
  text.focus();
  text.setRangeText(await chosen.text(), 0, text.value.length, "start");
  file.value = "";
  text.dispatchEvent(new Event("input"));
}

/** Sends the form, unless the session has ended: then the text would be lost. */
async function save(event) {
  if (isSaving) return;
  event.preventDefault();
  const { submitter } = event;
  isSignedOut = false;
  clearTimeout(timer);
  await checkDraft();
  if (isSignedOut) return;
  isSaving = true;
  form.requestSubmit(submitter);
}

/** Has the server check the draft, and shows the result of the last request only. */
async function checkDraft() {
  request?.abort();
  const mine = (request = new AbortController());
  try {
    const response = await fetch(form.dataset.check, {
      method: "POST", body: text.value, signal: mine.signal,
      headers: {
        "Content-Type": "text/plain; charset=utf-8",
        "X-CSRF-Token": form.elements.csrf.value,
        Accept: "application/json",
      },
    });
    if (response.redirected) return showSignedOut();
    if (response.ok) showResult(await response.json());   // errors of the server are shown when saving
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
  }
}

/** Restarts the preview, with the last valid draft if this one has faults or the server cannot be reached. */
async function restartPreview() {
  isStale = true;
  await checkDraft();
  if (isStale) showPreview(phone.dataset.base, true);
  isStale = false;
}

/** Shows that the session has ended and that nothing was sent. */
function showSignedOut() {
  isSignedOut = true;
  result.textContent = form.dataset.signedOut;
  result.className = "wrong";
}

function showResult({ summary, faults, preview, languages }) {
  result.textContent = summary;
  result.className = faults.length ? "wrong" : "soft";
  if (faults.length) text.setAttribute("aria-invalid", "true");
  else text.removeAttribute("aria-invalid");
  list.replaceChildren(...faults.map(faultItem));
  numberLines(faultLines());
  offerLanguages(languages);
  if (!preview) return;
  showPreview(preview, isStale);
  isStale = false;
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
