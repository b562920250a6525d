// What right looks like: the pictures that steps show beside their questions, and one of them large. Loaded once the
// run is started, and only where its template has pictures.

import { h, makeButton, t, textAttributes } from "./dom.js";
import { loadModule } from "./http.js";

const OPEN = "#picture";   // the address while one is shown large, so that the phone's own "back" closes it

/** Puts the pictures into the cards of `form`, and has the phone keep them. */
export async function showPictures(session, form) {
  for (const [stepId, ids] of Object.entries(session.shown.step_pictures)) {
    const { step } = session.rows.find((row) => row.step.id === stepId) ?? {};
    const control = form.querySelector(`#${CSS.escape(stepId)} > .control`);
    if (!control || control.parentElement.querySelector(":scope > .shown")) continue;
    const pictures = ids.map((id) => session.shown.pictures[id]);
    control.before(h("div", { class: "shown" }, ...pictures.map((one, index) => small(step, one, index, ids.length))));
  }
  (await loadModule("keep_page")).keepPictures(session);
}

function small(step, picture, index, count) {
  const alt = t("picture_alt", { label: step.label, number: index + 1, count });
  const { thumbnail_url: src, width, height } = picture;
  const image = h("img", { src, width, height, alt, loading: "lazy", decoding: "async" });
  return makeButton("shown-one", () => showLarge(step, picture, alt), image);
}

async function showLarge(step, { url, width, height }, alt) {
  const { openDialog } = await loadModule("dialog");
  history.pushState(null, "", OPEN);
  let close;
  const onBack = () => location.hash !== OPEN && close();
  addEventListener("popstate", onBack);
  await openDialog(h("span", textAttributes(step.id), step.label), (closeDialog) => {
    close = closeDialog;
    return h("img", { class: "photo-large", src: url, width, height, alt });
  }, { wide: true });
  removeEventListener("popstate", onBack);
  if (location.hash === OPEN) history.back();
}
