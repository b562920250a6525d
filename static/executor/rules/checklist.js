// Evaluates a run: which steps are visible, done and missing, and whether a condition is true. The server's side is in
// rundun/core/templates/condition.py and rundun/core/runs/progress.py. Pure: no DOM, no state.
//
// An answer is {value, skipped, unable, photos}; a step without an answer is untouched. `arrived` lists the photos that
// count as present, with their slots: the server counts photos with a receipt, the form all chosen ones, so that steps
// that depend on a photo appear at once and not after its upload.

/** → a template's steps in their order, [{step, section}]; section is null for a template without sections. */
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

/** → a step's rule for photos, {min, max, annotate, gallery}, or null for a step without photos. */
export function photoRule(step) {
  const rule = step.type === "photo" ? step.config ?? {} : step.photo;
  if (!rule) return null;
  const [least, gallery] = step.type === "photo" ? [1, rule.allow_gallery ?? true] : [0, true];
  const { length } = slotsOf(step);
  const [min, max] = length ? [length, length] : [rule.min ?? least, rule.max ?? 10];
  return { min, max, annotate: rule.annotate ?? false, gallery };
}

/** → the named shots of a photo step, [{id, label}]; [] for a step without slots. */
export function slotsOf(step) {
  return (step.type === "photo" && step.config?.slots) || [];
}

/** → a step's photos in the order of its slots; photos without a slot come last. */
export function inSlotOrder(step, photos) {
  const order = slotsOf(step).map(({ id }) => id);
  const place = ({ slot }) => (order.includes(slot) ? order.indexOf(slot) : order.length);
  return [...photos].sort((one, other) => place(one) - place(other));
}

export function maySkip(template, step) {
  return !isRequired(step) && (template.settings?.allow_skip ?? false);
}

export function mayBeUnable(template, step) {
  const isTask = step.type !== "instruction"; // an instruction is only read
  return isTask && isRequired(step) && (template.settings?.allow_unable ?? true);
}

/** → how a step may be left out: "skip", "unable" (I can't do this), or null if it may not. */
export function leaveOutKind(template, step) {
  if (maySkip(template, step)) return "skip";
  return mayBeUnable(template, step) ? "unable" : null;
}

export function mayRemark(template) {
  return template.settings?.allow_remarks ?? true;
}

// Types without a value: conditions take them as answered once they are done.
const EVIDENCE_TYPES = new Set(["photo", "signature", "instruction"]);

/**
 * Evaluates all steps, as the server does.
 *
 * answers   {step_id: answer}
 * arrived   {step_id: {id of a present photo: id of its slot, or null}}
 * signed    [ids of steps with a signature]
 *
 * → {steps: Map(step_id → {visible, state, done, flagged, waiting, emptySlots, missing}),
 *    progress: {total, answered, skipped, unable}}
 *   emptySlots: ids of the slots without a photo; waiting: ids of listed photos that are not present
 *   missing: null, or why the step prevents completion: "missing_answer", "missing_photos", "missing_signature"
 */
export function evaluate(template, answers, arrived, signed) {
  const known = new Map();
  const steps = new Map();
  const progress = { total: 0, answered: 0, skipped: 0, unable: 0 };
  for (const { step } of flatten(template)) {
    const answer = answers[step.id] ?? null;
    const visible = isTrue(step.condition, known);
    const stepState = { visible, ...evaluateStep(step, answer, arrived[step.id] ?? {}, signed) };
    stepState.done = visible && stepState.whole;
    stepState.flagged = stepState.done && stepState.state === "answered" && isFlagged(step.flag?.when, answer.value);
    stepState.missing = visible && !stepState.done ? missingCode(step, answer, stepState) : null;
    steps.set(step.id, stepState);
    known.set(step.id, { visible, state: stepState.state, value: answer?.value ?? null });
    if (!visible) continue;
    progress.total += 1;
    if (stepState.done) progress[stepState.state] += 1;
  }
  return { steps, progress };
}

/** → `evaluate` of this phone's answers and photos. `answerOf(id)`: a step's answer; `photos`: the PhotoStore. */
export function evaluateLocal(template, answerOf, photos, signed) {
  const answers = {};
  const arrived = {};
  for (const { step } of flatten(template)) {
    const answer = answerOf(step.id);
    const takesPhotos = photoRule(step) !== null;
    if (answer) answers[step.id] = takesPhotos ? { ...answer, photos: photos.listed(step.id) } : answer;
    arrived[step.id] = takesPhotos ? photos.slotsOfPhotos(step.id) : {};
  }
  return evaluate(template, answers, arrived, signed);
}

/** → a step's own state, regardless of its condition: {state, whole, waiting, unsigned, emptySlots}. `there`: its
 *  present photos, {id: slot}. */
function evaluateStep(step, answer, there, signed) {
  const emptySlots = emptySlotIds(slotsOf(step), Object.values(there));
  const untouched = { state: "untouched", whole: false, waiting: [], unsigned: false, emptySlots };
  if (answer === null) return untouched;
  if (answer.skipped) return { ...untouched, state: "skipped", whole: true };
  if (answer.unable) return { ...untouched, state: "unable", whole: true };
  const listed = answer.photos ?? [];
  const waiting = listed.filter((id) => !(id in there));
  const unsigned = step.type === "signature" && !signed.includes(step.id);
  const enough = listed.length - waiting.length >= (photoRule(step)?.min ?? 0);
  const empty = emptySlotIds(slotsOf(step), listed.map((id) => there[id]));
  const whole = enough && waiting.length === 0 && empty.length === 0 && !unsigned;
  const state = whole || !EVIDENCE_TYPES.has(step.type) ? "answered" : "untouched";
  return { state, whole, waiting, unsigned, emptySlots: empty };
}

/** → the ids of the slots that are not among the `taken` slot ids. */
function emptySlotIds(slots, taken) {
  return slots.map(({ id }) => id).filter((id) => !taken.includes(id));
}

/** → why an unfinished step prevents completion (`evaluate`), or null. */
function missingCode(step, answer, { waiting, unsigned }) {
  if (answer === null) return isRequired(step) ? "missing_answer" : null;
  if (unsigned) return "missing_signature";
  // An optional step may stay short of photos, but not while some are still on their way.
  return isRequired(step) || waiting.length ? "missing_photos" : null;
}

/** True when an answer's `value` fulfils `when`: a comparison, or a group of comparisons. */
function isFlagged(when, value) {
  if (!when) return false;
  if (when.op === "and") return when.rules.every((rule) => isFlagged(rule, value));
  if (when.op === "or") return when.rules.some((rule) => isFlagged(rule, value));
  return isComparisonTrue({ visible: true, state: "answered", value }, when.op, when.value);
}

const TRUE_WHEN_ABSENT = new Set(["neq", "not_contains"]);

/**
 * True when `condition` (a comparison, a group of conditions, or null) is fulfilled.
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
  // An untouched step makes even "neq" false, so that no step appears before the question it depends on is answered.
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
  // The options of a multi_choice have no order, so the template's list may have any.
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item) => b.includes(item));
  return a === b;
}
