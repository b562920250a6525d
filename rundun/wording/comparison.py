"""Two runs side by side: the answers that differ, by how much, and the photos that belong together."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from rundun.core.runs.progress import StepState
from rundun.core.runs.report import ReportOptions
from rundun.core.templates.steps import NumberStep, RatingStep, StepBase
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.report_view import ReportLine, ReportPhoto, ReportView, RunReport
from rundun.wording.run_view import RunView

Key = tuple[str, bool]  # of a step: the later run's id and True, or the earlier run's id of a step that only it has


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """A step's lines in both runs, None in one that has none. `difference` of two numbers is signed, else ""."""

    earlier: ReportLine | None
    later: ReportLine | None
    differs: bool
    difference: str


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs' reports, their steps, those that differ first, and their photos in pairs, whole ones first."""

    earlier: RunReport
    later: RunReport
    steps: Sequence[ComparedStep]
    pairs: Sequence[tuple[ReportPhoto | None, ReportPhoto | None]]


def compare(earlier: RunView, later: RunView) -> RunComparison:
    """Return the comparison of two runs, in the order of the later one's template."""
    reports = [ReportView(view, ReportOptions()).report() for view in (earlier, later)]
    counterparts = match_steps(earlier.state.version.steps, later.state.version.steps)
    is_one_template = earlier.state.run.template_id == later.state.run.template_id

    def key(step_id: str, is_later: int) -> Key:
        return (step_id, True) if is_later else (counterparts.get(step_id, step_id), step_id in counterparts)

    lines = [
        {key(line.step.id, side): line for section in report.sections for line in section.lines}
        for side, report in enumerate(reports)
    ]
    steps = [
        _compare_lines(earlier, later, lines[0].get(each), lines[1].get(each), is_one_template=is_one_template)
        for each in dict.fromkeys((*lines[1], *lines[0]))
    ]
    groups: dict[object, tuple[list[ReportPhoto], list[ReportPhoto]]] = {}
    for side in (1, 0):
        for photo in reports[side].all_photos:
            shot = photo.view.photo.slot if is_one_template else photo.view.shot
            groups.setdefault((key(photo.step.id, side), shot), ([], []))[side].append(photo)
    pairs = sorted((pair for group in groups.values() for pair in zip_longest(*group)), key=lambda pair: None in pair)
    return RunComparison(reports[0], reports[1], sorted(steps, key=lambda step: not step.differs), pairs)


def match_steps(earlier: Sequence[StepBase], later: Sequence[StepBase]) -> dict[str, str]:
    """Return by the id of an earlier step the id of the later one that asks the same: the one with the same id and
    type, else the first with the same type and label that has no other counterpart.
    """
    types = {step.id: step.type for step in later}
    found = {step.id: step.id for step in earlier if types.get(step.id) == step.type}
    alike: dict[tuple[str, str], deque[str]] = defaultdict(deque)
    for step in later:
        if step.id not in found:
            alike[step.type, step.label].append(step.id)
    for step in earlier:
        if step.id not in found and (free := alike[step.type, step.label]):
            found[step.id] = free.popleft()
    return found


def _compare_lines(
    earlier: RunView, later: RunView, before: ReportLine | None, after: ReportLine | None, *, is_one_template: bool
) -> ComparedStep:
    """Return a step's comparison. In one template options keep their ids, so that other words are no other answer."""
    if before is None or after is None:
        return ComparedStep(before, after, differs=True, difference="")
    states = [view.state.step_states[line.step.id] for view, line in ((earlier, before), (later, after))]
    statements = [state.answer.statement() if state.answer else None for state in states]
    is_same = before.answer == after.answer or (is_one_template and statements[0] == statements[1])
    difference = _difference(states[0], states[1], later.language)
    return ComparedStep(before, after, not is_same or before.remark != after.remark, difference)


def _difference(before: StepState, after: StepState, language: ConsoleLanguage) -> str:
    numbers = [_number(state) for state in (before, after)]
    if None in numbers or numbers[0] == numbers[1] or _scale(before.step) != _scale(after.step):
        return ""
    difference = Decimal(str(numbers[1])) - Decimal(str(numbers[0]))
    return ("+" if difference > 0 else "") + language.number(float(difference))


def _number(state: StepState) -> float | None:
    return state.answer.value if state.answer and isinstance(state.step, (NumberStep, RatingStep)) else None


def _scale(step: StepBase) -> Any:
    return step.config.unit if isinstance(step, NumberStep) else step.config if isinstance(step, RatingStep) else None
