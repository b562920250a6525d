"""A run, a template and an organization, as `/v1` answers them."""

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from rundun.core.json_types.base import (
    At,
    Count,
    IdentityJson,
    OrganizationId,
    PhotoId,
    PositionJson,
    Positive,
    ProgressJson,
    ReferenceJson,
    RunId,
    Sha256,
    StepId,
    TemplateId,
    UnableJson,
    Url,
    UserId,
    Value,
    component,
)
from rundun.core.run import By, Status


class WarnedJson(TypedDict):
    """Something that will bite later."""

    code: Literal["link_not_https", "link_loopback", "webhook_unresolved"]
    """Phones refuse their position; the link opens on one machine only; the webhook's name has no address now."""
    detail: str
    """A sentence."""


class DispatchedJson(TypedDict):
    """A new run."""

    run_id: RunId
    """A secret while the run is open, since it is in the link."""
    link: Url
    """What the executor opens. Who has it can do the run."""
    expires_at: At | None
    """Until when it must be started; null = never."""
    assigned_to: None
    """Nobody before Start."""
    warnings: list[WarnedJson]
    """What to look at before this goes into production."""


class OriginalKeptJson(TypedDict):
    """What is known of the original; its address stands on the run alone."""

    content_type: str
    """By sniffing."""
    bytes: Positive
    """As in the receipt."""
    sha256: Sha256
    """As in the receipt."""


class OriginalJson(OriginalKeptJson):
    """The bytes as they arrived, which may hold a position."""

    url: Url
    """Signed, unguessable, dies when the photo is erased."""


class PhotoBaseJson(TypedDict):
    """What runs and events both say of a photo."""

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
    width: Positive
    """Of `url`."""
    height: Positive
    """Of `url`."""
    source: Literal["camera", "gallery"] | None
    """What the phone says."""
    taken_at: At | None
    """What the phone says."""
    received_at: At
    """The server's clock."""
    geo: PositionJson | None
    """Where the phone says it was taken."""


class PhotoJson(PhotoBaseJson):
    """One photo of an answer."""

    original: OriginalJson
    """The original, byte for byte."""


class AnsweredBaseJson(TypedDict):
    """What runs and events both say of an answer."""

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
    unable: UnableJson | None
    """Closed without a value, with a reason."""
    geo: PositionJson | None
    """Where, if the step samples it and the phone knew."""


class AnsweredJson(AnsweredBaseJson):
    """The answer in force of one visible step."""

    photos: list[PhotoJson]
    """Those that have arrived, in the answer's order."""


class SignatureAnswerJson(TypedDict):
    """The signature that closed the run, or was given before it ended otherwise."""

    url: Url
    """A PNG."""
    typed_name: str | None
    """If it was typed."""
    received_at: At
    """The server's clock."""


class CancellationAnswerJson(TypedDict):
    """Who ended the run before its time."""

    by: By
    """Which side."""
    reason: str | None
    """In their words."""
    at: At
    """When."""
    last_step_id: StepId | None
    """The step answered last."""


class WebhookAnswerJson(TypedDict):
    """Where events go; the secret never comes back."""

    url: Url
    """In its normalised form, which is what is signed."""
    events: list[str]
    """Those that are sent."""
    signed: bool
    """Whether there is a secret."""


class RunHeadJson(ReferenceJson):
    """What stands before the answers of a run."""

    run_id: RunId
    """A secret while the run is open."""
    status: Status
    """pending → in_progress → completed, cancelled or expired; the last three are final."""
    late: bool
    """Done, or still being done, after `expires_at`."""
    revision: Positive
    """Rises with every change."""
    template_id: TemplateId
    """What is done."""
    template_v: Positive
    """In which version."""
    link: Url
    """What the executor opens."""
    assigned_to: UserId | None
    """Who started it."""
    language: str | None
    """What it is read in."""
    identity: IdentityJson
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
    progress: ProgressJson
    """How far it is."""


class RunEndJson(TypedDict):
    """What stands behind the answers of a run."""

    cancellation: CancellationAnswerJson | None
    """Who cancelled, and why."""
    webhook: WebhookAnswerJson | None
    """Where its events go."""


class RunListedJson(RunHeadJson, RunEndJson):
    """A run without its template and answers."""


class RunSteeredJson(RunListedJson):
    """A run with its answers, without its template."""

    answers: dict[str, AnsweredJson]
    """By step id: visible steps that were answered, skipped or closed as unable."""
    signature: SignatureAnswerJson | None
    """The one that closed the run, or was given before it ended otherwise."""


class TemplateRecordJson(TypedDict):  # beside these members stand the author's own, see core/template.py
    """A version of a template as its author wrote it (what was left out stays out), with what the server says of it."""

    id: TemplateId
    """The same for all versions."""
    v: Positive
    """1, 2, 3 …"""
    org_id: OrganizationId
    """Whose it is."""
    created_at: At
    """The first version."""
    updated_at: At
    """This version."""
    archived_at: At | None
    """Since when no runs can be dispatched from it."""


class RunRecordJson(RunSteeredJson):
    """The whole record."""

    template: Annotated[dict[str, Any], component("TemplateRecord")]
    """The version that the run was dispatched with, verbatim."""


class OrganizationJson(TypedDict):
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
