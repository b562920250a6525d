// The dialog of a step's picture. Loaded when the first is tapped, or ahead in a run with pictures.

import { h, openDialog, textAttributes } from "../dom.js";

const OPEN = "#picture";   // the address while a picture is open, so that the phone's "back" closes it

/** Shows a picture large, until the person closes it. */
export async function openPicture(step, { url, width, height }, alt) {
  let close;
  const onBack = () => location.hash !== OPEN && close();
  history.pushState(null, "", OPEN);
  addEventListener("popstate", onBack);
  await openDialog(h("span", textAttributes(step.id), step.label), (closeDialog) => {
    close = closeDialog;
    return h("img", { class: "photo-large", src: url, width, height, alt });
  }, { wide: true });
  removeEventListener("popstate", onBack);
  if (location.hash === OPEN) history.back();
}
