// The two end screens of a run: completed here (with a receipt), or closed elsewhere.

import { fact, h, icon, showTime, t } from "../dom.js";
import { receiptButtons, receiptFacts, runNumber } from "./receipt.js";
import { awaitReopening } from "./reopening.js";
import { deleteRun } from "../offline/db.js";
import { unsentBox } from "../offline/unsent.js";

/** → the screen after a completion. `run`: the completed run, with its progress; `generation`: that of the database. */
export function thanksView(session, run, generation) {
  const { progress } = run;
  const done = receiptData(session, run);
  const view = h("main", { class: "page end" },
    h("div", { class: "end-mark good" }, icon("check")),
    h("h1", { tabindex: "-1" }, t("thanks_title")),
    h("p", { class: "soft" }, t("thanks_text", { organization: session.organization?.name ?? "" })),
    h("dl", { class: "facts card" }, receiptFacts(done).flatMap(([word, value]) => fact(word, value))),
    receiptButtons(done),
    h("p", { class: "soft small" }, t("thanks_close", { n: progress.total })));
  // Usually nothing is unsent, and this deletes the run from the phone.
  unsentBox(run.run_id, { kind: "completed", generation }, session.outbox.items).then((box) => box && view.append(box));
  awaitReopening(run.run_id, "completed");
  return view;
}

/** → the screen after the run ended elsewhere. kind: completed | cancelled | expired | erased | unknown | other_device;
 *  `generation`: that of the database. For an erased run it deletes the phone's data, and shows neither job nor
 *  checklist. */
export function closedView(session, { kind, closedAt, reason, generation }) {
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
      ...fact("run_number", runNumber(session.run)), ...fact("reason", reason),
      ...fact(isErased ? "erased_at" : "closed_at", closedAt ? showTime(closedAt) : null)));
  if (isErased) deleteAll(session);
  // Above the advice to ask for a new link, with which all would have to be done again.
  else showUnsent();
  awaitReopening(session.run.run_id, kind);
  return view;

  async function showUnsent() {
    const box = await unsentBox(session.run.run_id, { kind, generation }, session.outbox.items);
    if (box) view.querySelector("h1").after(box);
  }
}

/** Deletes the run from the phone, now and after every later write of this page. */
function deleteAll({ run, outbox, drafts, stepById }) {
  const deleteNow = () => deleteRun(run.run_id).catch(() => {});
  document.title = t("closed_erased_title");
  for (const key of stepById.keys()) drafts.drop(key);
  outbox.addEventListener("change", deleteNow);   // a photo still being prepared is stored after this
  deleteNow();
}

/** → the data of a receipt (receipt.js), from an open page. */
function receiptData(session, run) {
  const stepStates = session.evaluate().steps;
  const { organization, template, photoStore } = session;
  return {
    run, organization, template, job: session.job.value, hasReport: session.hasReport,
    rows: session.rows.filter(({ step }) => stepStates.get(step.id).visible),
    answerOf: (key) => session.answerOf(key),
    photosOf: (key) => photoStore.usable(key).length,
  };
}
