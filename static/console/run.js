// The page of one run: photos large, the link copied, and what is printed.

const dialog = document.getElementById("zoom");
const [picture, about, count, original] = ["zoom-picture", "zoom-about", "zoom-count", "zoom-original"].map((id) => document.getElementById(id));
const photos = () => [...document.querySelectorAll("a.photo")];
const close = document.getElementById("zoom-close");
let shown; // id of the link whose photo is shown

function show(link) {
  const all = photos();
  const position = all.indexOf(link);
  shown = link.id;
  picture.src = link.href;
  picture.alt = link.querySelector("img").alt;
  original.href = link.dataset.original;
  count.textContent = `${position + 1} / ${all.length} · ${picture.alt}`;
  about.replaceChildren(document.getElementById(link.dataset.about).querySelector("dl").cloneNode(true));
  for (const [id, is] of [["zoom-previous", position > 0], ["zoom-next", position < all.length - 1]]) {
    document.getElementById(id).disabled = !is; // which would take its focus away
    if (!is && document.activeElement?.id === id) close.focus();
  }
  if (!dialog.open) dialog.showModal();
}

function step(by) {
  const all = photos();
  const next = all[all.findIndex((link) => link.id === shown) + by];
  if (next) show(next);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.photo");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link);
});
document.addEventListener("keydown", (event) => {
  if (!dialog.open) return;
  if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else return;
  event.preventDefault();
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => document.getElementById(shown)?.focus());
document.getElementById("zoom-previous").addEventListener("click", () => step(-1));
document.getElementById("zoom-next").addEventListener("click", () => step(1));
close.addEventListener("click", () => dialog.close());

const print = document.getElementById("print");
print.hidden = false;
print.addEventListener("click", async () => {
  print.disabled = true;
  await Promise.allSettled([...document.querySelectorAll("img[data-full]")].map((one) => {
    one.src = one.dataset.full;
    return one.decode();
  }));
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
    const copied = await (navigator.clipboard?.writeText(field.value).then(() => true, () => false) ?? document.execCommand("copy"));
    if (!copied) return;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}
