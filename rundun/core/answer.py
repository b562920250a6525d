"""Answers: what each step type takes, and what one answer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rundun.core import text, times
from rundun.core.json_types.base import PositionJson
from rundun.core.template import (
    MAX_OPTIONS,
    BarcodeStep,
    ChoiceStep,
    DatetimeStep,
    MultiChoiceStep,
    NumberStep,
    RatingStep,
    StepBase,
    TextStep,
)
from rundun.errors import FieldError, Invalid, PlaceCode

MAX_BARCODE = 8000  # a QR code holds at most 7,089 digits


@dataclass(frozen=True, slots=True)
class Position:
    """Where: degrees WGS 84 and metres."""

    lat: float
    lng: float
    accuracy: float | None

    def as_json(self) -> PositionJson:
        """The wire form."""
        return {"lat": self.lat, "lng": self.lng, "accuracy": self.accuracy}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer in force for one step.

    `photos` is the list that came with it, None when the ones that have arrived count; `signature` the number of the
    stored picture; `at` the server's clock and `answered_at` the phone's, both in milliseconds.
    """

    answer_id: str | None
    value: Any
    skipped: bool
    unable: str | None
    photos: tuple[str, ...] | None
    geo: Position | None
    signature: int | None
    at: int
    answered_at: int | None
    by: str | None

    def content(self) -> tuple[Any, ...]:
        """What makes two answers equal, however often they are sent."""
        return self.value, self.skipped, self.unable, self.photos, self.geo, self.signature


def read_value(step: StepBase, value: Any, pointer: str = "/value") -> Any:
    """`value` in its one normal form for `step`; raises `Invalid` naming `pointer`."""
    return _READERS[step.type](step, value, pointer)


def _refuse(pointer: str, code: PlaceCode, detail: str) -> Invalid:
    return Invalid([FieldError(pointer, code, detail)])


def _boolean(_: StepBase, value: Any, pointer: str) -> bool:
    if not isinstance(value, bool):
        raise _refuse(pointer, "wrong_type", "must be true or false")
    return value


def _choice(step: StepBase, value: Any, pointer: str) -> str:
    assert isinstance(step, ChoiceStep)
    if not isinstance(value, str):
        raise _refuse(pointer, "wrong_type", "must be the id of an option")
    if value not in [option.id for option in step.config.options]:
        raise _refuse(pointer, "unknown_reference", "is no option of this step")
    return value


def _multi_choice(step: StepBase, value: Any, pointer: str) -> list[str]:
    assert isinstance(step, MultiChoiceStep)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _refuse(pointer, "wrong_type", "must be an array of option ids")
    order = [option.id for option in step.config.options]
    if len(value) > MAX_OPTIONS:  # each is compared with all before it, and a body can hold 250,000
        raise _refuse(pointer, "too_long", f"has {len(value)} entries, there are {len(order)} options")
    wrong = [
        FieldError(f"{pointer}/{index}", "unknown_reference", "is no option of this step")
        if one not in order
        else FieldError(f"{pointer}/{index}", "duplicate", "is there twice")
        for index, one in enumerate(value)
        if one not in order or one in value[:index]
    ]
    if wrong:
        raise Invalid(wrong)
    if len(value) < step.config.min_selected:
        raise _refuse(pointer, "too_short", f"needs at least {step.config.min_selected} options")
    if step.config.max_selected is not None and len(value) > step.config.max_selected:
        raise _refuse(pointer, "too_long", f"may have at most {step.config.max_selected} options")
    return [one for one in order if one in value]


def _words(value: Any, pointer: str, longest: int) -> str:
    if not isinstance(value, str):
        raise _refuse(pointer, "wrong_type", "must be a string")
    try:
        kept = text.clean(value)
    except ValueError as error:
        raise _refuse(pointer, "bad_format", str(error)) from None
    if not kept:
        raise _refuse(pointer, "too_short", "must not be empty")
    if "\0" in kept:
        raise _refuse(pointer, "bad_format", "must not hold the character U+0000")
    if len(kept) > longest:
        raise _refuse(pointer, "too_long", f"has {len(kept)} characters, {longest} are allowed")
    return kept


def _text(step: StepBase, value: Any, pointer: str) -> str:
    assert isinstance(step, TextStep)
    return _words(value, pointer, step.config.max_length)


def _barcode(step: StepBase, value: Any, pointer: str) -> str:
    assert isinstance(step, BarcodeStep)
    return _words(value, pointer, MAX_BARCODE)


def _number(step: StepBase, value: Any, pointer: str) -> int | float:
    assert isinstance(step, NumberStep)
    kept = text.number(value)
    if kept is None:
        raise _refuse(pointer, "wrong_type", "must be a finite number of at most 2^53−1")
    least, most, decimals = step.config.min, step.config.max, step.config.decimals
    if least is not None and kept < least:
        raise _refuse(pointer, "out_of_range", f"must be at least {least}")
    if most is not None and kept > most:
        raise _refuse(pointer, "out_of_range", f"must be at most {most}")
    if decimals is not None and _digits_after_point(kept) > decimals:
        raise _refuse(pointer, "bad_format", f"may have at most {decimals} digits after the point")
    return kept


def _digits_after_point(value: int | float) -> int:
    exponent = Decimal(repr(value)).as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _rating(step: StepBase, value: Any, pointer: str) -> int:
    assert isinstance(step, RatingStep)
    kept = text.integer(value)
    if kept is None:
        raise _refuse(pointer, "wrong_type", "must be a whole number")
    if not step.config.min <= kept <= step.config.max:
        raise _refuse(pointer, "out_of_range", f"must be from {step.config.min} to {step.config.max}")
    return kept


def _nothing(step: StepBase, value: Any, pointer: str) -> None:
    if value is not None:
        raise _refuse(pointer, "wrong_type", f"must be null: a step of type {step.type} has no value of its own")


def _datetime(step: StepBase, value: Any, pointer: str) -> str:
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
    "boolean": _boolean,
    "choice": _choice,
    "multi_choice": _multi_choice,
    "text": _text,
    "number": _number,
    "rating": _rating,
    "photo": _nothing,
    "signature": _nothing,
    "instruction": _nothing,
    "barcode": _barcode,
    "datetime": _datetime,
}
