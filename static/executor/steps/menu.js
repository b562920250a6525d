// What can be done with a step beside answering it: a remark, Skip, "I can't do this". Loaded when the first of these
// menus opens, or ahead while the network is there.

import { askReason, openDialog } from "../dialog.js";
import { h, icon, makeButton, t, textAttributes } from "../dom.js";
import { loadModule } from "../http.js";
import { isNoted, isTyped, mayBeUnable, mayRemark, maySkip, remarkKey } from "../rules.js";

/** `card`: the step's element. */
export async function openStepMenu(card) {
  const { session, step } = card;
  const way = wayOutOf(session.template, step);
  const isThere = isNoted(session.answerOf(remarkKey(step.id)));
  const choice = await openDialog(h("span", textAttributes(step.id), step.label), (close) => {
    const entry = (does, picture, word) =>
      makeButton("button wide", () => close(does), icon(picture), h("span", {}, t(word)));
    return [
      mayRemark(session.template) ? entry("remark", "pen", isThere ? "remark_change" : "remark_add") : null,
      way === null ? null : entry("out", way === "skip" ? "down" : "alert", way),
    ];
  });
  if (choice === "remark") (await loadModule("steps/remark")).editRemark(session, step);
  else if (choice && (await leaveOut(session, step, () => card.giveUp()))) card.goOn();
}

/** How a step may be left out: "skip", "unable" (I can't do this), or null where it may not. */
export function wayOutOf(template, step) {
  if (maySkip(template, step)) return "skip";
  return mayBeUnable(template, step) ? "unable" : null;
}

/** Leaves a step out, after asking why where that is wanted; `before()` is called first. → whether it did. */
export async function leaveOut(session, step, before = () => {}) {
  const replaces = isTyped(step) ? session.otherPhones.answerIdOf(step.id) : undefined; // no words go unseen
  if (wayOutOf(session.template, step) === "skip") {
    before();
    session.skip(step.id, replaces);
    return true;
  }
  const label = h("span", textAttributes(step.id), step.label);
  const reason = await askReason(t("unable_title"), label, t("unable_label"), t("unable_confirm"));
  if (reason === null) return false;
  before();
  session.unable(step.id, reason, replaces);
  return true;
}
