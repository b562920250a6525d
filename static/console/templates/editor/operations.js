// The operations of the editor: each returns a changed copy of a template, or the same one if there is nothing to do.
// Pure: no DOM, no state; ids of new parts are made by `makeId(prefix)`.

import { withRenamed } from "./conditions.js";
import { PREFIXES, getIn, outlineOf, partOf, partsOf, setIn, withOutline } from "./template.js";
import { OF_CONFIG, setTranslation } from "./translations.js";

// The members that a type of step has in its `config`, in the order in which they are asked for.
export const CONFIG = {
  boolean: ["true_label", "false_label"],
  choice: ["options"],
  multi_choice: ["options", "min_selected", "max_selected"],
  text: ["multiline", "placeholder", "case", "max_length"],
  number: ["unit", "min", "max", "decimals"],
  rating: ["min", "max", "min_label", "max_label"],
  photo: ["min", "max", "slots", "annotate", "allow_gallery"],
  signature: [],
  instruction: ["body"],
  barcode: ["formats"],
  datetime: ["mode"],
};
export const TYPES = Object.keys(CONFIG);

/** → the template with `value` in the member at `path` of a part; undefined leaves the member out. */
export function setMember(template, id, path, value) {
  const base = id === "" ? [] : partsOf(template).get(id)?.path;
  return base ? setIn(template, [...base, ...path], value) : template;
}

/** → a new step of a type, with one empty option or text where the type needs one. */
export function newStep(type, makeId, label = "") {
  const step = { id: makeId("s-"), type, label };
  const config = neededConfig(type, makeId);
  return config ? { ...step, config } : step;
}

function neededConfig(type, makeId) {
  if (type === "choice" || type === "multi_choice") return { options: [{ id: makeId("o-"), label: "" }] };
  return type === "instruction" ? { body: "" } : undefined;
}

/** → the template with rows, [{part, isHeading}], behind the row `after`, at the beginning for null. A heading takes
 *  the steps that follow; the steps before the first heading get one with the title `firstTitle`. */
export function addRows(template, after, rows, { makeId, firstTitle }) {
  const outline = outlineOf(template);
  const found = outline.findIndex(({ id }) => id === after);
  const at = after === null ? 0 : found < 0 ? outline.length : found + 1;   // it may have gone meanwhile
  const added = rows.map(({ part, isHeading }) => ({ id: part.id, part, isHeading }));
  return withOutline(template, withFirstSection(outline.toSpliced(at, 0, ...added), { makeId, firstTitle }));
}

/** → the template with rows behind the row `after`, or in place of it if nothing is in it. */
export function insertRows(template, after, rows, naming) {
  const outline = outlineOf(template);
  const at = outline.findIndex(({ id }) => id === after);
  if (at < 0 || !isUntouched(outline[at])) return addRows(template, after, rows, naming);
  return addRows(removePart(template, after), outline[at - 1]?.id ?? null, rows, naming);
}

/** → whether a row is a step in which nothing was written. */
export function isUntouched({ part, isHeading }) {
  const isPlain = Object.keys(part).every((name) => ["id", "type", "label"].includes(name));
  return isPlain && !isHeading && !part.label?.trim();
}

/** → the template in which a step is replaced by a heading with the step's label and the id `newId`. */
export function makeHeading(template, id, newId, { makeId, firstTitle }) {
  if (!partOf(template, id)) return template;
  const rows = outlineOf(template);
  const at = rows.findIndex((row) => row.id === id);
  const section = { id: newId, title: rows[at].part.label, steps: [] };
  const changed = rows.with(at, { id: section.id, part: section, isHeading: true });
  const result = withOutline(template, withFirstSection(changed, { makeId, firstTitle }));
  return withoutTranslations(result, idsInside(template, id));
}

/** → the rows with a heading before the first steps if a heading follows them: steps stand in sections or without. */
function withFirstSection(rows, { makeId, firstTitle }) {
  if (rows[0]?.isHeading ?? true) return rows;
  if (!rows.some(({ isHeading }) => isHeading)) return rows;
  const section = { id: makeId("g-"), title: firstTitle, steps: [] };
  return [{ id: section.id, part: section, isHeading: true }, ...rows];
}

/** → the template without a part and without its translations; a section goes with its steps. */
export function removePart(template, id) {
  const found = partsOf(template).get(id);
  if (!found) return template;
  const lists = setIn(template, found.path, undefined);
  const result = lists.sections?.length === 0 ? withOutline(lists, outlineOf(lists)) : lists;
  return withoutTranslations(result, idsInside(template, id));
}

/** → the ids of a part and the parts in it. */
function idsInside(template, id) {
  const { path: outer } = partsOf(template).get(id);
  const isInside = ({ path }) => outer.every((name, index) => path[index] === name);
  return [...partsOf(template)].filter(([, found]) => isInside(found)).map(([key]) => key);
}

/** → the template without a heading: its steps join the section before it, or the next one if it is the first. */
export function removeHeading(template, id) {
  const rows = outlineOf(template);
  const at = rows.findIndex((row) => row.id === id);
  const without = rows.toSpliced(at, 1);
  const next = without.findIndex(({ isHeading }) => isHeading);
  if (at === 0 && next > 0) without.unshift(...without.splice(next, 1));
  return withoutTranslations(withOutline(template, without), [id]);
}

/** → the template without the translations of parts that are gone. */
function withoutTranslations(template, ids) {
  let result = template;
  for (const [tag, texts] of Object.entries(template.translations ?? {})) {
    for (const id of ids.filter((one) => Object.hasOwn(texts, one))) {
      result = setIn(result, ["translations", tag, id], undefined);
    }
  }
  return result;
}

/** → the template with a part one place further up (-1) or down (1): a step among all rows, from section to section;
 *  another part in its list. */
export function movePart(template, id, by) {
  const found = partsOf(template).get(id);
  if (!found) return template;
  if (found.list === "steps") return moveStep(template, id, by);
  const path = found.path.slice(0, -1);
  return setIn(template, path, swapped(getIn(template, path), id, by));
}

function moveStep(template, id, by) {
  const rows = swapped(outlineOf(template), id, by);
  return !rows[0].isHeading && rows.some(({ isHeading }) => isHeading) ? template : withOutline(template, rows);
}

function swapped(list, id, by) {
  const at = list.findIndex((one) => one.id === id);
  const other = list[at + by];
  return other ? list.with(at + by, list[at]).with(at, other) : list;
}

/** → the template with a step behind the row `after`, at the beginning for null, or a section behind that row's. */
export function movePartAfter(template, id, after) {
  if (!partOf(template, id)) return template;
  const rows = outlineOf(template);
  const from = rows.findIndex((row) => row.id === id);
  const { isHeading } = rows[from];
  const length = isHeading ? endOfSection(rows, from) - from : 1;
  const block = rows.slice(from, from + length);
  if (block.some((row) => row.id === after)) return template;
  const rest = rows.toSpliced(from, length);
  const at = rest.findIndex((row) => row.id === after);
  rest.splice(isHeading && at >= 0 ? endOfSection(rest, at) : at + 1, 0, ...block);
  return !rest[0].isHeading && rest.some((row) => row.isHeading) ? template : withOutline(template, rest);
}

/** → the index behind the last row of the section with the row at `index`. */
function endOfSection(rows, index) {
  const next = rows.findIndex((row, other) => other > index && row.isHeading);
  return next < 0 ? rows.length : next;
}

/** → [template, id of the copy, {id: id of its copy}]: a copy of a part behind it. All its parts get new ids;
 *  conditions among the copied steps compare the copies; translations are copied, too. */
export function duplicatePart(template, id, makeId) {
  const { part, path, list } = partsOf(template).get(id);
  const renamed = new Map();
  const copy = withNewIds(part, PREFIXES[list], makeId, renamed);
  const steps = list === "steps" ? withRenamed(copy, renamed)
    : copy.steps ? { ...copy, steps: copy.steps.map((step) => withRenamed(step, renamed)) } : copy;
  const holder = getIn(template, path.slice(0, -1));
  const at = holder.findIndex((one) => one.id === id) + 1;
  let result = setIn(template, path.slice(0, -1), holder.toSpliced(at, 0, steps));
  for (const [tag, texts] of Object.entries(template.translations ?? {})) {
    for (const [from, to] of renamed) {
      if (Object.hasOwn(texts, from)) result = setIn(result, ["translations", tag, to], texts[from]);
    }
  }
  return [result, steps.id, renamed];
}

function withNewIds(part, prefix, makeId, renamed) {
  const id = makeId(prefix);
  renamed.set(part.id, id);
  const inner = (holder, list, kind) =>
    (holder?.[list] ? { [list]: holder[list].map((one) => withNewIds(one, kind, makeId, renamed)) } : {});
  const config = part.config
    ? { config: { ...part.config, ...inner(part.config, "options", "o-"), ...inner(part.config, "slots", "p-") } } : {};
  return { ...part, id, ...inner(part, "steps", "s-"), ...config };
}

/** → the template with a step of another type. Settings and texts that the new type knows are kept, but for limits:
 *  those of photos count photos. */
export function changeType(template, id, type, makeId) {
  const step = partOf(template, id);
  if (!step || step.type === type) return template;
  const isLimit = (name) => ["min", "max"].includes(name) && [step.type, type].includes("photo");
  const kept = Object.entries(step.config ?? {}).filter(([name]) => CONFIG[type].includes(name) && !isLimit(name));
  const { config: _, photo, ...others } = step;
  const config = { ...neededConfig(type, makeId), ...Object.fromEntries(kept) };
  const changed = {
    ...others, type,
    ...(photo !== undefined && type !== "photo" ? { photo } : {}),
    ...(Object.keys(config).length ? { config } : {}),
  };
  const gone = ["options", "slots"].filter((list) => !(list in config)).flatMap((list) => step.config?.[list] ?? []);
  const result = withoutTranslations(setMember(template, id, [], changed), gone.map((part) => part.id));
  return withoutTexts(result, id, OF_CONFIG.filter((name) => !CONFIG[type].includes(name)));
}

/** → the template without the translations of some texts of a part. */
function withoutTexts(template, id, members) {
  const places = Object.keys(template.translations ?? {}).flatMap((tag) => members.map((name) => [tag, id, name]));
  return places.reduce((one, place) => setTranslation(one, place, undefined), template);
}

/** → the template without the rule of a flag or condition, and what it told. */
export function removeRule(template, id, member) {
  return withoutTexts(setMember(template, id, [member], undefined), id, member === "flag" ? ["tell"] : []);
}

/** → the template with new parts: options, shots or fields behind the one with the id `after`, else last.
 *  Named shots need one photo each, so that limits of their number go. */
export function addParts(template, id, path, parts, after) {
  if (!partOf(template, id)) return template;
  const base = id === "" ? [] : partsOf(template).get(id).path;
  const list = getIn(template, [...base, ...path]) ?? [];
  const at = list.findIndex((one) => one.id === after);
  const result = setMember(template, id, path, list.toSpliced(at < 0 ? list.length : at + 1, 0, ...parts));
  if (path.at(-1) !== "slots") return result;
  return ["min", "max"].reduce((one, name) => setMember(one, id, ["config", name], undefined), result);
}

/** → the template with new parts behind the one with the id `after`, or in place of it if it has no text. */
export function insertParts(template, id, path, parts, after) {
  const added = addParts(template, id, path, parts, after);
  return partOf(template, after)?.label === "" ? removePart(added, after) : added;
}
