"""The record of a run as JSON, for `GET /v1/runs/{id}`, the executor's page and the events."""

from collections.abc import Mapping, Sequence
from typing import Any

from rundun.core import times
from rundun.core.json_types import execution, runs
from rundun.core.json_types.base import ReferenceJson, UnableJson
from rundun.core.runs import flags
from rundun.core.runs.evidence import Evidence, Photo, Signature, answer_photos, remark_photos
from rundun.core.runs.progress import StepState
from rundun.core.runs.remark import Remark
from rundun.core.runs.run import Run
from rundun.core.urls import Urls


def photo_receipt(photo: Photo, links: Urls) -> execution.ReceiptJson:
    """Return the receipt of a photo for the executor's phone, which may then delete its copy: a dict with id, slot,
    size, SHA-256, time of arrival, and paths of the derived pictures.
    """
    return {
        "photo_id": photo.photo_id,
        "slot": photo.slot,
        "bytes": photo.bytes,
        "sha256": photo.sha256,
        "received_at": times.wire(photo.received_at),
        "url": links.media_path(photo.derived, "image/jpeg"),
        "thumbnail_url": links.media_path(photo.thumbnail, "image/jpeg"),
        "width": photo.width,
        "height": photo.height,
        "annotated_from": photo.annotated_from,
    }


def signature_receipt(signature: Signature, links: Urls) -> execution.SignatureReceiptJson:
    """Return the receipt of a signature for the executor's phone, a dict: size, SHA-256, time of arrival and path."""
    return {
        "bytes": signature.bytes,
        "sha256": signature.sha256,
        "received_at": times.wire(signature.received_at),
        "url": links.media_path(signature.file, "image/png"),
    }


def photo_json(photo: Photo, index: int, links: Urls, stored: Mapping[str, Photo]) -> runs.PhotoJson:
    """Return a photo of a run's record as a dict; `undrawn`, of the step's `stored` ones, is the photo under its
    drawing or None. `index` is its place in the list.
    """
    undrawn = stored.get(photo.annotated_from or "")
    return {**_photo_json(photo, index, links), "undrawn": _photo_json(undrawn, index, links) if undrawn else None}


def _photo_json(photo: Photo, index: int, links: Urls) -> runs.UndrawnPhotoJson:
    return {
        "photo_id": photo.photo_id,
        "photo_index": index,
        "slot": photo.slot,
        "url": links.media(photo.derived, "image/jpeg"),
        "thumbnail_url": links.media(photo.thumbnail, "image/jpeg"),
        "content_type": "image/jpeg",
        "width": photo.width,
        "height": photo.height,
        "original": {
            "url": links.media(photo.original, photo.content_type),
            "content_type": photo.content_type,
            "bytes": photo.bytes,
            "sha256": photo.sha256,
        },
        "source": photo.source,
        "taken_at": times.wire_or_none(photo.taken_at),
        "taken_at_from": photo.taken_at_from,
        "annotated_from": photo.annotated_from,
        "received_at": times.wire(photo.received_at),
        "geo": photo.geo,
    }


def value_json(step_state: StepState, evidence: Evidence, links: Urls) -> Any:
    """Return the value of a step's answer, None without one; the value of a signature is the URL of its picture."""
    answer = step_state.answer
    if answer is None:
        return None
    if step_state.step.type == "signature" and answer.signature is not None:
        return links.media(evidence.signatures[answer.signature].file, "image/png")
    return answer.value


def unable_json(step_state: StepState) -> UnableJson | None:
    """Return the reason that a step could not be done as `{"reason": …}`, None for any other answer."""
    answer = step_state.answer
    return None if answer is None or answer.unable is None else {"reason": answer.unable}


def answers_json(step_states: Mapping[str, StepState], evidence: Evidence, links: Urls) -> dict[str, runs.AnsweredJson]:
    """Return the answers of visible steps as dicts by step id, skipped and unable ones included."""
    answers: dict[str, runs.AnsweredJson] = {}
    for step_id, step_state in step_states.items():
        answer = step_state.answer
        if not step_state.visible or answer is None:
            continue
        answers[step_id] = {
            "value": value_json(step_state, evidence, links),
            "at": times.wire(answer.at),
            "answered_at": times.wire_or_none(answer.answered_at),
            "by": answer.by,
            "skipped": answer.skipped,
            "unable": unable_json(step_state),
            "geo": answer.geo,
            "flagged": step_state.flagged,
            "photos": _photos_json(answer_photos(step_state, evidence), evidence.photos.get(step_id, {}), links)
            if step_state.photos  # few steps have any
            else [],
        }
        if removed := evidence.count_removed(step_id, step_state.photos):
            answers[step_id]["photos_removed"] = removed
    return answers


def remarks_json(step_states: Mapping[str, StepState], evidence: Evidence, links: Urls) -> dict[str, runs.RemarkJson]:
    """Return the remarks in force on visible steps as dicts by step id, without those taken back."""
    remarks: dict[str, runs.RemarkJson] = {}
    for step_id, remark in evidence.remarks.items():
        if not step_states[step_id].visible or remark.is_empty:
            continue
        photos = remark_photos(step_id, evidence)
        remarks[step_id] = {
            "remark_id": remark.remark_id,
            "text": remark.text,
            "photos": _photos_json(photos, evidence.remark_photos.get(step_id, {}), links),
            "at": times.wire(remark.at),
            "by": remark.by,
        }
        if removed := evidence.count_removed(step_id, remark.photos):
            remarks[step_id]["photos_removed"] = removed
    return remarks


def remark_state_json(remark: Remark) -> execution.RemarkStateJson:
    """Return a remark as a dict for the executor's page; `photos` has the ids of all, those still to come included."""
    return {
        "remark_id": remark.remark_id,
        "text": remark.text,
        "photos": list(remark.photos),
        "at": times.wire(remark.at),
        "by": remark.by,
    }


def _photos_json(listed: Sequence[Photo], stored: Mapping[str, Photo], links: Urls) -> list[runs.PhotoJson]:
    """Return the `listed` photos as dicts, in order; `stored` has the photos they were drawn on."""
    return [photo_json(photo, index, links, stored) for index, photo in enumerate(listed)]


def signature_json(run: Run, evidence: Evidence, links: Urls) -> runs.SignatureAnswerJson | None:
    """Return the signature that closed a run or, if it ended otherwise, the newest one given to close it: a dict with
    URL, typed name and time of arrival. None without one, and for an open run.
    """
    numbers = [number for number, row in evidence.signatures.items() if row.step_id == "" and run.is_closed]
    number = max(numbers, default=None) if run.signature is None else run.signature
    if number is None:
        return None
    signature = evidence.signatures[number]
    return {
        "url": links.media(signature.file, "image/png"),
        "typed_name": signature.typed_name,
        "received_at": times.wire(signature.received_at),
    }


def reference_json(run: Run) -> ReferenceJson:
    """Return the integrator's own reference of a run, as `{"executor_ref": …}`, for the record and for each event."""
    return {"executor_ref": run.executor_ref}


def _head_json(run: Run, links: Urls, now: int) -> runs.RunHeadJson:
    return {
        "run_id": run.run_id,
        "status": run.status,
        "late": run.is_late(now),
        "missed": run.is_missed,
        "flagged": run.flagged,
        "revision": run.revision,
        "template_id": run.template_id,
        "template_v": run.template_v,
        "link": links.run(run.run_id),
        **reference_json(run),
        "previous_run_id": run.previous_run_id,
        "title": run.job.title,
        "due_at": times.wire_or_none(run.job.due_at),
        "assigned_to": run.assigned_to,
        "language": run.language,
        "identity": run.identity.as_json(run.assigned_to),
        "created_at": times.wire(run.created_at),
        "updated_at": times.wire(run.updated_at),
        "started_at": times.wire_or_none(run.started_at),
        "completed_at": times.wire_or_none(run.closed_as("completed")),
        "cancelled_at": times.wire_or_none(run.closed_as("cancelled")),
        "expired_at": times.wire_or_none(run.closed_as("expired")),
        "expires_at": times.wire_or_none(run.expires_at),
        "duration_seconds": run.duration_seconds,
        "progress": run.progress,
        "clock_skew_seconds": run.clock_skew_seconds,
        "handled_at": times.wire_or_none(run.handled_at),
        "handled_note": run.handled_note,
    }


def _end_json(run: Run) -> runs.RunEndJson:
    end: runs.RunEndJson = {"cancellation": None, "webhook": None}
    if cancellation := run.cancellation:
        end["cancellation"] = {
            "by": cancellation.by,
            "reason": cancellation.reason,
            "at": times.wire(cancellation.at),
            "last_step_id": cancellation.last_step_id,
        }
    if webhook := run.webhook:  # the secret never comes back
        end["webhook"] = {"url": webhook.url, "events": list(webhook.events), "signed": webhook.secret is not None}
    return end


def run_json(run: Run, links: Urls, now: int) -> runs.RunListedJson:
    """Return a run as a dict for lists: without its template and answers, and with title and due time of its job."""
    return {**_head_json(run, links, now), **_end_json(run)}


def full_json(
    run: Run, step_states: Mapping[str, StepState], evidence: Evidence, links: Urls, now: int
) -> runs.RunSteeredJson:
    """Return a run's record, a dict, without its template, and without the secrets of its job."""
    return {
        **_head_json(run, links, now),
        "note": run.job.note,
        "fields": dict(run.job.fields),
        "prefill": dict(run.job.prefill),
        "answers": answers_json(step_states, evidence, links),
        "remarks": remarks_json(step_states, evidence, links),
        "flags": flags.flags_json(step_states, evidence),
        "signature": signature_json(run, evidence, links),
        **_end_json(run),
    }


def record_json(
    run: Run, step_states: Mapping[str, StepState], evidence: Evidence, links: Urls, now: int
) -> runs.RunSteeredJson:
    """Return a run's record, a dict, without its template, and with the secrets of an open run among its `fields`: for
    responses that are stored nowhere.
    """
    record = full_json(run, step_states, evidence, links, now)
    record["fields"] |= run.job.secrets
    return record


def run_brief_json(run: Run) -> execution.RunBriefJson:
    """Return the run's members in every response to a write of the executor: status, expiry, progress, revision."""
    return {
        "status": run.status,
        "expires_at": times.wire_or_none(run.expires_at),
        "progress": run.progress,
        "revision": run.revision,
    }


def run_state_json(run: Run, now: int) -> execution.RunStateJson:
    """Return the run as a dict for the executor's page, without its steps and job."""
    return {
        "run_id": run.run_id,
        "late": run.is_late(now),
        "created_at": times.wire(run.created_at),
        "started_at": times.wire_or_none(run.started_at),
        "closed_at": times.wire_or_none(run.closed_at),
        "language": run.language,
        "assigned_to": run.assigned_to,
        "identity": run.identity.as_json(run.assigned_to),
        **run_brief_json(run),
    }


def step_json(step_state: StepState, evidence: Evidence, links: Urls) -> execution.StepStateJson:
    """Return the state of a step, hidden or not, as a dict for the executor's page, shorter without an answer."""
    answer = step_state.answer
    if answer is None:
        return {"answer_id": None, "visible": step_state.visible, "done": False, "flagged": False, "waiting_for": []}
    listed = step_state.listed
    return {
        "answer_id": answer.answer_id,
        "value": value_json(step_state, evidence, links),
        "skipped": answer.skipped,
        "unable": unable_json(step_state),
        "at": times.wire(answer.at),
        "answered_at": times.wire_or_none(answer.answered_at),
        "geo": answer.geo,
        "photos": list(listed),
        "visible": step_state.visible,
        "done": step_state.done,
        "flagged": step_state.flagged,
        "waiting_for": list(step_state.waiting_for),
    }
