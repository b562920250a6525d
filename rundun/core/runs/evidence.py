"""The evidence of a run: photos, signatures and remarks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator

from rundun.core.json_types.base import PositionJson
from rundun.core.picture import TimeSource
from rundun.core.runs.progress import StepState
from rundun.core.runs.remark import Remark
from rundun.core.validation import Matching

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
PhotoId = Annotated[str, Matching("ph-" + UUID, "must be “ph-” and a UUID"), AfterValidator(str.lower)]


@dataclass(slots=True)
class Photo:
    """A stored photo: `original`, `derived` and `thumbnail` are file numbers, `bytes` and `sha256` the original's.
    `annotated_from` is the id of the photo without the drawing, stored or not. `removed_at` is when retention removed
    its three pictures. Times are in milliseconds.
    """

    photo_id: str
    step_id: str
    original: int
    derived: int
    thumbnail: int
    content_type: str
    bytes: int
    sha256: str
    width: int
    height: int
    source: Literal["camera", "gallery"] | None
    taken_at: int | None
    taken_at_from: TimeSource | None
    annotated_from: str | None
    received_at: int
    geo: PositionJson | None
    is_remark: bool
    slot: str | None
    removed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A stored signature picture; `step_id` is "" for the signature that closes a run."""

    number: int
    step_id: str
    file: int
    typed_name: str | None
    bytes: int
    sha256: str
    received_at: int


@dataclass(slots=True)
class Evidence:
    """The evidence of a run: photos of answers by step and id, signatures by number, the last remark of each step (even
    if taken back), photos of remarks by step and id, and `removed` photos of both, whose pictures retention removed.
    Removed photos still count, so that a done step stays done.
    """

    photos: Mapping[str, Mapping[str, Photo]]
    signatures: Mapping[int, Signature]
    remarks: Mapping[str, Remark] = field(default_factory=dict)
    remark_photos: Mapping[str, Mapping[str, Photo]] = field(default_factory=dict)
    removed: Mapping[str, Mapping[str, Photo]] = field(default_factory=dict)

    def arrived(self) -> dict[str, dict[str, str | None]]:
        """Return the slot (or None) of each photo of answers, removed ones included, by step id and photo id in order
        of arrival.
        """
        return {
            step_id: {key: photo.slot for key, photo in photos.items()}
            for step_id, photos in self._of_answers().items()
        }

    def _of_answers(self) -> Mapping[str, Mapping[str, Photo]]:
        """Return all photos of answers by step id and photo id, removed ones before the others."""
        if not self.removed:  # true of nearly all runs
            return self.photos
        photos: dict[str, dict[str, Photo]] = {}
        for step_id, removed in self.removed.items():
            photos[step_id] = {key: photo for key, photo in removed.items() if not photo.is_remark}
        for step_id, stored in self.photos.items():
            photos[step_id] = {**photos.get(step_id, {}), **stored}
        return photos

    def find_photo(self, step_id: str, photo_id: str) -> Photo | None:
        """Return a photo of a step's answer or remark by its id; None if it is not stored, or was removed."""
        photos = {**self.photos.get(step_id, {}), **self.remark_photos.get(step_id, {})}
        return photos.get(photo_id)

    def is_drawn_on(self, step_id: str, photo_id: str, undrawn_id: str) -> bool:
        """Tell whether a photo of a step was drawn on the photo `undrawn_id`, directly or by way of stored drawings."""
        seen: set[str | None] = set()  # old photos may form a circle, which is now refused
        photo = self.find_photo(step_id, photo_id)
        while photo is not None and photo.annotated_from not in (undrawn_id, *seen):
            seen.add(photo.annotated_from)
            photo = self.find_photo(step_id, photo.annotated_from or "")
        return photo is not None and photo.annotated_from == undrawn_id

    def undrawn(self) -> dict[str, frozenset[str]]:
        """Return, by step, the ids of the photos, stored or not, that photos of its answers were drawn on."""
        return {step_id: undrawn_ids(photos) for step_id, photos in self._of_answers().items()}

    def count_removed(self, step_id: str, listed: Sequence[str]) -> int:
        """Return the number of photos in an answer's or remark's list whose pictures were removed."""
        removed = self.removed.get(step_id)
        return len(removed.keys() & set(listed)) if removed else 0


def undrawn_ids(photos: Mapping[str, Photo]) -> frozenset[str]:
    """Return the ids of the photos that a step's `photos` were drawn on."""
    return frozenset([photo.annotated_from for photo in photos.values() if photo.annotated_from])


def order_photos(listed: Sequence[Photo], stored: Mapping[str, Photo]) -> Iterator[Photo]:
    """Yield each `stored` photo once, listed ones first, and behind a photo the one it was drawn on, if yet to come."""
    ids = dict[str, None]()
    for photo_id in (*(photo.photo_id for photo in listed), *stored):
        photo = stored.get(photo_id)
        ids |= dict.fromkeys([photo_id, photo.annotated_from or photo_id] if photo else ())
    return (stored[photo_id] for photo_id in ids if photo_id in stored)


def answer_photos(step_state: StepState, evidence: Evidence) -> list[Photo]:
    """Return the photos that have arrived for a step's answer, or before one, in its order, without removed ones."""
    stored = evidence.photos.get(step_state.step.id, {})
    return [stored[photo_id] for photo_id in step_state.photos if photo_id in stored]


def remark_photos(step_id: str, evidence: Evidence) -> list[Photo]:
    """Return the photos that have arrived for a step's remark in force, in its order, without removed ones."""
    remark, stored = evidence.remarks.get(step_id), evidence.remark_photos.get(step_id, {})
    return [] if remark is None else [stored[photo_id] for photo_id in remark.photos if photo_id in stored]
