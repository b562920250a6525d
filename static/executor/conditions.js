// Whether a condition holds, exactly as the server decides it (contract, section 3). Pure: no DOM, no clock.
//
// A fact is what is known of one earlier step: {visible, state, value}, where state is "untouched",
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
