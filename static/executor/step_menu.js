// What can be done with a step beside answering it: a remark, Skip, "I can't do this". Loaded when the first of these
// menus opens, or ahead while the network is there.

import { askReason, openDialog } from "./dialog.js";
import { h, icon, makeButton, t, textAttributes } from "./dom.js";
import { loadModule } from "./http.js";
import { isNoted, mayBeUnable, mayRemark, maySkip, remarkKey } from "./rules.js";

/** `card`: the step's element. */
export async function openStepMenu(card) {
  const { session, step } = card;
  const { template } = session;
  const label = () => h("span", textAttributes(step.id), step.label);
  const isThere = isNoted(session.answerOf(remarkKey(step.id)));
  const choice = await openDialog(label(), (close) => {
    const entry = (does, picture, word) =>
      makeButton("button wide", () => close(does), icon(picture), h("span", {}, t(word)));
    return [
      mayRemark(template) ? entry("remark", "pen", isThere ? "remark_change" : "remark_add") : null,
      maySkip(template, step) ? entry("skip", "down", "skip") : null,
      mayBeUnable(template, step) ? entry("unable", "alert", "unable") : null,
    ];
  });
  if (choice === "remark") {
    (await loadModule("remark")).editRemark(session, step);
  } else if (choice === "skip") {
    card.leaveOut(() => session.skip(step.id));
  } else if (choice === "unable") {
    const reason = await askReason(t("unable_title"), label(), t("unable_label"), t("unable_confirm"));
    if (reason !== null) card.leaveOut(() => session.unable(step.id, reason));
  }
}
