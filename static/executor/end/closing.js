// The ends of a run on this page: completed (with a receipt to keep), or closed by somebody or something else.

import { fact, h, icon, showTime, t } from "../dom.js";
import { facts, number, receiptButtons } from "./receipt.js";
import { deleteRun } from "../offline/db.js";
import { unsentBox } from "../offline/unsent.js";

/** The page after a completion. */
export function thanks(session, run) {
  const { progress } = run;
  const done = doneOf(session, run);
  const view = h("main", { class: "page end" },
    h("div", { class: "end-mark good" }, icon("check")),
    h("h1", { tabindex: "-1" }, t("thanks_title")),
    h("p", { class: "soft" }, t("thanks_text", { organization: session.organization?.name ?? "" })),
    h("dl", { class: "facts card" }, facts(done).flatMap(([word, value]) => fact(word, value))),
    receiptButtons(done),
    h("p", { class: "soft small" }, t("thanks_close", { n: progress.total })));
  // Mostly nothing is unsent, and the run is deleted from the phone.
  unsentBox(run.run_id, session.outbox.items).then((box) => box && view.append(box));
  return view;
}

/** The page after the run ended elsewhere. kind: completed | cancelled | expired | erased | unknown | other_device.
 *  Of an erased one the phone deletes what it has, and does not say what it was about. */
export function closed(session, { kind, closedAt, reason }) {
  const isErased = kind === "erased";
  const contact = session.organization?.contact;
  const mark = { completed: "check", expired: "clock" }[kind] ?? "cross";
  const view = h("main", { class: "page end" },
    h("div", { class: kind === "completed" ? "end-mark good" : "end-mark" }, icon(mark)),
    h("h1", { tabindex: "-1" }, t(`closed_${kind}_title`)),
    h("p", { class: "soft" }, t(`closed_${kind}_text`)),
    h("dl", { class: "facts card" },
      ...(isErased ? [] : [...fact("job", session.job.value.title), ...fact("checklist", session.template.name)]),
      ...fact("from", session.organization?.name), ...fact("contact", contact),
      ...fact("run_number", number(session.run)), ...fact("reason", reason),
      ...fact(isErased ? "erased_at" : "closed_at", closedAt ? showTime(closedAt) : null)));
  if (isErased) deleteAll(session);
  // Before what to do next: a new link would mean to do it all again.
  else unsentBox(session.run.run_id, session.outbox.items).then((box) => box && view.querySelector("h1").after(box));
  return view;
}

function deleteAll({ run, outbox, drafts, stepById }) {
  const deleteNow = () => deleteRun(run.run_id).catch(() => {});
  document.title = t("closed_erased_title");
  for (const key of stepById.keys()) drafts.drop(key);
  outbox.addEventListener("change", deleteNow);   // a photo that was being prepared comes to the phone after this
  deleteNow();
}

/** What a receipt needs of an open page (receipt.js). */
function doneOf(session, run) {
  const stepStates = session.evaluate().steps;
  const { organization, template, photoStore } = session;
  return {
    run, organization, template, job: session.job.value,
    rows: session.rows.filter(({ step }) => stepStates.get(step.id).visible),
    answerOf: (key) => session.answerOf(key),
    photosOf: (key) => photoStore.usable(key).length,
  };
}
