// A photo, large, and what can be done with it.

import { explain, h, icon, t } from "./dom.js";
import { markOf, stateOf } from "./photo_steps.js";
import { sheet } from "./dialog.js";
import { need } from "./http.js";

/** `rule`: how its step takes pictures (rules.js). */
export async function openPhoto(session, photo, rule) {
  const { shelf } = session;
  const source = photo.preview ?? photo.url;
  const action = await sheet(t("photo"), (close) => {
    const button = (does, look, ...content) => h("button", { type: "button", class: `button ${look}`, on: { click: () => close(does) } }, ...content);
    return [
      source ? h("img", { class: "photo-large", src: source, alt: t("photo") }) : h("p", { class: "soft photo-none" }, t("no_preview_long")),
      h("p", { class: "status", kind: markOf(photo) }, icon(markOf(photo)), h("span", {}, photo.problem ? explain(photo.problem) : stateOf(photo))),
      h("div", { class: "pair" },
        photo.state === "refused" && photo.item ? button("retry", "primary", t("try_again")) : null,
        rule.annotate && source ? button("draw", "", icon("pen"), h("span", {}, t("draw"))) : null,
        retake((file) => close(file)),
        button("delete", "danger", icon("bin"), h("span", {}, t("delete")))),
    ];
  }, { wide: true });
  if (action === "delete") shelf.remove(photo);
  else if (action === "retry") shelf.retry(photo);
  else if (action === "draw") await draw();
  else if (action) await shelf.retake(photo, action);

  async function draw() {
    const { drawOn } = await need("annotate");
    const drawn = await drawOn(source);
    if (drawn) shelf.replace(photo, drawn);
  }

  /** The camera, for one picture in the place of this one. */
  function retake(use) {
    const input = h("input", { type: "file", accept: "image/*", capture: "environment", class: "unseen" });
    input.addEventListener("click", () => session.cameraFor(photo.step));
    input.addEventListener("cancel", () => session.cameraFor(null));
    input.addEventListener("change", () => use(input.files[0] ?? null));
    return h("label", { class: "button" }, icon("camera"), h("span", {}, t("retake")), input);
  }
}
