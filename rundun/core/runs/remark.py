"""Remarks: what an executor notes on a step, answered or not, beside its answer."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pydantic_core import to_json

from rundun.core import text
from rundun.core.runs.progress import MissingStep, StepState
from rundun.errors import FieldError, Problem

MAX_TEXT = 2000  # characters
MAX_PHOTOS = 10
MAX_TOGETHER = 1024 * 1024  # bytes of JSON that the remarks in force of one run may take
SHORT = 1000  # bytes of JSON: remarks up to this are always taken, and 500 steps have no more than 500 KB of them


@dataclass(slots=True)
class Remark:
    """The remark in force on one step: `photos` are listed in order, also those still to come; `at` is the server's
    clock in milliseconds. One without text and photos was taken back.
    """

    remark_id: str
    text: str
    photos: tuple[str, ...]
    at: int
    by: str | None

    def content(self) -> tuple[str, tuple[str, ...]]:
        """Return what makes two remarks equal, however often they are sent."""
        return self.text, self.photos

    @property
    def is_empty(self) -> bool:
        """Tell whether the remark says nothing: it was taken back."""
        return not self.text and not self.photos


def require_room(remarks: Mapping[str, Remark], step_id: str, new: Remark) -> None:
    """Refuse a long remark with which a run's remarks in force would take more than `MAX_TOGETHER`, with `too_large`.
    One that is no longer than the remark it replaces is taken.
    """
    size = _size([new])
    if size <= SHORT:
        return
    others = [remark for noted, remark in remarks.items() if noted != step_id]
    if size + _size(others) <= MAX_TOGETHER or (step_id in remarks and size <= _size([remarks[step_id]])):
        return
    detail = "The remarks of this run take up all the room they have; this one has to be shorter."
    raise Problem("too_large", detail, [FieldError("/text", "too_long", detail)])


def _size(remarks: Collection[Remark]) -> int:
    return len(to_json([remark.text for remark in remarks]))


def missing_photos(
    step_states: Mapping[str, StepState], remarks: Mapping[str, Remark], arrived: Mapping[str, Collection[str]]
) -> Iterator[MissingStep]:
    """List visible steps whose remark has photos on their way, which keep a run from being completed; `arrived` are the
    photos of remarks by step.
    """
    for step_id, remark in remarks.items():
        count = len(set(remark.photos) - set(arrived.get(step_id, ())))
        if count and step_states[step_id].visible:
            label = step_states[step_id].step.label
            yield MissingStep(
                step_id, "missing_photos", f"The remark on “{label}” still needs {text.count(count, 'photo')}."
            )
