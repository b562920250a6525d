"""The template language as an assistant is told it has everything there is, and its example is valid."""

import json
import re
import uuid
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, TypeAdapter

import rundun.mcp.template_language as told
from rundun.core.json_types import base
from rundun.core.runs.answer import read_value
from rundun.core.templates import condition, steps, template
from rundun.core.templates.condition import KnownStep, When
from rundun.core.templates.rules import read_template
from rundun.core.templates.steps import Flag, Step, StepBase
from rundun.core.templates.translation_rules import MAX_LENGTHS
from rundun.mcp.tools import TOOLS

BRIEF = (Path(told.__file__).parent / "template_language.md").read_text("utf-8")
MODELS = [template.Template, template.Section, template.Settings, template.Execution, template.JobField, StepBase, Flag]
TYPES = {get_args(step.model_fields["type"].annotation)[0]: step for step in get_args(get_args(Step)[0])}
WORDS = " ".join(BRIEF.split())
UNTOLD = {"voice", "pictures"}  # changes nothing yet; is uploaded, which no tool does
OWN = TypeAdapter[condition.OwnComparison | condition.OwnGroup](condition.OwnCondition)
SHOWN_IF = TypeAdapter[condition.Comparison | condition.Group](condition.Condition)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_told(model: type[template.StrictModel]) -> None:
    assert {name for name in model.model_fields if not re.search(rf'[`"]{name}["`?]', BRIEF)} - UNTOLD == set()


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_told_with_its_config(name: str) -> None:
    (line,) = re.findall(rf"^\* {name}: (.*(?:\n  .*)*)", BRIEF, re.MULTILINE)
    fields = TYPES[name].model_fields["config"].annotation.model_fields
    assert set(fields) <= set(re.findall(r"`(\w+)`", line))
    assert set(re.findall(r"`(\w+)`", line)) <= set(fields)
    assert name in told.STEP_TYPES


def untold_defaults(model: type[BaseModel], words: str) -> list[str]:
    """Fields whose default is not told behind their name: as `name` (default) or "name": default."""
    defaults = {name: field.default for name, field in model.model_fields.items() if name not in UNTOLD}
    return [
        name
        for name, default in defaults.items()
        if isinstance(default, bool | int | str)
        if not re.search(rf'[`"]{name}[`"](?: \(|: ){json.dumps(default)}[,;:) }}]', words)
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_default_is_told(model: type[template.StrictModel]) -> None:
    assert untold_defaults(model, WORDS) == []


def test_every_default_of_a_config_is_told() -> None:
    for name, step in TYPES.items():
        (line,) = re.findall(rf"^\* {name}: (.*(?:\n  .*)*)", BRIEF, re.MULTILINE)
        assert untold_defaults(step.model_fields["config"].annotation, " ".join(line.split())) == [], name
    (beside,) = re.findall(r"`photo` on a step of any other type .*?`({.*?})`", WORDS)
    assert json.loads(beside) == steps.PhotoRule().model_dump()
    (formats,) = re.findall(r"`formats` \(all: (.*?)\)", WORDS)
    assert json.loads(f"[{formats}]") == list(steps.BARCODE_FORMATS) == steps.BarcodeConfig().formats


def test_every_limit_is_told() -> None:
    (limits,) = re.findall(r"Limits: (.*)", WORDS)
    for most, what in [
        (template.MAX_SECTIONS, "sections"),
        (template.MAX_STEPS, "steps"),
        (steps.MAX_OPTIONS, "options a step"),
        (template.MAX_FIELDS, "fields"),
        (template.MAXIMUM_BYTES // 1024, "KiB"),
        (condition.MAX_DEPTH, "groups deep"),
        (template.MAX_COMPARISONS_OF_STEP, "comparisons a condition or flag"),
        (template.MAX_COMPARISONS, "in all"),
    ]:
        assert f"{most} {what}" in limits
    assert f"at most {steps.MAX_SLOTS}, one named shot each" in WORDS


def test_what_holds_without_an_answer_is_told() -> None:
    def holding(status: condition.StepStatus) -> set[str]:
        """The operators that hold on a step with this status, whatever they compare with."""
        rules = {op: When(step="s-a", op=op, value="x") for op in get_args(When.model_fields["op"].annotation)}
        known = {"s-a": KnownStep(status)}
        return {op for op, when in rules.items() if condition.is_true(condition.Comparison(when=when), known)}

    (told_of,) = re.findall(
        r"On an untouched step nothing holds; on one that is hidden, skipped or closed .*? only (.*?)\.", WORDS
    )
    absent, after_skip = (set(re.findall(r"`(\w+)`", part)) for part in told_of.split(", and "))
    assert "after Skip" in told_of
    assert holding("untouched") == set()
    assert holding("hidden") == holding("unable") == absent
    assert holding("skipped") == absent | after_skip


def test_its_conditions_and_flags_are_valid() -> None:
    groups = 0
    for example in re.findall(r"`({\"(?:when|op)\".*})`", BRIEF):
        rule = json.loads(example)
        own = "step" not in example
        groups += "rules" in example
        if own:
            OWN.validate_python(Flag.model_validate(rule).when.model_dump())
        else:
            SHOWN_IF.validate_python(rule)
    assert groups == 2


def test_nothing_ticked_can_be_an_answer_and_be_flagged() -> None:
    step = steps.MultiChoiceStep.model_validate(
        {"id": "s-a", "type": "multi_choice", "label": "?", "config": {"options": [{"id": "o-a", "label": "A"}]}}
    )
    nothing = KnownStep("answered", read_value(step, []))
    for rule in ({"op": "eq", "value": []}, {"op": "not_contains", "value": "o-a"}, {"op": "answered"}):
        assert condition.is_true_of(OWN.validate_python(rule), nothing), rule


def test_every_word_to_choose_is_told() -> None:
    words = [*get_args(base.FieldKind), *get_args(When.model_fields["op"].annotation)]
    for model, field in [
        (template.Execution, "scope"),
        (template.Execution, "identity_required"),
        (template.JobField, "show"),
    ]:
        words += get_args(model.model_fields[field].annotation)
    assert [word for word in words if not re.search(rf'[`"]{word}[`"]', BRIEF)] == []


def test_everything_that_can_be_translated_is_told() -> None:
    (part,) = re.findall(r"^Of the template (.*?)\n\n", BRIEF, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", part)) == {name for words in MAX_LENGTHS.values() for name in words}


def made_id(prefix: str) -> str:
    return prefix + uuid.uuid4().hex[:12]


def test_its_examples_are_valid() -> None:
    example = told.short_guide().rpartition("\n")[2]
    assert read_template(json.loads(example), made_id).name == "Van return"
    for text in re.findall(r"```json\n(.*?)```", told.full_guide(), re.DOTALL):
        assert read_template(json.loads(text), made_id)


def test_whoever_lists_the_tools_reads_it() -> None:
    assert told.short_guide() in TOOLS["check_template"].description


def test_what_is_told_of_an_argument_is_one_line() -> None:
    fields = [field for tool in TOOLS.values() for field in tool.arguments.model_fields.values()]
    assert [field.description for field in fields if "\n" in (field.description or "\n")] == []
