"""What happened to a run, in order: the events it told, the evidence that came in, and what no event tells of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rundun.actions.runs import RunDetail
from rundun.core import times
from rundun.core.answer import Answer
from rundun.store.events import EventSummary


@dataclass(frozen=True, slots=True)
class HistoryEntry:
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


def history(detail: RunDetail) -> list[HistoryEntry]:
    """All that happened, the first thing first."""
    created = HistoryEntry("moment_created", detail.state.run.created_at)
    return sorted([created, *_came_in(detail), *_done(detail), *_told(detail)], key=_sort_key)


def _sort_key(entry: HistoryEntry) -> tuple[int, int]:
    """Where it belongs. Events know the second alone: within it a start comes first, and evidence before the step that
    it made complete.
    """
    if entry.word in ("moment_created", "moment_run_started"):
        place = 0
    elif entry.word.startswith("moment_run_"):
        place = 3
    else:
        place = 2 if entry.word.startswith("moment_step_") else 1
    return entry.at // times.SECOND, place


def _came_in(detail: RunDetail) -> Iterator[HistoryEntry]:
    """Photos and signatures that are stored."""
    evidence, labels = detail.state.evidence, _labels(detail)
    for step_id, photos in evidence.photos.items():
        for photo in photos.values():
            yield HistoryEntry("moment_photo", photo.received_at, photo.taken_at, labels.get(step_id))
    for one in evidence.signatures.values():
        word = "moment_signature" if one.step_id else "moment_closing_signature"
        yield HistoryEntry(word, one.received_at, label=labels.get(one.step_id), who=one.typed_name)


def _done(detail: RunDetail) -> Iterator[HistoryEntry]:
    """What was done to the run beside its events; of a photo that was deleted also that it had come."""
    labels = _labels(detail)
    for change in detail.changes:
        details = change.details
        label = labels.get(details.get("step_id", ""))
        if change.what == "photo_deleted":
            yield HistoryEntry("moment_photo", details["received_at"], details["taken_at"], label)
        by = None if change.actor.by == "executor" else change.actor.by
        expiry = (details["before"], details["after"]) if change.what == "extended" else None
        word = f"moment_{change.what}"
        yield HistoryEntry(word, change.at, label=label, who=change.actor.name, by=by, expiry=expiry)


def _labels(detail: RunDetail) -> Mapping[str, str]:
    return {step.id: step.label for step in detail.state.version.steps}


def _told(detail: RunDetail) -> Iterator[HistoryEntry]:
    run, answers = detail.state.run, _answers(detail)
    for told in detail.events:
        at = times.parse(told.at) or 0
        phone_at = None
        if told.step_id is not None:
            before = [one for one in answers[told.step_id] if one.at < at + times.SECOND]
            phone_at = before[-1].answered_at if before else None
        if told.event == f"run.{run.status}" and run.closed_at is not None:
            at = run.closed_at
        who = told.identity.get("name") if told.identity.get("mode") == "member" else None
        yield HistoryEntry(_word(told), at, phone_at, told.step_label, who, told.unable)


def _word(told: EventSummary) -> str:
    """The event's; a step that could not be done is told by the event of one that was."""
    return "moment_step_unable" if told.unable else "moment_" + told.event.replace(".", "_")


def _answers(detail: RunDetail) -> Mapping[str, Sequence[Answer]]:
    """All answers of each step, the oldest first."""
    state = detail.state
    return {
        step.id: sorted(
            [
                *detail.replaced.get(step.id, ()),
                *([state.answers[step.id]] if step.id in state.answers else []),
            ],
            key=lambda one: one.at,
        )
        for step in state.version.steps
    }
