// Whether rows can show a template. A draft may be any JSON object; one of another shape than a template's is mended in
// the JSON itself, which says where its faults are. Pure: no DOM, no state.

import { comparisonsIn, isGroup } from "./conditions.js";
import { CONFIG } from "./operations.js";
import { LISTS, isObject, outlineOf } from "./template.js";

const MAX_ROWS = 630;          // a template has at most 500 steps, 100 sections and 30 fields
export const MAX_OPTIONS = 250;       // a template's step has at most 200
export const MAX_LIST = 30;           // of other lists
const MAX_COMPARISONS = 100;   // of a condition; a template's has at most 50
const MAX_DEPTH = 20;
const ID = /^\S+$/;

/** → how many rows can be added to a template that may have `most` steps. */
export function roomIn(template, most) {
  const rows = outlineOf(template);
  const steps = rows.filter(({ isHeading }) => !isHeading).length;
  return Math.max(0, Math.min(most - steps, MAX_ROWS - rows.length - list(template.fields).length));
}

/** → whether a template has the shape that rows show: parts with different ids, steps of known types, texts and
 *  numbers where they belong. Their values may be wrong or missing. */
export function isShowable(template) {
  const { name, description, tags, settings, execution, fields, steps, sections, translations } = template ?? {};
  const isEither = (steps ?? null) === null || (sections ?? null) === null;
  const allSteps = [template, ...list(sections)].flatMap((holder) => list(holder?.steps));
  const parts = [...list(fields), ...list(sections), ...allSteps];
  return isObject(template) && parts.length <= MAX_ROWS
    && isEither && hasNoLists(template, "sections", "steps", "fields")
    && [name, description].every(isText) && isListOf(tags, isString, MAX_LIST)
    && [settings, execution].every(isOptional(hasScalars))
    && isListOf(fields, (field) => isObject(field) && isText(field.label) && hasScalars(field) && hasNoLists(field))
    && isNullable(steps, isStep) && isNullable(sections, isSection)
    && isOptional(isTranslations)(translations) && areIds(parts) && isExact(template);
}

function isSection(section) {
  const { title, description, steps } = section;
  return [title, description].every(isText) && isListOf(steps, isStep) && hasNoLists(section, "steps");
}

function isStep(step) {
  if (!isObject(step) || !isString(step.type) || !Object.hasOwn(CONFIG, step.type) || !hasNoLists(step)) return false;
  const { label, hint, required, geo, photo, pictures, condition, flag, config } = step;
  return [label, hint].every(isText) && [required, geo].every(isScalar) && isListOf(pictures, isString, MAX_LIST)
    && (photo === undefined || photo === false || hasScalars(photo))
    && (condition === undefined || condition === null || isRule(condition, false))
    && (flag === undefined || flag === null || (isObject(flag) && isText(flag.tell) && isRule(flag.when, true)))
    && isOptional(isConfig)(config);
}

function isConfig({ options, slots, formats, ...others }) {
  const isPart = (part) => isObject(part) && isText(part.label) && hasNoLists(part);
  return isListOf(options, isPart, MAX_OPTIONS) && isNullable(slots, isPart, MAX_LIST)
    && isListOf(formats, isString, MAX_LIST) && hasScalars(others) && hasNoLists(others);
}

/** → whether a part has no lists of parts but those with these names: others would be taken for parts, too. */
function hasNoLists(part, ...names) {
  return LISTS.every((name) => names.includes(name) || !(name in part));
}

function isRule(rule, isOwn, depth = 0) {
  if (!isObject(rule) || depth > MAX_DEPTH) return false;
  if ("rules" in rule) return isGroup(rule) && ["and", "or"].includes(rule.op) && rule.rules.length > 0
    && rule.rules.length <= MAX_COMPARISONS && rule.rules.every((one) => isRule(one, isOwn, depth + 1))
    && (depth > 0 || comparisonsIn(rule).length <= MAX_COMPARISONS);
  const when = isOwn ? rule : rule.when;
  return isObject(when) && isString(when.op) && (isOwn ? !("when" in rule) : isString(when.step))
    && (isScalar(when.value) || (Array.isArray(when.value) && when.value.every(isScalar)));
}

function isTranslations(translations) {
  return Object.entries(translations).every(([tag, texts]) => ID.test(tag) && isObject(texts)
    && Object.values(texts).every((words) => isObject(words) && Object.values(words).every(isString)));
}

/** → whether all parts have ids, and no two the same. */
function areIds(parts) {
  const inner = parts.flatMap((part) => [part, ...list(part?.config?.options), ...list(part?.config?.slots)]);
  const ids = inner.map((part) => part?.id);
  return ids.every((id) => isString(id) && ID.test(id)) && new Set(ids).size === ids.length;
}

/** → whether a JSON text repeats a member of an object, of which `value`, read from it, has the last one only. */
export function hasRepeatedMembers(text, value) {
  const names = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon);
  return names.length !== countMembers(value);
}

function countMembers(value) {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  return inner.reduce((sum, one) => sum + countMembers(one), Array.isArray(value) ? 0 : inner.length);
}

/** → whether all numbers keep their value here: others would be written otherwise than they were read. */
function isExact(value) {
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return typeof value !== "object" || value === null || Object.values(value).every(isExact);
}

function list(value) {
  return Array.isArray(value) ? value : [];
}

function isString(value) {
  return typeof value === "string";
}

function isText(value) {
  return value === undefined || value === null || isString(value);
}

function isScalar(value) {
  return typeof value !== "object" || value === null;
}

function hasScalars(value) {
  return isObject(value) && Object.values(value).every(isScalar);
}

function isOptional(test) {
  return (value) => value === undefined || (isObject(value) && test(value));
}

function isListOf(value, test, most = Infinity) {
  return value === undefined || (Array.isArray(value) && value.length <= most && value.every(test));
}

function isNullable(value, test, most = Infinity) {
  return value === null || isListOf(value, (one) => isObject(one) && test(one), most);
}
