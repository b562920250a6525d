"""Events, as webhooks receive them and as the feed returns them."""

from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.base import By, ReferenceJson
from rundun.core.json_types.runs import (
    AnsweredBaseJson,
    FlaggedStepJson,
    OriginalKeptJson,
    PhotoBaseJson,
    RemarkBaseJson,
    SignatureAnswerJson,
)


class PhotoFetchedJson(TypedDict):
    """A photo of the answer."""

    photo_index: base.Count
    """Its position in the answer, from 0."""
    photo_id: base.PhotoId
    """The photo's id, made by the phone."""
    slot: str | None
    """The id of the step's slot that it was taken for; null = none."""
    url: base.Url
    """The URL of the derived JPEG."""


class PhotoSentJson(PhotoFetchedJson):
    """A photo of the answer, with its thumbnail."""

    thumbnail: str | None
    """A JPEG of at most 320 px in base64; null where it was left out."""


class UndrawnToldJson(PhotoBaseJson):
    """A photo before it was drawn on, without the original's URL."""

    original: OriginalKeptJson
    """Type, size and digest of the original."""


class PhotoToldJson(UndrawnToldJson):
    """A photo as on the run, without the original's URL."""

    undrawn: UndrawnToldJson | None
    """The photo without the drawing, once that has arrived."""


class AnsweredToldJson(AnsweredBaseJson):
    """An answer as on the run."""

    photos: list[PhotoToldJson]
    """As on the run, without the originals' URLs."""


class RemarkToldJson(RemarkBaseJson):
    """A remark as on the run."""

    photos: list[PhotoToldJson]
    """As on the run, without the originals' URLs."""


Changed = Literal["title", "note", "due_at", "fields", "executor_ref", "expires_at"]


class JobJson(TypedDict):
    """The job of a run: its title and due time."""

    title: str | None
    """The title, which the executor reads first."""
    due_at: base.At | None
    """When it should be done."""


class JobClosedJson(JobJson):
    """The job of a closed run, with the values of its template's fields."""

    fields: dict[str, base.Value]
    """Values by the ids of the fields, without secrets."""


class DataJson(ReferenceJson):
    """The data that most events have."""

    job: JobJson
    """The run's job at the time of the event."""


class RunStartedDataJson(DataJson):
    """Start was tapped."""

    progress: base.ProgressJson
    """The run's progress."""


class RunErasedDataJson(TypedDict):
    """The run and all data in it were erased."""

    executor_ref: base.NoText
    """Always null, as it was erased."""


class RunChangedDataJson(DataJson):
    """The job of an open run was changed."""

    changed: list[Changed]
    """The names of the changed members of the run's record; read their values there."""
    progress: base.ProgressJson
    """The run's progress."""


class StepDataJson(DataJson):
    """The data of an event about a step."""

    step_id: base.StepId
    """The step's id."""
    step_label: str
    """The step's label."""
    step_type: str
    """The step's type."""
    progress: base.ProgressJson
    """The run's progress, this step included."""


class StepDoneDataJson(StepDataJson):
    """The data about a step that became done, in webhooks and in the feed."""

    answer: base.Value
    """The answer's value, as on the run."""
    geo: base.PositionJson | None
    """The position at the answer; null = not sampled, or unknown."""
    unable: base.UnableJson | None
    """The reason where the step was closed without a value; else null."""
    flagged: bool
    """Whether the answer calls for attention, as the step's `flag` says."""


class StepFetchedDataJson(StepDoneDataJson):
    """A step became done, or a done one changed."""

    photos: list[PhotoFetchedJson]
    """The answer's photos, in order."""


class StepStoredDataJson(StepDoneDataJson):
    """A step became done, or a done one changed, as the event is stored."""

    photos: list[PhotoSentJson]
    """The answer's photos, in order."""


class StepCompletedDataJson(StepStoredDataJson):
    """A step became done, or a done one changed; for a step the highest `seq` wins."""

    thumbnails_omitted: NotRequired[base.Yes]
    """Present only if thumbnails were left out because the body would have been larger than 1 MiB."""


class RunClosedDataJson(ReferenceJson):
    """The data of the event that ends a run."""

    job: JobClosedJson
    """The run's job."""

    answers: dict[str, AnsweredToldJson]
    """As on the run, without the originals' URLs."""
    remarks: dict[str, RemarkToldJson]
    """As on the run, without the originals' URLs."""
    flagged: base.Count
    """The number of steps that call for attention: flagged by their template, or closed with “I can't do this”."""
    flags: list[FlaggedStepJson]
    """As on the run."""
    progress: base.ProgressJson
    """The run's progress at its end."""


class RunCompletedDataJson(RunClosedDataJson):
    """The executor has submitted the run."""

    signature: SignatureAnswerJson | None
    """The signature that closed the run."""
    late: bool
    """Whether that was after `due_at` or, without one, after `expires_at`."""
    started_at: base.At
    """When Start was tapped."""
    completed_at: base.At
    """When it was submitted."""
    duration_seconds: base.Count
    """The seconds in between."""


class RunCancelledDataJson(RunClosedDataJson):
    """The run was ended early."""

    last_step_id: base.StepId | None
    """The step answered last."""
    reason: str | None
    """The reason, in the words of the one who cancelled."""
    cancelled_by: By
    """The side that cancelled."""


class RunExpiredDataJson(RunClosedDataJson):
    """The run expired."""

    expires_at: base.At
    """The time at which it expired."""


EventDataJson = (
    RunStartedDataJson
    | RunChangedDataJson
    | RunErasedDataJson
    | StepDataJson
    | StepStoredDataJson
    | RunCompletedDataJson
    | RunCancelledDataJson
    | RunExpiredDataJson
)


class EventJson(TypedDict):
    """A fact about a run. An event stored by an earlier version of the service has the members of that version."""

    event_id: base.EventId
    """The event's id, the same on every attempt."""
    event: str
    """The event's name."""
    run_id: base.RunId
    """The run."""
    template_id: base.TemplateId
    """The run's template."""
    template_v: base.Positive
    """The version of the template."""
    seq: base.Positive
    """1, 2, 3 … in the order in which the run's events happened."""
    ts: base.At
    """When it happened."""
    identity: base.IdentityJson
    """The identity that the executor stated, or the operator who acted."""
    data: EventDataJson
    """The details, which depend on the event."""


class WebhookTestEventJson(TypedDict):
    """A test of a webhook. Nothing has happened, so it names no run."""

    event_id: base.EventId
    """The event's id."""
    delivery_attempt: base.Once
    """Always 1: it is sent once."""
    event: Literal["webhook.test"]
    """The event's name."""
    run_id: base.NoText
    """Always null."""
    template_id: base.NoText
    """Always null."""
    template_v: base.NoNumber
    """Always null."""
    seq: base.NoNumber
    """Always null."""
    ts: base.At
    """When it was sent."""
    identity: base.IdentityJson
    """Always anonymous."""
    data: DataJson
    """Members without values."""


class EventFeedJson(TypedDict):
    """Events, the oldest first."""

    data: list[Annotated[dict[str, Any], base.component("EventEntry")]]
    """At most `limit` events."""
    has_more: bool
    """Whether there are more right now."""
    next_cursor: str
    """The value for `after` of the next request; unchanged if there was no new event."""
