// The gallery of a run's photos: one at a time, fitted into the window or in full size.

const dialog = document.getElementById("zoom");
const parts = ["view", "picture", "about", "count", "original", "size", "close"];
const [view, picture, about, count, original, size, close] = parts.map((id) => document.getElementById(`zoom-${id}`));
let shown; // id of the shown photo's link
let opener = null; // the link in the strip that opened the gallery, null for another one
const forth = document.dir === "rtl" ? -1 : 1; // reading direction
let dragged = 0; // pixels since the mouse button was pressed
let touched; // the pointer event that began a swipe, undefined for none

const inStrip = (id) => document.querySelector(`a[data-opens="${id}"]`);

/** → the links of all visible photos: those of the strip in its order, then all others. */
function photos() {
  const strip = [...document.querySelectorAll("a[data-opens]")];
  const links = strip.map((link) => document.getElementById(link.dataset.opens));
  const all = new Set([...links, ...document.querySelectorAll("a.photo")]);
  return [...all].filter((link) => link.getClientRects().length);
}

function show(link) {
  const all = photos();
  const position = all.indexOf(link);
  shown = link.id;
  enlarge(false);
  picture.src = link.href;
  picture.alt = link.querySelector("img").alt;
  original.href = link.dataset.original;
  original.download = link.dataset.savedAs;
  count.textContent = `${position + 1} / ${all.length} · ${picture.alt}`;
  about.replaceChildren(document.getElementById(link.dataset.about).querySelector("dl").cloneNode(true));
  enable(document.getElementById("zoom-previous"), position > 0);
  enable(document.getElementById("zoom-next"), position < all.length - 1);
  if (!dialog.open) dialog.showModal();
}

/** Enables or disables a button. The focus moves to the view, as a disabled button would lose it. */
function enable(button, isEnabled) {
  if (!isEnabled && document.activeElement === button) view.focus();
  button.disabled = !isEnabled;
}

function step(by) {
  const all = photos();
  const next = all[all.findIndex((link) => link.id === shown) + by];
  if (next) show(next);
}

/** Shows full size, or fits the photo. `across` and `down`, from 0 to 1, are the point to be in the middle. */
function enlarge(isFullSize, across = 0.5, down = 0.5) {
  view.classList.toggle("full", isFullSize);
  size.setAttribute("aria-pressed", String(isFullSize));
  const [x, y] = [across * picture.offsetWidth, down * picture.offsetHeight];
  view.scrollTo(x - view.clientWidth / 2, y - view.clientHeight / 2);
}

const isFull = () => view.classList.contains("full");
const isPinched = () => visualViewport.scale > 1.01;
const isLarger = () => isFull() || picture.naturalWidth > picture.clientWidth + 1;

function measure() {
  view.classList.toggle("larger", isLarger());
  enable(size, isLarger());
}

document.addEventListener("click", (event) => {
  const opens = event.target.closest?.("a[data-opens]"); // a link of the strip
  const link = opens ? document.getElementById(opens.dataset.opens) : event.target.closest?.("a.photo");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  opener = opens;
  show(link);
});
document.addEventListener("keydown", (event) => {
  if (!dialog.open) return;
  const isMoving = isFull() && event.target === view; // the arrow keys scroll a photo larger than the view
  if (event.key === "ArrowLeft" && !isMoving) step(-forth);
  else if (event.key === "ArrowRight" && !isMoving) step(forth);
  else if (event.key === "Enter" && event.target === view) enlarge(isLarger() && !isFull());
  else return;
  event.preventDefault();
});
picture.addEventListener("load", measure);
visualViewport.addEventListener("resize", () => view.classList.toggle("pinched", isPinched()));
addEventListener("resize", () => dialog.open && measure());
size.addEventListener("click", () => enlarge(!isFull()));
picture.addEventListener("click", (event) => {
  const [across, down] = [event.offsetX / picture.offsetWidth, event.offsetY / picture.offsetHeight];
  if (dragged < 5 && isLarger()) enlarge(!isFull(), across, down);
});
picture.addEventListener("pointerdown", () => { dragged = 0; });
picture.addEventListener("pointermove", (event) => {
  if (event.pointerType !== "mouse" || event.buttons !== 1) return; // a finger scrolls by itself
  dragged += Math.abs(event.movementX) + Math.abs(event.movementY);
  view.scrollBy(-event.movementX, -event.movementY);
});
view.addEventListener("pointerdown", (event) => {
  const isSwipe = event.pointerType !== "mouse" && event.isPrimary && !isFull() && !isPinched();
  touched = isSwipe ? event : undefined; // a second finger ends the swipe
});
view.addEventListener("pointercancel", () => { touched = undefined; });
view.addEventListener("pointerup", (event) => { // a horizontal swipe shows the next photo, like turning a page
  const across = event.clientX - touched?.clientX, down = event.clientY - touched?.clientY;
  if (Math.abs(across) > Math.max(40, Math.abs(down))) step(across < 0 ? forth : -forth);
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => ((opener && inStrip(shown)) || document.getElementById(shown))?.focus());
document.getElementById("zoom-previous").addEventListener("click", () => step(-1));
document.getElementById("zoom-next").addEventListener("click", () => step(1));
close.addEventListener("click", () => dialog.close());
