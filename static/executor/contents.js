// The table of contents: all sections with their progress. Opened from the header or the menu.

import { h, icon, makeButton, openDialog, t, textAttributes } from "./dom.js";

/** Shows the table of contents. `sections`: [{section: null or of the template, element, steps: their cards}]. → the
 *  card to go to, the first open one of the chosen section; null when the person cancels. */
export async function openContents(session, sections) {
  const stepStates = session.evaluate().steps;
  const isOpen = (card) => !stepStates.get(card.id).done;
  const shown = sections.filter(({ element }) => !element.hidden).map(({ section, steps }) => {
    const cards = steps.filter((card) => stepStates.get(card.id).visible);
    return { section, cards, open: cards.filter(isOpen) };
  });
  return openDialog(t("contents"), (close) => [
    h("div", { class: "contents" }, shown.map(({ section, cards, open }) => {
      const title = section?.title ?? t("steps_label");
      const name = h("span", { class: "contents-title", ...textAttributes(section?.id ?? "") }, title);
      const done = t("section_count", { done: cards.length - open.length, n: cards.length });
      const far = h("span", { class: "soft" }, open.length ? null : icon("check"), done);
      return makeButton("line", () => close(open[0] ?? cards[0]), name, far);
    })),
  ]);
}
