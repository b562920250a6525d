// The dialog of a photo: the large picture, and buttons to send it again, draw on it, take it again, or delete it.

import { h, icon, makeButton, openDialog, refusedText, t } from "../dom.js";
import { loadModule } from "../http.js";
import { markOf, stateOf } from "../main.js";

/** Opens the dialog, and does what the person chooses. `rule`: the step's rule for photos (rules.js). */
export async function openPhoto(session, photo, rule) {
  const { photoStore } = session;
  const source = photo.large ?? photo.url;
  const action = await openDialog(t("photo"), (close) => {
    const button = (does, look, ...content) => makeButton(`button ${look}`, () => close(does), ...content);
    return [
      source
        ? h("img", { class: "photo-large", src: source, alt: t("photo") })
        : photo.problem ? null : h("p", { class: "soft photo-none" }, t("no_preview_long")),
      h("p", { class: "status", kind: markOf(photo) }, icon(markOf(photo)),
        h("span", {}, photo.problem ? refusedText(photo.problem) : stateOf(photo))),
      h("div", { class: "pair" },
        photo.state === "refused" && photo.item ? button("retry", "primary", t("try_again")) : null,
        rule.annotate && source ? button("draw", "", icon("pen"), h("span", {}, t("draw"))) : null,
        retakeButton((file) => close(file)),
        button("delete", "danger", icon("bin"), h("span", {}, t("delete")))),
    ];
  }, { wide: true });
  if (action === "delete") photoStore.remove(photo);
  else if (action === "retry") photoStore.retry(photo);
  else if (action === "draw") await draw();
  else if (action) await photoStore.retake(photo, action);

  async function draw() {
    const { drawOn } = await loadModule("photos/annotate");
    const drawn = await drawOn(photo, source);
    if (drawn) photoStore.draw(photo, drawn);
  }

  /** → a button that opens the camera; `use(file)` is called with the picture that replaces this one. */
  function retakeButton(use) {
    const input = h("input", { type: "file", accept: "image/*", capture: "environment", class: "visually-hidden" });
    input.addEventListener("click", () => session.noteCamera(photo.step));
    input.addEventListener("cancel", () => session.noteCamera(null));
    input.addEventListener("change", () => use(input.files[0] ?? null));
    return h("label", { class: "button" }, icon("camera"), h("span", {}, t("retake")), input);
  }
}
