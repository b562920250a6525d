// What is visible, done and missing in a run, and when a condition is true; the server's side stands in
// rundun/core/templates/condition.py and rundun/core/runs/progress.py. Pure: no DOM, no state.
//
// An answer is {value, skipped, unable, photos}; a step without one is untouched. `arrived` tells which photos, each
// for which slot, count as there: the server counts only those with a receipt, the form counts all that were chosen, so
// that what depends on a photo appears at once and not after its upload.

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

/** How a step takes photos: {min, max, annotate, gallery}, or null where it takes none. */
export function photoRule(step) {
  const rule = step.type === "photo" ? step.config ?? {} : step.photo;
  if (!rule) return null;
  const [least, gallery] = step.type === "photo" ? [1, rule.allow_gallery ?? true] : [0, true];
  const { length } = slotsOf(step);
  const [min, max] = length ? [length, length] : [rule.min ?? least, rule.max ?? 10];
  return { min, max, annotate: rule.annotate ?? false, gallery };
}

/** The named shots of a photo step, [{id, label}]; none where photos are taken as they come. */
export function slotsOf(step) {
  return (step.type === "photo" && step.config?.slots) || [];
}

/** Photos of a step in the order of its slots, [photo]; those of no slot last. */
export function inSlotOrder(step, photos) {
  const order = slotsOf(step).map(({ id }) => id);
  const place = ({ slot }) => (order.includes(slot) ? order.indexOf(slot) : order.length);
  return [...photos].sort((one, other) => place(one) - place(other));
}

export function maySkip(template, step) {
  return !isRequired(step) && (template.settings?.allow_skip ?? false);
}

export function mayBeUnable(template, step) {
  const isTask = step.type !== "instruction"; // which asks for nothing but to be read
  return isTask && isRequired(step) && (template.settings?.allow_unable ?? true);
}

export function mayRemark(template) {
  return template.settings?.allow_remarks ?? true;
}

// These types have no value of their own: to conditions they are answered once they are done.
const EVIDENCE_TYPES = new Set(["photo", "signature", "instruction"]);

/**
 * Everything the form and the server must agree on.
 *
 * answers   {step_id: answer}
 * arrived   {step_id: {id of a photo that is there: id of its slot, or null}}
 * signed    [step ids with a stored signature]
 *
 * → {steps: Map(step_id → {visible, state, done, flagged, waiting, emptySlots, missing}),
 *    progress: {total, answered, skipped, unable}}; emptySlots are the ids of slots without a photo
 *   missing is null, "missing_answer", "missing_photos" or "missing_signature": why the run cannot be completed yet.
 */
export function evaluate(template, answers, arrived, signed) {
  const known = new Map();
  const steps = new Map();
  const progress = { total: 0, answered: 0, skipped: 0, unable: 0 };
  for (const { step } of flatten(template)) {
    const answer = answers[step.id] ?? null;
    const visible = isTrue(step.condition, known);
    const stepState = { visible, ...evaluateAlone(step, answer, arrived[step.id] ?? {}, signed) };
    stepState.done = visible && stepState.whole;
    stepState.flagged = stepState.done && stepState.state === "answered" && isFlagged(step.flag?.when, answer.value);
    stepState.missing = visible && !stepState.done ? whatIsMissing(step, answer, stepState) : null;
    steps.set(step.id, stepState);
    known.set(step.id, { visible, state: stepState.state, value: answer?.value ?? null });
    if (!visible) continue;
    progress.total += 1;
    if (stepState.done) progress[stepState.state] += 1;
  }
  return { steps, progress };
}

/** `evaluate` of what a phone knows, its own photos included: `answerOf(id)` → a step's answer, `photos` the store. */
export function evaluateKept(template, answerOf, photos, signed) {
  const answers = {};
  const arrived = {};
  for (const { step } of flatten(template)) {
    const answer = answerOf(step.id);
    const takesPhotos = photoRule(step) !== null;
    if (answer) answers[step.id] = takesPhotos ? { ...answer, photos: photos.listed(step.id) } : answer;
    arrived[step.id] = takesPhotos ? photos.arrived(step.id) : {};
  }
  return evaluate(template, answers, arrived, signed);
}

/** One step without regard to the others: whether it is whole, and its state for conditions. */
function evaluateAlone(step, answer, there, signed) {
  const emptySlots = emptyOf(slotsOf(step), Object.values(there));
  const untouched = { state: "untouched", whole: false, waiting: [], unsigned: false, emptySlots };
  if (answer === null) return untouched;
  if (answer.skipped) return { ...untouched, state: "skipped", whole: true };
  if (answer.unable) return { ...untouched, state: "unable", whole: true };
  const listed = answer.photos ?? [];
  const waiting = listed.filter((id) => !(id in there));
  const unsigned = step.type === "signature" && !signed.includes(step.id);
  const enough = listed.length - waiting.length >= (photoRule(step)?.min ?? 0);
  const empty = emptyOf(slotsOf(step), listed.map((id) => there[id]));
  const whole = enough && waiting.length === 0 && empty.length === 0 && !unsigned;
  const state = whole || !EVIDENCE_TYPES.has(step.type) ? "answered" : "untouched";
  return { state, whole, waiting, unsigned, emptySlots: empty };
}

/** Ids of the slots that none of the `taken` ones is. */
function emptyOf(slots, taken) {
  return slots.map(({ id }) => id).filter((id) => !taken.includes(id));
}

function whatIsMissing(step, answer, { waiting, unsigned }) {
  if (answer === null) return isRequired(step) ? "missing_answer" : null;
  if (unsigned) return "missing_signature";
  // An optional step may stay short of photos, but not with some still on their way.
  return isRequired(step) || waiting.length ? "missing_photos" : null;
}

/** True when `when`, a comparison with the step's own answer or a group of such, holds of an answer's `value`. */
function isFlagged(when, value) {
  if (!when) return false;
  if (when.op === "and") return when.rules.every((rule) => isFlagged(rule, value));
  if (when.op === "or") return when.rules.some((rule) => isFlagged(rule, value));
  return isComparisonTrue({ visible: true, state: "answered", value }, when.op, when.value);
}

const TRUE_WHEN_ABSENT = new Set(["neq", "not_contains"]);

/**
 * True when `condition` (a comparison, a group of conditions, or nothing at all) is true.
 *
 * `known` is a Map from the id of each earlier step to {visible, state, value}, where state is "untouched", "answered",
 * "skipped" or "unable". Steps are added in the template's order, so a condition can only look back.
 */
function isTrue(condition, known) {
  if (condition === null || condition === undefined) return true;
  if (condition.op === "and") return condition.rules.every((rule) => isTrue(rule, known));
  if (condition.op === "or") return condition.rules.some((rule) => isTrue(rule, known));
  const { step, op, value } = condition.when;
  return known.has(step) && isComparisonTrue(known.get(step), op, value);
}

function isComparisonTrue({ visible, state, value }, op, wanted) {
  if (!visible) return TRUE_WHEN_ABSENT.has(op);
  // Nothing flashes up before its question was asked: an untouched step makes even "neq" false.
  if (state === "untouched") return false;
  if (state === "skipped") return op === "skipped" || TRUE_WHEN_ABSENT.has(op);
  if (state === "unable") return TRUE_WHEN_ABSENT.has(op);
  switch (op) {
    case "answered": return true;
    case "skipped": return false;
    case "eq": return areEqual(value, wanted);
    case "neq": return !areEqual(value, wanted);
    case "gt": return value > wanted;
    case "lt": return value < wanted;
    case "gte": return value >= wanted;
    case "lte": return value <= wanted;
    case "contains": return value.includes(wanted);
    case "not_contains": return !value.includes(wanted);
    default: return false;
  }
}

function areEqual(a, b) {
  // A choice of several has no order of its own: the author's list may stand in any.
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item) => b.includes(item));
  return a === b;
}
