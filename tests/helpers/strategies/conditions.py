"""Conditions as templates say them, and answers for them to judge."""

from typing import Any

from rundun.core.runs import progress
from rundun.core.runs.answer import Answer
from rundun.core.templates.template import Template

ABSENT = object()


def when(step: str, op: str, value: Any = ABSENT) -> dict[str, Any]:
    """A comparison as a template says it."""
    return {"when": {"step": step, "op": op} | ({} if value is ABSENT else {"value": value})}


def answer(value: Any = None, **more: Any) -> Answer:
    """An answer as it is kept."""
    given = {"skipped": False, "unable": None, "photos": None, "geo": None, "signature": None, **more}
    return Answer(None, value, at=0, answered_at=None, by=None, **given)


def stood(template: Template, values: dict[str, Any], arrived: Any = None) -> dict[str, progress.StepState]:
    """How the steps stand with these values, or whole answers."""
    answers = {name: one if isinstance(one, Answer) else answer(one) for name, one in values.items()}
    return progress.evaluate(tuple(template.all_steps()), answers, with_slots(arrived or {}))


def with_slots(arrived: dict[str, Any]) -> dict[str, dict[str, str | None]]:
    """Photos that have arrived, by step: those listed by their ids alone were taken for no slot."""
    return {name: one if isinstance(one, dict) else dict.fromkeys(one) for name, one in arrived.items()}
