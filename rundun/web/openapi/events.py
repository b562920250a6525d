"""Events on the wire: what a webhook receives, and what the feed answers."""

from typing import Annotated, Any, Literal, Union

from pydantic import ConfigDict, Field, GetPydanticSchema, create_model

from rundun.core import event
from rundun.web.openapi import samples
from rundun.web.openapi.answers import Answered, Photo, SignatureAnswer
from rundun.web.openapi.told import (
    At,
    Count,
    DeliveryId,
    EventId,
    Identity,
    OrganizationId,
    PhotoId,
    Position,
    Progress,
    RunId,
    StepId,
    TemplateId,
    Told,
    Unable,
    Url,
    Value,
)


class PhotoFetched(Told):
    """A photo of the answer."""

    photo_index: Count
    """Its place in the answer."""
    photo_id: PhotoId
    """As the phone made it."""
    url: Url
    """The derived JPEG."""


class PhotoSent(PhotoFetched):
    """A photo of the answer, with its thumbnail."""

    thumbnail: str | None
    """A JPEG of at most 320 px in base64; null where it was left out."""


class OriginalKept(Told):
    """What is known of the original; its address stands on the run alone."""

    content_type: str
    """By sniffing."""
    bytes: Annotated[int, Field(ge=1)]
    """As in the receipt."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """As in the receipt."""


class PhotoTold(Photo):
    """A photo as on the run, without the original's address."""

    original: OriginalKept  # type: ignore[assignment]
    """What is known of the original."""


class AnsweredTold(Answered):
    """An answer as on the run."""

    photos: list[PhotoTold]  # type: ignore[assignment]
    """As on the run, without the originals' addresses."""


class Data(Told):
    """What every event tells."""

    executor_ref: str | None
    """Your own name for the run."""


class RunStartedData(Data):
    """Start was tapped."""

    progress: Progress
    """How far it is."""


class StepData(Data):
    """Which step."""

    step_id: StepId
    """Its id."""
    step_label: str
    """What the executor read."""
    step_type: str
    """Its type."""
    progress: Progress
    """How far the run is with it."""


class StepFetchedData(StepData):
    """A step became done, or a done one changed."""

    answer: Value
    """Its value, as on the run."""
    geo: Position | None
    """Where."""
    unable: Unable | None
    """Closed without a value, with a reason."""
    photos: list[PhotoFetched]
    """Those of the answer, in order."""


class StepCompletedData(StepFetchedData):
    """A step became done, or a done one changed; for a step the highest `seq` wins."""

    photos: list[PhotoSent]  # type: ignore[assignment]
    """Those of the answer, in order."""
    thumbnails_omitted: Literal[True] = True
    """There only where thumbnails were left out, since the body would have been larger than 1 MiB."""


class RunClosedData(Data):
    """What every end tells."""

    answers: dict[str, AnsweredTold]
    """As on the run, without the originals' addresses."""
    progress: Progress
    """How far it came."""


class RunCompletedData(RunClosedData):
    """Submitted."""

    signature: SignatureAnswer | None
    """The one that closed the run."""
    late: bool
    """After `expires_at`."""
    started_at: At
    """Start was tapped."""
    completed_at: At
    """Submitted."""
    duration_seconds: Count
    """In between."""


class RunCancelledData(RunClosedData):
    """Ended before its time."""

    last_step_id: StepId | None
    """The step answered last."""
    reason: str | None
    """In their words."""
    cancelled_by: Literal["executor", "integrator", "operator"]
    """Which side."""


class RunExpiredData(RunClosedData):
    """Ended by the clock."""

    expires_at: At
    """The time that passed."""


class Event(Told):
    """A fact about a run."""

    event_id: EventId
    """The same however often it is sent."""
    event: str
    """What happened."""
    run_id: RunId
    """The run."""
    template_id: TemplateId
    """What is done."""
    template_v: Annotated[int, Field(ge=1)]
    """In which version."""
    seq: Annotated[int, Field(ge=1)]
    """1, 2, 3 … in the order in which the run's events happened."""
    ts: At
    """When."""
    identity: Identity
    """Who they say they are."""
    data: Data
    """More about it."""


class _Made(Event):
    """An event whose fields are described where it is made."""

    model_config = ConfigDict(use_attribute_docstrings=False)


SENT: dict[str, tuple[type[Data], type[Data], str]] = {
    "run.started": (
        RunStartedData,
        RunStartedData,
        "The executor tapped Start. Sent only to webhooks that name it.",
    ),
    "step.completed": (
        StepCompletedData,
        StepFetchedData,
        "A step became done, or a done one got another value or other photos.",
    ),
    "step.skipped": (StepData, StepData, "A step that is not required was skipped."),
    "run.completed": (RunCompletedData, RunCompletedData, "The executor submitted the run."),
    "run.cancelled": (RunCancelledData, RunCancelledData, "Somebody ended the run before its time."),
    "run.expired": (RunExpiredData, RunExpiredData, "The run's time ran out; what was answered is in it."),
}
assert set(SENT) == {*event.EVENTS, *event.ON_REQUEST}


def _named(name: str, suffix: str) -> str:
    return "".join(part.title() for part in name.split(".")) + suffix


def _only(name: str) -> Any:
    """The type of that one word."""
    return Literal[name]


def _sent(name: str) -> Any:
    """The model of a delivery's body."""
    data, _, what = SENT[name]
    return create_model(
        _named(name, "Event"),
        __base__=_Made,
        __doc__=what,
        event=(_only(name), Field(description="What happened.")),
        delivery_attempt=(int, Field(ge=1, description="Which attempt this is.")),
        data=(data, Field(description="More about it.")),
    )


def _fetched(name: str) -> Any:
    """The model of one entry of the feed."""
    _, data, what = SENT[name]
    return create_model(
        _named(name, "Entry"),
        __base__=_Made,
        __doc__=what,
        event=(_only(name), Field(description="What happened.")),
        cursor=(str, Field(description="Give it as `after` to go on behind this event.")),
        data=(data, Field(description="More about it.")),
    )


class WebhookTestEvent(Told):
    """Somebody tries this webhook out. Nothing has happened, so it names no run."""

    event_id: EventId
    """Its id."""
    delivery_attempt: Literal[1]
    """It is sent once."""
    event: Literal["webhook.test"]
    """What it is."""
    run_id: None
    """No run."""
    template_id: None
    """No template."""
    template_v: None
    """No version."""
    seq: None
    """No place."""
    ts: At
    """When."""
    identity: Identity
    """Nobody."""
    data: Data
    """Nothing."""


class Who(Told):
    """Whose delivery it is."""

    id: OrganizationId
    """The organization."""
    name: str
    """Its name."""


class DeliveryFailedAlert(Told):
    """A delivery has failed for good. For the administrator: posted to the setting `alerts.url`, signed with
    `alerts.secret` as webhooks are, at most ten a minute."""

    alert: Literal["delivery.failed"]
    """What it is."""
    delivery_id: DeliveryId
    """The delivery."""
    organization: Who
    """Whose it is."""
    run: Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
    """The first 8 digits of the run's id, which as a whole is its link."""
    event: str
    """The event that did not arrive."""
    event_id: EventId
    """Its id."""
    destination: str
    """Scheme, host and port of the receiver."""
    attempts: Annotated[int, Field(ge=1)]
    """How often it was tried."""
    status: int | None
    """What was answered last; null = nothing."""
    error: str | None
    """Why nothing was."""
    last_attempt_at: At
    """When."""
    left_out: Count
    """How many more deliveries have failed that this one stands for."""


ALERT = "delivery.failed"
MODELS: dict[str, Any] = {
    **{name: _sent(name) for name in SENT},
    event.TEST: WebhookTestEvent,
    ALERT: DeliveryFailedAlert,
}
ENTRIES: dict[str, Any] = {name: _fetched(name) for name in SENT}
_Entry: Any = Annotated[Union[tuple(ENTRIES.values())], Field(discriminator="event")]  # noqa: UP007


class EventFeed(Told):
    """Events, the oldest first."""

    data: Annotated[list[Any], GetPydanticSchema(lambda _, handler: handler(list[_Entry]))]
    """At most `limit` of them."""
    has_more: bool
    """Whether there are more right now."""
    next_cursor: str
    """Give it as `after` the next time; the same as before when nothing came."""


HOW_IT_ARRIVES = (
    " Posted to `webhook.url` at once, and again after 30 seconds, 2 minutes, 10 minutes and an hour until it is "
    "taken. It arrives at least once and not always in order: `event_id` is the same on every attempt, `seq` counts "
    "a run's events."
)
RECEIVERS_ANSWERS = {
    "2XX": {"description": "Taken, if it comes within 10 seconds. The body does not matter."},
    "410": {
        "description": "Never again: this delivery has failed, later events of the run get one attempt each."
    },
    "default": {"description": "Not taken; it is sent again. Redirects are not followed."},
}
EXAMPLES = {**samples.EVENTS, event.TEST: samples.TRIAL, ALERT: samples.ALERT}
