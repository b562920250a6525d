// Photos of two runs side by side, which are zoomed and moved together. Any two may be chosen.

const dialog = document.getElementById("side");
document.getElementById("print")?.addEventListener("click", () => print());

if (dialog) {
  const zoom = document.getElementById("side-zoom");
  const selects = [...dialog.querySelectorAll("select")];
  const views = [...dialog.querySelectorAll(".view")];
  let moved; // the view that the person moves; the other one follows

  const show = (side) => {
    const option = selects[side].selectedOptions[0];
    const picture = views[side].firstElementChild;
    picture.hidden = !option;
    if (option) Object.assign(picture, { src: option.dataset.url, alt: option.text });
  };
  const enlarge = () => {
    const places = views.map((view) => [middle(view, "Left", "Width"), middle(view, "Top", "Height")]);
    dialog.style.setProperty("--zoom", zoom.value);
    views.forEach((view, side) => moveTo(view, ...places[side]));
  };

  document.querySelector(".pairs").addEventListener("click", (event) => {
    const pair = event.target.closest("a.photo")?.parentElement.parentElement;
    if (!pair || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    for (const select of selects) select.selectedIndex = -1; // beside a photo without a counterpart is none
    for (const { dataset } of pair.querySelectorAll("a.photo")) selects[dataset.side].value = dataset.photo;
    zoom.value = 1;
    dialog.showModal();
    enlarge();
    [0, 1].forEach(show);
  });
  selects.forEach((select, side) => select.addEventListener("change", () => show(side)));
  zoom.addEventListener("input", enlarge);
  for (const view of views) {
    for (const kind of ["pointerdown", "pointerenter", "focus", "wheel"]) {
      view.addEventListener(kind, () => { moved = view; }, { passive: true });
    }
    view.addEventListener("scroll", () => {
      if (view !== moved) return;
      const other = views.find((each) => each !== view);
      moveTo(other, middle(view, "Left", "Width"), middle(view, "Top", "Height"));
    });
  }
  document.getElementById("side-close").addEventListener("click", () => dialog.close());
}

/** → the middle of what is seen of a view's picture, from 0 to 1. */
function middle(view, edge, size) {
  return (view[`scroll${edge}`] + view[`client${size}`] / 2) / view[`scroll${size}`];
}

function moveTo(view, across, down) {
  view.scrollTo(across * view.scrollWidth - view.clientWidth / 2, down * view.scrollHeight - view.clientHeight / 2);
}
