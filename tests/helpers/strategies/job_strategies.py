"""What hypothesis makes of runs' jobs: fields of templates, right values for them, and mistakes at known places."""

from typing import Any, get_args

from hypothesis import strategies as some

from rundun.core.json_types.base import FieldKind
from tests.helpers.strategies.plain_strategies import days, numbers, some_of, words
from tests.helpers.strategies.strategies import steps_of, templates, values

Json = Any
NOT_PREFILLED = ("photo", "signature", "instruction")
LAST_YEAR, IN_A_DAY = "2025-01-01T00:00:00Z", "2026-01-02T00:00:00Z"  # beside the clock of the tests, 2026-01-01


@some.composite
def job_fields(draw: some.DrawFn) -> list[dict[str, Any]]:
    """Valid fields of a template in their normal form."""
    optional = {"required": some.booleans(), "show": some.sampled_from(["start", "job", "office"])}
    kinds = draw(some.lists(some.sampled_from(get_args(FieldKind)), max_size=8))
    return [
        {"id": f"f-{n}", **draw(some_of({"label": words(200), "kind": some.just(kind)}, optional))}
        for n, kind in enumerate(kinds)
    ]


def field_values(kind: str) -> some.SearchStrategy[Json]:
    """Values that a field takes, in their normal form."""
    match kind:
        case "number":
            return numbers()
        case "date":
            return days
        case "phone":
            return some.from_regex(r"\A\+?[0-9][0-9 ()./-]{1,20}[0-9][0-9]\Z")
        case "email":
            return some.from_regex(r"\A[a-zA-Z0-9.+]{1,60}@[a-z0-9-]{1,60}\.[a-z]{2,9}\Z")
        case "url":
            return some.from_regex(r"\Ahttps?://[a-z0-9.]{1,60}(:[0-9]{1,4})?(/[!-~]{0,200})?\Z")
        case _:
            return words(500)


def _wrong_values(kind: str) -> some.SearchStrategy[Json]:
    texts = some.sampled_from([5, True, [], {}, "", " ", "a\0b", "x" * 2001])
    if kind == "number":
        return some.sampled_from(["5", True, [], 2**53])
    return (
        some.one_of(texts, some.sampled_from(["no such thing"])) if kind not in ("text", "address", "secret") else texts
    )


@some.composite
def dispatches(draw: some.DrawFn) -> tuple[Json, Json, list[str]]:
    """A template with fields, a body for its dispatch (without `template_id`), and the places of its mistakes, which
    may be none.
    """
    template = {**draw(templates()), "fields": draw(job_fields())}
    fields = {field["id"]: field for field in template["fields"]}
    steps = {step["id"]: step for step in steps_of(template)}
    given = [name for name, one in fields.items() if one.get("required") or draw(some.booleans())]
    told = [name for name, one in steps.items() if one["type"] not in NOT_PREFILLED and draw(some.booleans())]
    body: dict[str, Any] = draw(
        some_of(
            {},
            {
                "title": words(200).filter(lambda one: len(one.splitlines()) == 1),
                "note": words(4000),
                "due_at": some.just(IN_A_DAY),
                "expires_in_hours": some.sampled_from([24, 8760, None]),
            },
        )
    )
    body["fields"] = {name: draw(field_values(fields[name]["kind"])) for name in given}
    body["prefill"] = {name: draw(values(steps[name])) for name in told}
    mistakes: dict[str, tuple[Json, ...]] = {
        "/title": ("a\nb", "", "x" * 201, 5),
        "/note": ("x" * 4001, ["x"]),
        "/due_at": (LAST_YEAR, "9999-12-31T00:00:00Z", "soon", 5),
        "/prefill/s-no": (True,),
        "/fields/f-no": ("x", None),
        "/colour": ("red",),
    }
    mistakes |= {f"/prefill/{name}": ({},) for name in steps}
    wrong = {f"/fields/{name}": _wrong_values(one["kind"]) for name, one in fields.items()}
    planted = draw(some.lists(some.sampled_from([*mistakes, *wrong]), max_size=5, unique=True))
    for place in planted:
        *way, name = place.split("/")[1:]
        inner = body[way[0]] if way else body
        if way == ["fields"] and fields.get(name, {}).get("required") and draw(some.booleans()):
            del inner[name]
        else:
            inner[name] = draw(wrong[place] if place in wrong else some.sampled_from(mistakes[place]))
    return template, body, sorted(planted)
