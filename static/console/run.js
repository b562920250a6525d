// The page of one run: the link copied, and what is printed.

// On paper photos are as large as on the screen, with their details beside them, whichever way somebody prints. The
// button waits until the photos are loaded; without it the browser decides.
const thumbnails = () => [...document.querySelectorAll("img[data-full]")];
const print = document.getElementById("print");
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
  unfolded = [...document.querySelectorAll(".gallery details:not([open])")];
  for (const one of unfolded) one.open = true;
  stamp();
});
addEventListener("afterprint", () => {
  for (const one of unfolded) one.open = false;
});
print.hidden = false;
print.addEventListener("click", async () => {
  print.disabled = true;
  enlarge();
  await Promise.allSettled(thumbnails().map((one) => one.decode()));
  print.disabled = false;
  window.print();
});

for (const button of document.querySelectorAll("button[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    field.select();
    // Over plain http there is no clipboard but for what is selected.
    const writing = navigator.clipboard?.writeText(field.value).then(() => true, () => false);
    const copied = await (writing ?? document.execCommand("copy"));
    if (!copied) return;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}
