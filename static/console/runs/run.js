// The page of one run: printing, copying the link, showing details, and the way back to the list.

// On paper, photos are in full size with their details unfolded, also when printing by the browser's menu. The page's
// own button waits until the photos are loaded; the browser's menu may not.
const thumbnails = () => [...document.querySelectorAll("img[data-full]")];
let unfolded = [];

function loadFullPhotos() {
  for (const one of thumbnails()) if (one.getAttribute("src") !== one.dataset.full) one.src = one.dataset.full;
}

function showPrintTime() {
  const time = document.getElementById("printed");
  const day = { day: "numeric", month: "short", year: "numeric" };
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const zone = { timeZone: time.dataset.zone, timeZoneName: "longOffset", hourCycle: "h23" };
  try {
    time.textContent = new Intl.DateTimeFormat("en-GB", { ...day, ...clock, ...zone }).format();
  } catch { /* a time zone unknown to this browser: the page keeps the time at which it was made */ }
}

addEventListener("beforeprint", () => {
  loadFullPhotos();
  unfolded = [...document.querySelectorAll(":is(.gallery, #facts, #timeline) details:not([open])")];
  for (const one of unfolded) one.open = true;
  showPrintTime();
});
addEventListener("afterprint", () => {
  for (const one of unfolded) one.open = false;
});
document.addEventListener("click", async (event) => {
  const print = event.target.closest?.("#print");
  if (!print) return;
  print.disabled = true;
  loadFullPhotos();
  await Promise.allSettled(thumbnails().map((one) => one.decode()));
  print.disabled = false;
  window.print();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copies]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copies);
  const menu = field.closest("details");
  // Over plain HTTP only a selection can be copied, and only visible text can be selected.
  if (menu && !navigator.clipboard) menu.open = true;
  field.select();
  const writing = navigator.clipboard?.writeText(field.value).then(() => true, () => false);
  const copied = await (writing ?? document.execCommand("copy"));
  if (!copied) return;
  button.dataset.label ??= button.textContent; // at a second click, the text is not the original label
  button.setAttribute("aria-live", "polite");
  button.style.minWidth = `${button.offsetWidth}px`; // so that other buttons do not move
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = button.dataset.label; }, 2000);
});

// The switch for times and places is remembered for the pages of other jobs.
const details = document.getElementById("details");
const KEY = "shows-details";
try {
  details.checked ||= localStorage.getItem(KEY) === "yes";
  details.addEventListener("change", () => localStorage.setItem(KEY, details.checked ? "yes" : "no"));
} catch { /* no storage in this browser: the switch is not remembered */ }

// The link back leads to the list with its tab, search and filters.
const from = document.referrer && new URL(document.referrer);
if (from.pathname === "/console/runs") document.getElementById("back").search = from.search;
