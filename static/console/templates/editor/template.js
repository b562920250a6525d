// A template as JSON data: its parts by id, its outline, and changed copies of it. Pure: no DOM, no state.
//
// A part is the template itself (id ""), a section, step, option, shot ("slot") or field of the job. A template is
// never changed in place: a changed copy shares all other parts with the original.

export const LISTS = ["sections", "steps", "fields", "options", "slots"];   // members that hold parts with ids
export const PREFIXES = { sections: "g-", steps: "s-", fields: "f-", options: "o-", slots: "p-" };
const indexes = new WeakMap();

/** → {id: {part, path, list, parent}}: all parts of a template in reading order. `path` leads to the part (`setIn`),
 *  `list` is the member that holds it, `parent` the id of the part around it. */
export function partsOf(template) {
  if (!indexes.has(template)) {
    const found = new Map();
    collect(template, template, [], "", found);
    indexes.set(template, found);
  }
  return indexes.get(template);
}

function collect(part, holder, path, parent, found) {
  for (const list of LISTS) {
    for (const inner of Array.isArray(holder?.[list]) ? holder[list] : []) {
      const innerPath = [...path, list, inner?.id];
      found.set(inner?.id, { part: inner, path: innerPath, list, parent });
      collect(inner, inner, innerPath, inner?.id, found);
    }
  }
  if (holder?.config) collect(part, holder.config, [...path, "config"], parent, found);
}

/** → the part with an id, the template itself for "", undefined if there is none. */
export function partOf(template, id) {
  return id === "" ? template : partsOf(template).get(id)?.part;
}

/** → the id of the row that shows a part, null for the template itself and the fields of the job. */
export function rowIdOf(template, id) {
  const { list, parent } = partsOf(template).get(id) ?? {};
  return !list || list === "fields" ? null : ["steps", "sections"].includes(list) ? id : rowIdOf(template, parent);
}

/** → the value at a path of names and list indexes; an element of a list of parts is named by its id. */
export function getIn(holder, path) {
  return path.reduce((inner, name) => inner?.[keyOf(inner, name)], holder);
}

/** → a copy of `holder` with `value` at `path`; undefined leaves the member out. Objects on the way are made. */
export function setIn(holder, [name, ...rest], value) {
  const key = keyOf(holder, name);
  const before = holder?.[key];
  if (value === undefined && before === undefined) return holder;
  const inner = rest.length ? setIn(before ?? {}, rest, value) : value;
  if (inner === before) return holder;
  if (Array.isArray(holder)) return inner === undefined ? holder.toSpliced(key, 1) : holder.with(key, inner);
  if (inner !== undefined) return { ...holder, [key]: inner };
  const { [key]: _, ...others } = holder;
  return others;
}

function keyOf(holder, name) {
  return Array.isArray(holder) && typeof name === "string" ? holder.findIndex(({ id }) => id === name) : name;
}

/** → the outline: headings and steps as one list in reading order, [{id, part, isHeading}]. */
export function outlineOf(template) {
  const rows = (template.steps ?? []).map((part) => ({ id: part.id, part, isHeading: false }));
  for (const section of template.sections ?? []) {
    rows.push({ id: section.id, part: section, isHeading: true });
    rows.push(...(section.steps ?? []).map((part) => ({ id: part.id, part, isHeading: false })));
  }
  return rows;
}

/** → a copy of the template with the headings and steps of an outline. */
export function withOutline(template, rows) {
  const first = rows.findIndex(({ isHeading }) => isHeading);
  const { steps: _, sections: __, ...others } = template;
  if (first < 0) return order(template, { ...others, steps: rows.map(({ part }) => part) });
  const sections = [];
  for (const { part, isHeading } of rows.slice(first)) {
    if (isHeading) sections.push([part, []]);
    else sections.at(-1)[1].push(part);
  }
  const leading = first ? { steps: rows.slice(0, first).map(({ part }) => part) } : {};
  return order(template, { ...others, ...leading, sections: sections.map(([part, steps]) => withSteps(part, steps)) });
}

function withSteps(section, steps) {
  const isSame = section.steps?.length === steps.length && steps.every((step, index) => step === section.steps[index]);
  return isSame ? section : { ...section, steps };
}

/** → `changed` with its members in the order of `template`, where "steps" and "sections" stand for each other. */
function order(template, changed) {
  const names = new Set(Object.keys(template).flatMap((name) =>
    name === "steps" || name === "sections" ? ["steps", "sections"] : [name]));
  return Object.fromEntries([...names, ...Object.keys(changed)].filter((name) => name in changed)
    .map((name) => [name, changed[name]]));
}

/** → all steps in reading order. */
export function stepsOf(template) {
  return outlineOf(template).filter(({ isHeading }) => !isHeading).map(({ part }) => part);
}

/** → the steps before the one with an id. */
export function stepsBefore(template, id) {
  const steps = stepsOf(template);
  return steps.slice(0, steps.findIndex((step) => step.id === id));
}

/** → the template with the ids that parts lack, each made by `makeId(prefix)`; the same one if none lacks an id. */
export function withIds(template, makeId) {
  let result = template;
  for (const list of LISTS.filter((name) => Array.isArray(template?.[name]))) {
    const parts = template[list].map((part) =>
      withIds(isObject(part) && !("id" in part) ? { id: makeId(PREFIXES[list]), ...part } : part, makeId));
    if (parts.some((part, index) => part !== template[list][index])) result = { ...result, [list]: parts };
  }
  if (!isObject(template?.config)) return result;
  const config = withIds(template.config, makeId);
  return config === template.config ? result : { ...result, config };
}

/** → whether a JSON value is an object. */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
