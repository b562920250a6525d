"""A table of the answers of a template's runs: a row a run, a column a step, its versions in line by step id."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TypeVar

from rundun.actions.runs.runs import AnsweredRun
from rundun.core import times
from rundun.core.runs.evidence import answer_photos
from rundun.core.runs.progress import StepState
from rundun.core.templates import steps
from rundun.core.templates.steps import StepBase, photo_limits
from rundun.core.templates.template import JobField
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.wording.answer_words import asks_for_moment, value_words
from rundun.wording.console_words import N_
from rundun.wording.run_table import COLUMNS, TableContext, run_cells

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnswerColumns:
    """The columns of a table besides the answers: of each step its remark, flag, time and position."""

    remarks: bool = False
    flags: bool = False
    times: bool = False
    positions: bool = False


@dataclass(frozen=True, slots=True)
class PhotoCount:
    """The number of a step's photos, and the URL of the step on the run's page."""

    count: int
    url: str

    def __str__(self) -> str:
        return f"{self.count} {self.url}"


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    label: str
    value: Callable[[AnsweredRun], object]


class AnswerTable:
    """The table of a template's runs for one reader. `versions` are those of the runs, the newest first, whose labels
    are the headings. A cell is a text, an int or float, a `datetime.date`, a `datetime.datetime` in the
    reader's time zone, a `PhotoCount`, or None.
    """

    def __init__(self, versions: Sequence[TemplateVersion], columns: AnswerColumns, at: TableContext) -> None:
        self._at = at
        self._chosen = columns
        fields = _in_line([[(field.id, field) for field in version.template.fields] for version in versions])
        lined_up = _in_line([[(step.id, step) for step in version.steps] for version in versions])
        self._with_photos = {
            step.id for version in versions for step in version.steps if step.type != "photo" and photo_limits(step)[1]
        }
        self._columns = [_field_column(field) for field in fields if field.kind != "secret"]
        self._columns += [column for step in lined_up for column in self._step_columns(step)]

    def headings(self, *, are_labels: bool) -> list[str]:
        """Return the headings: the names of the list's columns, then ids of fields and steps, or their labels."""
        return [*COLUMNS, *(column.label if are_labels else column.name for column in self._columns)]

    def row(self, answered: AnsweredRun) -> list[object]:
        """Return the cells of a run."""
        return [*run_cells(self._at, answered.row), *(column.value(answered) for column in self._columns)]

    def _step_columns(self, step: StepBase) -> Iterator[_Column]:
        unit = step.config.unit if isinstance(step, steps.NumberStep) else None
        label = f"{step.label} ({unit})" if unit else step.label
        yield _Column(step.id, label, partial(self._answer, step.id))
        if step.id in self._with_photos:
            yield self._extra(step, "photos", N_("Photos"), self._photos)
        if self._chosen.remarks:
            yield self._extra(step, "remark", N_("Remark"), self._remark)
        if self._chosen.flags:
            yield self._extra(step, "flag", N_("Flagged"), self._flag)
        if self._chosen.times:
            yield self._extra(step, "time", N_("Time"), self._time)
        if self._chosen.positions:
            yield self._extra(step, "position", N_("Position"), self._position)

    def _extra(self, step: StepBase, name: str, word: str, value: Callable[[str, AnsweredRun], object]) -> _Column:
        label = f"{step.label} – {self._at.language.gettext(word)}"
        return _Column(f"{step.id}.{name}", label, partial(value, step.id))

    def _answer(self, step_id: str, answered: AnsweredRun) -> object:
        step_state = _find_answered(step_id, answered)
        if step_state is None or (answer := step_state.answer) is None:
            return None
        language, step = self._at.language, step_state.step
        if answer.unable is not None:
            return f"{language.gettext('Could not be done:')} {answer.unable}"
        if answer.skipped:
            return language.gettext("Skipped")
        match step:
            case steps.PhotoStep():
                return self._photos(step_id, answered)
            case steps.SignatureStep():
                return language.gettext("Signed") if step_state.done else None
            case steps.NumberStep() | steps.RatingStep():
                return answer.value
            case steps.DatetimeStep() if asks_for_moment(step):
                return self._local(times.parse(answer.value))
            case steps.DatetimeStep():
                return date.fromisoformat(answer.value)
        words = value_words(step, answer.value, language, self._at.zone)
        return words if words is None or isinstance(words, str) else "; ".join(words)

    def _local(self, milliseconds: int | None) -> datetime | None:
        return None if milliseconds is None else self._at.zone.at(milliseconds)

    def _photos(self, step_id: str, answered: AnsweredRun) -> PhotoCount | None:
        step_state = _find_answered(step_id, answered)
        count = len(answer_photos(step_state, answered.state.evidence)) if step_state else 0
        url = f"{self._at.links.public_url}/console/runs/{answered.state.run.run_id}#{step_id}"
        return PhotoCount(count, url) if count else None

    def _remark(self, step_id: str, answered: AnsweredRun) -> str | None:
        remark = answered.state.evidence.remarks.get(step_id)
        step_state = answered.state.step_states.get(step_id)
        return remark.text or None if remark and step_state and step_state.visible else None

    def _flag(self, step_id: str, answered: AnsweredRun) -> str | None:
        step_state = _find_answered(step_id, answered)
        return self._at.language.gettext("Flagged") if step_state and step_state.calls_for_attention else None

    def _time(self, step_id: str, answered: AnsweredRun) -> datetime | None:
        step_state = _find_answered(step_id, answered)
        return self._local(step_state.answer.at) if step_state and step_state.answer else None

    def _position(self, step_id: str, answered: AnsweredRun) -> str | None:
        step_state = _find_answered(step_id, answered)
        geo = step_state.answer.geo if step_state and step_state.answer else None
        return f"{geo['lat']}, {geo['lng']}" if geo else None


def _find_answered(step_id: str, answered: AnsweredRun) -> StepState | None:
    """Return the state of a step that the run has, shows and has an answer to; else None."""
    step_state = answered.state.step_states.get(step_id)
    return step_state if step_state and step_state.visible and step_state.answer else None


def _field_column(field: JobField) -> _Column:
    def value(answered: AnsweredRun) -> object:
        stored = answered.state.run.job.fields.get(field.id)
        return date.fromisoformat(stored) if stored is not None and field.kind == "date" else stored

    return _Column(field.id, field.label, value)


def _in_line(versions: Sequence[Sequence[tuple[str, T]]]) -> list[T]:
    """Return the parts of several versions, the newest first, once each: a part that newer versions lack stands behind
    the one that it followed in its own.
    """
    ids, parts = list[str](), dict[str, T]()
    for version in versions:
        place = 0
        for part_id, part in version:
            if part_id in parts:
                place = ids.index(part_id) + 1
                continue
            ids.insert(place, part_id)
            parts[part_id] = part
            place += 1
    return [parts[part_id] for part_id in ids]
