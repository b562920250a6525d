"""What hypothesis makes: valid templates with all that the language can say, their conditions, and right answers.

A strategy is made once where it can be: hypothesis takes longer to make one than to draw from it.
"""

import math
from decimal import Decimal
from typing import Any

from hypothesis import strategies as some

from rundun.core.templates.steps import BARCODE_FORMATS
from tests.helpers.strategies.plain_strategies import MAX_NUMBER, days, moments, numbers, positions, some_of, words

TYPES = ("boolean", "choice", "multi_choice", "text", "number", "rating", "photo", "signature", "instruction")
TYPES += ("barcode", "datetime")
Json = Any
Step = dict[str, Any]

# --- templates --------------------------------------------------------------------------------------------------

_TAIL = some.text("abcXYZ019_-", max_size=6)
_KIND = some.sampled_from(TYPES)
_FLAG = some.booleans()
_COUNT = some.integers(1, 4)
_LONGEST = some.one_of(some.integers(1, 20), some.integers(1, 20_000))
_END = numbers(-1e9, 1e9)
_DECIMALS = some.integers(0, 6)
_FORMATS = some.lists(some.sampled_from(BARCODE_FORMATS), min_size=1, max_size=7, unique=True)
_MODE = some.sampled_from(["date", "datetime"])
_ANY_CASE = some.just("any")


@some.composite
def _options(draw: some.DrawFn, place: str) -> list[dict[str, Any]]:
    count = draw(_COUNT)
    return [{"id": f"o-{place}{n}{draw(_TAIL)}", "label": draw(words(200))} for n in range(count)]


@some.composite
def _config(draw: some.DrawFn, kind: str, place: str) -> dict[str, Any]:
    label, flag = words(200), _FLAG
    match kind:
        case "boolean":
            return draw(some_of({}, {"true_label": label, "false_label": label}))
        case "choice":
            return {"options": draw(_options(place))}
        case "multi_choice":
            options = draw(_options(place))
            least = draw(some.integers(0, len(options)))
            limits = {"min_selected": some.just(least), "max_selected": some.integers(max(least, 1), 200)}
            return {"options": options, **draw(some_of({}, limits))}
        case "text":
            known = {"multiline": flag, "max_length": _LONGEST, "placeholder": label, "case": _ANY_CASE}
            return draw(some_of({}, known))
        case "number":
            ends = sorted([draw(_END), draw(_END)])
            ends[1] = max(ends[1], math.ceil(ends[0]) + 1)  # so that a whole number lies between
            known = {"min": some.just(ends[0]), "max": some.just(ends[1])}
            return draw(some_of({}, {**known, "decimals": _DECIMALS, "unit": words(40)}))
        case "rating":
            least = draw(some.integers(0, 4))
            ends = {"min": some.just(least), "max": some.integers(max(least + 1, 5), 10)}
            return draw(some_of({}, {**ends, "min_label": label, "max_label": label}))
        case "photo" if draw(_FLAG):
            slots = [{"id": f"p-{place}{n}", "label": draw(words(200))} for n in range(draw(_COUNT))]
            return {"slots": slots, **draw(some_of({}, {"annotate": flag, "allow_gallery": flag}))}
        case "photo":
            least = draw(some.integers(1, 3))
            ends = {"min": some.just(least), "max": some.integers(least, 10)}
            return draw(some_of({}, {**ends, "annotate": flag, "allow_gallery": flag}))
        case "instruction":
            return {"body": draw(words(20_000))}
        case "barcode":
            return draw(some_of({}, {"formats": _FORMATS}))
        case "datetime":
            return draw(some_of({}, {"mode": _MODE}))
        case _:
            return {}


@some.composite
def _photo_rule(draw: some.DrawFn) -> Json:
    if draw(_FLAG):
        return False
    least = draw(some.integers(0, 2))
    ends = {"min": some.just(least), "max": some.integers(max(least, 1), 10)}
    return draw(some_of({}, {**ends, "annotate": _FLAG}))


@some.composite
def steps(draw: some.DrawFn, place: str, earlier: list[Step], kind: str | None = None, dependent: bool = False) -> Step:
    """A valid step that may depend on `earlier` ones, and does if `dependent`; `place` makes its ids unique."""
    kind = kind or draw(_KIND)
    config = draw(_config(kind, place))
    step: Step = {"id": f"s-{place}{draw(_TAIL)}", "type": kind, "label": draw(words(500))}
    if config or draw(_FLAG):
        step["config"] = config
    optional = {"hint": words(2000), "required": _FLAG, "geo": _FLAG}
    if kind != "photo":
        optional["photo"] = _photo_rule()
    optional["flag"] = _flag({"config": {}, **step})
    if earlier:
        optional["condition"] = conditions(earlier)
    required = {"condition": optional.pop("condition")} if earlier and dependent else {}
    return {**step, **draw(some_of(required, optional))}


_OPERATORS = {
    **dict.fromkeys(("boolean", "choice", "barcode", "datetime"), ("eq", "neq")),
    **dict.fromkeys(("number", "rating"), ("eq", "neq", "gt", "lt", "gte", "lte")),
    **dict.fromkeys(("text", "multi_choice"), ("eq", "neq", "contains", "not_contains")),
}


@some.composite
def _comparison(draw: some.DrawFn, earlier: list[Step]) -> Json:
    step = draw(some.sampled_from(earlier))
    op = draw(some.sampled_from((*_OPERATORS.get(step["type"], ()), "answered", "skipped")))
    when: dict[str, Any] = {"step": step["id"], "op": op}
    if op not in ("answered", "skipped"):
        when["value"] = draw(_compared(step, op))
    return {"when": when}


def _compared(step: Step, op: str) -> some.SearchStrategy[Json]:
    if step["type"] == "multi_choice":
        options = some.sampled_from(_option_ids(step))
        return options if op in ("contains", "not_contains") else some.lists(options, unique=True)
    if step["type"] == "number":  # near the ends, where answers will be
        config = step.get("config", {})
        near = [one for end in ("min", "max") if (one := config.get(end)) is not None]
        return some.one_of(values(step), some.sampled_from(near)) if near else values(step)
    return values(step)


def conditions(earlier: list[Step]) -> some.SearchStrategy[Json]:
    """A valid condition over `earlier` steps (at least one): groups up to five deep, at most 50 comparisons."""
    return _rule(earlier, 5).filter(lambda rule: _size(rule) <= 50)


_OP = some.sampled_from(["and", "or"])
_FEW = some.integers(1, 3)


@some.composite
def _rule(draw: some.DrawFn, earlier: list[Step], deep: int) -> Json:
    if not deep or not draw(_FLAG):
        return draw(_comparison(earlier))
    op, rule = draw(_OP), _rule(earlier, deep - 1)
    return {"op": op, "rules": [draw(rule) for _ in range(draw(_FEW))]}


_OPS = some.permutations(("and", "or"))


@some.composite
def _flag(draw: some.DrawFn, step: Step) -> Json:
    """A flag on the step's own answer: one comparison, or a group with a group in it."""

    def own() -> Json:
        op = draw(some.sampled_from((*_OPERATORS.get(step["type"], ()), "answered")))
        return {"op": op} if op == "answered" else {"op": op, "value": draw(_compared(step, op))}

    when = own()
    if draw(_FLAG):
        ops = draw(_OPS)
        when = {"op": ops[0], "rules": [when, {"op": ops[1], "rules": [own(), own()]}]}
    return draw(some_of({"when": some.just(when)}, {"tell": words(500)}))


def _size(rule: Json) -> int:
    return sum(_size(one) for one in rule["rules"]) if "rules" in rule else 1


_LANGUAGES = ("es", "pt-BR", "zh-Hant", "de-CH-1996")
_SETTINGS = {
    **dict.fromkeys(("allow_skip", "signature_on_complete", "allow_unable", "allow_remarks", "voice"), some.booleans()),
    "est_minutes": some.integers(1, 10_000),
}
_EXECUTION = {
    "scope": some.sampled_from(["any", "first_device"]),
    "identity_required": some.sampled_from(["none", "name", "email", "phone"]),
}


@some.composite
def templates(
    draw: some.DrawFn, most_steps: int = 6, every_type: bool = False, dependent: bool = False
) -> dict[str, Any]:
    """A valid template in its normal form, with sections or without; `every_type` for one step of each at least,
    `dependent` for conditions on all steps but the first.
    """
    kinds = draw(some.permutations(TYPES)) if every_type else ()
    count = max(len(kinds), draw(some.integers(1, most_steps)))
    made: list[Step] = []
    for index in range(count):
        kind = kinds[index] if index < len(kinds) else None
        made.append(draw(steps(f"{index}_", made, kind, dependent)))  # 1_0 is never 10_
    optional = {
        "description": words(4000),
        "tags": some.lists(words(200), max_size=3),
        "settings": some_of({}, _SETTINGS),
        "execution": some_of({}, _EXECUTION),
        "sections": some.just(None),
    }
    template = draw(some_of({"name": words(200)}, optional))
    if "sections" in template:
        template["sections"] = draw(_sections(made))
    else:
        template["steps"] = made
    if draw(_FLAG):
        template["translations"] = draw(_translations(template))
    return template


@some.composite
def _sections(draw: some.DrawFn, made: list[Step]) -> list[dict[str, Any]]:
    cuts = sorted(draw(some.lists(some.integers(0, len(made)), max_size=2)))
    parts = [made[start:end] for start, end in zip([0, *cuts], [*cuts, len(made)], strict=True)]
    optional = {"description": words(4000)}
    return [
        {"id": f"g-{n}", **draw(some_of({"title": words(200)}, optional)), "steps": part}
        for n, part in enumerate(parts)
    ]


@some.composite
def _translations(draw: some.DrawFn, template: dict[str, Any]) -> Json:
    fields: dict[str, list[str]] = {"": ["name", "description"]}
    for step in steps_of(template):
        fields[step["id"]] = ["label", "hint", "tell"]
        fields.update({one: ["label"] for one in (*_option_ids(step), *slots_of(step))})
    for section in template.get("sections") or ():
        fields[section["id"]] = ["title", "description"]
    places = sorted((target, field) for target, names in fields.items() for field in names)
    said = some.dictionaries(some.sampled_from(places), words(200), max_size=3)
    made: dict[str, Any] = {}
    for language, texts in draw(some.dictionaries(some.sampled_from(_LANGUAGES), said, max_size=2)).items():
        made[language] = {}
        for (target, field), one in texts.items():
            made[language].setdefault(target, {})[field] = one
    return made


def steps_of(template: dict[str, Any]) -> list[Step]:
    """All steps in the order a person meets them."""
    inner = [step for section in template.get("sections") or () for step in section["steps"]]
    return [*(template.get("steps") or ()), *inner]


def _option_ids(step: Step) -> list[str]:
    return [option["id"] for option in step.get("config", {}).get("options", ())]


def slots_of(step: Step) -> list[str]:
    """The ids of a photo step's slots."""
    return [slot["id"] for slot in step.get("config", {}).get("slots", ())]


# --- answers ----------------------------------------------------------------------------------------------------


def values(step: Step) -> some.SearchStrategy[Json]:
    """Values the step takes, in their normal form; for conditions as well."""
    config = step.get("config", {})
    match step["type"]:
        case "boolean":
            return some.booleans()
        case "choice":
            return some.sampled_from(_option_ids(step))
        case "multi_choice":
            order = _option_ids(step)
            least, most = config.get("min_selected", 0), min(config.get("max_selected", 200), len(order))
            chosen = some.sets(some.sampled_from(order), min_size=least, max_size=most)
            return chosen.map(lambda some_of_them: [one for one in order if one in some_of_them])
        case "text":
            return words(config.get("max_length", 2000))
        case "barcode":
            return words(8000)
        case "number":
            least, most = config.get("min", -MAX_NUMBER), config.get("max", MAX_NUMBER)
            return _rounded(least, most, config["decimals"]) if "decimals" in config else numbers(least, most)
        case "rating":
            return some.integers(config.get("min", 1), config.get("max", 5))
        case "datetime":
            return days if config.get("mode", "date") == "date" else moments
        case _:
            return some.none()


def _rounded(least: float, most: float, decimals: int) -> some.SearchStrategy[int | float]:
    unit = Decimal(10) ** -decimals
    ends = math.ceil(Decimal(least) / unit), math.floor(Decimal(most) / unit)
    return some.integers(*ends).map(lambda count: float(count * unit)).filter(lambda one: least <= one <= most)


def photos_of(step: Step) -> tuple[int, int]:
    """(least, most) photos the step takes."""
    if slots := slots_of(step):
        return len(slots), len(slots)
    if step["type"] == "photo":
        config = step.get("config", {})
        return config.get("min", 1), config.get("max", 10)
    rule = step.get("photo", False)
    return (0, 0) if rule is False else (rule.get("min", 0), rule.get("max", 10))


@some.composite
def answers_for(draw: some.DrawFn, step: Step) -> dict[str, Any]:
    """A body for PUT …/steps/{id} that is right for the step: a value, and sometimes where and when; photos are left
    out, so that those count which have arrived.
    """
    optional = {"answer_id": some.uuids().map(str), "geo": some.one_of(some.none(), positions), "answered_at": moments}
    return draw(some_of({"value": values(step)}, optional))
