// The line at the foot of a step's card: its state, missing parts, unsafe parts.

import { locale, makeButton, refusedText, t } from "../dom.js";
import { isLeftOut, photoRule, slotsOf } from "../rules.js";

/** → the content of the line: [icon or null, words, a button or nothing, words above them or nothing]. */
export function statusWords(card, answer, stepState, safety) {
  const [picture, words, action] = mainStatus(card, answer, stepState, safety);
  if (!isLeftOut(answer)) return [picture, words, action];
  // Otherwise a card that is left out would look untouched.
  const why = answer.unable ? t("unable_safe", { reason: answer.unable.reason }) : t("skipped_safe");
  return picture ? [picture, words, action, why] : ["cross", why];
}

/** → [icon or null, words, a button or nothing]: the most important fact about a step. */
function mainStatus(card, answer, stepState, safety) {
  const { session, step } = card;
  const { photoStore } = session;
  const again = (word, act) => makeButton("link", act, t(word));
  if (session.otherPhones.rivalOf(step.id)) return [null, ""]; // shown beside the field
  if (safety.kind === "attention") {
    return ["alert", refusedText(safety.problem), again("try_again", () => session.retry(step.id))];
  }
  if (card.hasAttribute("missing") && !stepState.done) return ["alert", missingText(step, stepState)];
  const [refused] = photoStore.refused(step.id);
  if (refused) return ["alert", refusedText(refused.problem)];
  if (!answer) return step.geo && session.geo.availability() === "yes" ? ["pin", t("geo_note")] : [null, ""];
  if (safety.kind === "locating") return ["pin", t("locating")];
  if (safety.kind === "unkept") return ["alert", t("unkept")];
  // The header shows what is being sent; this line only what waits.
  const isWaiting = session.outbox.isBackingOff;
  if (safety.kind === "here") return isWaiting ? ["phone", t("here")] : [null, ""];
  if (safety.kind === "saving") return [null, ""];
  if (safety.kind === "stuck") return ["phone", t("stuck")];
  if (session.otherPhones.hasChanged(step.id)) return ["phone", t("changed_elsewhere")];
  if (isLeftOut(answer)) return [null, ""];
  const lost = photoStore.ofStep(step.id).filter((photo) => photo.state === "elsewhere").length;
  const goWithout = () => photoStore.dropMissing(step.id);
  if (lost) return ["alert", t("photos_elsewhere", { n: lost }), again("go_without", goWithout)];
  const photos = photoStore.usable(step.id);
  const short = (photoRule(step)?.min ?? 0) - photos.length;
  if (short > 0) return ["camera", t("photos_short", { n: short })];
  const unsent = photos.filter((photo) => photo.state !== "safe");
  const n = unsent.length;
  if (unsent.some((photo) => photo.item?.stored === "no")) return ["alert", t("unkept")];
  if (unsent.some((photo) => photo.item?.state === "sending")) return ["sending", t("photos_on_the_way", { n })];
  if (n) return ["phone", t("photos_here", { n })];
  if (!step.geo) return [null, ""];
  if (answer.geo) return ["pin", t("placed", { n: Math.round(answer.geo.accuracy ?? 0) })];
  if (session.geo.availability() !== "refused") return ["pin", t("unplaced")];
  const value = answer.value ?? null;
  return ["pin", t("unplaced_refused"), again("try_again", () => session.answer(step.id, value))];
}

/** → the missing parts of a step in words; of a step with slots the names of the empty ones. */
export function missingText(step, { missing, emptySlots }) {
  const names = slotsOf(step).filter(({ id }) => emptySlots.includes(id)).map(({ label }) => label);
  if (!names.length) return t(missing ?? "missing_answer");
  return t("slots_missing", { slots: new Intl.ListFormat(locale, { style: "short", type: "unit" }).format(names) });
}
