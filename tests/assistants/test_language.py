"""The template language as an assistant is told it has everything there is, and its example is valid."""

import json
import re
import uuid
from pathlib import Path
from typing import get_args

import pytest

import rundun.mcp.template_language as told
from rundun.core import template
from rundun.core.condition import When
from rundun.core.steps import Flag, Step, StepBase
from rundun.core.template_rules import read_template
from rundun.core.translation_rules import MAX_LENGTHS
from rundun.mcp.tools import TOOLS

BRIEF = (Path(told.__file__).parent / "template_language.md").read_text("utf-8")
MODELS = [template.Template, template.Section, template.Settings, template.Execution, template.JobField, StepBase, Flag]
TYPES = {get_args(step.model_fields["type"].annotation)[0]: step for step in get_args(get_args(Step)[0])}
UNTOLD = {"voice", "pictures"}  # changes nothing yet; is uploaded, which no tool does


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


def test_every_word_to_choose_is_told() -> None:
    words = [*get_args(template.FieldKind), *get_args(When.model_fields["op"].annotation)]
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
    example = told.brief().rpartition("\n")[2]
    assert read_template(json.loads(example), made_id).name == "Van return"
    for text in re.findall(r"```json\n(.*?)```", told.guide(), re.DOTALL):
        assert read_template(json.loads(text), made_id)


def test_whoever_lists_the_tools_reads_it() -> None:
    assert told.brief() in TOOLS["check_template"].description
