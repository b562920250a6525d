"""Events: what a webhook receives, and what the feed answers."""

from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.base import By, ReferenceJson
from rundun.core.json_types.runs import (
    AnsweredBaseJson,
    OriginalKeptJson,
    PhotoBaseJson,
    RemarkBaseJson,
    SignatureAnswerJson,
)


class PhotoFetchedJson(TypedDict):
    """A photo of the answer."""

    photo_index: base.Count
    """Its place in the answer."""
    photo_id: base.PhotoId
    """As the phone made it."""
    slot: str | None
    """Which of the step's slots it was taken for."""
    url: base.Url
    """The derived JPEG."""


class PhotoSentJson(PhotoFetchedJson):
    """A photo of the answer, with its thumbnail."""

    thumbnail: str | None
    """A JPEG of at most 320 px in base64; null where it was left out."""


class UndrawnToldJson(PhotoBaseJson):
    """A photo before it was drawn on, without the original's address."""

    original: OriginalKeptJson
    """What is known of the original."""


class PhotoToldJson(UndrawnToldJson):
    """A photo as on the run, without the original's address."""

    undrawn: UndrawnToldJson | None
    """What it was drawn on, once that has arrived."""


class AnsweredToldJson(AnsweredBaseJson):
    """An answer as on the run."""

    photos: list[PhotoToldJson]
    """As on the run, without the originals' addresses."""


class RemarkToldJson(RemarkBaseJson):
    """A remark as on the run."""

    photos: list[PhotoToldJson]
    """As on the run, without the originals' addresses."""


Changed = Literal["title", "note", "due_at", "fields", "executor_ref", "expires_at"]


class JobJson(TypedDict):
    """What the run is about."""

    title: str | None
    """What the executor reads first."""
    due_at: base.At | None
    """When it should be done."""


class JobClosedJson(JobJson):
    """What the run was about, with the values of its template's fields."""

    fields: dict[str, base.Value]
    """By the ids of the fields, without secrets."""


class DataJson(ReferenceJson):
    """What every event tells."""

    job: JobJson
    """What the run is about, as it was then."""


class RunStartedDataJson(DataJson):
    """Start was tapped."""

    progress: base.ProgressJson
    """How far it is."""


class RunErasedDataJson(TypedDict):
    """Everything that was said or shown in the run is gone."""

    executor_ref: base.NoText
    """null: it is gone, too."""


class RunChangedDataJson(DataJson):
    """What the run is about was changed while it was open."""

    changed: list[Changed]
    """Which members of the run's record; these can be read there."""
    progress: base.ProgressJson
    """How far it is."""


class StepDataJson(DataJson):
    """Which step."""

    step_id: base.StepId
    """Its id."""
    step_label: str
    """What the executor read."""
    step_type: str
    """Its type."""
    progress: base.ProgressJson
    """How far the run is with it."""


class StepDoneDataJson(StepDataJson):
    """What webhooks and the feed both say of a step that became done."""

    answer: base.Value
    """Its value, as on the run."""
    geo: base.PositionJson | None
    """Where."""
    unable: base.UnableJson | None
    """Closed without a value, with a reason."""
    flagged: bool
    """Whether the answer calls for attention, as the step's `flag` says."""


class StepFetchedDataJson(StepDoneDataJson):
    """A step became done, or a done one changed."""

    photos: list[PhotoFetchedJson]
    """Those of the answer, in order."""


class StepStoredDataJson(StepDoneDataJson):
    """A step became done, or a done one changed, as the event is stored."""

    photos: list[PhotoSentJson]
    """Those of the answer, in order."""


class StepCompletedDataJson(StepStoredDataJson):
    """A step became done, or a done one changed; for a step the highest `seq` wins."""

    thumbnails_omitted: NotRequired[base.Yes]
    """There only where thumbnails were left out, since the body would have been larger than 1 MiB."""


class RunClosedDataJson(ReferenceJson):
    """What every end tells."""

    job: JobClosedJson
    """What the run was about."""

    answers: dict[str, AnsweredToldJson]
    """As on the run, without the originals' addresses."""
    remarks: dict[str, RemarkToldJson]
    """As on the run, without the originals' addresses."""
    flagged: base.Count
    """How many steps call for attention: flagged by their template, or closed with “I can't do this”."""
    progress: base.ProgressJson
    """How far it came."""


class RunCompletedDataJson(RunClosedDataJson):
    """Submitted."""

    signature: SignatureAnswerJson | None
    """The one that closed the run."""
    late: bool
    """After `due_at` or, without one, after `expires_at`."""
    started_at: base.At
    """Start was tapped."""
    completed_at: base.At
    """Submitted."""
    duration_seconds: base.Count
    """In between."""


class RunCancelledDataJson(RunClosedDataJson):
    """Ended before its time."""

    last_step_id: base.StepId | None
    """The step answered last."""
    reason: str | None
    """In their words."""
    cancelled_by: By
    """Which side."""


class RunExpiredDataJson(RunClosedDataJson):
    """Ended by the clock."""

    expires_at: base.At
    """The time that passed."""


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
    """A fact about a run. One that was written by an earlier version of the service has the members of that time."""

    event_id: base.EventId
    """The same however often it is sent."""
    event: str
    """What happened."""
    run_id: base.RunId
    """The run."""
    template_id: base.TemplateId
    """What is done."""
    template_v: base.Positive
    """In which version."""
    seq: base.Positive
    """1, 2, 3 … in the order in which the run's events happened."""
    ts: base.At
    """When."""
    identity: base.IdentityJson
    """Who they say they are."""
    data: EventDataJson
    """More about it."""


class WebhookTestEventJson(TypedDict):
    """Somebody tries this webhook out. Nothing has happened, so it names no run."""

    event_id: base.EventId
    """Its id."""
    delivery_attempt: base.Once
    """It is sent once."""
    event: Literal["webhook.test"]
    """What it is."""
    run_id: base.NoText
    """null: no run."""
    template_id: base.NoText
    """null: no template."""
    template_v: base.NoNumber
    """null: no version."""
    seq: base.NoNumber
    """null: no place."""
    ts: base.At
    """When."""
    identity: base.IdentityJson
    """Nobody."""
    data: DataJson
    """Nothing."""


class EventFeedJson(TypedDict):
    """Events, the oldest first."""

    data: list[Annotated[dict[str, Any], base.component("EventEntry")]]
    """At most `limit` of them."""
    has_more: bool
    """Whether there are more right now."""
    next_cursor: str
    """Give it as `after` the next time; the same as before when nothing came."""
