// Conditions and flags as sentences to be edited: "Ask only if [Fuel] [is not] [Full]".

import { h, t } from "../../../executor/dom.js";
import {
  MAX_GROUPS, asRule, depthOf, isGroup, isWhole, newComparison, operatorsOf, ruleText, takesValue,
  withFittingValue,
} from "./conditions.js";
import { actButton, choice, numberIn, signButton } from "./controls.js";
import { getIn, partOf, partsOf, stepsBefore } from "./template.js";

/** → the editable sentence of the rule at `base`, ["condition"] or ["flag", "when"], of a step. */
export function ruleView(editor, step, base) {
  const rule = getIn(step, base);
  const view = { editor, step, base, isOwn: base.length > 1 };
  if (depthOf(rule) > MAX_GROUPS) {
    const note = h("span", { class: "soft small" }, t("rule_in_json"));
    return h("p", {}, ruleText(editor.template, rule, step, t), " ", note);
  }
  const key = keyOf(view, []);
  const join = (op) => actButton(`${op} ${key}`, () => put(view, [], (one) => ({ op, rules: [one, another(view)] })),
    t(`join_${op}`), "…");
  return h("div", { class: "rule" }, ruleElement(view, rule, []),
    !isGroup(rule) && h("span", { class: "row" }, join("and"), join("or")));
}

const CHOSEN = ["boolean", "choice", "multi_choice"];   // types whose answer is one of few

/** → a first rule for a step's condition or flag, null if there is nothing to compare: the condition of the step
 *  before, since steps that depend on one answer stand together, or a comparison with the last answer that is chosen
 *  from few. */
export function newRule({ editor, step, isOwn }) {
  if (isOwn) return newComparison(step, editor.operators, true);
  const steps = stepsBefore(editor.template, step.id);
  return steps.at(-1)?.condition ?? (steps.length ? another({ editor, step, isOwn }) : null);
}

/** → a further comparison. */
function another({ editor, step, isOwn }) {
  const steps = isOwn ? [step] : stepsBefore(editor.template, step.id);
  const compared = steps.findLast(({ type }) => CHOSEN.includes(type)) ??
    steps.findLast(({ type }) => editor.operators[type].length) ?? steps[0];
  return newComparison(compared, editor.operators, isOwn);
}

function ruleElement(view, rule, path) {
  return isGroup(rule) ? groupElement(view, rule, path) : comparisonElement(view, rule, path);
}

function groupElement(view, group, path) {
  const key = keyOf(view, path);
  const ops = [["and", t("all_of")], ["or", t("any_of")]];
  const isDeepest = path.length >= 2 * (MAX_GROUPS - 1);
  const add = (rule) => put(view, [...path, "rules"], (rules) => [...rules, rule]);
  const other = group.op === "and" ? "or" : "and";
  return h("div", { class: "group" },
    choice(ops, group.op, (op) => put(view, [...path, "op"], () => op), { name: t("join_name"), key: `${key} join` }),
    h("ul", {}, ...group.rules.map((rule, index) => h("li", {}, ruleElement(view, rule, [...path, "rules", index])))),
    h("span", { class: "row" },
      actButton(`add ${key}`, () => add(another(view)), t("add_comparison")),
      !isDeepest && actButton(`group ${key}`, () => add({ op: other, rules: [another(view)] }), t("add_group"))));
}

function comparisonElement(view, rule, path) {
  const { editor, step, isOwn } = view;
  const when = rule?.when ?? rule ?? {};
  const compared = isOwn ? step : partsOf(editor.template).get(when.step)?.part;
  const key = keyOf(view, path);
  const change = (next, typing = null) => put(view, path, (one) => asRule(next(one?.when ?? one), isOwn), typing);
  const parts = [];
  if (!isOwn) {
    const steps = stepsBefore(editor.template, step.id);
    const words = (one, index) => t("numbered", { number: index + 1, text: one.label || t("no_text") });
    const named = steps.map((one, index) => [one.id, words(one, index)]);
    const choose = (id) => change((one) =>
      withFittingOperator({ ...one, step: id }, steps.find((other) => other.id === id), editor.operators, false));
    parts.push(choice(named, when.step, choose, { name: t("compared_step"), key: `${key} step` }));
  }
  const fitting = compared ? operatorsOf(compared, editor.operators, isOwn) : [when.op];
  const ops = fitting.map((op) => [op, t(`op_${op}`)]);
  const chooseOp = (op) => change((one) => withFittingOperator({ ...one, op }, compared, editor.operators, isOwn));
  parts.push(choice(ops, when.op, chooseOp, { name: t("comparison"), key: `${key} op` }));
  if (takesValue(when.op)) parts.push(valueElement(compared, when, change, `${key} value`));
  parts.push(signButton("✕", t("delete"), () => remove(view, path)));
  return h("span", { class: "comparison" }, ...parts);
}

function withFittingOperator(when, compared, operators, isOwn) {
  if (!compared) return when;
  const fits = operatorsOf(compared, operators, isOwn);
  return withFittingValue(fits.includes(when.op) ? when : { ...when, op: fits[0] }, compared);
}

function valueElement(compared, when, change, key) {
  const name = t("compared_value");
  const set = (value) => change((one) => ({ ...one, value }));
  const options = (compared?.config?.options ?? []).map(({ id, label }) => [id, label || t("no_text")]);
  const isList = compared?.type === "multi_choice" && isWhole(when.op);
  if (isList) {
    const chosen = Array.isArray(when.value) ? when.value : [];
    const tick = (id, label) => h("label", { class: "tick" }, h("input", {
      type: "checkbox", checked: chosen.includes(id), "data-key": `${key} ${id}`,
      on: { change: () => set(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]) },
    }), label);
    const ticks = options.map(([id, label]) => tick(id, label));
    return h("span", { class: "row", role: "group", "aria-label": name }, ...ticks);
  }
  switch (compared?.type) {
    case "boolean": {
      const words = (value) => compared.config?.[`${value}_label`] ?? t(value ? "yes" : "no");
      return choice([[true, words(true)], [false, words(false)]], when.value, set, { name, key });
    }
    case "choice": case "multi_choice": return choice(options, when.value, set, { name, key });
    default: {
      const isNumber = ["number", "rating"].includes(compared?.type);
      const isDay = compared?.type === "datetime" && compared.config?.mode !== "datetime";
      const typed = (field) => (isNumber ? numberIn(field.value) : field.value) ?? "";
      const field = h("input", {
        value: String(when.value ?? ""), "aria-label": name, "data-key": key, autocomplete: "off", dir: "auto",
        type: isDay ? "date" : "text", inputmode: isNumber ? "decimal" : null, class: isNumber ? "number" : null,
        placeholder: compared?.type === "datetime" && !isDay ? "2026-01-31T09:00:00Z" : null,
        on: {
          input: () => change((one) => ({ ...one, value: typed(field) }), key),
          change: () => editor.seal(),
        },
      });
      return field;
    }
  }
}

/** Puts what `change` makes of the present value at a path inside the view's rule. */
function put({ editor, step, base }, path, change, typing = null) {
  const now = getIn(partOf(editor.template, step.id), [...base, ...path]);
  editor.set(step.id, [...base, ...path], change(now), { typing });
}

/** Removes a rule; a group of one left is replaced by that rule. */
function remove(view, path) {
  const { editor, step, base } = view;
  if (!path.length) return editor.removeRule(step.id, base[0]);
  put(view, path.slice(0, -2), (group) => {
    const rules = group.rules.toSpliced(path.at(-1), 1);
    return rules.length === 1 ? rules[0] : { ...group, rules };
  });
}

function keyOf({ step, base }, path) {
  return [step.id, ...base, ...path].join(" ");
}
