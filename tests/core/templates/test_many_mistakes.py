"""Templates with very many mistakes: pydantic finds and lists all of them in two calls, which hold the interpreter."""

import gc
from typing import Any

import pytest
from pydantic import ValidationError

from rundun.core.templates import rules
from rundun.core.templates.template import Template
from rundun.core.validation import ErrorLimit
from rundun.errors import Invalid
from tests.helpers.strategies.wrong_templates import of
from tests.helpers.templates import step

MANY = {str(number): 0 for number in range(20_000)}


def nested(depth: int) -> dict[str, Any]:
    return {"op": "and", "rules": [nested(depth - 1)] * 30} if depth else {}


WRONG = {
    "unknown members": {**of(step()), **MANY},
    "unknown members of a step": of({**step(), **MANY}),
    "unknown members of steps": of(*[{**step(), **MANY}] * 20),
    "unknown members of fields": {**of(step()), "fields": [MANY] * 30},
    "sections": {"name": "x", "sections": [{"title": "x", "steps": [{"type": "x"}] * 200}] * 100},
    "options": of(*[step("choice", config={"options": [0] * 200})] * 100),
    "conditions": of(step(condition=nested(3))),
    "own conditions": of(step(flag={"when": nested(3)})),
    "languages": {**of(step()), "translations": MANY},
    "languages' names": {**of(step()), "translations": {name: {} for name in MANY}},
    "translated parts": {**of(step()), "translations": {"de": MANY}},
    "translated texts": {**of(step()), "translations": {"de": {"": MANY}}},
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG)
def test_not_many_more_are_looked_for_than_are_told(data: Any) -> None:
    with pytest.raises(ValidationError) as all_of_them:
        Template.model_validate(data)
    with pytest.raises(ValidationError) as found:
        Template.model_validate(data, context=ErrorLimit(rules.MAX_ERRORS))
    assert found.value.error_count() < rules.MAX_ERRORS + 500
    told = found.value.errors(include_url=False)[: rules.MAX_ERRORS]
    assert told == all_of_them.value.errors(include_url=False)[: len(told)], "the first ones"


def test_nothing_is_kept_of_a_refused_template() -> None:
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(Invalid):
            rules.read_template(WRONG["options"], lambda prefix: f"{prefix}1")
        assert not [one for one in gc.get_objects() if isinstance(one, ValidationError)]
    finally:
        gc.enable()
