// The conditions of a template's steps and flags: comparisons, alone or in groups. Pure: no DOM, no state.
//
// A step's `condition` compares earlier steps: {when: {step, op, value}}. Its `flag.when` compares its own answer:
// {op, value}. A group is {op: "and" | "or", rules: […]}. `operators` has the comparisons that fit each type of step,
// {type: [op]}, as the server knows them.

import { partsOf, stepsOf } from "./template.js";

export const MAX_GROUPS = 2;   // groups within groups that the editor shows; deeper ones stay as they are
export const CONDITION = ["condition"];
export const FLAG = ["flag", "when"];

export function isGroup(rule) {
  return Array.isArray(rule?.rules);
}

/** → how deep groups stand within groups: 0 for a comparison, 1 for a group of comparisons. */
export function depthOf(rule) {
  return isGroup(rule) ? 1 + Math.max(0, ...rule.rules.map(depthOf)) : 0;
}

/** → the comparisons in a rule. */
export function comparisonsIn(rule) {
  if (!rule) return [];
  return isGroup(rule) ? rule.rules.flatMap(comparisonsIn) : [rule.when ?? rule];
}

/** → whether an operator compares with a value. */
export function takesValue(op) {
  return op !== "answered" && op !== "skipped";
}

/** → the comparisons of a step's condition and flag, [{when, compared}] with the id of the compared step. */
export function comparisonsOf(step) {
  return [
    ...comparisonsIn(step.condition).map((when) => ({ when, compared: when.step })),
    ...comparisonsIn(step.flag?.when).map((when) => ({ when, compared: step.id })),
  ];
}

/** → the operators that fit a step's answer; without "skipped" for its own flag. */
export function operatorsOf(step, operators, isOwn) {
  return [...operators[step.type], "answered", ...(isOwn ? [] : ["skipped"])];
}

/** → the first comparison to offer for a step: its first option, Yes, or a text to be written. */
export function newComparison(step, operators, isOwn) {
  const [op] = operatorsOf(step, operators, isOwn);
  const when = isOwn ? { op } : { step: step.id, op };
  return asRule(withFittingValue(when, step), isOwn);
}

/** → a comparison as a rule of a condition, or of a flag, whose comparisons are their own rules. */
export function asRule(when, isOwn) {
  return isOwn ? when : { when };
}

/** → a comparison with a value that fits the compared step's type: its own if that fits, else the first to offer. */
export function withFittingValue({ value, ...when }, step) {
  if (!takesValue(when.op)) return when;
  const offered = { ...when, value };
  return isFitting(offered, step) ? offered : { ...when, value: firstValue(when.op, step) };
}

function firstValue(op, step) {
  const options = step.config?.options ?? [];
  switch (step.type) {
    case "boolean": return true;
    case "choice": return options[0]?.id ?? "";
    case "multi_choice": return isWhole(op) ? options.slice(0, 1).map(({ id }) => id) : options[0]?.id ?? "";
    case "rating": return step.config?.min ?? 1;
    case "number": return step.config?.min ?? 0;
    default: return "";
  }
}

/** → whether a value fits the answers of the compared step in its kind; a text that is still empty does. */
function isFitting({ op, value }, step) {
  if (!takesValue(op)) return value === undefined;
  const isOption = (id) => (step.config?.options ?? []).some((option) => option.id === id);
  switch (step.type) {
    case "boolean": return typeof value === "boolean";
    case "number": case "rating": return typeof value === "number";
    case "choice": return isOption(value);
    case "multi_choice": return isWhole(op) ? Array.isArray(value) && value.every(isOption) : isOption(value);
    case "text": return typeof value === "string" && (step.config?.case !== "upper" || value === value.toUpperCase());
    case "datetime":
      return typeof value === "string" && (!value || value.includes("T") === (step.config?.mode === "datetime"));
    default: return typeof value === "string";
  }
}

/** → whether an operator compares the whole answer, of several options all. */
export function isWhole(op) {
  return op === "eq" || op === "neq";
}

/** → the ids of the steps whose condition or flag compares a missing or later step, or a value that does not fit. */
export function danglingSteps(template, operators) {
  const earlier = new Map();
  const dangling = new Set();
  for (const step of stepsOf(template)) {
    const isFine = ({ when, compared }) => {
      const other = compared === step.id && when.step === undefined ? step : earlier.get(compared);
      const isOwn = when.step === undefined;
      return other && operatorsOf(other, operators, isOwn).includes(when.op) && isFitting(when, other);
    };
    if (!comparisonsOf(step).every(isFine)) dangling.add(step.id);
    earlier.set(step.id, step);
  }
  return dangling;
}

/** → a copy of a step's condition and flag in which ids are replaced as in `renamed`, {id: new id}. */
export function withRenamed(step, renamed) {
  const rename = (value) => (Array.isArray(value) ? value.map(rename) : renamed.get(value) ?? value);
  const inRule = (rule) => {
    if (isGroup(rule)) return { ...rule, rules: rule.rules.map(inRule) };
    if (rule?.when) return { ...rule, when: inRule(rule.when) };
    return Object.fromEntries(Object.entries(rule ?? {}).map(([name, value]) =>
      [name, name === "step" || name === "value" ? rename(value) : value]));
  };
  const condition = step.condition ? { condition: inRule(step.condition) } : {};
  const flag = step.flag?.when ? { flag: { ...step.flag, when: inRule(step.flag.when) } } : {};
  return { ...step, ...condition, ...flag };
}

/** → a step's condition or flag in words, which `t` has. */
export function ruleText(template, rule, step, t) {
  if (isGroup(rule)) {
    const inner = (one) => ruleText(template, one, step, t);
    const texts = rule.rules.map((one) => (isGroup(one) ? `(${inner(one)})` : inner(one)));
    const joint = t(`join_${rule.op}`);
    return texts.join(` ${joint} `);
  }
  const when = rule?.when ?? rule ?? {};
  const compared = rule?.when ? partsOf(template).get(when.step)?.part : step;
  const named = compared ? t("quoted", { text: compared.label }) : t("missing_step");
  const name = rule?.when ? named : t("own_answer");
  return t(`is_${when.op}`, { step: name, value: valueText(template, when.value, compared, t) });
}

/** → a compared value in words. */
function valueText(template, value, step, t) {
  if (typeof value === "boolean") return step?.config?.[`${value}_label`] ?? t(value ? "yes" : "no");
  if (Array.isArray(value)) return value.map((one) => valueText(template, one, step, t)).join(", ");
  if (typeof value !== "string") return value === undefined ? "" : JSON.stringify(value);
  const option = (step?.config?.options ?? []).find(({ id }) => id === value);
  return option?.label ?? (value.startsWith("o-") ? "…" : value);
}
