// The editor: line numbers, what is wrong while one types, and the phone beside it. Without it the form still works:
// its buttons check and save on the server.

const CHECK_DELAY_MS = 400;      // without a key, until the text is checked
const LETTER_WIDTH_EM = 0.6;     // about as wide as a letter of these fonts

const form = document.getElementById("editor");
const text = document.getElementById("text");
const numbers = form.querySelector(".numbers");
const said = document.getElementById("said");
const list = document.getElementById("faults");
const phone = document.getElementById("phone");
const empty = document.querySelector(".empty");
const at = document.getElementById("at");
const lang = document.getElementById("lang");
const file = document.getElementById("file");

let timer = 0;
let asking = null;
let isSaving = false;
let isSignedOut = false;
let isStale = false;   // the phone is to begin anew
let counted = "";
const saved = form.dataset.saved === "no" ? null : text.value;   // what a refused form shows again is nowhere kept

for (const part of document.querySelectorAll(".tools, .file")) part.hidden = false;
number(faultLines());
text.addEventListener("input", () => {
  number(faultLines());
  clearTimeout(timer);
  timer = setTimeout(look, CHECK_DELAY_MS);
});
text.addEventListener("scroll", () => (numbers.scrollTop = text.scrollTop));
list.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  jump(Number(link.dataset.line), Number(link.dataset.column));
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
file.addEventListener("change", take);
for (const select of [at, lang]) select.addEventListener("change", anew);
document.getElementById("again").addEventListener("click", anew);
const isOffered = (tag) => lang.querySelector(`[value="${CSS.escape(tag)}"]`);
lang.value = navigator.languages.map((tag) => tag.split("-")[0]).find(isOffered) ?? "en";
take();   // a file that was chosen before all this was here
if (text.value.trim()) look();

/** The chosen file's text in place of what is there. */
async function take() {
  const [chosen] = file.files;
  if (!chosen) return;
  text.focus();
  text.setRangeText(await chosen.text(), 0, text.value.length, "start");
  file.value = "";
  text.dispatchEvent(new Event("input"));
}

/** Sends the form, once it is sure that somebody is signed in. */
async function save(event) {
  if (isSaving) return;
  event.preventDefault();
  const { submitter } = event;
  isSignedOut = false;
  clearTimeout(timer);
  await look();
  if (isSignedOut) return;
  isSaving = true;
  form.requestSubmit(submitter);
}

/** Asks the server what is wrong; only the last question counts. */
async function look() {
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    const answer = await fetch(form.dataset.check, {
      method: "POST", body: text.value, signal: mine.signal,
      headers: {
        "Content-Type": "text/plain; charset=utf-8",
        "X-CSRF-Token": form.elements.csrf.value,
        Accept: "application/json",
      },
    });
    if (answer.redirected) return tellSignedOut();
    if (answer.ok) tell(await answer.json());   // else it is away: saving will tell
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
  }
}

/** The phone from the beginning; where the draft has faults, or the server is away, with the last good one. */
async function anew() {
  isStale = true;
  await look();
  if (isStale) show(phone.dataset.base, true);
  isStale = false;
}

/** Nothing is sent while nobody is signed in: the text would be gone. */
function tellSignedOut() {
  isSignedOut = true;
  said.textContent = form.dataset.signedOut;
  said.className = "wrong";
}

function tell({ said: words, faults, preview, languages }) {
  said.textContent = words;
  said.className = faults.length ? "wrong" : "soft";
  if (faults.length) text.setAttribute("aria-invalid", "true");
  else text.removeAttribute("aria-invalid");
  list.replaceChildren(...faults.map(line));
  number(faultLines());
  offer(languages);
  if (!preview) return;
  show(preview, isStale);
  isStale = false;
}

/** Languages that only this template isPageLanguage, beside those of the page. */
function offer(tags) {
  const known = new Set(Array.from(lang.options, (one) => one.value));
  for (const tag of tags.filter((one) => !known.has(one))) {
    lang.append(Object.assign(document.createElement("option"), { value: tag, lang: tag, textContent: tag }));
  }
}

function line(fault) {
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

/** Line numbers, those with a fault marked. */
function number(bad) {
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

/** Selects from there to the end of the line. The server counts code points, the field UTF-16. */
function jump(row, column) {
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

/** The phone with a draft; it stays as it is while the draft does, and where it was when it changes. */
function show(base, isAnew) {
  if (!base || (base === phone.dataset.base && phone.src && !isAnew)) return;
  phone.dataset.base = base;
  const from = phone.hidden ? 0 : phone.contentWindow?.scrollY ?? 0;
  phone.addEventListener("load", () => back(from), { once: true });
  phone.hidden = false;
  empty.hidden = true;
  const address = `${base}?lang=${lang.value}${at.value ? `&at=${at.value}` : ""}`;
  // Replaced, so that the browser's "back" leaves the editor and does not undo the preview.
  phone.contentWindow.location.replace(address);
  phone.setAttribute("data-shown", address);
}

function back(from, tries = 0) {
  const { document: inside, scrollTo } = phone.contentWindow ?? {};
  if (!from || tries > 20) return;
  if (inside?.querySelector(".form, .start")) scrollTo(0, from);
  else setTimeout(back, 100, from, tries + 1);
}
