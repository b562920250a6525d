"""Two runs side by side: the answers that differ, by how much, and the photos that belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from rundun.core.runs.report import ReportOptions
from rundun.core.templates.steps import StepBase
from rundun.wording.report_view import ReportLine, ReportPhoto, ReportView, RunReport
from rundun.wording.run_view import RunView


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """A step's lines in both runs, None in one that has none. `difference` is that of two numbers, signed, else ""."""

    earlier: ReportLine | None
    later: ReportLine | None
    difference: str

    @property
    def differs(self) -> bool:
        """Tell whether answer or remark differ."""
        return _words(self.earlier) != _words(self.later)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs' reports, their steps, those that differ first, and their photos in pairs, in which one may be None."""

    earlier: RunReport
    later: RunReport
    steps: Sequence[ComparedStep]
    photos: Sequence[tuple[ReportPhoto | None, ReportPhoto | None]]


def compare(earlier: RunView, later: RunView) -> Comparison:
    """Return the comparison of two runs, in the order of the later one's template."""
    reports = [ReportView(view, ReportOptions()).report() for view in (earlier, later)]
    same = match_steps(earlier.state.version.steps, later.state.version.steps)
    lines = [{line.part_id: line for section in each.sections for line in section.lines} for each in reports]
    before = {same.get(step_id, (step_id, "earlier")): line for step_id, line in lines[0].items()}
    after = {(step_id, ""): line for step_id, line in lines[1].items()}
    steps = [
        ComparedStep(before.get(key), after.get(key), _difference(earlier, later, before.get(key), after.get(key)))
        for key in dict.fromkeys((*after, *before))
    ]
    groups: dict[object, tuple[list[ReportPhoto], list[ReportPhoto]]] = {}
    for photo in all_photos(reports[1]):
        groups.setdefault(((photo.part_id, ""), photo.shot), ([], []))[1].append(photo)
    for photo in all_photos(reports[0]):
        key = (same.get(photo.part_id, (photo.part_id, "earlier")), photo.shot)
        groups.setdefault(key, ([], []))[0].append(photo)
    photos = [pair for group in groups.values() for pair in zip_longest(*group)]
    return Comparison(reports[0], reports[1], sorted(steps, key=lambda step: not step.differs), photos)


def match_steps(earlier: Sequence[StepBase], later: Sequence[StepBase]) -> dict[str, tuple[str, str]]:
    """Return by the id of an earlier step the key of the later one that asks the same, (its id, ""): the one with the
    same id and type, else the first with the same type and label that has no other counterpart.
    """
    types = {step.id: step.type for step in later}
    found = {step.id: step.id for step in earlier if types.get(step.id) == step.type}
    for step in earlier:
        alike = [each.id for each in later if (each.type, each.label) == (step.type, step.label)]
        if step.id not in found and (free := [step_id for step_id in alike if step_id not in found.values()]):
            found[step.id] = free[0]
    return {step_id: (other, "") for step_id, other in found.items()}


def all_photos(report: RunReport) -> list[ReportPhoto]:
    """Return the photos of a report, each once."""
    photos = [*(photo for flag in report.flags for photo in flag.photos), *report.photos]
    return [*{photo.view.photo.photo_id: photo for photo in photos}.values()]


def _words(line: ReportLine | None) -> tuple[str, str]:
    return (line.answer, line.remark) if line else ("", "")


def _difference(earlier: RunView, later: RunView, before: ReportLine | None, after: ReportLine | None) -> str:
    values = [
        view.state.step_states[line.part_id].answer if line else None
        for view, line in ((earlier, before), (later, after))
    ]
    first, second = (None if answer is None else answer.value for answer in values)
    numbers = [value for value in (first, second) if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) < 2 or numbers[0] == numbers[1]:
        return ""
    difference = Decimal(str(numbers[1])) - Decimal(str(numbers[0]))
    return ("+" if difference > 0 else "") + later.language.number(float(difference))
