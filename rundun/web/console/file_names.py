"""What a run's files are called once they are saved, in the archive and one by one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from rundun.actions.runs import RunDetail
from rundun.core.run import Run
from rundun.core.urls import EXTENSIONS

MAX_NAME = 40


@dataclass(slots=True)
class Names:
    """Where in the archive each stored file lies. Nothing of a name was typed but letters and digits."""

    folder: dict[int, str] = field(default_factory=dict)

    def give(self, number: int, folder: str, words: str, suffix: str) -> None:
        """A name for a file."""
        taken = set(self.folder.values())
        index = 1
        while (name := f"{folder}/{words}-{index}.{suffix}") in taken:
            index += 1
        self.folder.setdefault(number, name)

    def alone(self, number: int, run: Run) -> str:
        """A file's name outside its archive, among files of other runs."""
        of_run = slug(run.executor_ref) if run.executor_ref else f"run-{run.run_id[2:10]}"
        return f"{of_run}-{self.folder[number].rpartition('/')[2]}"

    def of(self, number: int, _: str) -> str:
        """Where a file lies; "" for one that does not come along."""
        return self.folder.get(number, "")


def slug(label: str) -> str:
    """Small letters, digits and dashes of a label; “step” where it has none."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_NAME].strip("-") or "step"


def named(detail: RunDetail) -> Names:
    """All originals and signatures, and beside an original that browsers don't show the picture made of it."""
    names, evidence = Names(), detail.state.evidence
    labels = {step.id: f"{number:03d}-{slug(step.label)}" for number, step in enumerate(detail.state.version.steps, 1)}
    for step_id, photos in evidence.photos.items():
        for photo in photos.values():
            names.give(photo.original, "photos", labels.get(step_id, "step"), EXTENSIONS[photo.content_type])
            if photo.content_type == "image/heic":
                names.give(photo.derived, "photos", f"{labels.get(step_id, 'step')}-shown", "jpg")
    for signature in evidence.signatures.values():
        words = labels.get(signature.step_id, "step") if signature.step_id else "at-the-end"
        names.give(signature.file, "signatures", words, "png")
    return names
