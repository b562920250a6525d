"""Runs and organizations, as `/v1` returns them."""

from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.base import By, ReferenceJson, Status


class WarnedJson(TypedDict):
    """A warning about a problem to come."""

    code: Literal["link_not_https", "link_loopback", "webhook_unresolved", "field_gone"]
    """Phones refuse their position; the link opens on one machine only; the webhook's name has no address now; a field
    of the repeated run was not copied, since the template no longer has it."""
    detail: str
    """The warning, in a sentence."""


class DispatchedJson(TypedDict):
    """A new run."""

    run_id: base.RunId
    """The run's id; a secret while the run is open, since it is in the link."""
    link: base.Url
    """The link that the executor opens. Anyone with it can do the run."""
    expires_at: base.At | None
    """The time by which it must be started; null = it never expires."""
    assigned_to: base.NoText
    """Always null: a run has no executor before Start."""
    warnings: list[WarnedJson]
    """Problems to solve before this goes into production."""


class OriginalKeptJson(TypedDict):
    """Type, size and digest of an original. Only the run has its URL."""

    content_type: str
    """The type, detected from the first bytes."""
    bytes: base.Positive
    """As in the receipt."""
    sha256: base.Sha256
    """As in the receipt."""


class OriginalJson(OriginalKeptJson):
    """The photo's bytes as they arrived, which may contain a position."""

    url: base.Url
    """A signed, unguessable URL that ends when the photo is erased."""


class PhotoBaseJson(TypedDict):
    """The members of a photo that runs and events share."""

    photo_id: base.PhotoId
    """The photo's id, made by the phone."""
    photo_index: base.Count
    """Its position in the answer, from 0."""
    slot: str | None
    """The id of the step's slot that it was taken for; null = none."""
    url: base.Url
    """A JPEG of at most 2048 px, upright, without metadata."""
    thumbnail_url: base.Url
    """A JPEG of at most 320 px."""
    content_type: Literal["image/jpeg"]
    """Of the JPEG at `url`."""
    width: base.Positive
    """Of the JPEG at `url`."""
    height: base.Positive
    """Of the JPEG at `url`."""
    source: Literal["camera", "gallery"] | None
    """The source, as the phone states it."""
    taken_at: base.At | None
    """When it was taken; null if there is no trustworthy time."""
    taken_at_from: Literal["camera", "exif", "exif_local"] | None
    """The source of `taken_at`: the clock of the phone that took it, the picture's EXIF, or EXIF's local time read in
    the phone's time zone; null if the client named no source."""
    annotated_from: base.PhotoId | None
    """The id of the photo without the drawing, whose time and position it has; null if it was not drawn on."""
    received_at: base.At
    """The time by the server's clock."""
    geo: base.PositionJson | None
    """The position where it was taken, from the phone or the picture's EXIF."""


class UndrawnPhotoJson(PhotoBaseJson):
    """A photo before it was drawn on."""

    original: OriginalJson
    """The original, byte for byte."""


class PhotoJson(UndrawnPhotoJson):
    """One photo of an answer."""

    undrawn: UndrawnPhotoJson | None
    """The photo without the drawing, once it has arrived; it does not count among the photos of its step."""


class AnsweredBaseJson(TypedDict):
    """The members of an answer that runs and events share."""

    value: base.Value
    """The value, in the form of the step's type; the URL of the picture for a signature."""
    at: base.At
    """The time by the server's clock."""
    answered_at: base.At | None
    """The time by the phone's clock."""
    by: base.UserId | None
    """The executor's id."""
    skipped: bool
    """Whether it was skipped; then there is no value."""
    unable: base.UnableJson | None
    """The reason where it was closed without a value; else null."""
    geo: base.PositionJson | None
    """The position, if the step samples it and the phone knew it."""
    flagged: bool
    """Whether it calls for attention, as the step's `flag` says."""


class AnsweredJson(AnsweredBaseJson):
    """The answer in force of one visible step."""

    photos: list[PhotoJson]
    """The photos that have arrived, in the answer's order."""
    photos_removed: NotRequired[base.Positive]
    """The number of further photos that were deleted when their retention period ended."""


class RemarkBaseJson(TypedDict):
    """The members of a remark that the record, events and the executor's state share."""

    remark_id: str
    """The remark's id, made by the phone."""
    text: str
    """The text; empty if there are only photos."""
    at: base.At
    """The time by the server's clock."""
    by: base.UserId | None
    """The executor's id."""


class RemarkJson(RemarkBaseJson):
    """The remark on one visible step, beside its answer."""

    photos: list[PhotoJson]
    """The photos that have arrived, in the remark's order."""
    photos_removed: NotRequired[base.Positive]
    """The number of further photos that were deleted when their retention period ended."""


class SignatureAnswerJson(TypedDict):
    """The signature that closed the run, or was given before it ended otherwise."""

    url: base.Url
    """The URL of a PNG."""
    typed_name: str | None
    """The name if it was typed; null if it was drawn."""
    received_at: base.At
    """The time by the server's clock."""


class CancellationAnswerJson(TypedDict):
    """The cancellation of a run."""

    by: By
    """The side that cancelled."""
    reason: str | None
    """The reason, in the words of the one who cancelled."""
    at: base.At
    """When it was cancelled."""
    last_step_id: base.StepId | None
    """The step answered last."""


class WebhookAnswerJson(TypedDict):
    """The webhook of a run, without its secret."""

    url: base.Url
    """The URL in its normalised form, which is the signed one."""
    events: list[str]
    """The names of the events that are sent."""
    signed: bool
    """Whether there is a secret."""


class RunHeadJson(ReferenceJson):
    """The members of a run before its answers."""

    run_id: base.RunId
    """The run's id; a secret while the run is open."""
    status: Status
    """pending → in_progress → completed, cancelled or expired; the last three are final."""
    late: bool
    """Not done by `due_at`, begun or not; without a due time, done or still being done after `expires_at`. A run that
    expired before it was begun is not late."""
    missed: bool
    """Expired before it was done, begun or not."""
    flagged: base.Count
    """The number of steps that call for attention: flagged by their template, or closed with “I can't do this”."""
    revision: base.Positive
    """Rises with every change."""
    template_id: base.TemplateId
    """The run's template."""
    template_v: base.Positive
    """The version of the template."""
    link: base.Url
    """The link that the executor opens."""
    previous_run_id: base.RunId | None
    """The closed run that this one repeats. The id stays here when that run is erased."""
    title: str | None
    """The title, which the executor reads first."""
    due_at: base.At | None
    """When it should be done."""
    assigned_to: base.UserId | None
    """The executor who started it."""
    language: str | None
    """The language of the executor's page."""
    identity: base.IdentityJson
    """The identity that the executor stated."""
    created_at: base.At
    """When it was dispatched."""
    updated_at: base.At
    """When it was last changed: answered, ended, edited or sent anew. For a run older than this member, an estimate."""
    started_at: base.At | None
    """When Start was tapped."""
    completed_at: base.At | None
    """When it was submitted."""
    cancelled_at: base.At | None
    """When it was cancelled."""
    expired_at: base.At | None
    """When it expired."""
    expires_at: base.At | None
    """The time by which it must be started; null = it never expires."""
    duration_seconds: base.Count | None
    """The seconds from Start to completion."""
    progress: base.ProgressJson
    """The run's progress."""
    clock_skew_seconds: int | None
    """The seconds by which the phone's clock is ahead of the server's, if it is more than five minutes off."""
    handled_at: base.At | None
    """When an operator dealt with a missed or flagged run at the console, or a missed run was repeated; a new flag
    makes it null again, and so does its expiry."""
    handled_note: str | None
    """The note of the operator who dealt with it."""


class FlaggedStepJson(TypedDict):
    """A step that calls for attention."""

    step_id: base.StepId
    """The step's id."""
    label: str
    """The step's label, as its author wrote it."""
    answer: str
    """The answer in words and, separated by “ · ”, the answers of further steps with a condition on this step, without
    flagged steps and steps that could not be done; at most 500 characters. “Yes”, “No” and the words for a step that
    could not be done are English, unless the checklist has its own."""
    remark: str | None
    """The text of the executor's remark on it."""


class ShareJson(TypedDict):
    """A link to the report of a run for readers without a key."""

    share_id: base.ShareId
    """The share's id."""
    url: base.Url | None
    """The link, in the answer to the request that made it; null ever after, as only its digest is stored."""
    photos: bool
    """Whether the report has the photos."""
    remarks: bool
    """Whether it has the executor's remarks."""
    positions: bool
    """Whether it has the positions of answers and photos."""
    names: bool
    """Whether it has the executor's name."""
    signature: bool
    """Whether it has the signatures, with the names typed for them."""
    fields: list[str]
    """The ids of fields that it has besides those that the link shows before Start."""
    without: list[base.PhotoId]
    """The ids of photos that it leaves out."""
    language: str | None
    """The language of the report; null = the reader's."""
    created_at: base.At
    """When it was made."""
    expires_at: base.At | None
    """When it ends; null = once it is revoked."""
    revoked_at: base.At | None
    """When it was revoked."""
    opened: base.Count
    """The number of times that it was opened at least: at most once a browser and day, and not by robots."""
    opened_at: base.At | None
    """When it was last opened."""


class RunEndJson(TypedDict):
    """The members of a run behind its answers."""

    cancellation: CancellationAnswerJson | None
    """The cancellation, if it was cancelled."""
    webhook: WebhookAnswerJson | None
    """The webhook that its events go to."""


class RunListedJson(RunHeadJson, RunEndJson):
    """A run without its template and answers."""


class RunSteeredJson(RunListedJson):
    """A run with its answers, without its template."""

    note: str | None
    """The note, which the executor reads after Start."""
    fields: dict[str, base.Value]
    """Values of the template's fields by their ids; with secrets only when the record of an open run is read."""
    prefill: dict[str, base.Value]
    """Values by step id, for the executor to confirm."""
    answers: dict[str, AnsweredJson]
    """Answers by step id, of visible steps that were answered, skipped or closed as unable."""
    remarks: dict[str, RemarkJson]
    """Remarks by step id, on visible steps, answered or not."""
    flags: list[FlaggedStepJson]
    """The steps that call for attention, at most 20: first those that could not be done, then the flagged ones, each in
    the order of the checklist."""
    signature: SignatureAnswerJson | None
    """The signature that closed the run, or was given before it ended otherwise."""


class RunPatchedJson(RunSteeredJson):
    """A run with its answers, without its template, and warnings about the patch."""

    warnings: list[WarnedJson]
    """Problems to solve, as after a dispatch."""


class RunRecordJson(RunSteeredJson):
    """The whole record of a run."""

    template: Annotated[dict[str, Any], base.component("TemplateRecord")]
    """The version that the run was dispatched with, verbatim."""


class OrganizationJson(TypedDict):
    """The organization of the API key."""

    id: base.OrganizationId
    """The organization's id."""
    name: str
    """The name, which executors read."""
    contact: str | None
    """The contact for people whose link no longer works."""
    credits: base.Count | None
    """The number of runs that can still be dispatched; null = unlimited."""
    runs_this_month: base.Count
    """The number of runs dispatched since the first of the month, in UTC."""
    deliveries_failed: base.Count
    """The number of deliveries that have failed for good."""
    bytes_used: base.Count
    """About the size of all data stored of the organization, photos included."""
    bytes_quota: base.Count | None
    """The storage quota; null = unlimited."""
