// What the page and the server must read alike: values, conditions, and what is visible, done and missing in a run
// (contract, sections 1, 3 and 4). Pure: no DOM, nothing remembered. One set of cases drives the tests of both sides.
//
// An answer is {value, skipped, unable, photos}; a step without one is untouched. `arrived` tells which photos
// count as there: the server's truth gives only those with a receipt, the form asks with all that were chosen,
// so that what depends on a picture appears at once and not after its upload.

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

// Conditions. A fact is what is known of one earlier step: {visible, state, value}, where state is "untouched",
// "answered", "skipped" or "unable". Facts come in a Map keyed by step id, in template order, so a condition
// can only look back.

const WHEN_ABSENT = new Set(["neq", "not_contains"]);

/** True when `condition` (a rule, a tree of rules, or nothing at all) holds over `facts`. */
export function holds(condition, facts) {
  if (condition === null || condition === undefined) return true;
  if (condition.op === "and") return condition.rules.every((rule) => holds(rule, facts));
  if (condition.op === "or") return condition.rules.some((rule) => holds(rule, facts));
  const { step, op, value } = condition.when;
  const fact = facts.get(step);
  return fact !== undefined && ruleHolds(fact, op, value);
}

function ruleHolds(fact, op, wanted) {
  if (!fact.visible) return WHEN_ABSENT.has(op);
  // Nothing flashes up before its question was asked: an untouched step makes even "neq" false.
  if (fact.state === "untouched") return false;
  if (fact.state === "skipped") return op === "skipped" || WHEN_ABSENT.has(op);
  if (fact.state === "unable") return WHEN_ABSENT.has(op);
  return answerHolds(fact.value, op, wanted);
}

function answerHolds(value, op, wanted) {
  switch (op) {
    case "answered": return true;
    case "skipped": return false;
    case "eq": return same(value, wanted);
    case "neq": return !same(value, wanted);
    case "gt": return value > wanted;
    case "lt": return value < wanted;
    case "gte": return value >= wanted;
    case "lte": return value <= wanted;
    case "contains": return value.includes(wanted);
    case "not_contains": return !value.includes(wanted);
    default: return false;
  }
}

function same(a, b) {
  // A choice of several has no order of its own: the author's list may stand in any.
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item) => b.includes(item));
  return a === b;
}

// Values as the wire wants them: normalised text, parsed numbers, and what is wrong with a value.

export const MAX_NUMBER = Number.MAX_SAFE_INTEGER;
const LONGEST_BARCODE = 8000; // a QR code holds at most 7,089 digits

// Unicode White_Space and U+FEFF. Not `\s`, which knows U+FEFF but not U+0085; the server trims this same list.
const WHITE = "\\u0009-\\u000D\\u0020\\u0085\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000\\uFEFF";
const EDGES = new RegExp(`^[${WHITE}]+|[${WHITE}]+$`, "g");
const ALL_WHITE = new RegExp(`[${WHITE}]`, "g");
const SURROGATES = /[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDFFF]/g;

/** NFC, trimmed, and without halves of surrogate pairs (which UTF-8 cannot carry). */
export function tidy(text) {
  const whole = String(text).replace(SURROGATES, (found) => (found.length === 2 ? found : "\uFFFD"));
  return whole.normalize("NFC").replace(EDGES, "");
}

/** Length in code points, as the server counts it. */
export function length(text) {
  let n = 0;
  for (const _ of text) n += 1;
  return n;
}

// Marks that only steer the direction of writing; Intl puts one before a minus in Arabic.
const INVISIBLE = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
const MINUS = /[\u2010\u2012\u2013\u2212\uFE63\uFF0D]/g;
const ZEROS = [0x660, 0x6F0, 0x966, 0x9E6, 0xFF10]; // Arabic-Indic, Persian and Urdu, Devanagari, Bengali, full width

/**
 * The number a person typed, or null: with any of these digits, a comma or a point as decimal mark, groups of thousands
 * or of an Indian lakh, in whatever language. Where both occur, the last is the decimal mark. Alone and before three
 * digits it could be either ("1.234"): then it groups unless it is `mark`, the locale's own decimal mark.
 */
export function parseNumber(typed, mark = null) {
  const text = String(typed).replace(ALL_WHITE, "").replace(INVISIBLE, "").replace(/['’]/g, "").replace(MINUS, "-")
    .replace(/\p{Nd}/gu, (digit) => {
      const zero = ZEROS.find((one) => digit.codePointAt(0) >= one && digit.codePointAt(0) < one + 10);
      return zero ? digit.codePointAt(0) - zero : digit;
    }).replace(/،/g, ",");
  const decimal = decimalMarkOf(text, mark);
  const at = decimal ? text.lastIndexOf(decimal) : text.length;
  let whole = text.slice(0, at);
  const group = /[.,٬]/.exec(whole)?.[0];
  if (group) {
    if (!new RegExp(`^[+-]?\\d{1,3}([${group}]\\d{2,3})*[${group}]\\d{3}$`).test(whole)) return null;
    whole = whole.replaceAll(group, "");
  }
  const plain = decimal ? `${whole}.${text.slice(at + 1)}` : whole;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain)) return null;
  const number = Number(plain);
  if (!Number.isFinite(number) || Math.abs(number) > MAX_NUMBER) return null;
  return number === 0 ? 0 : number; // never -0
}

function decimalMarkOf(text, mark) {
  if (text.includes("٫")) return "٫";
  const [comma, point] = [text.lastIndexOf(","), text.lastIndexOf(".")];
  if (comma < 0 && point < 0) return null;
  const last = comma > point ? "," : ".";
  if (comma >= 0 && point >= 0) return last;
  if (text.indexOf(last) !== text.lastIndexOf(last)) return null;
  const couldGroup = /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(text);
  return couldGroup && mark && mark !== last ? null : last;
}

/** How a locale marks decimals when it writes with the digits of `showNumber`. */
export function decimalMark(locale) {
  return new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(1.5).find(({ type }) => type === "decimal").value;
}

/** How many decimals the shortest writing of a number needs: 1.50 → 1, 1e-7 → 7. */
export function decimalsOf(number) {
  const [mantissa, exponent = "0"] = String(number).split("e");
  const written = (mantissa.split(".")[1] ?? "").length;
  return Math.max(0, written - Number(exponent));
}

/** A number as a person of that language writes it; never grouped, so that it can be edited and parsed again. */
export function showNumber(number, lang) {
  return new Intl.NumberFormat(lang, { useGrouping: false, maximumFractionDigits: 20, numberingSystem: "latn" }).format(number);
}

/** `<input type="datetime-local">` gives local time without a zone; the wire wants UTC in whole seconds. */
export function localToUtc(local) {
  const moment = new Date(local);
  return Number.isNaN(moment.getTime()) ? null : `${moment.toISOString().slice(0, 19)}Z`;
}

export function utcToLocal(utc) {
  const moment = new Date(utc);
  if (Number.isNaN(moment.getTime())) return "";
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60000);
  return shifted.toISOString().slice(0, 16);
}

/** What is wrong with a value for its step: null, or [word, parameters] to be said to the person. */
export function complaint(step, value) {
  const config = step.config ?? {};
  switch (step.type) {
    case "text": {
      const most = config.max_length ?? 2000;
      if (value === "") return ["wrong_empty", {}];
      return length(value) > most ? ["wrong_long", { n: most }] : null;
    }
    case "barcode":
      if (value === "") return ["wrong_empty", {}];
      return length(value) > LONGEST_BARCODE ? ["wrong_long", { n: LONGEST_BARCODE }] : null;
    case "number":
      if (value === null) return ["wrong_number", {}];
      if (config.min != null && value < config.min) return ["wrong_min", { n: config.min }];
      if (config.max != null && value > config.max) return ["wrong_max", { n: config.max }];
      if (config.decimals != null && decimalsOf(value) > config.decimals) {
        return config.decimals === 0 ? ["wrong_whole", {}] : ["wrong_decimals", { n: config.decimals }];
      }
      return null;
    case "multi_choice": {
      const [least, most] = selectable(step);
      if (value.length < least) return ["wrong_few", { n: least }];
      return value.length > most ? ["wrong_many", { n: most }] : null;
    }
    case "datetime": return value ? null : ["wrong_date", {}];
    default: return null;
  }
}

/** [least, most] options a multi_choice step takes; with a least of 0, "none of these" is an answer too. */
export function selectable(step) {
  const config = step.config ?? {};
  return [config.min_selected ?? 0, config.max_selected ?? (config.options ?? []).length];
}

/** A UUIDv4, also where the page came over plain http and crypto.randomUUID is missing. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Now, as the wire writes it. */
export function nowUtc() {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/** The body of a PUT that says this; `photos` null for a step that takes none. */
export function bodyOf({ value, skipped, unable }, photos) {
  const body = { answer_id: uuid() };
  if (skipped) return { ...body, skipped };
  if (unable) return { ...body, unable };
  return { ...body, value, geo: null, answered_at: nowUtc(), ...(photos ? { photos } : {}) };
}

/** What such a body says. */
export function contentOf({ value = null, skipped = false, unable = null, photos = [], geo = null }) {
  return { value, skipped, unable, photos, geo };
}
