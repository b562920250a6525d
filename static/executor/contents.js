// The table of contents: every section with how far it is, and the way there. Opened from the header or the menu.

import { openDialog } from "./dialog.js";
import { h, icon, makeButton, t, textAttributes } from "./dom.js";

/** `sections`: [{id, title, done, n, hasOpen}] of the list, without hidden ones. → the chosen one's id, or null. */
export function openContents(sections) {
  return openDialog(t("contents"), (close) => [
    h("div", { class: "contents" }, sections.map(({ id, title, done, n, hasOpen }) => {
      const name = h("span", { class: "contents-title", ...textAttributes(id) }, title ?? t("steps_label"));
      const far = h("span", { class: "soft" }, hasOpen ? null : icon("check"), t("section_count", { done, n }));
      return makeButton("line", () => close(id), name, far);
    })),
  ]);
}
