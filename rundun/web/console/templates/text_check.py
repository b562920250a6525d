"""Faults in the text of a template: each with its line and column."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json

from rundun.actions.templates import drafts, pictures as picture_actions, templates
from rundun.actions.templates.drafts import SentDraft
from rundun.core import json_positions
from rundun.core.json_positions import MalformedJson
from rundun.core.templates.faultless import without_faults
from rundun.core.templates.rules import MAX_ERRORS, raw_steps
from rundun.core.templates.template import MAXIMUM_BYTES
from rundun.errors import FieldError, FieldErrorCode, Invalid, Problem
from rundun.web import samples
from rundun.web.console.session import ConsoleCall

MAX_ROUNDS = 3  # of leaving out parts with faults: some faults are found only once others are gone
MAX_TEXT = 2 * MAXIMUM_BYTES  # characters: a template of maximum size, indented


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a text. `line` and `column` count from 1, `pointer` and `code` are None if the text is not JSON."""

    line: int
    column: int
    pointer: str | None
    detail: str
    code: FieldErrorCode | None = None


@dataclass(frozen=True, slots=True)
class CheckedText:
    """The result of checking a text: its faults, and the draft that it makes. That is None if the text is not a JSON
    object, over 512 KiB, or repeats a member.
    """

    text: str
    draft: SentDraft | None
    faults: tuple[Fault, ...]


def check(text: str) -> CheckedText:
    """Return a text with its faults as the API finds them, but for missing pictures."""
    if len(text) > MAX_TEXT:
        return CheckedText(text, None, (Fault(1, 1, "", "A template may have at most 512 KiB.", "too_long"),))
    try:
        draft = drafts.read_sent(text, json_positions.read(text))
    except MalformedJson as broken:
        return CheckedText(text, None, (Fault(broken.line, broken.column, None, str(broken)),))
    except Invalid as invalid:  # repeated members, or no object
        return CheckedText(text, None, locate(text, invalid.errors))
    except Problem as problem:  # too large
        return CheckedText(text, None, (Fault(1, 1, "", problem.detail, "too_long"),))
    return CheckedText(text, draft, locate(text, draft.template.errors))


def locate(text: str, errors: Iterable[FieldError]) -> tuple[Fault, ...]:
    """Return the `errors` of a JSON text as faults with line and column, sorted by position."""
    wrong = list(errors)
    if not wrong:  # locating takes most of the time of a check
        return ()
    positions = json_positions.positions(text, (error.pointer for error in wrong))
    starts = (json_positions.nearest_span(positions, error.pointer).start for error in wrong)
    located = [
        Fault(*json_positions.line_and_column(text, start), error.pointer, error.detail, error.code)
        for start, error in zip(starts, wrong, strict=True)
    ]
    return tuple(sorted(located, key=lambda fault: (fault.line, fault.column)))


def find_previewable(checked: CheckedText) -> tuple[bytes, tuple[str, ...]]:
    """Return the stored form of a text's template without the parts that have faults, empty bytes if none is left, and
    the labels of the steps left out.
    """
    if checked.draft is None:
        return b"", ()
    sent = checked.draft.template
    data = whole = from_json(checked.draft.text.body)
    for _ in range(MAX_ROUNDS):
        if sent.template is not None or len(sent.errors) >= MAX_ERRORS:
            break
        data = without_faults(data, sent.errors)
        sent = templates.read_sent(data)
    return (sent.body, _labels_left_out(whole, data)) if sent.template is not None else (b"", ())


def _labels_left_out(whole: Any, previewed: Any) -> tuple[str, ...]:
    kept = {id(step) for _, step in raw_steps(previewed)}
    missing = [step for _, step in raw_steps(whole) if id(step) not in kept]
    labels = (step.get("label") if isinstance(step, dict) else None for step in missing)
    return tuple(label if isinstance(label, str) else "" for label in labels)


async def check_with_pictures(call: ConsoleCall, text: str) -> CheckedText:
    """Return a text checked by `check` and for missing pictures. Those of samples are stored first; if the quota is
    used up, only publishing reports missing ones.
    """
    checked = await call.turns.run(check, text)
    if checked.draft is None or not checked.draft.text.picture_ids:
        return checked
    named = samples.select_pictures(checked.draft.text.picture_ids)
    try:
        await call.write(picture_actions.add_missing, named)
    except Problem as problem:
        if problem.code != "quota_exceeded":
            raise
        return checked
    errors = await call.read(drafts.list_errors, checked.draft.template)
    return replace(checked, faults=await call.turns.run(locate, text, errors))
