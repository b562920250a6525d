"""File names for saving a run's files, in its archive and one by one."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from rundun.actions.runs.runs import RunDetail
from rundun.actions.runs.state import RunState
from rundun.core.runs.evidence import Photo, answer_photos, order_photos, remark_photos
from rundun.core.runs.run import Run
from rundun.core.templates.steps import StepBase, photo_slots
from rundun.core.urls import EXTENSIONS

MAX_NAME = 40


@dataclass(slots=True)
class FileNames:
    """Paths in the archive by the numbers of stored files. Of typed text a name contains only letters and digits."""

    paths: dict[int, str] = field(default_factory=dict)

    def add(self, number: int, folder: str, words: str, suffix: str, shot: str | None = None) -> None:
        """Set the path of a file, different from all others of the run. The label of its `shot`, if any, replaces the
        number unless that name is taken.
        """
        taken = {path.rpartition(".")[0] for path in self.paths.values()}
        stem, index = (words, 1) if shot is None else (f"{words}-{slug(shot)}", 0)
        while (name := f"{folder}/{stem}{f'-{index}' if index else ''}") in taken:
            index = max(index + 1, 2)
        self.paths.setdefault(number, f"{name}.{suffix}")

    def download_name(self, number: int, run: Run) -> str:
        """Return a file's name outside the archive: behind the run's reference, reduced by `slug`, or run-1a2b3c4d, the
        name inside.
        """
        of_run = slug(run.executor_ref) if run.executor_ref else f"run-{run.run_id[2:10]}"
        return f"{of_run}-{self.paths[number].rpartition('/')[2]}"

    def archive_path(self, number: int, _: str) -> str:
        """Return a file's path in the archive; "" for a file that is not in it."""
        return self.paths.get(number, "")


def slug(label: str) -> str:
    """Return a label reduced to at most `MAX_NAME` characters a–z, 0–9 and dashes, accents removed; “step” if none are
    left.
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_NAME].strip("-") or "step"


def shot_label(step: StepBase, photo: Photo) -> str | None:
    """Return the label of a photo's shot; None if it belongs to no shot of its step."""
    return next((slot.label for slot in photo_slots(step) if slot.id == photo.slot), None)


def file_names(detail: RunDetail) -> FileNames:
    """Return the `FileNames` of a run: the paths in an archive, by the numbers of the files, of all originals and
    signatures, and of the JPEG beside an original that browsers can't show. Photos are numbered as on pages.
    """
    names, evidence = FileNames(), detail.state.evidence
    labels = {step.id: f"{number:03d}-{slug(step.label)}" for number, step in enumerate(detail.state.version.steps, 1)}
    steps = {step.id: step for step in detail.state.version.steps}
    for photo in _list_photos(detail.state):
        words = labels[photo.step_id] + ("-remark" if photo.is_remark else "")
        shot = shot_label(steps[photo.step_id], photo)
        names.add(photo.original, "photos", words, EXTENSIONS[photo.content_type], shot)
        if photo.content_type == "image/heic":
            names.add(photo.derived, "photos", f"{words}-shown", "jpg", shot)
    for signature in evidence.signatures.values():
        words = labels.get(signature.step_id, "step") if signature.step_id else "at-the-end"
        names.add(signature.file, "signatures", words, "png")
    return names


def _list_photos(state: RunState) -> Iterator[Photo]:
    """Yield all stored photos of answers, replaced ones too, then those of remarks, in each step as on its page."""
    evidence = state.evidence
    for step_id, stored in evidence.photos.items():
        yield from order_photos(answer_photos(state.step_states[step_id], evidence), stored)
    for step_id, stored in evidence.remark_photos.items():
        yield from order_photos(remark_photos(step_id, evidence), stored)
