// Keyboard shortcuts of the list of runs, and the button that selects all runs of the page. Single keys can be switched
// off in this browser (WCAG 2.1.4), since dictated words would press them.

const OFF = "rundun-keys-off";

const dialog = document.getElementById("keys");
const isOn = document.getElementById("keys-on");
const search = document.getElementById("f-q");

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false; // no storage in this browser
  }
}

function storeIsOn(on) {
  try {
    if (on) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  } catch {
    isOn.checked = true;
  }
}

function showKeys() {
  isOn.checked = !isOff();
  dialog.showModal();
}

const jobLinks = () => [...document.querySelectorAll("#rows a.job")];

/** → the index of the focused line's link, -1 if no line has the focus. */
function focusedIndex(links) {
  const line = document.activeElement.closest("#rows > li");
  return line ? links.findIndex((link) => line.contains(link)) : -1;
}

function moveFocus(step) {
  const links = jobLinks();
  const index = focusedIndex(links);
  const next = links[index < 0 ? (step > 0 ? 0 : links.length - 1) : index + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": () => { search.focus(); search.select(); },
  "?": showKeys,
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  x: () => document.activeElement.closest("#rows > li")?.querySelector("input")?.click(),
};

addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
  if (!isPlain || field || dialog.open || isOff() || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

// On a phone the current tab may be scrolled out of view.
document.querySelector(".tabs [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });

isOn.addEventListener("change", () => storeIsOn(isOn.checked));
const button = document.getElementById("keys-button");
button.hidden = false;
button.addEventListener("click", showKeys);

const all = document.getElementById("choose-all");
all.hidden = false;
all.addEventListener("click", () => {
  for (const box of document.querySelectorAll("#rows input[type=checkbox]")) box.checked = true;
});
