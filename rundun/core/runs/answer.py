"""Answers: one answer of a step, and the values that each step type accepts."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError, to_json

from rundun.core import text, times, validation
from rundun.core.json_types.base import PositionJson
from rundun.core.templates.steps import (
    MAX_OPTIONS,
    ChoiceStep,
    DatetimeStep,
    MultiChoiceStep,
    NumberStep,
    RatingStep,
    StepBase,
    TextStep,
)
from rundun.errors import FieldError, FieldErrorCode, Invalid, Problem

# A QR code holds at most 7,089 digits.
MAX_BARCODE = 8000
MAX_TOGETHER = 4 * 1024 * 1024  # bytes of JSON that the answers in force of one run may take
SHORT = 1000  # bytes of JSON: answers up to this are always taken, and 500 steps have no more than 500 KB of them


@dataclass(slots=True)
class Answer:
    """The answer in force for one step. `photos` is its list of photo ids; None if all photos that have arrived count.
    With `left_out`, arrived photos count in addition to the list, except these (photo_list.py). `signature` is the
    number of the stored picture; `at` is the server's time and `answered_at` the phone's, both in milliseconds.
    """

    answer_id: str | None
    value: Any
    skipped: bool
    unable: str | None
    photos: tuple[str, ...] | None
    geo: PositionJson | None
    signature: int | None
    at: int
    answered_at: int | None
    by: str | None
    left_out: tuple[str, ...] | None = None

    def statement(self) -> tuple[Any, bool, str | None]:
        """Return the value of the answer, whether the step was skipped, and the reason why it could not be done."""
        return self.value, self.skipped, self.unable

    def content(self) -> tuple[Any, ...]:
        """Return the members that are equal in two answers of the same content: those of `statement`, the ids of photos
        and of those left out, position, signature. Ids and times of the answer are not among them.
        """
        return *self.statement(), self.photos, self.left_out, self.geo, self.signature

    @property
    def takes_arrivals(self) -> bool:
        """Tell whether photos that the answer neither lists nor leaves out count for it when they arrive."""
        return self.photos is None or self.left_out is not None


def check_total_size(answers: Mapping[str, Answer], step_id: str, new: Answer) -> None:
    """Raise `too_large` if with the `new` answer a run's answers in force would take more than `MAX_TOGETHER`. Short
    answers, and answers no longer than the one they replace, are always taken.
    """
    size = _size([new])
    if size <= SHORT:
        return
    others = [answer for answered, answer in answers.items() if answered != step_id]
    if size + _size(others) <= MAX_TOGETHER or (step_id in answers and size <= _size([answers[step_id]])):
        return
    detail = "The answers of a run may take 4 MiB together; this one has to be shorter."
    pointer = "/value" if new.unable is None else "/unable/reason"
    raise Problem("too_large", detail, [FieldError(pointer, "too_long", detail)])


def _size(answers: Collection[Answer]) -> int:
    """Return the size, in bytes of JSON, of the values and reasons of answers."""
    return len(to_json([(answer.value, answer.unable) for answer in answers]))


def read_value(step: StepBase, value: Any, pointer: str = "/value") -> Any:
    """Return a step's value in its normal form, by type: a bool; an option's id, or a list of them in the step's order;
    a text, trimmed and in NFC, also for barcode; a day, or a time in UTC cut to the second, as text; a number, a whole
    one as int; None for photo, signature and instruction. Raise `Invalid` with `pointer` if the step refuses it.
    """
    return _READERS[step.type](step, value, pointer)


def _refuse(pointer: str, code: FieldErrorCode, detail: str) -> Invalid:
    return Invalid([FieldError(pointer, code, detail)])


def _read_boolean(_: StepBase, value: Any, pointer: str) -> bool:
    if not isinstance(value, bool):
        raise _refuse(pointer, "wrong_type", "must be true or false")
    return value


def _read_choice(step: StepBase, value: Any, pointer: str) -> str:
    assert isinstance(step, ChoiceStep)
    if not isinstance(value, str):
        raise _refuse(pointer, "wrong_type", "must be the id of an option")
    if value not in [option.id for option in step.config.options]:
        raise _refuse(pointer, "unknown_reference", "is no option of this step")
    return value


def _read_multi_choice(step: StepBase, value: Any, pointer: str) -> list[str]:
    assert isinstance(step, MultiChoiceStep)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise _refuse(pointer, "wrong_type", "must be an array of option ids")
    order = [option.id for option in step.config.options]
    if len(value) > MAX_OPTIONS:  # each is compared with all before it, and a body can hold 250,000
        raise _refuse(pointer, "too_long", f"has {len(value)} entries, there are {len(order)} options")
    wrong = [
        FieldError(f"{pointer}/{index}", "unknown_reference", "is no option of this step")
        if entry not in order
        else FieldError(f"{pointer}/{index}", "duplicate", "is there twice")
        for index, entry in enumerate(value)
        if entry not in order or entry in value[:index]
    ]
    if wrong:
        raise Invalid(wrong)
    if len(value) < step.config.min_selected:
        raise _refuse(pointer, "too_short", f"needs at least {step.config.min_selected} options")
    if step.config.max_selected is not None and len(value) > step.config.max_selected:
        raise _refuse(pointer, "too_long", f"may have at most {step.config.max_selected} options")
    return [option_id for option_id in order if option_id in value]


def _check(check: Callable[[Any], Any], value: Any, pointer: str) -> Any:
    """Return the result of `check(value)`, a model's check; raise `Invalid` with `pointer` if it fails."""
    try:
        return check(value)
    except PydanticCustomError as error:
        wrong = error.context or {}
        raise _refuse(pointer, wrong["code"], wrong["detail"]) from None


def _clean_text(value: Any, pointer: str, max_length: int) -> Any:
    if not isinstance(value, str):
        raise _refuse(pointer, "wrong_type", "must be a string")
    return _check(validation.Text(max_length).check, value, pointer)


def _read_text(step: StepBase, value: Any, pointer: str) -> Any:
    assert isinstance(step, TextStep)
    if step.config.case == "upper":
        value = text.capitals(_clean_text(value, pointer, step.config.max_length))
    return _clean_text(value, pointer, step.config.max_length)


def _read_barcode(_: StepBase, value: Any, pointer: str) -> Any:
    return _clean_text(value, pointer, MAX_BARCODE)


def _read_number(step: StepBase, value: Any, pointer: str) -> Any:
    assert isinstance(step, NumberStep)
    number = _check(validation.number, value, pointer)
    minimum, maximum, decimals = step.config.min, step.config.max, step.config.decimals
    if minimum is not None and number < minimum:
        raise _refuse(pointer, "out_of_range", f"must be at least {minimum}")
    if maximum is not None and number > maximum:
        raise _refuse(pointer, "out_of_range", f"must be at most {maximum}")
    if decimals is not None and number != round(number, decimals):
        raise _refuse(pointer, "bad_format", f"may have at most {decimals} digits after the point")
    return number


def _read_rating(step: StepBase, value: Any, pointer: str) -> Any:
    assert isinstance(step, RatingStep)
    return _check(validation.Integer(step.config.min, step.config.max).check, value, pointer)


def _require_none(step: StepBase, value: Any, pointer: str) -> None:
    if value is not None:
        raise _refuse(pointer, "wrong_type", f"must be null: a step of type {step.type} has no value of its own")


def _read_datetime(step: StepBase, value: Any, pointer: str) -> str:
    assert isinstance(step, DatetimeStep)
    if not isinstance(value, str):
        raise _refuse(pointer, "wrong_type", "must be a string")
    if step.config.mode == "date":
        if not times.is_date(value):
            raise _refuse(pointer, "bad_format", "must be a day of the calendar, YYYY-MM-DD")
        return value
    at = times.parse(value)
    if at is None:
        raise _refuse(pointer, "bad_format", "must be an RFC 3339 time such as 2026-01-31T09:00:00Z")
    return times.wire(at)


_READERS: Mapping[str, Callable[[StepBase, Any, str], Any]] = {
    "boolean": _read_boolean,
    "choice": _read_choice,
    "multi_choice": _read_multi_choice,
    "text": _read_text,
    "number": _read_number,
    "rating": _read_rating,
    "photo": _require_none,
    "signature": _require_none,
    "instruction": _require_none,
    "barcode": _read_barcode,
    "datetime": _read_datetime,
}
