"""What the executor's side under `/r` answers."""

from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from rundun.core.json_types import base
from rundun.core.json_types.base import BarcodeFormat, FieldKind, Status
from rundun.core.json_types.runs import RemarkBaseJson


class RunBriefJson(TypedDict):
    """What every write tells of the run."""

    status: Status
    """Where it stands."""
    expires_at: base.At | None
    """Until when it must be started; null = never."""
    progress: base.ProgressJson
    """How far it is."""
    revision: base.Count
    """Rises with every change."""


class RunStateJson(RunBriefJson):
    """What the page knows of the run itself."""

    run_id: base.RunId
    """The run."""
    late: bool
    """Not done by `due_at`, or still being done after `expires_at` where there is none."""
    created_at: base.At
    """Dispatched."""
    started_at: base.At | None
    """Start was tapped."""
    closed_at: base.At | None
    """Ended."""
    language: str | None
    """What it is read in."""
    assigned_to: base.UserId | None
    """Who started it."""
    identity: base.IdentityJson
    """Who they say they are."""


class ShownFieldJson(TypedDict):
    """A field of the job that has a value, and is for the executor."""

    id: str
    """The template's id of it."""
    label: str
    """In the run's language where the template is translated to it, else as its author wrote it."""
    kind: FieldKind
    """What it is: how to show it, and what a tap does."""
    value: base.Value
    """What the dispatch said; never null here."""


class ShownJobJson(TypedDict):
    """What the run is about. Before Start the title, the due time and fields with `"show": "start"`; the rest comes
    with Start."""

    title: str | None
    """What to show first."""
    due_at: base.At | None
    """When it should be done."""
    fields: list[ShownFieldJson]
    """In the template's order. Secrets are here after Start: keep them hidden until somebody wants to see them."""
    note: NotRequired[str | None]
    """Several lines; after Start only."""
    prefill: NotRequired[dict[base.StepId, base.Value]]
    """Values by step id, to be confirmed or changed by the executor, and no answers until then; after Start only."""


class StepStateJson(TypedDict):
    """How one step stands, hidden ones too; a step that was never answered has fewer members."""

    answer_id: str | None
    """As the phone made it."""
    visible: bool
    """Whether its condition holds."""
    done: bool
    """Visible, and skipped, unable, or answered with everything that belongs to it."""
    flagged: bool
    """Whether its answer calls for attention."""
    waiting_for: list[str]
    """Photo ids still to come, or `signature`."""
    value: NotRequired[base.Value]
    """The answer."""
    skipped: NotRequired[bool]
    """Passed over."""
    unable: NotRequired[base.UnableJson | None]
    """Closed with a reason."""
    at: NotRequired[base.At]
    """The server's clock."""
    answered_at: NotRequired[base.At | None]
    """The phone's clock."""
    geo: NotRequired[base.PositionJson | None]
    """Where."""
    photos: NotRequired[list[base.PhotoId]]
    """The answer's photos in order."""


class StepWrittenJson(StepStateJson):
    """The step that was written."""

    step_id: base.StepId
    """Which."""


class WrittenJson(TypedDict):
    """What a write on a step answers."""

    run: RunBriefJson
    """The run now."""
    step: StepWrittenJson
    """The step now."""


class ShownPictureJson(TypedDict):
    """A picture that a step shows."""

    url: str
    """A JPEG of at most 1280 px, a path on this host."""
    thumbnail_url: str
    """Its thumbnail."""
    width: base.Positive
    """Of the JPEG."""
    height: base.Positive
    """Of the JPEG."""


class PicturesJson(TypedDict):
    """What the steps show, told once the run is started."""

    pictures: NotRequired[dict[base.PictureId, ShownPictureJson]]
    """By picture id; only once the run is started."""
    step_pictures: NotRequired[dict[base.StepId, list[base.PictureId]]]
    """By step id, where a step shows any; only once the run is started."""


class StartedJson(PicturesJson):
    """The run is under way; a signed cookie names the device."""

    run: RunStateJson
    """The run now."""
    assigned_to: base.UserId
    """The executor."""
    job: ShownJobJson
    """What it is about, now with all that was kept back before Start."""


class EndedJson(TypedDict):
    """The run is closed."""

    run: RunStateJson
    """The run now."""


class StoredJson(TypedDict):
    """What every receipt says of the bytes."""

    bytes: base.Positive
    """Of what was stored."""
    sha256: base.Sha256
    """Of what was stored."""
    received_at: base.At
    """The server's clock."""


class ReceiptJson(StoredJson):
    """The photo is on the disk: with this the phone may delete its own copy."""

    photo_id: base.PhotoId
    """As the phone made it."""
    slot: str | None
    """Which of the step's slots it was taken for."""
    url: str
    """The derived JPEG, a path on this host."""
    thumbnail_url: str
    """Its thumbnail."""
    width: base.Positive
    """Of the derived JPEG."""
    height: base.Positive
    """Of the derived JPEG."""
    annotated_from: base.PhotoId | None
    """The photo that it was drawn on."""


class SignatureReceiptJson(StoredJson):
    """The signature is on the disk."""

    url: str
    """The PNG, a path on this host."""


class HostJson(TypedDict):
    """Who wants it done."""

    name: str
    """The organization."""
    contact: str | None
    """Whom to ask."""


class RemarkStateJson(RemarkBaseJson):
    """How the remark on a step stands."""

    photos: list[base.PhotoId]
    """Its photos in order, also those still to come."""


class RemarkWrittenJson(RemarkStateJson):
    """The remark in force; without text and photos it was taken back."""

    step_id: base.StepId
    """Which step it is on."""


class RemarkedJson(TypedDict):
    """What a write of a remark answers."""

    run: RunBriefJson
    """The run now."""
    remark: RemarkWrittenJson | None
    """The remark now; null = there was never one."""


class StateJson(PicturesJson):
    """Enough to resume on another device."""

    run: RunStateJson
    """The run."""
    organization: HostJson
    """Who wants it done."""
    job: ShownJobJson
    """What it is about."""
    template_id: base.TemplateId
    """What is done."""
    template_v: base.Positive
    """In which version."""
    template: Annotated[dict[str, Any], base.component("Template")]
    """The checklist without its `fields`; what its author left out stays out, so apply the defaults. Its pictures are
    named once the run is started."""
    answers: dict[str, StepStateJson]
    """By step id: every step that was answered, hidden ones too."""
    photos: dict[str, list[ReceiptJson]]
    """By step id, in order of arrival: those of answers."""
    remarks: dict[str, RemarkStateJson]
    """By step id: what was noted, on hidden steps too."""
    remark_photos: dict[str, list[ReceiptJson]]
    """By step id, in order of arrival: those of remarks."""
    signatures: dict[str, SignatureReceiptJson]
    """By step id; the empty id is the signature that closes the run."""
    server_time: base.At
    """Now."""


class DecodedJson(TypedDict):
    """What the barcode says."""

    text: str
    """Its content."""
    format: BarcodeFormat
    """Its kind."""
