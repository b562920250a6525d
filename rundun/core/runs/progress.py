"""Progress of a run: which steps are visible, which are done, what is missing."""

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
    """One step now: `photos` are those of its answer that arrived, in order; `waiting_for` what is still to come;
    `flagged` whether its answer calls for attention, which only that of a step that is done does; `empty_slots` the ids
    of the slots of which no photo has arrived that counts.
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
        """The photos of its answer in order, also those still to come."""
        if self.answer is None or self.answer.photos is None:
            return self.photos
        listed = [photo for photo in self.answer.photos if photo in self.photos or photo in self.waiting_for]
        return tuple(dict.fromkeys((*listed, *self.photos)))


@dataclass(frozen=True, slots=True)
class MissingStep:
    """A step that keeps a run from being completed, and why; `slots` the ids of those without their photo."""

    step_id: str
    code: MissingCode
    detail: str
    slots: tuple[str, ...] = ()


class _Facts(dict[str, KnownStep]):
    """What conditions ask of earlier steps, worked out when a condition asks."""

    def __init__(self, step_states: Mapping[str, StepState]) -> None:
        self._step_states = step_states

    def __missing__(self, step_id: str) -> KnownStep:
        fact = self[step_id] = _known(self._step_states[step_id])
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
    """Work out the state of every step; `arrived` has each step's photos in order of arrival, with the slot each was
    taken for, `undrawn` those of them that others were drawn on, which count only where an answer lists them. With
    `before`, the states until only the answer to the step `answered` changed, a step that no condition hides is not
    worked out again.
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
    """Work out the state of a step, `here` those of the photos `arrived` that count unless its answer lists others."""
    if answer is None:
        return StepState(step, None, visible, False, here, (), empty_slots=_empty_slots(step, here, arrived))
    if answer.skipped:
        return StepState(step, answer, visible, visible, (), ())
    waiting: tuple[str, ...] = ()
    if answer.photos is not None:
        listed = answer.photos
        if answer.left_out is not None:
            listed = photo_list.counted(listed, answer.left_out, here, arrived.keys() - set(here))
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
    if step.type != "photo":  # as most are: a record asks this of each step
        return ()
    taken = {arrived[photo] for photo in here}
    return tuple([slot.id for slot in photo_slots(step) if slot.id not in taken])


def _known(step_state: StepState) -> KnownStep:
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
    """Count the wire's `progress`: visible steps, each done one counted once."""
    counts: ProgressJson = {"total": 0, "answered": 0, "skipped": 0, "unable": 0}
    for step_state in step_states.values():
        counts["total"] += step_state.visible
        if step_state.done and step_state.answer is not None:
            counts[kind_of(step_state.answer)] += 1
    return counts


def count_flagged(step_states: Mapping[str, StepState]) -> int:
    """Count the steps that call for attention: visible and done, and flagged or closed as unable."""
    return sum(
        one.flagged or (one.done and one.answer is not None and one.answer.unable is not None)
        for one in step_states.values()
    )


def kind_of(answer: Answer) -> Literal["answered", "skipped", "unable"]:
    """Return which kind an answer is: `answered`, `skipped` or `unable`."""
    if answer.skipped:
        return "skipped"
    return "answered" if answer.unable is None else "unable"


def missing(step_states: Mapping[str, StepState]) -> Iterator[MissingStep]:
    """List what keeps a run from being completed: required steps not done, and photos on their way for any step."""
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


def newly_done(
    before: Mapping[str, StepState], after: Mapping[str, StepState], changed: Sequence[str] = ()
) -> list[StepState]:
    """List steps that became done, or that are done and say something else if `changed` names them, in the template's
    order, so that causes come before effects: each of them is an event.
    """
    return [now for step_id, now in after.items() if now.done and (step_id in changed or not before[step_id].done)]


def last_done(step_states: Mapping[str, StepState]) -> str | None:
    """Return the visible step answered last, for `last_step_id`; None where none is answered."""
    at = {step_id: state.answer.at for step_id, state in step_states.items() if state.visible and state.answer}
    return max(at, key=lambda step_id: at[step_id]) if at else None
