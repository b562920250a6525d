// The receipt of a completed run: its facts, and a line for each answer. Shown by the page that completed the run, and
// by the server's page of a closed run.

import { describe, h, icon, makeButton, remarkWords, showTime, t } from "../dom.js";
import { remarkKey } from "../rules.js";
import { saveFile } from "../offline/unsent.js";

/** → an element with the buttons that save and print a receipt. `done`: {run, organization, template, job, rows: the
 *  visible [{step, section}], answerOf(key), photosOf(key): a number, hasReport}; `key`: a step's id or a remark's key.
 *  If it `hasReport`, a third one leads to the PDF. */
export function receiptButtons(done) {
  const receipt = new Blob([receiptText(done)], { type: "text/plain;charset=utf-8" });
  const save = () => saveFile(receipt, `receipt-${runNumber(done.run)}.txt`);
  return h("div", { class: "pair no-print" },
    makeButton("button primary", save, icon("download"), h("span", {}, t("save_receipt"))),
    makeButton("button", () => print(), icon("printer"), h("span", {}, t("print"))),
    done.hasReport && h("a", { class: "button", href: `/r/${done.run.run_id}/report.pdf` }, t("report_pdf")));
}

/** → the facts of the whole run, [[message key, value]]; a value may be missing. */
export function receiptFacts({ run, organization, template, job, rows, photosOf }) {
  const photos = rows.reduce((sum, { step: { id } }) => sum + photosOf(id) + photosOf(remarkKey(id)), 0);
  return [
    ["job", job?.title],
    ["checklist", template.name],
    ["from", organization?.name],
    ["run_number", runNumber(run)],
    ["finished_at", showTime(run.closed_at ?? run.completed_at ?? new Date().toISOString())],
    ["answered", progressWords(run.progress)],
    ["photos", t("photo_count", { n: photos })],
    ["contact", organization?.contact],
  ];
}

/** → "5 answered, 1 skipped": counts of 0 are left out, except that of the answered steps. */
function progressWords(progress) {
  const parts = ["answered", "skipped", "unable"].filter((part, i) => i === 0 || progress[part]);
  return parts.map((part) => t(`count_${part}`, { n: progress[part] })).join(", ");
}

/** → the receipt as plain text. */
function receiptText(done) {
  const known = receiptFacts(done).filter(([, value]) => value);
  const lines = [t("receipt_title"), "", ...known.map(([word, value]) => `${t(word)}: ${value}`), ""];
  let shown;
  for (const { step, section } of done.rows) {
    if (section && section !== shown) lines.push("", section.title);
    shown = section;
    const photos = done.photosOf(step.id);
    const count = photos && step.type !== "photo" ? ` (${t("photo_count", { n: photos })})` : "";
    lines.push(`- ${step.label}: ${describe(step, done.answerOf(step.id))}${count}`);
    const remark = remarkWords(done.answerOf(remarkKey(step.id)));
    if (remark) lines.push(`  ${t("remark")}: ${remark}`);
  }
  return `${lines.join("\n")}\n`;
}

/** → the run's short number, the first eight digits of its id: enough to name the run, too few to open it. */
export function runNumber(run) {
  return run.run_id.slice(2, 10);
}
