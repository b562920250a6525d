"""What happened to a run, in order: the events it told, the evidence that came in, and what no event tells of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rundun.actions.runs import RunDetail
from rundun.core import times
from rundun.core.answer import Answer
from rundun.store.events import EventSummary


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, on the server's clock and, where it came from a phone, on the phone's. `by` is what
    somebody is to the run, where it was not the executor; `reason` why a step could not be done; `expiry` when the run
    would have expired and when it does now.
    """

    word: str
    at: int
    phone_at: int | None = None
    label: str | None = None
    who: str | None = None
    reason: str | None = None
    by: str | None = None
    expiry: tuple[int | None, int | None] | None = None


def moments(watched: RunDetail) -> list[Moment]:
    """All that happened, the first thing first."""
    created = Moment("moment_created", watched.state.run.created_at)
    return sorted([created, *_came_in(watched), *_done(watched), *_told(watched)], key=_place)


def _place(moment: Moment) -> tuple[int, int]:
    """Where it belongs. Events know the second alone: within it a start comes first, and evidence before the step that
    it made complete.
    """
    if moment.word in ("moment_created", "moment_run_started"):
        place = 0
    elif moment.word.startswith("moment_run_"):
        place = 3
    else:
        place = 2 if moment.word.startswith("moment_step_") else 1
    return moment.at // times.SECOND, place


def _came_in(watched: RunDetail) -> Iterator[Moment]:
    """Photos and signatures that are stored."""
    evidence, labels = watched.state.evidence, _labels(watched)
    for step_id, photos in evidence.photos.items():
        for photo in photos.values():
            yield Moment("moment_photo", photo.received_at, photo.taken_at, labels.get(step_id))
    for one in evidence.signatures.values():
        word = "moment_signature" if one.step_id else "moment_closing_signature"
        yield Moment(word, one.received_at, label=labels.get(one.step_id), who=one.typed_name)


def _done(watched: RunDetail) -> Iterator[Moment]:
    """What was done to the run beside its events; of a photo that was deleted also that it had come."""
    labels = _labels(watched)
    for change in watched.changes:
        details = change.details
        label = labels.get(details.get("step_id", ""))
        if change.what == "photo_deleted":
            yield Moment("moment_photo", details["received_at"], details["taken_at"], label)
        by = None if change.actor.by == "executor" else change.actor.by
        expiry = (details["before"], details["after"]) if change.what == "extended" else None
        word = f"moment_{change.what}"
        yield Moment(word, change.at, label=label, who=change.actor.name, by=by, expiry=expiry)


def _labels(watched: RunDetail) -> Mapping[str, str]:
    return {step.id: step.label for step in watched.state.version.steps}


def _told(watched: RunDetail) -> Iterator[Moment]:
    run, answers = watched.state.run, _answers(watched)
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


def _word(told: EventSummary) -> str:
    """The event's; a step that could not be done is told by the event of one that was."""
    return "moment_step_unable" if told.unable else "moment_" + told.event.replace(".", "_")


def _answers(watched: RunDetail) -> Mapping[str, Sequence[Answer]]:
    """All answers of each step, the oldest first."""
    state = watched.state
    return {
        step.id: sorted(
            [
                *watched.replaced.get(step.id, ()),
                *([state.answers[step.id]] if step.id in state.answers else []),
            ],
            key=lambda one: one.at,
        )
        for step in state.version.steps
    }
