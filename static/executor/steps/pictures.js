// A picture that a step shows, large. Loaded when the first is tapped, or ahead where the run has any.

import { h, textAttributes } from "../dom.js";
import { openDialog } from "../dialog.js";

const OPEN = "#picture";   // the address while one is shown, so that the phone's own "back" closes it

/** `picture`: {url, width, height}. */
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
