"""Events: facts about a run, and the one serialiser that turns them into a webhook's body."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from rundun.core import run_json, times
from rundun.core.json_types.events import (
    AnsweredToldJson,
    EventDataJson,
    EventJson,
    PhotoSentJson,
    PhotoToldJson,
    StepDataJson,
    WebhookTestEventJson,
)
from rundun.core.json_types.runs import AnsweredJson, OriginalKeptJson, PhotoJson
from rundun.core.progress import StepState
from rundun.core.run import Identity, OperatorRef, Run
from rundun.core.run_json import Evidence
from rundun.core.urls import Urls

EVENTS = ("step.completed", "step.skipped", "run.completed", "run.cancelled", "run.expired")
ON_REQUEST = ("run.started",)  # sent only to webhooks that name it
TEST: Final = "webhook.test"  # sent on request, once, and never kept
MAX_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened to a run, before it has an id, a `seq` and a time."""

    event: str
    data: EventDataJson
    by: OperatorRef | None = None  # who did it, where it was not the executor


def started(run: Run) -> NewEvent:
    """The executor tapped Start."""
    return NewEvent("run.started", {"executor_ref": run.executor_ref, "progress": run.progress})


def step_done(run: Run, step_state: StepState, evidence: Evidence, links: Urls) -> NewEvent:
    """A step became done, or a done one changed."""
    step, answer = step_state.step, step_state.answer
    assert answer is not None
    if answer.skipped:
        skipped: StepDataJson = {
            "executor_ref": run.executor_ref,
            "step_id": step.id,
            "step_label": step.label,
            "step_type": step.type,
            "progress": run.progress,
        }
        return NewEvent("step.skipped", skipped)
    photos: list[PhotoSentJson] = [
        {
            "photo_index": index,
            "photo_id": photo.photo_id,
            "thumbnail": None,
            "url": links.media(photo.derived, "image/jpeg"),
        }
        for index, photo in enumerate(run_json.photos_of(step_state, evidence))
    ]
    return NewEvent(
        "step.completed",
        {
            "executor_ref": run.executor_ref,
            "step_id": step.id,
            "step_label": step.label,
            "step_type": step.type,
            "answer": run_json.value_json(step_state, evidence, links),
            "photos": photos,
            "geo": answer.geo.as_json() if answer.geo else None,
            "unable": run_json.unable_json(step_state),
            "progress": run.progress,
        },
    )


def closed(run: Run, step_states: Mapping[str, StepState], evidence: Evidence, links: Urls) -> NewEvent:
    """The run's one terminal event; `run` is already closed."""
    answers = _without_originals(run_json.answers_json(step_states, evidence, links))
    cancellation = run.cancellation
    if run.status == "completed":
        return NewEvent(
            "run.completed",
            {
                "executor_ref": run.executor_ref,
                "answers": answers,
                "signature": run_json.signature_json(run, evidence, links),
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
                "executor_ref": run.executor_ref,
                "answers": answers,
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
            "executor_ref": run.executor_ref,
            "expires_at": times.wire(run.expires_at or 0),
            "progress": run.progress,
            "answers": answers,
        },
    )


def _without_originals(answers: Mapping[str, AnsweredJson]) -> dict[str, AnsweredToldJson]:
    """`answers` without the addresses of original photos, which stand on the run alone."""
    return {
        step_id: {**answer, "photos": [_without_original(photo) for photo in answer["photos"]]}
        for step_id, answer in answers.items()
    }


def _without_original(photo: PhotoJson) -> PhotoToldJson:
    original = photo["original"]
    kept: OriginalKeptJson = {
        "content_type": original["content_type"],
        "bytes": original["bytes"],
        "sha256": original["sha256"],
    }
    return {**photo, "original": kept}


def envelope(run: Run, new_event: NewEvent, event_id: str, seq: int, at: int) -> EventJson:
    """The event as it is kept: all of the wire's envelope but `delivery_attempt` and the thumbnails."""
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


def without_thumbnails(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The event as it is fetched: there the photos are a request away."""
    data = kept["data"]
    if "photos" not in data:
        return dict(kept)
    photos = [{name: value for name, value in one.items() if name != "thumbnail"} for one in data["photos"]]
    return {**kept, "data": {**data, "photos": photos}}


def trial_body(event_id: str, at: int) -> bytes:
    """The bytes of `webhook.test`, which nothing has happened for: it is in the envelope of all, and names no run."""
    content: WebhookTestEventJson = {
        "event_id": event_id,
        "delivery_attempt": 1,
        "event": TEST,
        "run_id": None,
        "template_id": None,
        "template_v": None,
        "seq": None,
        "ts": times.wire(at),
        "identity": Identity().as_json(None),
        "data": {"executor_ref": None},
    }
    return to_json(content)


def body(kept: Mapping[str, Any], attempt: int, thumbnails: Mapping[str, bytes]) -> bytes:
    """The bytes of one attempt; `thumbnails` by photo id, left out with a word when the body grows too large."""
    wire = {"event_id": kept["event_id"], "delivery_attempt": attempt, **kept}
    if not thumbnails:
        return to_json(wire)
    photos = [
        {**photo, "thumbnail": base64.b64encode(thumbnails[photo["photo_id"]]).decode()}
        if photo["photo_id"] in thumbnails
        else photo
        for photo in kept["data"]["photos"]
    ]
    full = to_json({**wire, "data": {**kept["data"], "photos": photos}})
    if len(full) <= MAX_BODY:
        return full
    return to_json({**wire, "data": {**kept["data"], "thumbnails_omitted": True}})
