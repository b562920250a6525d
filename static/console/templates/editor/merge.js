// Joins two changed copies of one template, place by place. Pure: no DOM, no state.
//
// A place is a member of the template or of its settings, a section, a step, a field of the job, a translation, or the
// order of rows or fields. What one of the two changed is taken; a place that both changed differently is a clash.

import { outlineOf, partsOf, setIn, withOutline } from "./template.js";

/** → {template, clashes}: `mine` and `theirs`, both made from `base`, in one. `clashes` lists the places that both
 *  changed, [{place, mine, theirs}]; `choices[place]` says which one is taken, "mine" or "theirs", mine by default. */
export function merge(base, mine, theirs, choices = {}) {
  const [before, ours, others] = [base, mine, theirs].map(placesOf);
  const taken = new Map();
  const clashes = [];
  for (const place of new Set([...others.keys(), ...ours.keys(), ...before.keys()])) {
    const [was, own, other] = [before, ours, others].map((places) => places.get(place));
    const isOurs = !isSame(was, own);
    const isTheirs = !isSame(was, other);
    const isClash = isOurs && isTheirs && !isSame(own, other);
    if (isClash) clashes.push({ place, mine: own, theirs: other });
    const value = isClash ? ((choices[place] ?? "mine") === "mine" ? own : other) : isOurs ? own : other;
    if (value !== undefined) taken.set(place, value);
  }
  const orders = [orderOf(base), orderOf(mine), orderOf(theirs)];
  const fields = [base, mine, theirs].map((one) => (one.fields ?? []).map(({ id }) => id));
  const rows = mergeOrders(...orders, choices["order rows"]);
  const fieldRows = mergeOrders(...fields, choices["order fields"]);
  if (rows.isClash) clashes.push({ place: "order rows", mine: orders[1], theirs: orders[2] });
  if (fieldRows.isClash) clashes.push({ place: "order fields", mine: fields[1], theirs: fields[2] });
  return { template: assemble({ base, mine, theirs }, taken, rows.order, fieldRows.order), clashes };
}

/** → {place: value}: what a template says, by place. */
function placesOf(template) {
  const places = new Map();
  const { sections: _, steps: __, fields, translations, ...members } = template;
  for (const [name, value] of Object.entries(members)) {
    if (name !== "settings" && name !== "execution") places.set(`member ${name}`, value);
    else for (const [inner, setting] of Object.entries(value)) places.set(`member ${name} ${inner}`, setting);
  }
  for (const { id, part, isHeading } of outlineOf(template)) {
    const { steps, ...own } = part;
    places.set(`${isHeading ? "section" : "step"} ${id}`, isHeading ? own : part);
  }
  for (const field of fields ?? []) places.set(`field ${field.id}`, field);
  for (const [tag, texts] of Object.entries(translations ?? {})) {
    places.set(`language ${tag}`, {});
    for (const [id, words] of Object.entries(texts)) places.set(`translation ${tag} ${id}`, words);
  }
  return places;
}

function orderOf(template) {
  return outlineOf(template).map(({ id }) => id);
}

/** → {order, isClash}: the ids of `mine` and `theirs` in one order. A clash is that both moved what was there before,
 *  differently; added ids stand behind the one that they were added behind. */
function mergeOrders(base, mine, theirs, choice) {
  const [ofMine, ofTheirs] = [new Set(mine), new Set(theirs)];
  const common = base.filter((id) => ofMine.has(id) && ofTheirs.has(id));
  const ofBoth = new Set(common);
  const kept = (list) => list.filter((id) => ofBoth.has(id));
  const [isOurs, isTheirs] = [mine, theirs].map((list) => !isSame(kept(list), common));
  const isClash = isOurs && isTheirs && !isSame(kept(mine), kept(theirs));
  const leads = isClash ? (choice ?? "mine") === "mine" : isOurs;
  const [first, second] = leads ? [mine, theirs] : [theirs, mine];
  const order = [...first];
  second.forEach((id, index) => {
    if (!order.includes(id)) order.splice(order.indexOf(second[index - 1]) + 1, 0, id);
  });
  return { order, isClash };
}

/** → a template of the places taken, with the members in the order of `theirs` and then `mine`. An empty object or
 *  list stays if neither removed it. */
function assemble({ base, mine, theirs }, taken, order, fieldOrder) {
  let result = {};
  const names = Object.keys({ ...theirs, ...mine });
  for (const name of names) {
    const isKept = (name in theirs && name in mine) || !(name in base);
    if (name === "settings" || name === "execution") {
      const inner = Object.keys({ ...theirs[name], ...mine[name] });
      const all = inner.map((one) => [one, taken.get(`member ${name} ${one}`)]);
      const settings = all.filter(([, value]) => value !== undefined);
      if (settings.length || isKept) result[name] = Object.fromEntries(settings);
    } else if (name === "fields") {
      const fields = fieldOrder.map((id) => taken.get(`field ${id}`)).filter(Boolean);
      if (fields.length || isKept) result.fields = fields;
    } else if (name === "translations") {
      result.translations = {};
    } else if (name === "steps" || name === "sections") {
      result[name] = [];
    } else if (taken.has(`member ${name}`)) {
      result = { ...result, [name]: taken.get(`member ${name}`) };
    }
  }
  const rows = order.map((id) => (taken.has(`section ${id}`)
    ? { id, part: { ...taken.get(`section ${id}`), steps: [] }, isHeading: true }
    : { id, part: taken.get(`step ${id}`), isHeading: false })).filter(({ part }) => part);
  const first = rows.findIndex(({ isHeading }) => isHeading);
  if (first > 0) rows.unshift(...rows.splice(first, 1));   // steps stand in sections or without
  const known = [base, mine, theirs].flatMap((one) => [...partsOf(one).keys()]);
  return withTranslations(withOutline(result, rows), taken, new Set(known));
}

/** → the template with the translations taken, but for those of parts that it no longer has; `known` has the ids of
 *  all parts that there were. */
function withTranslations(template, taken, known) {
  const parts = partsOf(template);
  let result = template;
  for (const [place, value] of taken) {
    const [kind, tag, ...rest] = place.split(" ");
    const id = rest.join(" ");
    const isLeft = parts.has(id) || !known.has(id);
    if (kind === "language") result = setIn(result, ["translations", tag], {});
    else if (kind === "translation" && isLeft) result = setIn(result, ["translations", tag, id], value);
  }
  return result;
}

/** → whether two JSON values are equal; the order of an object's members does not count. */
export function isSame(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length
    && names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]));
}
