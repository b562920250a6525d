"""Responses of the executor's side under `/r`."""

from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.base import BarcodeFormat, FieldKind, Status
from rundun.core.json_types.runs import RemarkBaseJson


class GenerationJson(TypedDict):
    """The origin of a response to a phone."""

    generation: base.Count
    """The generation of the database: a random number below 2^53 that each restore of a backup makes anew, 0 before the
    first. What was confirmed in another generation may be missing in this one; responses of older versions have none,
    which means 0."""


class RunBriefJson(TypedDict):
    """The members of a run that every write returns."""

    status: Status
    """The run's status."""
    expires_at: base.At | None
    """The time by which it must be started; null = it never expires."""
    progress: base.ProgressJson
    """The run's progress."""
    revision: base.Count
    """Rises with every change."""


class RunStateJson(RunBriefJson):
    """The members of a run that the executor's page knows."""

    run_id: base.RunId
    """The run."""
    late: bool
    """Not done by `due_at`, or still being done after `expires_at` where there is no due time."""
    created_at: base.At
    """When it was dispatched."""
    started_at: base.At | None
    """When Start was tapped."""
    closed_at: base.At | None
    """When it ended."""
    language: str | None
    """The language of the executor's page."""
    assigned_to: base.UserId | None
    """The executor who started it."""
    identity: base.IdentityJson
    """The identity that the executor stated."""


class ShownFieldJson(TypedDict):
    """A field of the job that has a value and is shown to the executor."""

    id: str
    """The field's id in the template."""
    label: str
    """The label in the run's language if the template has that translation, else as its author wrote it."""
    kind: FieldKind
    """The kind of value, which decides how to show it and how to react to a tap."""
    value: base.Value
    """The value given at dispatch; never null here."""


class ShownJobJson(TypedDict):
    """The job of the run. Before Start the title, the due time and fields with `"show": "start"`; the rest comes with
    Start."""

    title: str | None
    """The title, to be shown first."""
    due_at: base.At | None
    """When it should be done."""
    fields: list[ShownFieldJson]
    """Fields in the template's order. After Start they include secrets: keep these hidden until they are tapped."""
    note: NotRequired[str | None]
    """The note, of several lines; after Start only."""
    prefill: NotRequired[dict[base.StepId, base.Value]]
    """Values by step id for the executor to confirm or change, not answers until then; after Start only."""


class StepStateJson(TypedDict):
    """The state of one step, visible or hidden; a step that was never answered has fewer members."""

    answer_id: str | None
    """The answer's id, made by the phone."""
    visible: bool
    """Whether its condition holds."""
    done: bool
    """Whether it is visible and skipped, unable, or answered with all its photos and its signature."""
    flagged: bool
    """Whether its answer calls for attention."""
    waiting_for: list[str]
    """Ids of photos still to come, or `signature`."""
    value: NotRequired[base.Value]
    """The value of the answer."""
    skipped: NotRequired[bool]
    """Whether it was skipped."""
    unable: NotRequired[base.UnableJson | None]
    """The reason where it was closed without a value; else null."""
    at: NotRequired[base.At]
    """The time by the server's clock."""
    answered_at: NotRequired[base.At | None]
    """The time by the phone's clock."""
    geo: NotRequired[base.PositionJson | None]
    """The position at the answer."""
    photos: NotRequired[list[base.PhotoId]]
    """The ids of the answer's photos, in order."""


class StepWrittenJson(StepStateJson):
    """The step that was written."""

    step_id: base.StepId
    """The step's id."""


class WrittenJson(GenerationJson):
    """The response to a write on a step."""

    run: RunBriefJson
    """The run after the write."""
    step: StepWrittenJson
    """The step after the write."""


class ShownPictureJson(TypedDict):
    """A picture that a step shows."""

    url: str
    """A JPEG of at most 1280 px, a path on this host."""
    thumbnail_url: str
    """The thumbnail, a path on this host."""
    width: base.Positive
    """Of the JPEG."""
    height: base.Positive
    """Of the JPEG."""


class PicturesJson(TypedDict):
    """The pictures that the steps show; present once the run is started."""

    pictures: NotRequired[dict[base.PictureId, ShownPictureJson]]
    """Pictures by id; only once the run is started."""
    step_pictures: NotRequired[dict[base.StepId, list[base.PictureId]]]
    """Picture ids by step id, of steps that show any; only once the run is started."""


class StartedJson(PicturesJson, GenerationJson):
    """The run is under way; a signed cookie names the device."""

    run: RunStateJson
    """The run after the write."""
    assigned_to: base.UserId
    """The executor's id."""
    job: ShownJobJson
    """The job, now with the members that were withheld before Start."""


class EndedJson(GenerationJson):
    """The run is closed."""

    run: RunStateJson
    """The run after the write."""


class StoredJson(TypedDict):
    """The size and digest of the stored bytes, in every receipt."""

    bytes: base.Positive
    """The number of bytes stored."""
    sha256: base.Sha256
    """The SHA-256 of these bytes, in hex."""
    received_at: base.At
    """The time by the server's clock."""


class ReceiptJson(StoredJson):
    """The receipt of a photo that is on the disk: the phone may now delete its own copy."""

    photo_id: base.PhotoId
    """The photo's id, made by the phone."""
    slot: str | None
    """The id of the step's slot that it was taken for; null = none."""
    url: str
    """The derived JPEG, a path on this host."""
    thumbnail_url: str
    """The thumbnail, a path on this host."""
    width: base.Positive
    """Of the derived JPEG."""
    height: base.Positive
    """Of the derived JPEG."""
    annotated_from: base.PhotoId | None
    """The id of the photo without the drawing; null if it was not drawn on."""


class PhotoStoredJson(ReceiptJson, GenerationJson):
    """The response to a photo's upload: its receipt."""


class SignatureReceiptJson(StoredJson):
    """The receipt of a signature that is on the disk."""

    url: str
    """The PNG, a path on this host."""


class SignatureStoredJson(SignatureReceiptJson, GenerationJson):
    """The response to a signature's upload: its receipt."""


class HostJson(TypedDict):
    """The organization that dispatched the run."""

    name: str
    """Its name."""
    contact: str | None
    """Its contact for questions."""


class RemarkStateJson(RemarkBaseJson):
    """The state of the remark on a step."""

    photos: list[base.PhotoId]
    """The ids of its photos in order, those still to come included."""


class RemarkWrittenJson(RemarkStateJson):
    """The remark in force; it was taken back if it has neither text nor photos."""

    step_id: base.StepId
    """The id of its step."""


class RemarkedJson(GenerationJson):
    """The response to a write of a remark."""

    run: RunBriefJson
    """The run after the write."""
    remark: RemarkWrittenJson | None
    """The remark after the write; null = there never was one."""


class StateJson(PicturesJson, GenerationJson):
    """The whole state of a run, enough to resume on another device."""

    run: RunStateJson
    """The run."""
    organization: HostJson
    """The organization that dispatched it."""
    job: ShownJobJson
    """The job of the run."""
    template_id: base.TemplateId
    """The run's template."""
    template_v: base.Positive
    """The version of the template."""
    template: Annotated[dict[str, Any], base.component("Template")]
    """The checklist without its `fields`; members that its author left out are missing, so apply the defaults. Its
    pictures are named once the run is started."""
    answers: dict[str, StepStateJson]
    """Every answered step by its id, visible or hidden."""
    photos: dict[str, list[ReceiptJson]]
    """The photos of answers by step id, in order of arrival."""
    remarks: dict[str, RemarkStateJson]
    """Remarks by step id, on visible and hidden steps."""
    remark_photos: dict[str, list[ReceiptJson]]
    """The photos of remarks by step id, in order of arrival."""
    signatures: dict[str, SignatureReceiptJson]
    """Signatures by step id; the empty id is the signature that closes the run."""
    server_time: base.At
    """The time of this response."""


class DecodedJson(TypedDict):
    """A barcode that was read."""

    text: str
    """Its content."""
    format: BarcodeFormat
    """Its format."""
