// The table of contents: all sections with their progress. Opened from the header or the menu.

import { h, icon, makeButton, openDialog, t, textAttributes } from "./dom.js";

/** Shows the table of contents. `sections`: the visible ones, [{id, title, done, n, hasOpen}]. → the id of the chosen
 *  section, or null. */
export function openContents(sections) {
  return openDialog(t("contents"), (close) => [
    h("div", { class: "contents" }, sections.map(({ id, title, done, n, hasOpen }) => {
      const name = h("span", { class: "contents-title", ...textAttributes(id) }, title ?? t("steps_label"));
      const far = h("span", { class: "soft" }, hasOpen ? null : icon("check"), t("section_count", { done, n }));
      return makeButton("line", () => close(id), name, far);
    })),
  ]);
}
