// A run's photos, large: fitted into the window or in full size, one after the other.

const dialog = document.getElementById("zoom");
const parts = ["view", "picture", "about", "count", "original", "size", "close"];
const [view, picture, about, count, original, size, close] = parts.map((id) => document.getElementById(`zoom-${id}`));
let shown; // id of the link whose photo is shown
let opener = null; // the picture of the strip by which it was opened, if it was
const forth = document.dir === "rtl" ? -1 : 1; // the way that the page is read
let dragged = 0; // pixels, since the mouse went down
let touched; // where a finger came down

const inStrip = (id) => document.querySelector(`a[data-opens="${id}"]`);

/** The links of all photos, in the order of the strip, then those that it lacks. */
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

/** A button that is disabled would take the focus away with it. */
function enable(button, is) {
  if (!is && document.activeElement === button) view.focus();
  button.disabled = !is;
}

function step(by) {
  const all = photos();
  const next = all[all.findIndex((link) => link.id === shown) + by];
  if (next) show(next);
}

/** Full size, with the point that lies at these parts of its width and height in the middle; or fitted. */
function enlarge(is, across = 0.5, down = 0.5) {
  view.classList.toggle("full", is);
  size.setAttribute("aria-pressed", String(is));
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
  const opens = event.target.closest?.("a[data-opens]"); // in the strip
  const link = opens ? document.getElementById(opens.dataset.opens) : event.target.closest?.("a.photo");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  opener = opens;
  show(link);
});
document.addEventListener("keydown", (event) => {
  if (!dialog.open) return;
  const isMoving = isFull() && event.target === view; // arrows move what is larger than its frame
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
  touched = isSwipe ? event : undefined; // a second finger ends it
});
view.addEventListener("pointercancel", () => { touched = undefined; });
view.addEventListener("pointerup", (event) => { // a swipe to the side turns to the next one, as a page is turned
  const across = event.clientX - touched?.clientX, down = event.clientY - touched?.clientY;
  if (Math.abs(across) > Math.max(40, Math.abs(down))) step(across < 0 ? forth : -forth);
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => ((opener && inStrip(shown)) || document.getElementById(shown))?.focus());
document.getElementById("zoom-previous").addEventListener("click", () => step(-1));
document.getElementById("zoom-next").addEventListener("click", () => step(1));
close.addEventListener("click", () => dialog.close());
