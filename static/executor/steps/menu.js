// A step's menu: remark, Skip, "I can't do this". Loaded when the first menu opens, or ahead.

import { askReason, h, icon, makeButton, openDialog, t, textAttributes } from "../dom.js";
import { loadModule } from "../http.js";
import { isNoted, isTyped, leaveOutKind, mayRemark, remarkKey } from "../rules.js";

/** Opens a step's menu, and does what the person chooses. `card`: the step's element. */
export async function openStepMenu(card) {
  const { session, step } = card;
  const way = leaveOutKind(session.template, step);
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

/** Leaves a step out, if needed after asking for a reason; `before()` is called first. → false when cancelled. */
export async function leaveOut(session, step, before = () => {}) {
  const replaces = isTyped(step) ? session.otherPhones.answerIdOf(step.id) : undefined; // no text goes unseen
  if (leaveOutKind(session.template, step) === "skip") {
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
