// The page of one run: copying the link, showing details, and the way back to the list.

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
