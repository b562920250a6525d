"""What happened to a run, in order: the events it told, and the evidence that came in beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rundun.actions.watching import Watched
from rundun.core import times
from rundun.core.answer import Answer
from rundun.store.events import Told


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, on the server's clock and, where it came from a phone, on the phone's; `reason` is why
    a step could not be done.
    """

    word: str
    at: int
    phone_at: int | None = None
    label: str | None = None
    who: str | None = None
    reason: str | None = None


def moments(watched: Watched) -> list[Moment]:
    """All that happened, the first thing first."""
    return [Moment("moment_created", watched.sheet.run.created_at), *_told(watched)]


def _told(watched: Watched) -> Iterator[Moment]:
    run, answers = watched.sheet.run, _answers(watched)
    for told in watched.events:
        at = times.parse(told.at) or 0
        phone_at = None
        if told.step_id is not None:
            before = [one for one in answers[told.step_id] if one.at < at + times.SECOND]
            phone_at = before[-1].answered_at if before else None
        if told.event == f"run.{run.status}" and run.closed_at is not None:
            at = run.closed_at
        who = told.identity.get("name") if told.identity.get("mode") == "member" else None
        yield Moment(_word(told), at, phone_at, told.step_label, who, told.unable)


def _word(told: Told) -> str:
    """The event's; a step that could not be done is told by the event of one that was."""
    return "moment_step_unable" if told.unable else "moment_" + told.event.replace(".", "_")


def _answers(watched: Watched) -> Mapping[str, Sequence[Answer]]:
    """All answers of each step, the oldest first."""
    sheet = watched.sheet
    return {
        step.id: sorted(
            [
                *watched.replaced.get(step.id, ()),
                *([sheet.answers[step.id]] if step.id in sheet.answers else []),
            ],
            key=lambda one: one.at,
        )
        for step in sheet.version.steps
    }
