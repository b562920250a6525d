// The receipt of a completed run: its facts, and every answer in a line. For the page that has just ended it, and for
// the server's page of a closed run.

import { describe, h, icon, makeButton, showTime, t } from "../dom.js";
import { remarkKey } from "../rules.js";
import { saveFile } from "../offline/unsent.js";

/** The buttons that save and print a receipt. `done`: {run, organization, template, job, rows: [{step, section}] that
 *  were visible; by the id of a step or the key of a remark: answerOf(key), photosOf(key) → how many}. */
export function receiptButtons(done) {
  const receipt = new Blob([receiptText(done)], { type: "text/plain;charset=utf-8" });
  const save = () => saveFile(receipt, `receipt-${number(done.run)}.txt`);
  return h("div", { class: "pair no-print" },
    makeButton("button primary", save, icon("download"), h("span", {}, t("save_receipt"))),
    makeButton("button", () => print(), icon("printer"), h("span", {}, t("print"))));
}

/** [[word, value]] of what a receipt says of the whole run. */
export function facts({ run, organization, template, job, rows, photosOf }) {
  const photos = rows.reduce((sum, { step: { id } }) => sum + photosOf(id) + photosOf(remarkKey(id)), 0);
  return [
    ["job", job?.title],
    ["checklist", template.name],
    ["from", organization?.name],
    ["run_number", number(run)],
    ["finished_at", showTime(run.closed_at ?? run.completed_at ?? new Date().toISOString())],
    ["answered", counted(run.progress)],
    ["photos", t("photo_count", { n: photos })],
    ["contact", organization?.contact],
  ];
}

/** "5 answered, 1 skipped": what there was none of is not said. */
function counted(progress) {
  const parts = ["answered", "skipped", "unable"].filter((part, i) => i === 0 || progress[part]);
  return parts.map((part) => t(`count_${part}`, { n: progress[part] })).join(", ");
}

function receiptText(done) {
  const known = facts(done).filter(([, value]) => value);
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

/** A remark in a line of words; null where there is none. */
export function remarkWords(remark) {
  const n = remark?.photos.length ?? 0;
  return [remark?.value, n ? t("photo_count", { n }) : ""].filter(Boolean).join(" · ") || null;
}

/** The first eight digits of the run's id: enough to name it to somebody, too little to open it. */
export function number(run) {
  return run.run_id.slice(2, 10);
}
