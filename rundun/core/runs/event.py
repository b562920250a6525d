"""Events: facts about a run, and the one serialiser that turns them into a webhook's body."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from rundun.core import times
from rundun.core.actor import NOBODY, OperatorRef
from rundun.core.json_types import events, runs
from rundun.core.runs import record
from rundun.core.runs.evidence import Evidence, answer_photos
from rundun.core.runs.flags import flags_json
from rundun.core.runs.job import NO_JOB, RunJob
from rundun.core.runs.progress import StepState
from rundun.core.runs.run import Run
from rundun.core.urls import Urls

EVENTS = ("step.completed", "step.skipped", "run.completed", "run.cancelled", "run.expired")
ON_REQUEST = ("run.started", "run.changed", "run.erased")  # sent only to webhooks that name them
TEST: Final = "webhook.test"  # sent on request, once, and never stored
MAX_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact about a run, before it has an id, a `seq` and a time."""

    event: str
    data: events.EventDataJson
    by: OperatorRef | None = None  # the operator who caused it; None for the executor


def _job_json(job: RunJob) -> events.JobJson:
    return {"title": job.title, "due_at": times.wire_or_none(job.due_at)}


def _data_json(run: Run) -> events.DataJson:
    """Return the data that all events of an open run have: `executor_ref`, and `job` with title and due time."""
    return {**record.reference_json(run), "job": _job_json(run.job)}


def run_started(run: Run) -> NewEvent:
    """Return the event of a run whose executor tapped Start."""
    return NewEvent("run.started", {**_data_json(run), "progress": run.progress})


def run_changed(run: Run, names: Sequence[events.Changed]) -> NewEvent:
    """Return the event of a run whose job was changed; `names` are the changed members of its record."""
    return NewEvent("run.changed", {**_data_json(run), "changed": list(names), "progress": run.progress})


def run_erased() -> NewEvent:
    """Return the event of a run that was erased; its only data is an `executor_ref` of None."""
    return NewEvent("run.erased", {"executor_ref": None})


def step_done(run: Run, step_state: StepState, evidence: Evidence, links: Urls) -> NewEvent:
    """Return the event of a step that became done or, done before, changed: `step.skipped`, else `step.completed`."""
    step, answer = step_state.step, step_state.answer
    assert answer is not None
    if answer.skipped:
        skipped: events.StepDataJson = {
            **_data_json(run),
            "step_id": step.id,
            "step_label": step.label,
            "step_type": step.type,
            "progress": run.progress,
        }
        return NewEvent("step.skipped", skipped)
    photos: list[events.PhotoSentJson] = [
        {
            "photo_index": index,
            "photo_id": photo.photo_id,
            "slot": photo.slot,
            "thumbnail": None,
            "url": links.media(photo.derived, "image/jpeg"),
        }
        for index, photo in enumerate(answer_photos(step_state, evidence))
    ]
    return NewEvent(
        "step.completed",
        {
            **_data_json(run),
            "step_id": step.id,
            "step_label": step.label,
            "step_type": step.type,
            "answer": record.value_json(step_state, evidence, links),
            "photos": photos,
            "geo": answer.geo,
            "unable": record.unable_json(step_state),
            "flagged": step_state.flagged,
            "progress": run.progress,
        },
    )


def run_closed(run: Run, step_states: Mapping[str, StepState], evidence: Evidence, links: Urls) -> NewEvent:
    """Return the closing event of a run that is already closed: `run.completed`, `run.cancelled` or `run.expired`."""
    answers: dict[str, events.AnsweredToldJson] = {
        # Retention has removed nothing yet from a run that ends just now.
        step_id: {**answer, "photos": _remove_originals(answer["photos"])}  # type: ignore[typeddict-unknown-key]
        for step_id, answer in record.answers_json(step_states, evidence, links).items()
    }
    remarks: dict[str, events.RemarkToldJson] = {
        step_id: {**remark, "photos": _remove_originals(remark["photos"])}  # type: ignore[typeddict-unknown-key]
        for step_id, remark in record.remarks_json(step_states, evidence, links).items()
    }
    job: events.JobClosedJson = {**_job_json(run.job), "fields": dict(run.job.fields)}
    flagged_steps = flags_json(step_states, evidence)
    cancellation = run.cancellation
    if run.status == "completed":
        return NewEvent(
            "run.completed",
            {
                **record.reference_json(run),
                "job": job,
                "answers": answers,
                "remarks": remarks,
                "flagged": run.flagged,
                "flags": flagged_steps,
                "signature": record.signature_json(run, evidence, links),
                "progress": run.progress,
                "late": run.is_late(run.closed_at or 0),
                "started_at": times.wire(run.started_at or 0),
                "completed_at": times.wire(run.closed_at or 0),
                "duration_seconds": run.duration_seconds or 0,
            },
        )
    if run.status == "cancelled":
        assert cancellation is not None
        return NewEvent(
            "run.cancelled",
            {
                **record.reference_json(run),
                "job": job,
                "answers": answers,
                "remarks": remarks,
                "flagged": run.flagged,
                "flags": flagged_steps,
                "last_step_id": cancellation.last_step_id,
                "reason": cancellation.reason,
                "cancelled_by": cancellation.by,
                "progress": run.progress,
            },
            cancellation.member,
        )
    return NewEvent(
        "run.expired",
        {
            **record.reference_json(run),
            "job": job,
            "expires_at": times.wire(run.expires_at or 0),
            "progress": run.progress,
            "answers": answers,
            "remarks": remarks,
            "flagged": run.flagged,
            "flags": flagged_steps,
        },
    )


def _remove_originals(photos: Sequence[runs.PhotoJson]) -> list[events.PhotoToldJson]:
    """Return photos without the URLs of the originals, which only the run's record has."""
    return [_remove_original(photo) for photo in photos]


def _remove_original(photo: runs.PhotoJson) -> events.PhotoToldJson:
    undrawn = photo["undrawn"]
    return {
        **photo,
        "original": _original_facts(photo["original"]),
        "undrawn": undrawn and {**undrawn, "original": _original_facts(undrawn["original"])},
    }


def _original_facts(original: runs.OriginalJson) -> runs.OriginalKeptJson:
    return {"content_type": original["content_type"], "bytes": original["bytes"], "sha256": original["sha256"]}


def envelope(run: Run, new_event: NewEvent, event_id: str, seq: int, at: int) -> events.EventJson:
    """Return an event at `at` (milliseconds) as it is stored: the wire's without `delivery_attempt` and thumbnails."""
    return {
        "event_id": event_id,
        "event": new_event.event,
        "run_id": run.run_id,
        "template_id": run.template_id,
        "template_v": run.template_v,
        "seq": seq,
        "ts": times.wire(at),
        "identity": new_event.by.as_json() if new_event.by else run.identity.as_json(run.assigned_to),
        "data": new_event.data,
    }


def without_thumbnails(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a stored event, a dict, for the feed, without thumbnails: its readers can fetch the photos."""
    data = stored["data"]
    if "photos" not in data:
        return dict(stored)
    photos = [{name: value for name, value in photo.items() if name != "thumbnail"} for photo in data["photos"]]
    return {**stored, "data": {**data, "photos": photos}}


def webhook_test_body(event_id: str, at: int) -> bytes:
    """Return the JSON body of a `webhook.test` at the time `at` (milliseconds): the usual envelope, without a run."""
    content: events.WebhookTestEventJson = {
        "event_id": event_id,
        "delivery_attempt": 1,
        "event": TEST,
        "run_id": None,
        "template_id": None,
        "template_v": None,
        "seq": None,
        "ts": times.wire(at),
        "identity": NOBODY.as_json(None),
        "data": {"executor_ref": None, "job": _job_json(NO_JOB)},
    }
    return to_json(content)


def body(stored: Mapping[str, Any], attempt: int, thumbnails: Mapping[str, bytes]) -> bytes:
    """Return the JSON body of one attempt at a `stored` event. `thumbnails` (by photo id) are added in base64; if the
    body would be larger than `MAX_BODY`, they are left out, and `thumbnails_omitted` is added.
    """
    wire = {"event_id": stored["event_id"], "delivery_attempt": attempt, **stored}
    if not thumbnails:
        return to_json(wire)
    photos = [
        {**photo, "thumbnail": base64.b64encode(thumbnails[photo["photo_id"]]).decode()}
        if photo["photo_id"] in thumbnails
        else photo
        for photo in stored["data"]["photos"]
    ]
    full = to_json({**wire, "data": {**stored["data"], "photos": photos}})
    if len(full) <= MAX_BODY:
        return full
    return to_json({**wire, "data": {**stored["data"], "thumbnails_omitted": True}})
