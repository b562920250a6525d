"""A run, a template and an organization, as `/v1` answers them."""

from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.base import By, ReferenceJson, Status


class WarnedJson(TypedDict):
    """Something that will bite later."""

    code: Literal["link_not_https", "link_loopback", "webhook_unresolved", "field_gone"]
    """Phones refuse their position; the link opens on one machine only; the webhook's name has no address now; a field
    of the run that is repeated was not copied, since the template has it no more."""
    detail: str
    """A sentence."""


class DispatchedJson(TypedDict):
    """A new run."""

    run_id: base.RunId
    """A secret while the run is open, since it is in the link."""
    link: base.Url
    """What the executor opens. Who has it can do the run."""
    expires_at: base.At | None
    """Until when it must be started; null = never."""
    assigned_to: base.NoText
    """Always null: a run has no executor before Start."""
    warnings: list[WarnedJson]
    """What to look at before this goes into production."""


class OriginalKeptJson(TypedDict):
    """What is known of the original; its address stands on the run alone."""

    content_type: str
    """By sniffing."""
    bytes: base.Positive
    """As in the receipt."""
    sha256: base.Sha256
    """As in the receipt."""


class OriginalJson(OriginalKeptJson):
    """The bytes as they arrived, which may hold a position."""

    url: base.Url
    """Signed, unguessable, dies when the photo is erased."""


class PhotoBaseJson(TypedDict):
    """What runs and events both say of a photo."""

    photo_id: base.PhotoId
    """Made by the phone."""
    photo_index: base.Count
    """Its place in the answer."""
    slot: str | None
    """Which of the step's slots it was taken for."""
    url: base.Url
    """A JPEG of at most 2048 px, upright, without metadata."""
    thumbnail_url: base.Url
    """A JPEG of at most 320 px."""
    content_type: Literal["image/jpeg"]
    """Of `url`."""
    width: base.Positive
    """Of `url`."""
    height: base.Positive
    """Of `url`."""
    source: Literal["camera", "gallery"] | None
    """What the phone says."""
    taken_at: base.At | None
    """When it was taken, null where nothing tells that can be trusted."""
    taken_at_from: Literal["camera", "exif", "exif_local"] | None
    """What tells it: the clock of the phone that took it, the picture's EXIF, or local time in there, read in the
    phone's time zone; null for a time that a client gave without a word."""
    annotated_from: base.PhotoId | None
    """The photo that it was drawn on, with that one's time and place; null for one that was not drawn on."""
    received_at: base.At
    """The server's clock."""
    geo: base.PositionJson | None
    """Where it was taken, as the phone or the picture's EXIF says."""


class UndrawnPhotoJson(PhotoBaseJson):
    """A photo before it was drawn on."""

    original: OriginalJson
    """The original, byte for byte."""


class PhotoJson(UndrawnPhotoJson):
    """One photo of an answer."""

    undrawn: UndrawnPhotoJson | None
    """What it was drawn on, once that has arrived; not counted among the photos of its step."""


class AnsweredBaseJson(TypedDict):
    """What runs and events both say of an answer."""

    value: base.Value
    """As the step's type has it; the URL of the picture for a signature."""
    at: base.At
    """The server's clock."""
    answered_at: base.At | None
    """The phone's clock."""
    by: base.UserId | None
    """Who."""
    skipped: bool
    """Passed over; then there is no value."""
    unable: base.UnableJson | None
    """Closed without a value, with a reason."""
    geo: base.PositionJson | None
    """Where, if the step samples it and the phone knew."""
    flagged: bool
    """Whether it calls for attention, as the step's `flag` says."""


class AnsweredJson(AnsweredBaseJson):
    """The answer in force of one visible step."""

    photos: list[PhotoJson]
    """Those that have arrived, in the answer's order."""
    photos_removed: NotRequired[base.Positive]
    """How many more there were, whose pictures were deleted because they had been kept for as long as was set."""


class RemarkBaseJson(TypedDict):
    """What the record, events and the executor's state all say of a remark."""

    remark_id: str
    """Made by the phone."""
    text: str
    """What was noted; empty where only photos were."""
    at: base.At
    """The server's clock."""
    by: base.UserId | None
    """Who."""


class RemarkJson(RemarkBaseJson):
    """The remark on one visible step, beside its answer."""

    photos: list[PhotoJson]
    """Those that have arrived, in the remark's order."""
    photos_removed: NotRequired[base.Positive]
    """How many more there were, as of answers."""


class SignatureAnswerJson(TypedDict):
    """The signature that closed the run, or was given before it ended otherwise."""

    url: base.Url
    """A PNG."""
    typed_name: str | None
    """If it was typed."""
    received_at: base.At
    """The server's clock."""


class CancellationAnswerJson(TypedDict):
    """Who ended the run before its time."""

    by: By
    """Which side."""
    reason: str | None
    """In their words."""
    at: base.At
    """When."""
    last_step_id: base.StepId | None
    """The step answered last."""


class WebhookAnswerJson(TypedDict):
    """Where events go; the secret never comes back."""

    url: base.Url
    """In its normalised form, which is what is signed."""
    events: list[str]
    """Those that are sent."""
    signed: bool
    """Whether there is a secret."""


class RunHeadJson(ReferenceJson):
    """What stands before the answers of a run."""

    run_id: base.RunId
    """A secret while the run is open."""
    status: Status
    """pending → in_progress → completed, cancelled or expired; the last three are final."""
    late: bool
    """Not done by `due_at`, begun or not; without a due time, done or still being done after `expires_at`. A run that
    expired before it was begun is not late."""
    missed: bool
    """Expired before it was done, begun or not."""
    flagged: base.Count
    """How many steps call for attention: flagged by their template, or closed with “I can't do this”."""
    revision: base.Positive
    """Rises with every change."""
    template_id: base.TemplateId
    """What is done."""
    template_v: base.Positive
    """In which version."""
    link: base.Url
    """What the executor opens."""
    previous_run_id: base.RunId | None
    """The closed run that this one repeats. It stays here when that one is erased."""
    title: str | None
    """What the executor reads first."""
    due_at: base.At | None
    """When it should be done."""
    assigned_to: base.UserId | None
    """Who started it."""
    language: str | None
    """What it is read in."""
    identity: base.IdentityJson
    """Who they say they are."""
    created_at: base.At
    """Dispatched."""
    updated_at: base.At
    """Last changed: answered, ended, edited or sent anew. Of a run from before this was kept, about when."""
    started_at: base.At | None
    """Start was tapped."""
    completed_at: base.At | None
    """Submitted."""
    cancelled_at: base.At | None
    """Ended before its time."""
    expired_at: base.At | None
    """Ended by the clock."""
    expires_at: base.At | None
    """Until when it must be started; null = never."""
    duration_seconds: base.Count | None
    """From Start to completion."""
    progress: base.ProgressJson
    """How far it is."""
    clock_skew_seconds: int | None
    """How far the phone's clock is ahead of the server's, where it is more than five minutes off."""
    handled_at: base.At | None
    """When an operator dealt with a missed or flagged run at the console, or a missed run was repeated; a new flag
    makes it null again."""


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

    note: str | None
    """What the executor reads after Start."""
    fields: dict[str, base.Value]
    """Values of the template's fields by their ids. Secrets are here only when the record of an open run is read."""
    prefill: dict[str, base.Value]
    """Values by step id, for the executor to confirm."""
    answers: dict[str, AnsweredJson]
    """By step id: visible steps that were answered, skipped or closed as unable."""
    remarks: dict[str, RemarkJson]
    """By step id: what was noted on visible steps, answered or not."""
    signature: SignatureAnswerJson | None
    """The one that closed the run, or was given before it ended otherwise."""


class RunPatchedJson(RunSteeredJson):
    """A run with its answers, without its template, and what was noticed when it was patched."""

    warnings: list[WarnedJson]
    """What to look at, as after a dispatch."""


class RunRecordJson(RunSteeredJson):
    """The whole record."""

    template: Annotated[dict[str, Any], base.component("TemplateRecord")]
    """The version that the run was dispatched with, verbatim."""


class OrganizationJson(TypedDict):
    """Whose key this is."""

    id: base.OrganizationId
    """Its id."""
    name: str
    """What executors read."""
    contact: str | None
    """Whom people ask when a link does not work any more."""
    credits: base.Count | None
    """Runs that can still be dispatched; null = unlimited."""
    runs_this_month: base.Count
    """Dispatched since the first of the month, in UTC."""
    deliveries_failed: base.Count
    """Deliveries that were given up."""
    bytes_used: base.Count
    """About what all that is stored of the organization takes, photos included."""
    bytes_quota: base.Count | None
    """How much may be stored; null = unlimited."""
