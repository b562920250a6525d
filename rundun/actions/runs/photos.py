"""Photos and signatures. `add_photo` stores a photo with the last pieces of its files; a photo too large for one commit
has earlier pieces, stored by `add_pieces` and visible only once the photo is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rundun.actions.organizations import quotas
from rundun.actions.runs import remarks
from rundun.actions.runs.state import RunState, current_time, get_for_device, load, require_started, save
from rundun.core import picture
from rundun.core.actor import Actor
from rundun.core.runs import progress
from rundun.core.runs.evidence import Photo, Signature, undrawn_ids
from rundun.core.runs.remark import MAX_PHOTOS
from rundun.core.runs.run import Run
from rundun.core.templates.steps import PhotoSlot, StepBase, is_drawable, photo_limits, photo_slots
from rundun.errors import FieldError, FieldErrorCode, Invalid, NotFound, Problem
from rundun.store import files
from rundun.store.files import PhotoFiles, PhotoMetadata, Piece
from rundun.store.runs import answers, changes as run_changes, remarks as remark_rows, runs as run_rows
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates as template_rows

UNUSED_SIGNATURES = 4
MAX_DELETED = 200  # ids of one step that are stored as deleted although no such photo was listed or had arrived
MAX_OF_SLOT = 2  # a new photo and the one that it replaces, which may be deleted later


@dataclass(frozen=True, slots=True)
class PhotoRef:
    """The key of a photo, stored or not: run, step and id; `is_remark` if it belongs to the step's remark."""

    run_id: str
    step_id: str
    photo_id: str
    is_remark: bool = False


def require_photo_step(tx: Tx, target: PhotoRef, slot: str | None, device: str | None) -> str:
    """Return the organization's id if a step takes photos in this slot; otherwise the body need not be read. Raises
    NotFound, `run_erased`, `other_device`, `Invalid`.
    """
    run = get_for_device(tx, target.run_id, device)
    version = template_rows.get_version(tx, run.template_id, run.template_v)
    step = next((step for step in version.steps if step.id == target.step_id), None)
    if step is None:
        raise NotFound("step")
    if target.is_remark:
        remarks.require_allowed(version)
    elif photo_limits(step)[1] == 0:
        raise Invalid([FieldError("", "not_allowed", "this step takes no photos")])
    _require_slot(() if target.is_remark else photo_slots(step), slot)
    return run.org_id


def _require_slot(slots: Sequence[PhotoSlot], slot: str | None) -> None:
    ids = [one.id for one in slots]
    if slot is None and ids:
        raise _wrong_slot("required", f"is required: this step has the slots {', '.join(ids)}")
    if slot is not None and not ids:
        raise _wrong_slot("not_allowed", "this step has no slots")
    if slot is not None and slot not in ids:
        raise _wrong_slot("unknown_reference", f"is none of the slots {', '.join(ids)} of this step")


def _wrong_slot(code: FieldErrorCode, detail: str) -> Invalid:
    return Invalid([FieldError("/slot", code, detail, "query")])


def find_stored_photo(tx: Tx, target: PhotoRef, sha256: str, metadata: PhotoMetadata) -> Photo | None:
    """Find the stored photo with the same id and bytes; return None if the photo may be added.

    Raises NotFound, `run_erased`, `photo_conflict` for other bytes under that id, `photo_deleted`, `run_closed`,
    `not_started`, `too_many_photos`, `unavailable` beyond `quotas.MOST`, and `Invalid` for drawings on each other.
    """
    before = _admit_photo(tx, run_rows.get(tx, target.run_id), target, sha256, metadata)
    return before if isinstance(before, Photo) else None


def _refuse_too_many(state: RunState, target: PhotoRef, metadata: PhotoMetadata) -> None:
    """Raise `too_many_photos` if a new photo would exceed the limit of its step, slot or remark. A photo that the
    answer or remark lists is only refused at four times the limit: unlisted ones must not keep it out, but lists that
    keep changing must not fill the disk.

    A photo that another one was drawn on does not count, in whichever order they arrive; there may be as many of these
    as photos that count, so that a chain of drawings ends. Beside an answer that takes unlisted photos (photo_list.py),
    listed photos still to come count too, so that all of them can be stored, except where one of them may be drawn on
    this photo.
    """
    lists = (state.evidence.remarks if target.is_remark else state.answers).get(target.step_id)
    answer = None if target.is_remark else state.answers.get(target.step_id)
    is_listed = lists is not None and target.photo_id in (lists.photos or ())
    stored = (state.evidence.remark_photos if target.is_remark else state.evidence.photos).get(target.step_id, {})
    undrawn, slot = undrawn_ids(stored) | {metadata.annotated_from}, metadata.slot
    counted = {photo_id for photo_id, photo in stored.items() if slot is None or photo.slot == slot}
    most, subject = photo_limits(state.step(target.step_id))[1], "This step may have"
    if target.is_remark:
        most, subject = MAX_PHOTOS, "A remark may have"
    all_of_step = 2 * most
    if slot is not None:
        most, subject, all_of_step = MAX_OF_SLOT, "This slot may have", all_of_step * MAX_OF_SLOT
    to_count = set[str]()
    if answer is not None and answer.left_out is not None and not is_drawable(state.step(target.step_id)):
        to_count = {target.photo_id, *state.step_states[target.step_id].listed} - undrawn
    if is_listed:
        is_full = len(stored) >= 2 * all_of_step
    else:
        is_full = len((counted | {target.photo_id}) - undrawn) > most or len(stored) >= all_of_step
        is_full = is_full or len(to_count) > all_of_step // 2
    if is_full:
        detail = f"{subject} at most {most} photos; delete one first."
        if is_listed:
            count = len(stored)
            detail = f"{count} photos are stored here, of which {most} may count; delete those that are not listed."
        raise Problem("too_many_photos", detail, [FieldError("/slot", "too_long", detail, "query")] if slot else [])


def add_pieces(tx: Tx, org_id: str, pieces: Sequence[Piece]) -> None:
    """Store pieces of an upload that is too large for one commit. Raises `unavailable` beyond `quotas.MOST` of the
    quota, which can be used up by others during the upload.
    """
    quotas.require_quota_to_continue(tx, org_id)
    files.add_pieces(tx, pieces)


def add_photo(
    tx: Tx, target: PhotoRef, new: PhotoFiles, pieces: Sequence[Piece], metadata: PhotoMetadata, device: str | None
) -> tuple[Photo, bool]:
    """Store the last pieces of an upload, and the photo, which is safe from this commit on. Return the photo, and
    whether it is new. Raises the errors of `find_stored_photo`, and `other_device`.
    """
    before = _admit_photo(tx, get_for_device(tx, target.run_id, device), target, new.original.sha256, metadata)
    if isinstance(before, Photo):
        files.remove_unfinished(tx, new.numbers)
        return before, False
    files.add_pieces(tx, pieces)
    files.mark_complete(tx, new.numbers)
    return _add(tx, before, target, new, metadata), True


def _admit_photo(tx: Tx, run: Run, target: PhotoRef, sha256: str, metadata: PhotoMetadata) -> Photo | RunState:
    """Return the run's state if the photo may be added, or the stored photo if its bytes are stored already, as after
    two uploads at the same time. Raises the errors of `find_stored_photo`.
    """
    stored = files.find_photo(tx, target.run_id, target.step_id, target.photo_id)
    if stored is not None:
        if stored.sha256 != sha256:
            raise Problem("photo_conflict", "A photo with other bytes has this id already.")
        if stored.is_remark != target.is_remark:
            raise Problem("photo_conflict", "A photo of the step's remark, or of its answer, has this id already.")
        return stored
    state = load(tx, require_started(tx, run))
    if target.photo_id in run_changes.list_deleted_photos(tx, target.run_id, target.step_id):
        raise Problem("photo_deleted", "This photo was deleted meanwhile, on another phone or in another tab.")
    if metadata.annotated_from and state.evidence.is_drawn_on(target.step_id, metadata.annotated_from, target.photo_id):
        detail = "was itself drawn on this photo: two photos can't be drawn on each other"
        raise Invalid([FieldError("/annotated_from", "not_allowed", detail, "query")])
    _refuse_too_many(state, target, metadata)
    quotas.require_quota_to_continue(tx, run.org_id)
    return state


def _add(tx: Tx, before: RunState, target: PhotoRef, new: PhotoFiles, metadata: PhotoMetadata) -> Photo:
    received_at, run, is_remark = current_time(tx, before), before.run, target.is_remark
    undrawn = before.evidence.find_photo(target.step_id, metadata.annotated_from or "")
    step = before.step(target.step_id)
    known = _undrawn_metadata(undrawn, metadata) if undrawn else _judge_metadata(metadata, step, received_at)
    files.add_photo(tx, run, target.step_id, target.photo_id, new, known, received_at, is_remark=is_remark)
    if is_remark:
        run = remarks.put_has_remarks(tx, run)
    after = save(tx, before, load(tx, run), received_at)
    photo = after.evidence.find_photo(target.step_id, target.photo_id)
    assert photo is not None
    return photo


def _undrawn_metadata(undrawn: Photo, said: PhotoMetadata) -> PhotoMetadata:
    """Return the metadata of a drawing: source, time and place are those of the photo under it."""
    return replace(
        said, source=undrawn.source, taken_at=undrawn.taken_at, taken_at_from=undrawn.taken_at_from, geo=undrawn.geo
    )


def _judge_metadata(said: PhotoMetadata, step: StepBase, now: int) -> PhotoMetadata:
    """Return the metadata of a photo with its time and place from the client or, without these, from the EXIF of its
    original, the place only if the step records it. An implausible time becomes None, but not an integrator's.
    """
    if said.geo is None and step.geo:
        said = replace(said, geo=said.exif.geo)
    if said.taken_at is not None and said.taken_at_from is None:  # from an integrator's own client
        return replace(said, taken_at_from="camera" if said.source == "camera" else None)
    if said.taken_at is None:
        said = replace(said, taken_at=said.exif.taken_at, taken_at_from="exif")
    if said.taken_at is not None and picture.is_plausible(said.taken_at, now):
        return said
    return replace(said, taken_at=None, taken_at_from=None)


def remove_photo(tx: Tx, target: PhotoRef, device: str | None) -> RunState:
    """Delete a photo of an open run, arrived or not, and take it out of the lists of answer and remark; return the run
    with its answers and evidence. The photo stays deleted even if a phone lists or sends it later. Deleting it again
    changes nothing. Raises NotFound, `run_erased`, `other_device`, `run_closed`, `not_started`.
    """
    run = get_for_device(tx, target.run_id, device)
    before = load(tx, require_started(tx, run))
    before.step(target.step_id)
    now, photo = current_time(tx, before), before.evidence.find_photo(target.step_id, target.photo_id)
    answer, remark = before.answers.get(target.step_id), before.evidence.remarks.get(target.step_id)
    is_listed = answer is not None and target.photo_id in (answer.photos or ())
    is_noted = remark is not None and target.photo_id in remark.photos
    if photo is None and not is_listed and not is_noted:
        deleted = run_changes.list_deleted_photos(tx, run.run_id, target.step_id)
        if target.photo_id not in deleted and len(deleted) < MAX_DELETED:
            _note_deleted(tx, run, target, None, now)  # the deletion came before the photo and the list that names it
        return before
    if answer is not None and answer.photos and is_listed:
        left = _without(answer.photos, target.photo_id)
        answers.put_evidence(tx, run.run_id, target.step_id, replace(answer, photos=left))
    if remark is not None and is_noted:
        remark_rows.put_photos(tx, run.run_id, target.step_id, _without(remark.photos, target.photo_id))
    if photo is not None:
        files.remove_photo(tx, run.run_id, photo)
    _note_deleted(tx, run, target, photo, now)
    return save(tx, before, load(tx, run), now)


def _note_deleted(tx: Tx, run: Run, target: PhotoRef, photo: Photo | None, now: int) -> None:
    came = {name: photo and getattr(photo, name) for name in ("taken_at", "received_at")}
    of_photo = {"step_id": target.step_id, "photo_id": target.photo_id, **came}
    run_changes.add(tx, run, "photo_deleted", Actor("executor"), now, **of_photo)


def _without(photos: tuple[str, ...], photo_id: str) -> tuple[str, ...]:
    return tuple(listed for listed in photos if listed != photo_id)


def find_signature(tx: Tx, run_id: str, step_id: str, sha256: str, device: str | None) -> Signature | None:
    """Return the stored signature with these bytes, or None; `step_id` "" is for the signature that closes the run.

    Raises NotFound, `run_erased`, `other_device`, and `Invalid` if nothing is to be signed there.
    """
    run = get_for_device(tx, run_id, device)
    state = load(tx, run)
    if step_id and state.step(step_id).type != "signature":
        raise Invalid([FieldError("", "not_allowed", "this step takes no signature")])
    if not step_id and not state.version.template.settings.signature_on_complete:
        raise Invalid([FieldError("", "not_allowed", "this run is completed without a signature")])
    return _find_signature(state, step_id, sha256)


def _find_signature(state: RunState, step_id: str, sha256: str) -> Signature | None:
    signed = state.evidence.signatures.values()
    return next((row for row in signed if (row.step_id, row.sha256) == (step_id, sha256)), None)


def add_signature(
    tx: Tx, run_id: str, step_id: str, png: bytes, sha256: str, typed_name: str | None, device: str | None
) -> Signature:
    """Store a signature picture and return it; stored bytes are not stored again. An answer without a signature takes
    it; an answer with one keeps it until it is given again. Raises NotFound, `run_erased`, `other_device`,
    `run_closed`, `not_started`, `unavailable` beyond `quotas.MOST`; `find_signature` checks that the step takes one.
    """
    run = get_for_device(tx, run_id, device)
    before = load(tx, require_started(tx, run))
    known = _find_signature(before, step_id, sha256)
    if known is not None:
        return known
    quotas.require_quota_to_continue(tx, run.org_id)
    _remove_unused(tx, before, step_id)
    file = files.add_small(tx, "image/png", png, sha256)
    now = current_time(tx, before)
    number = files.add_signature(tx, run, step_id, file, typed_name, len(png), now)
    answer = before.answers.get(step_id)
    if answer is not None and answer.signature is None and progress.answer_kind(answer) == "answered":
        answers.put_evidence(tx, run_id, step_id, replace(answer, signature=number))
    return save(tx, before, load(tx, run), now).evidence.signatures[number]


def _remove_unused(tx: Tx, state: RunState, step_id: str) -> None:
    """Delete the unused signatures of a step, except the last `UNUSED_SIGNATURES`: their receipts may be lost."""
    used = answers.list_signatures(tx, state.run.run_id)
    unused = [row for row in state.evidence.signatures.values() if row.step_id == step_id and row.number not in used]
    for signature in unused[: -UNUSED_SIGNATURES or None]:
        files.remove_signature(tx, signature)
