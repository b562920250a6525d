// What is visible, done and missing in a run, with the server's rules (contract, sections 3 and 4). Pure.
//
// An answer is {value, skipped, unable, photos}; a step without one is untouched. `arrived` tells which photos
// count as there: the server's truth gives only those with a receipt, the form asks with all that were chosen,
// so that what depends on a picture appears at once and not after its upload.

import { holds } from "./conditions.js";

/** [{step, section}] in the order they are asked; section is null for a template without sections. */
export function flatten(template) {
  const rows = (template.steps ?? []).map((step) => ({ step, section: null }));
  for (const section of template.sections ?? []) {
    for (const step of section.steps ?? []) rows.push({ step, section });
  }
  return rows;
}

export function isRequired(step) {
  return step.required ?? true;
}

/** How a step takes pictures: {min, max, annotate, gallery}, or null where it takes none. */
export function photoRule(step) {
  if (step.type === "photo") {
    const config = step.config ?? {};
    return { min: config.min ?? 1, max: config.max ?? 10, annotate: config.annotate ?? false, gallery: config.allow_gallery ?? true };
  }
  if (!step.photo) return null;
  return { min: step.photo.min ?? 0, max: step.photo.max ?? 10, annotate: step.photo.annotate ?? false, gallery: true };
}

export function maySkip(template, step) {
  return !isRequired(step) && (template.settings?.allow_skip ?? false);
}

export function mayBeUnable(template, step) {
  return isRequired(step) && (template.settings?.allow_unable ?? true);
}

// These types have no value of their own: to conditions they are answered once they are done.
const EVIDENCE = new Set(["photo", "signature", "instruction"]);

/**
 * Everything the form and the server must agree on.
 *
 * answers   {step_id: answer}
 * arrived   {step_id: [photo ids that are there]}
 * signed    [step ids with a stored signature]
 *
 * → {steps: Map(step_id → {visible, state, done, waiting, missing}), progress: {total, answered, skipped, unable}}
 *   missing is null, "missing_answer", "missing_photos" or "missing_signature": why the run cannot be completed yet.
 */
export function evaluate(template, answers, arrived, signed) {
  const facts = new Map();
  const steps = new Map();
  const progress = { total: 0, answered: 0, skipped: 0, unable: 0 };
  for (const { step } of flatten(template)) {
    const answer = answers[step.id] ?? null;
    const visible = holds(step.condition, facts);
    const standing = { visible, ...standAlone(step, answer, new Set(arrived[step.id] ?? []), signed) };
    standing.done = visible && standing.whole;
    standing.missing = visible && !standing.done ? whatIsMissing(step, answer, standing) : null;
    steps.set(step.id, standing);
    facts.set(step.id, { visible, state: standing.state, value: answer?.value ?? null });
    if (!visible) continue;
    progress.total += 1;
    if (standing.done) progress[standing.state] += 1;
  }
  return { steps, progress };
}

/** One step whatever the others say: is it whole, and what do conditions see of it. */
function standAlone(step, answer, there, signed) {
  const standing = { state: "untouched", whole: false, waiting: [], unsigned: false };
  if (answer === null) return standing;
  if (answer.skipped) return { ...standing, state: "skipped", whole: true };
  if (answer.unable) return { ...standing, state: "unable", whole: true };
  const listed = answer.photos ?? [];
  const waiting = listed.filter((id) => !there.has(id));
  const unsigned = step.type === "signature" && !signed.includes(step.id);
  const enough = listed.length - waiting.length >= (photoRule(step)?.min ?? 0);
  const whole = enough && waiting.length === 0 && !unsigned;
  return { state: whole || !EVIDENCE.has(step.type) ? "answered" : "untouched", whole, waiting, unsigned };
}

function whatIsMissing(step, answer, { waiting, unsigned }) {
  if (answer === null) return isRequired(step) ? "missing_answer" : null;
  if (unsigned) return "missing_signature";
  // An optional step may stay short of photos, but not with some still on their way.
  return isRequired(step) || waiting.length ? "missing_photos" : null;
}
