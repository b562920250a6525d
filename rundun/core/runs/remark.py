"""Remarks: an executor's notes on a step, answered or not, beside its answer."""

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
    """The remark in force on one step: `photos` are ids in order, those still to come included; `at` is the server's
    time in milliseconds. A remark without text and photos was taken back.
    """

    remark_id: str
    text: str
    photos: tuple[str, ...]
    at: int
    by: str | None

    def content(self) -> tuple[str, tuple[str, ...]]:
        """Return text and photo ids, which are equal in two remarks of the same content; id and time may differ."""
        return self.text, self.photos

    @property
    def is_empty(self) -> bool:
        """Tell whether the remark is empty, that is, taken back."""
        return not self.text and not self.photos


def check_total_size(remarks: Mapping[str, Remark], step_id: str, new: Remark) -> None:
    """Raise `too_large` if with the `new` remark a run's remarks in force would take more than `MAX_TOGETHER`. Short
    remarks, and remarks no longer than the one they replace, are always taken.
    """
    size = _size([new])
    if size <= SHORT:
        return
    others = [remark for noted, remark in remarks.items() if noted != step_id]
    if size + _size(others) <= MAX_TOGETHER or (step_id in remarks and size <= _size([remarks[step_id]])):
        return
    detail = "The remarks of a run may take 1 MiB together; this one has to be shorter."
    raise Problem("too_large", detail, [FieldError("/text", "too_long", detail)])


def _size(remarks: Collection[Remark]) -> int:
    return len(to_json([remark.text for remark in remarks]))


def missing_photos(
    step_states: Mapping[str, StepState], remarks: Mapping[str, Remark], arrived: Mapping[str, Collection[str]]
) -> Iterator[MissingStep]:
    """Yield a `MissingStep` for each visible step whose remark has photos still to come, which keeps a run from being
    completed; `arrived` are the ids of remarks' photos by step.
    """
    for step_id, remark in remarks.items():
        count = len(set(remark.photos) - set(arrived.get(step_id, ())))
        if count and step_states[step_id].visible:
            label = step_states[step_id].step.label
            yield MissingStep(
                step_id, "missing_photos", f"The remark on “{label}” still needs {text.count(count, 'photo')}."
            )
