"""What /v1 answers, as models that only describe (told.py)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rundun.core.run import Status
from rundun.core.template import Template
from rundun.web.openapi.told import (
    At,
    Count,
    Identity,
    OrganizationId,
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


class Warned(Told):
    """Something that will bite later."""

    code: Literal["link_not_https", "link_loopback", "webhook_unresolved"]
    """Phones refuse their position; the link opens on one machine only; the webhook's name has no address now."""
    detail: str
    """A sentence."""


class Dispatched(Told):
    """A new run."""

    run_id: RunId
    """A secret while the run is open, since it is in the link."""
    link: Url
    """What the executor opens. Who has it can do the run."""
    expires_at: At | None
    """Until when it must be started; null = never."""
    assigned_to: None
    """Nobody before Start."""
    warnings: list[Warned]
    """What to look at before this goes into production."""


class Original(Told):
    """The bytes as they arrived, which may hold a position."""

    url: Url
    """Signed, unguessable, dies when the photo is erased."""
    content_type: str
    """By sniffing."""
    bytes: Annotated[int, Field(ge=1)]
    """As in the receipt."""
    sha256: Sha256
    """As in the receipt."""


class Photo(Told):
    """One photo of an answer."""

    photo_id: PhotoId
    """Made by the phone."""
    photo_index: Count
    """Its place in the answer."""
    url: Url
    """A JPEG of at most 2048 px, upright, without metadata."""
    thumbnail_url: Url
    """A JPEG of at most 320 px."""
    content_type: Literal["image/jpeg"]
    """Of `url`."""
    width: Annotated[int, Field(ge=1)]
    """Of `url`."""
    height: Annotated[int, Field(ge=1)]
    """Of `url`."""
    original: Original
    """The original, byte for byte."""
    source: Literal["camera", "gallery"] | None
    """What the phone says."""
    taken_at: At | None
    """What the phone says."""
    received_at: At
    """The server's clock."""
    geo: Position | None
    """Where the phone says it was taken."""


class Answered(Told):
    """The answer in force of one visible step."""

    value: Value
    """As the step's type has it; the URL of the picture for a signature."""
    at: At
    """The server's clock."""
    answered_at: At | None
    """The phone's clock."""
    by: UserId | None
    """Who."""
    skipped: bool
    """Passed over; then there is no value."""
    unable: Unable | None
    """Closed without a value, with a reason."""
    geo: Position | None
    """Where, if the step samples it and the phone knew."""
    photos: list[Photo]
    """Those that have arrived, in the answer's order."""


class SignatureAnswer(Told):
    """The signature that closed the run, or was given before it ended otherwise."""

    url: Url
    """A PNG."""
    typed_name: str | None
    """If it was typed."""
    received_at: At
    """The server's clock."""


class CancellationAnswer(Told):
    """Who ended the run before its time."""

    by: Literal["executor", "integrator", "operator"]
    """Which side."""
    reason: str | None
    """In their words."""
    at: At
    """When."""
    last_step_id: StepId | None
    """The step answered last."""


class WebhookAnswer(Told):
    """Where events go; the secret never comes back."""

    url: Url
    """In its normalised form, which is what is signed."""
    events: list[str]
    """Those that are sent."""
    signed: bool
    """Whether there is a secret."""


class RunListed(Told):
    """A run without its template and answers."""

    run_id: RunId
    """A secret while the run is open."""
    status: Status
    """pending → in_progress → completed, cancelled or expired; the last three are final."""
    late: bool
    """Done, or still being done, after `expires_at`."""
    revision: Annotated[int, Field(ge=1)]
    """Rises with every change."""
    template_id: TemplateId
    """What is done."""
    template_v: Annotated[int, Field(ge=1)]
    """In which version."""
    link: Url
    """What the executor opens."""
    executor_ref: str | None
    """Your own name for it."""
    assigned_to: UserId | None
    """Who started it."""
    language: str | None
    """What it is read in."""
    identity: Identity
    """Who they say they are."""
    created_at: At
    """Dispatched."""
    started_at: At | None
    """Start was tapped."""
    completed_at: At | None
    """Submitted."""
    cancelled_at: At | None
    """Ended before its time."""
    expired_at: At | None
    """Ended by the clock."""
    expires_at: At | None
    """Until when it must be started; null = never."""
    duration_seconds: Count | None
    """From Start to completion."""
    progress: Progress
    """How far it is."""
    cancellation: CancellationAnswer | None
    """Who cancelled, and why."""
    webhook: WebhookAnswer | None
    """Where its events go."""


class RunSteered(RunListed):
    """A run with its answers, without its template."""

    answers: dict[str, Answered]
    """By step id: visible steps that were answered, skipped or closed as unable."""
    signature: SignatureAnswer | None
    """The one that closed the run, or was given before it ended otherwise."""


class TemplateRecord(Template):
    """A version of a template as its author wrote it (what was left out stays out), with what the server says of it."""

    id: TemplateId
    """The same for all versions."""
    v: Annotated[int, Field(ge=1)]
    """1, 2, 3 …"""
    org_id: OrganizationId
    """Whose it is."""
    created_at: At
    """The first version."""
    updated_at: At
    """This version."""
    archived_at: At | None
    """Since when no runs can be dispatched from it."""


class RunRecord(RunSteered):
    """The whole record."""

    template: TemplateRecord
    """The version that the run was dispatched with, verbatim."""


class Organization(Told):
    """Whose key this is."""

    id: OrganizationId
    """Its id."""
    name: str
    """What executors read."""
    contact: str | None
    """Whom people ask when a link does not work any more."""
    credits: Count | None
    """Runs that can still be dispatched; null = unlimited."""
    runs_this_month: Count
    """Dispatched since the first of the month, in UTC."""
    deliveries_failed: Count
    """Deliveries that were given up."""


class Place(Told):
    """One wrong place."""

    pointer: str
    """RFC 6901, into the body or the query; empty = the whole of it."""
    code: Literal[
        "required",
        "unknown_field",
        "unknown_reference",
        "not_allowed",
        "read_only",
        "wrong_type",
        "bad_format",
        "out_of_range",
        "too_short",
        "too_long",
        "duplicate",
        "address_not_allowed",
    ]
    """What kind of mistake."""
    detail: str
    """A sentence."""


class Missing(Told):
    """One step that keeps the run from being completed."""

    step_id: str
    """The step; empty = the signature that closes the run."""
    code: Literal["missing_answer", "missing_photos", "missing_signature"]
    """What it lacks."""
    detail: str
    """A sentence."""


class ProblemDetails(Told):
    """RFC 9457."""

    type: str
    """A page of this service, `/problems/<code>`, that says what it means and what to do."""
    title: str
    """The same for all of this type."""
    status: Annotated[int, Field(ge=400, le=599)]
    """As in the status line."""
    detail: str
    """What happened, in a sentence."""
    code: str
    """A stable word for programs."""
    request_id: str
    """As in `X-Request-Id`; quote it when you ask the administrator."""
    errors: list[Place | Missing] = []
    """All wrong places at once."""
    run_status: Literal["completed", "cancelled", "expired"] = "completed"
    """On 410 of a closed run."""
    closed_at: At = ""
    """On 410 of a closed run."""
