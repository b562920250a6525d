// The page of one run: the link copied, and what is printed.

// On paper photos are as large as on the screen, with their details beside them, whichever way somebody prints. The
// button waits until the photos are loaded; without it the browser decides.
const thumbnails = () => [...document.querySelectorAll("img[data-full]")];
let unfolded = [];

function enlarge() {
  for (const one of thumbnails()) if (one.getAttribute("src") !== one.dataset.full) one.src = one.dataset.full;
}

function stamp() {
  const time = document.getElementById("printed");
  const day = { day: "numeric", month: "short", year: "numeric" };
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const zone = { timeZone: time.dataset.zone, timeZoneName: "longOffset", hourCycle: "h23" };
  try {
    time.textContent = new Intl.DateTimeFormat("en-GB", { ...day, ...clock, ...zone }).format();
  } catch { /* a zone this browser has not heard of: it stays at when the page was made */ }
}

addEventListener("beforeprint", () => {
  enlarge();
  unfolded = [...document.querySelectorAll(":is(.gallery, #facts, #timeline) details:not([open])")];
  for (const one of unfolded) one.open = true;
  stamp();
});
addEventListener("afterprint", () => {
  for (const one of unfolded) one.open = false;
});
document.addEventListener("click", async (event) => {
  const print = event.target.closest?.("#print");
  if (!print) return;
  print.disabled = true;
  enlarge();
  await Promise.allSettled(thumbnails().map((one) => one.decode()));
  print.disabled = false;
  window.print();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copies]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copies);
  const menu = field.closest("details");
  // Over plain http there is no clipboard but for what is selected, and only what is shown can be.
  if (menu && !navigator.clipboard) menu.open = true;
  field.select();
  const writing = navigator.clipboard?.writeText(field.value).then(() => true, () => false);
  const copied = await (writing ?? document.execCommand("copy"));
  if (!copied) return;
  button.dataset.label ??= button.textContent; // clicked again meanwhile, it says what was done
  button.setAttribute("aria-live", "polite");
  button.style.minWidth = `${button.offsetWidth}px`; // the others stay where they are
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = button.dataset.label; }, 2000);
});

// Whoever wants to see times and places wants them on the next job's page, too.
const details = document.getElementById("details");
const KEY = "shows-details";
try {
  details.checked ||= localStorage.getItem(KEY) === "yes";
  details.addEventListener("change", () => localStorage.setItem(KEY, details.checked ? "yes" : "no"));
} catch { /* a browser that stores nothing: it goes by the switch alone */ }

// The way back leads to the list as it was: its tab, its search and its filters.
const from = document.referrer && new URL(document.referrer);
if (from.pathname === "/console/runs") document.getElementById("back").search = from.search;
