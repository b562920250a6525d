"""Where a run stands: which steps are visible, which are done, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rundun.core import condition
from rundun.core.answer import Answer
from rundun.core.condition import Fact
from rundun.core.template import StepBase, photo_limits

_EVIDENCE = ("photo", "signature", "instruction")  # types that count as answered only once they are done


@dataclass(frozen=True, slots=True)
class Standing:
    """One step now: `photos` are those of its answer that arrived, in order; `waiting_for` what is still to come."""

    step: StepBase
    answer: Answer | None
    visible: bool
    done: bool
    photos: tuple[str, ...]
    waiting_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a run cannot be completed yet."""

    step_id: str
    code: str
    detail: str


class _Facts(dict[str, Fact]):
    """What conditions ask of earlier steps, worked out when a condition asks."""

    def __init__(self, standings: Mapping[str, Standing]) -> None:
        self._standings = standings

    def __missing__(self, step_id: str) -> Fact:
        fact = self[step_id] = _fact(self._standings[step_id])
        return fact


def stand(
    steps: Sequence[StepBase],
    answers: Mapping[str, Answer],
    arrived: Mapping[str, Sequence[str]],
    *,
    before: Mapping[str, Standing] | None = None,
    answered: str = "",
) -> dict[str, Standing]:
    """How every step stands; `arrived` lists each step's photos in order of arrival. With `before`, how all stood until
    only the answer to the step `answered` changed, a step that no condition hides is not worked out again.
    """
    standings: dict[str, Standing] = {}
    facts = _Facts(standings)
    for step in steps:
        if before is not None and step.condition is None and step.id != answered:
            standings[step.id] = before[step.id]
            continue
        visible = step.condition is None or condition.holds(step.condition, facts)
        standings[step.id] = _stand_alone(
            step, answers.get(step.id), tuple(arrived.get(step.id, ())), visible
        )
    return standings


def _stand_alone(step: StepBase, answer: Answer | None, arrived: tuple[str, ...], visible: bool) -> Standing:
    if answer is None:
        return Standing(step, None, visible, False, arrived, ())
    if answer.skipped:
        return Standing(step, answer, visible, visible, (), ())
    here, waiting = arrived, tuple[str, ...]()
    if answer.photos is not None:
        here = tuple([photo for photo in answer.photos if photo in arrived])
        waiting = tuple([photo for photo in answer.photos if photo not in arrived])
    if answer.unable is not None:
        return Standing(step, answer, visible, visible, here, waiting)
    if step.type == "signature" and answer.signature is None:
        waiting = (*waiting, "signature")
    enough = len(here) >= photo_limits(step)[0]
    return Standing(step, answer, visible, visible and enough and not waiting, here, waiting)


def _fact(standing: Standing) -> Fact:
    answer = standing.answer
    if not standing.visible:
        return Fact("hidden")
    if answer is None:
        return Fact("untouched")
    if answer.skipped:
        return Fact("skipped")
    if answer.unable is not None:
        return Fact("unable")
    if standing.step.type in _EVIDENCE and not standing.done:
        return Fact("untouched")
    return Fact("answered", answer.value)


def tally(standings: Mapping[str, Standing]) -> dict[str, int]:
    """The wire's `progress`: visible steps, each done one counted once."""
    counts = {"total": 0, "answered": 0, "skipped": 0, "unable": 0}
    for standing in standings.values():
        counts["total"] += standing.visible
        if standing.done and standing.answer is not None:
            counts[kind_of(standing.answer)] += 1
    return counts


def kind_of(answer: Answer) -> str:
    """`answered`, `skipped` or `unable`."""
    if answer.skipped:
        return "skipped"
    return "answered" if answer.unable is None else "unable"


def missing(standings: Mapping[str, Standing]) -> Iterator[Missing]:
    """What keeps the run from being completed: required steps not done, and photos on their way for any step."""
    for standing in standings.values():
        step = standing.step
        if not standing.visible or standing.done:
            continue
        if standing.answer is None:
            if step.required:
                yield Missing(step.id, "missing_answer", f"“{step.label}” is not answered yet.")
        elif "signature" in standing.waiting_for:
            yield Missing(step.id, "missing_signature", f"“{step.label}” is not signed yet.")
        elif step.required or standing.waiting_for:
            least = photo_limits(step)[0]
            count = max(least - len(standing.photos), len(standing.waiting_for))
            yield Missing(step.id, "missing_photos", f"“{step.label}” still needs {count} photo(s).")


def newly_done(
    before: Mapping[str, Standing], after: Mapping[str, Standing], changed: Sequence[str] = ()
) -> list[Standing]:
    """Steps that became done, or that are done and say something else if `changed` names them, in the template's order,
    so that causes come before effects: each of them is an event.
    """
    return [
        now for step_id, now in after.items() if now.done and (step_id in changed or not before[step_id].done)
    ]


def last_done(standings: Mapping[str, Standing]) -> str | None:
    """The step answered last among those that count, for `last_step_id`."""
    at = {step_id: one.answer.at for step_id, one in standings.items() if one.visible and one.answer}
    return max(at, key=lambda step_id: at[step_id]) if at else None
