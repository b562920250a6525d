// The list of runs by the keyboard: single keys, which can be turned off in this browser (WCAG 2.1.4), since who
// dictates would press them by speaking. And all runs of the page chosen at once.

const OFF = "rundun-keys-off";

const dialog = document.getElementById("keys");
const isOn = document.getElementById("keys-on");
const search = document.getElementById("f-q");

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false; // a browser that keeps nothing
  }
}

function turn(on) {
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

const jobs = () => [...document.querySelectorAll("#rows a.job")];

/** The line that has the focus: its link's place among all, -1 without one. */
function placeOf(links) {
  const line = document.activeElement.closest("#rows > li");
  return line ? links.findIndex((link) => line.contains(link)) : -1;
}

function move(step) {
  const links = jobs();
  const place = placeOf(links);
  const next = links[place < 0 ? (step > 0 ? 0 : links.length - 1) : place + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": () => { search.focus(); search.select(); },
  "?": showKeys,
  j: () => move(1),
  k: () => move(-1),
  x: () => document.activeElement.closest("#rows > li")?.querySelector("input")?.click(),
};

addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
  if (!isPlain || field || dialog.open || isOff() || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

// On a phone the tab may be cut off.
document.querySelector(".tabs [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });

isOn.addEventListener("change", () => turn(isOn.checked));
const button = document.getElementById("keys-button");
button.hidden = false;
button.addEventListener("click", showKeys);

const all = document.getElementById("choose-all");
all.hidden = false;
all.addEventListener("click", () => {
  for (const box of document.querySelectorAll("#rows input[type=checkbox]")) box.checked = true;
});
