// The script of the server's page of a closed run. It shows this phone's unsent items, and the receipt on the
// phone that did the run. When the run was erased it deletes the run's data from this phone.

import { deleteRun } from "../offline/db.js";
import { unsentBox } from "../offline/unsent.js";
import { showTimes } from "../dom.js";
import { loadModule } from "../http.js";
import { receiptButtons } from "./receipt.js";
import { awaitReopening } from "./reopening.js";
import { answersIn, evaluate, flatten } from "../rules.js";

// Messages that the server writes with a number, and dom.js rewrites with the reader's own digits.
export const COUNTED = ["count_answered", "count_skipped", "count_unable"];
showTimes(document);

const main = document.querySelector("main");
const state = document.getElementById("state");
if (state) main.append(receiptButtons(receiptData(JSON.parse(state.textContent))));
const run = location.pathname.split("/")[2];
const { kind, generation } = main.dataset;
if (kind === "erased") await deleteRun(run).catch(() => {});
else await showUnsent();
awaitReopening(run, kind);
(await loadModule("offline/kept")).deleteOverdue().catch(() => {});

async function showUnsent() {
  const box = await unsentBox(run, { kind, generation: generation && Number(generation) });
  if (box) main.querySelector("h1").after(box); // above the advice to ask for a new link
}

/** → the data of a receipt (receipt.js), from the state that the server put into the page. */
function receiptData({ signed, ...state }) {
  const { run, organization, template, job, has_report: hasReport } = state;
  const answers = answersIn(state);
  const listed = Object.fromEntries(Object.entries(answers).map(([id, { photos }]) => [id, photos]));
  const photosThere = (ids) => Object.fromEntries((ids ?? []).map((id) => [id, null]));
  const there = Object.fromEntries(Object.entries(listed).map(([id, ids]) => [id, photosThere(ids)]));
  const { steps } = evaluate(template, answers, there, signed);
  const rows = flatten(template).filter(({ step }) => steps.get(step.id).visible);
  const answerOf = (key) => answers[key] ?? null;
  return { run, organization, template, job, hasReport, rows, answerOf, photosOf: (key) => listed[key]?.length ?? 0 };
}
