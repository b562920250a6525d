"""Progress of a run: its visible, done and missing steps."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from rundun.core import text
from rundun.core.json_types.base import MissingCode, ProgressJson
from rundun.core.runs import photo_list
from rundun.core.runs.answer import Answer
from rundun.core.templates import condition
from rundun.core.templates.condition import KnownStep
from rundun.core.templates.steps import StepBase, photo_limits, photo_slots

_NONE: Mapping[str, str | None] = {}
_EVIDENCE = ("photo", "signature", "instruction")  # types that count as answered only once they are done


@dataclass(slots=True)
class StepState:
    """The state of one step: `photos` are ids of the answer's photos that have arrived, in order; `waiting_for` ids of
    photos still to come, or `signature`; `flagged` tells whether the answer of a done step calls for attention;
    `empty_slots` are the ids of slots without a photo that counts.
    """

    step: StepBase
    answer: Answer | None
    visible: bool
    done: bool
    photos: tuple[str, ...]
    waiting_for: tuple[str, ...]
    flagged: bool = False
    empty_slots: tuple[str, ...] = ()

    @property
    def listed(self) -> tuple[str, ...]:
        """Return the ids of the answer's photos in order, also of those to come; without a list, of arrived ones."""
        if self.answer is None or self.answer.photos is None:
            return self.photos
        listed = [photo for photo in self.answer.photos if photo in self.photos or photo in self.waiting_for]
        return tuple(dict.fromkeys((*listed, *self.photos)))

    @property
    def calls_for_attention(self) -> bool:
        """Tell whether the step is visible, done, and flagged or closed as unable."""
        return self.flagged or (self.done and self.answer is not None and self.answer.unable is not None)


@dataclass(frozen=True, slots=True)
class MissingStep:
    """A step that keeps a run from being completed, with the reason; `slots` are the ids of slots without a photo."""

    step_id: str
    code: MissingCode
    detail: str
    slots: tuple[str, ...] = ()


class _Facts(dict[str, KnownStep]):
    """The status and value of each step for conditions, computed when a condition asks for it."""

    def __init__(self, step_states: Mapping[str, StepState]) -> None:
        self._step_states = step_states

    def __missing__(self, step_id: str) -> KnownStep:
        fact = self[step_id] = _known_step(self._step_states[step_id])
        return fact


def evaluate(
    steps: Sequence[StepBase],
    answers: Mapping[str, Answer],
    arrived: Mapping[str, Mapping[str, str | None]],
    undrawn: Mapping[str, Collection[str]] = MappingProxyType({}),
    *,
    before: Mapping[str, StepState] | None = None,
    answered: str = "",
) -> dict[str, StepState]:
    """Return the `StepState` of every step by step id. `arrived` has each step's photos in order of arrival, with their
    slots; `undrawn` has the photos on which others were drawn, which count only in a list without `left_out`; `before`
    has the states before the answer to step `answered` changed: other steps without a condition are taken from there.
    """
    step_states: dict[str, StepState] = {}
    known = _Facts(step_states)
    for step in steps:
        if before is not None and step.condition is None and step.id != answered:
            step_states[step.id] = before[step.id]
            continue
        visible = step.condition is None or condition.is_true(step.condition, known)
        stored = arrived.get(step.id, _NONE)
        here = tuple([photo for photo in stored if photo not in undrawn.get(step.id, ())]) if stored else ()
        step_state = _step_state(step, answers.get(step.id), stored, here, visible)
        step_states[step.id] = step_state
        if step.flag is not None and step_state.done and condition.is_true_of(step.flag.when, known[step.id]):
            step_states[step.id] = replace(step_state, flagged=True)
    return step_states


def _step_state(
    step: StepBase, answer: Answer | None, arrived: Mapping[str, str | None], here: tuple[str, ...], visible: bool
) -> StepState:
    """Return the `StepState` of a step, not yet `flagged`: its answer, whether it is done, its arrived photos, and what
    is still to come. `here` are the `arrived` photos that count unless the answer lists others.
    """
    if answer is None:
        return StepState(step, None, visible, False, here, (), empty_slots=_empty_slots(step, here, arrived))
    if answer.skipped:
        return StepState(step, answer, visible, visible, (), ())
    waiting: tuple[str, ...] = ()
    if answer.photos is not None:
        listed = answer.photos
        if answer.left_out is not None:
            listed = photo_list.counted_photos(listed, answer.left_out, here, arrived.keys() - set(here))
        here = tuple([photo for photo in listed if photo in arrived])
        waiting = tuple([photo for photo in listed if photo not in arrived])
    if answer.unable is not None:
        return StepState(step, answer, visible, visible, here, waiting)
    if step.type == "signature" and answer.signature is None:
        waiting = (*waiting, "signature")
    enough, empty = len(here) >= photo_limits(step)[0], _empty_slots(step, here, arrived)
    done = visible and enough and not waiting and not empty
    return StepState(step, answer, visible, done, here, waiting, empty_slots=empty)


def _empty_slots(step: StepBase, here: Sequence[str], arrived: Mapping[str, str | None]) -> tuple[str, ...]:
    if step.type != "photo":  # the common case: every record does this for each step
        return ()
    taken = {arrived[photo] for photo in here}
    return tuple([slot.id for slot in photo_slots(step) if slot.id not in taken])


def _known_step(step_state: StepState) -> KnownStep:
    answer = step_state.answer
    if not step_state.visible:
        return KnownStep("hidden")
    if answer is None:
        return KnownStep("untouched")
    if answer.skipped:
        return KnownStep("skipped")
    if answer.unable is not None:
        return KnownStep("unable")
    if step_state.step.type in _EVIDENCE and not step_state.done:
        return KnownStep("untouched")
    return KnownStep("answered", answer.value)


def count_progress(step_states: Mapping[str, StepState]) -> ProgressJson:
    """Return the wire's `progress`, a dict of counts of visible steps: `total`, and each done step in one of
    `answered`, `skipped` and `unable`.
    """
    counts: ProgressJson = {"total": 0, "answered": 0, "skipped": 0, "unable": 0}
    for step_state in step_states.values():
        counts["total"] += step_state.visible
        if step_state.done and step_state.answer is not None:
            counts[answer_kind(step_state.answer)] += 1
    return counts


def count_flagged(step_states: Mapping[str, StepState]) -> int:
    """Return the number of steps that call for attention."""
    return sum(one.calls_for_attention for one in step_states.values())


def answer_kind(answer: Answer) -> Literal["answered", "skipped", "unable"]:
    """Return the kind of an answer, which is the name of its count in a run's progress."""
    if answer.skipped:
        return "skipped"
    return "answered" if answer.unable is None else "unable"


def missing_steps(step_states: Mapping[str, StepState]) -> Iterator[MissingStep]:
    """Yield a `MissingStep` with code and sentence for each visible step that keeps a run from being completed: of
    steps not done, the required ones and those with photos or a signature to come.
    """
    for step_state in step_states.values():
        step = step_state.step
        if not step_state.visible or step_state.done:
            continue
        empty = step_state.empty_slots
        if step_state.answer is None:
            if step.required:
                detail = _slots_detail(step, empty) if empty else f"“{step.label}” is not answered yet."
                yield MissingStep(step.id, "missing_answer", detail, empty)
        elif "signature" in step_state.waiting_for:
            yield MissingStep(step.id, "missing_signature", f"“{step.label}” is not signed yet.")
        elif step.required or step_state.waiting_for:
            min_photos = photo_limits(step)[0]
            needed = text.count(max(min_photos - len(step_state.photos), len(step_state.waiting_for)), "photo")
            detail = _slots_detail(step, empty) if empty else f"“{step.label}” still needs {needed}."
            yield MissingStep(step.id, "missing_photos", detail, empty)


def _slots_detail(step: StepBase, empty: Sequence[str]) -> str:
    labels = [slot.label for slot in photo_slots(step) if slot.id in empty]
    return f"“{step.label}” still needs: {', '.join(labels)}."


def newly_done_steps(
    before: Mapping[str, StepState], after: Mapping[str, StepState], changed: Sequence[str] = ()
) -> list[StepState]:
    """List the states of the steps that became done, and of done steps among the `changed` ids, whose answer is new.
    Each becomes an event, in the template's order, so that causes come before effects.
    """
    return [now for step_id, now in after.items() if now.done and (step_id in changed or not before[step_id].done)]


def last_done_step(step_states: Mapping[str, StepState]) -> str | None:
    """Return the id of the visible step answered last, for `last_step_id`; None if no visible step is answered."""
    at = {step_id: state.answer.at for step_id, state in step_states.items() if state.visible and state.answer}
    return max(at, key=lambda step_id: at[step_id]) if at else None
