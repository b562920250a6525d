"""What the executor's side answers, and a run's deliveries and events: models that only describe (told.py)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rundun.core.run import Status
from rundun.core.template import BarcodeFormat, Template
from rundun.web.openapi.told import (
    At,
    Count,
    DeliveryId,
    EventId,
    Identity,
    PhotoId,
    Position,
    Progress,
    RunId,
    Sha256,
    StepId,
    TemplateId,
    Told,
    Unable,
    Url,
    UserId,
    Value,
)


class RunBrief(Told):
    """What every write tells of the run."""

    status: Status
    """Where it stands."""
    expires_at: At | None
    """Until when it must be started; null = never."""
    progress: Progress
    """How far it is."""
    revision: Count
    """Rises with every change."""


class RunState(RunBrief):
    """What the page knows of the run itself."""

    run_id: RunId
    """The run."""
    late: bool
    """Still being done after `expires_at`."""
    created_at: At
    """Dispatched."""
    started_at: At | None
    """Start was tapped."""
    closed_at: At | None
    """Ended."""
    language: str | None
    """What it is read in."""
    assigned_to: UserId | None
    """Who started it."""
    identity: Identity
    """Who they say they are."""


class StepState(Told):
    """How one step stands, hidden ones too; a step that was never answered has fewer members."""

    answer_id: str | None
    """As the phone made it."""
    visible: bool
    """Whether its condition holds."""
    done: bool
    """Visible, and skipped, unable, or answered with everything that belongs to it."""
    waiting_for: list[str]
    """Photo ids still to come, or `signature`."""
    value: Value = None
    """The answer."""
    skipped: bool = False
    """Passed over."""
    unable: Unable | None = None
    """Closed with a reason."""
    at: At = ""
    """The server's clock."""
    answered_at: At | None = None
    """The phone's clock."""
    geo: Position | None = None
    """Where."""
    photos: list[PhotoId] = []
    """The answer's photos in order."""


class StepWritten(StepState):
    """The step that was written."""

    step_id: StepId
    """Which."""


class Written(Told):
    """What a write on a step answers."""

    run: RunBrief
    """The run now."""
    step: StepWritten
    """The step now."""


class Started(Told):
    """The run is under way; a signed cookie names the device."""

    run: RunState
    """The run now."""
    assigned_to: UserId
    """The executor."""


class Ended(Told):
    """The run is closed."""

    run: RunState
    """The run now."""


class Receipt(Told):
    """The photo is on the disk: with this the phone may delete its own copy."""

    photo_id: PhotoId
    """As the phone made it."""
    bytes: Annotated[int, Field(ge=1)]
    """Of what was stored."""
    sha256: Sha256
    """Of what was stored."""
    received_at: At
    """The server's clock."""
    url: str
    """The derived JPEG, a path on this host."""
    thumbnail_url: str
    """Its thumbnail."""
    width: Annotated[int, Field(ge=1)]
    """Of the derived JPEG."""
    height: Annotated[int, Field(ge=1)]
    """Of the derived JPEG."""


class SignatureReceipt(Told):
    """The signature is on the disk."""

    bytes: Annotated[int, Field(ge=1)]
    """Of what was stored."""
    sha256: Sha256
    """Of what was stored."""
    received_at: At
    """The server's clock."""
    url: str
    """The PNG, a path on this host."""


class Host(Told):
    """Who wants it done."""

    name: str
    """The organization."""
    contact: str | None
    """Whom to ask."""


class State(Told):
    """Enough to resume on another device."""

    run: RunState
    """The run."""
    organization: Host
    """Who wants it done."""
    template_id: TemplateId
    """What is done."""
    template_v: Annotated[int, Field(ge=1)]
    """In which version."""
    template: Template
    """The checklist; what its author left out stays out, so apply the defaults."""
    answers: dict[str, StepState]
    """By step id: every step that was answered, hidden ones too."""
    photos: dict[str, list[Receipt]]
    """By step id, in order of arrival."""
    signatures: dict[str, SignatureReceipt]
    """By step id; the empty id is the signature that closes the run."""
    server_time: At
    """Now."""


class Decoded(Told):
    """What the barcode says."""

    text: str
    """Its content."""
    format: BarcodeFormat
    """Its kind."""


class Attempt(Told):
    """One HTTP request."""

    number: Annotated[int, Field(ge=1)]
    """Counted from 1; retries by hand count on."""
    trigger: Literal["automatic", "manual"]
    """What caused it: the plan of retries, or somebody by hand."""
    url: Url
    """Where it went."""
    started_at: At
    """When."""
    duration_ms: Count
    """How long it took."""
    status: int | None
    """What was answered; null = nothing."""
    error: str | None
    """Why the attempt failed, in a sentence; null = it did not."""
    response_excerpt: str | None
    """How the answer began, where it may be shown."""


class Delivery(Told):
    """One event on its way to one webhook."""

    delivery_id: DeliveryId
    """Its id."""
    run_id: RunId
    """The run."""
    event_id: EventId
    """The event, the same on every attempt."""
    event: str
    """Its name."""
    seq: Annotated[int, Field(ge=1)]
    """Its place in the run."""
    status: Literal["pending", "delivered", "failed"]
    """`failed` = given up."""
    created_at: At
    """When the event was committed."""
    next_attempt_at: At | None
    """When it is tried again."""
    attempts: list[Attempt]
    """All requests so far, the oldest first."""


class Retried(Told):
    """How many go out now."""

    retried: Count
    """Deliveries."""


class TrialRequest(Told):
    """What was sent, byte for byte."""

    method: Literal["POST"]
    """Always."""
    url: Url
    """In its normalised form."""
    headers: dict[str, str]
    """Those that prove who sent it."""
    body: str
    """The event."""


class TrialResponse(Told):
    """What came back."""

    excerpt: str | None
    """How it began, where it may be shown."""


class Trial(Told):
    """What came of a webhook that was tried out."""

    ok: bool
    """Whether a delivery would have been taken."""
    status: int | None
    """What was answered; null = nothing."""
    error: str | None
    """Why the attempt failed, in a sentence; null = it did not."""
    duration_ms: Count
    """How long it took."""
    event_id: EventId
    """Of the event that was sent."""
    request: TrialRequest
    """What was sent."""
    response: TrialResponse
    """What came back."""
