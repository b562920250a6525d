"""Names of a run's files once they are saved, in the archive and one by one."""

import re
import unicodedata
from dataclasses import dataclass, field

from rundun.actions.runs import RunDetail
from rundun.core.evidence import Photo
from rundun.core.run import Run
from rundun.core.steps import StepBase, slots_of
from rundun.core.urls import EXTENSIONS

MAX_NAME = 40


@dataclass(slots=True)
class FileNames:
    """Paths in the archive by the numbers of stored files. Nothing of a name was typed but letters and digits."""

    paths: dict[int, str] = field(default_factory=dict)

    def add(self, number: int, folder: str, words: str, suffix: str, shot: str | None = None) -> None:
        """Give a file a name that no other file of the run has; `shot` is the label of the shot that a photo is of,
        which needs no number as long as there is one of it.
        """
        taken = set(self.paths.values())
        stem, index = (words, 1) if shot is None else (f"{words}-{slug(shot)}", 0)
        while (name := f"{folder}/{stem}{f'-{index}' if index else ''}.{suffix}") in taken:
            index = max(index + 1, 2)
        self.paths.setdefault(number, name)

    def download_name(self, number: int, run: Run) -> str:
        """Return a file's name outside its archive, among files of other runs."""
        of_run = slug(run.executor_ref) if run.executor_ref else f"run-{run.run_id[2:10]}"
        return f"{of_run}-{self.paths[number].rpartition('/')[2]}"

    def archive_path(self, number: int, _: str) -> str:
        """Return a file's path in the archive; "" for a file that is not in it."""
        return self.paths.get(number, "")


def slug(label: str) -> str:
    """Reduce a label to small letters, digits and dashes; “step” where there are none."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_NAME].strip("-") or "step"


def shot_label(step: StepBase, photo: Photo) -> str | None:
    """Return the label of the shot that a photo is of; None where its step names no shots."""
    return next((slot.label for slot in slots_of(step) if slot.id == photo.slot), None)


def file_names(detail: RunDetail) -> FileNames:
    """Name all originals and signatures, and beside an original that browsers don't show the picture made of it."""
    names, evidence = FileNames(), detail.state.evidence
    labels = {step.id: f"{number:03d}-{slug(step.label)}" for number, step in enumerate(detail.state.version.steps, 1)}
    steps = {step.id: step for step in detail.state.version.steps}
    for step_id, photos in (*evidence.photos.items(), *evidence.remark_photos.items()):
        for photo in photos.values():
            words, step = labels.get(step_id, "step") + ("-remark" if photo.is_remark else ""), steps.get(step_id)
            shot = shot_label(step, photo) if step else None
            names.add(photo.original, "photos", words, EXTENSIONS[photo.content_type], shot)
            if photo.content_type == "image/heic":
                names.add(photo.derived, "photos", f"{words}-shown", "jpg", shot)
    for signature in evidence.signatures.values():
        words = labels.get(signature.step_id, "step") if signature.step_id else "at-the-end"
        names.add(signature.file, "signatures", words, "png")
    return names
