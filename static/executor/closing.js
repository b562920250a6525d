// The ends of a run on this page: completed (with a receipt to keep), or closed by somebody or something else.

import { fact, h, icon, makeButton, showTime, t } from "./dom.js";
import { saveFile, unsentBox } from "./unsent.js";
import { describe } from "./review.js";

/** The page after a completion. */
export function thanks(session, run) {
  const { progress } = run;
  const receipt = new Blob([receiptText(session, run)], { type: "text/plain;charset=utf-8" });
  const save = () => saveFile(receipt, `receipt-${number(session)}.txt`);
  const view = h("main", { class: "page end" },
    h("div", { class: "end-mark good" }, icon("check")),
    h("h1", { tabindex: "-1" }, t("thanks_title")),
    h("p", { class: "soft" }, t("thanks_text", { organization: session.organization?.name ?? "" })),
    h("dl", { class: "facts card" }, facts(session, run).flatMap(([word, value]) => fact(word, value))),
    h("div", { class: "pair no-print" },
      makeButton("button primary", save, icon("download"), h("span", {}, t("save_receipt"))),
      makeButton("button", () => print(), icon("printer"), h("span", {}, t("print")))),
    h("p", { class: "soft small" }, t("thanks_close", { n: progress.total })));
  // Mostly nothing is unsent, and the run is deleted from the phone.
  unsentBox(run.run_id, session.outbox.items).then((box) => box && view.append(box));
  return view;
}

/** The page after the run ended elsewhere. kind: completed | cancelled | expired | unknown | other_device. */
export function closed(session, { kind, closedAt }) {
  const contact = session.organization?.contact;
  const mark = { completed: "check", expired: "clock" }[kind] ?? "cross";
  const view = h("main", { class: "page end" },
    h("div", { class: kind === "completed" ? "end-mark good" : "end-mark" }, icon(mark)),
    h("h1", { tabindex: "-1" }, t(`closed_${kind}_title`)),
    h("p", { class: "soft" }, t(`closed_${kind}_text`)),
    h("dl", { class: "facts card" },
      ...fact("checklist", session.template.name),
      ...fact("from", session.organization?.name), ...fact("contact", contact),
      ...fact("run_number", number(session)), ...fact("closed_at", closedAt ? showTime(closedAt) : null)));
  unsentBox(session.run.run_id, session.outbox.items).then((box) => box && view.append(box));
  return view;
}

function facts(session, run) {
  const { progress } = run;
  return [
    ["checklist", session.template.name],
    ["from", session.organization?.name],
    ["run_number", number(session)],
    ["finished_at", showTime(run.closed_at ?? run.completed_at ?? new Date().toISOString())],
    ["answered", counted(progress)],
    ["photos", t("photo_count", { n: session.photoStore.counts().safe })],
    ["contact", session.organization?.contact],
  ];
}

/** "5 answered, 1 skipped": what there was none of is not said. */
function counted(progress) {
  const parts = ["answered", "skipped", "unable"].filter((part, i) => i === 0 || progress[part]);
  return parts.map((part) => t(`count_${part}`, { n: progress[part] })).join(", ");
}

function receiptText(session, run) {
  const stepStates = session.evaluate().steps;
  const known = facts(session, run).filter(([, value]) => value);
  const lines = [t("receipt_title"), "", ...known.map(([word, value]) => `${t(word)}: ${value}`), ""];
  let shown;
  for (const { step, section } of session.rows) {
    if (!stepStates.get(step.id).visible) continue;
    if (section && section !== shown) lines.push("", section.title);
    shown = section;
    const photos = session.photoStore.usable(step.id).length;
    const answer = describe(step, session.answerOf(step.id));
    const count = photos && step.type !== "photo" ? ` (${t("photo_count", { n: photos })})` : "";
    lines.push(`- ${step.label}: ${answer}${count}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The first eight digits of the run's id: enough to name it to somebody, too little to open it. */
function number(session) {
  return session.run.run_id.slice(2, 10);
}
