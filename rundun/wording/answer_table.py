"""A table of the answers of a template's runs: a row a run, a column a step, its versions in line by step id."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from rundun.actions.runs.runs import listed_run
from rundun.actions.runs.state import RunState
from rundun.core import times
from rundun.core.runs.evidence import answer_photos
from rundun.core.runs.progress import StepState
from rundun.core.templates import steps
from rundun.core.templates.steps import photo_limits
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.wording.answer_words import asks_for_moment, value_words
from rundun.wording.console_words import N_
from rundun.wording.run_table import COLUMNS, TableContext, run_cells


class FieldColumn(NamedTuple):
    """The column of a field of the job."""

    id: str
    heading: str
    kind: str


class StepColumn(NamedTuple):
    """The column of a step. `takes_photos` beside its answer; `unit` of a number."""

    id: str
    heading: str
    unit: str | None
    takes_photos: bool


C = TypeVar("C", FieldColumn, StepColumn)


@dataclass(frozen=True, slots=True)
class VersionColumns:
    """What a table needs of a template's version: hundreds of versions would be a gigabyte."""

    name: str
    fields: Sequence[FieldColumn]
    steps: Sequence[StepColumn]
    is_large: bool


def version_columns(version: TemplateVersion) -> VersionColumns:
    """Return what a table needs of a version."""
    return VersionColumns(
        version.template.name,
        [FieldColumn(field.id, field.label, field.kind) for field in version.template.fields],
        [
            StepColumn(
                step.id,
                step.label,
                step.config.unit if isinstance(step, steps.NumberStep) else None,
                step.type != "photo" and photo_limits(step)[1] > 0,
            )
            for step in version.steps
        ],
        version.is_large,
    )


@dataclass(frozen=True, slots=True)
class PhotoCount:
    """The number of a step's photos, and the URL of the step on the run's page."""

    count: int
    url: str

    def __str__(self) -> str:
        return f"{self.count} {self.url}"


StepCell = Callable[[TableContext, RunState, StepState], object]


def _answer(at: TableContext, state: RunState, step_state: StepState) -> object:
    language, step, answer = at.language, step_state.step, step_state.answer
    if answer is None:
        return None
    if answer.unable is not None:
        return f"{language.gettext('Could not be done:')} {answer.unable}"
    if answer.skipped:
        return language.gettext("Skipped")
    match step:
        case steps.PhotoStep():
            return _photos(at, state, step_state)
        case steps.SignatureStep():
            return language.gettext("Signed") if step_state.done else None
        case steps.NumberStep() | steps.RatingStep():
            return answer.value
        case steps.DatetimeStep() if asks_for_moment(step):
            moment = times.parse(answer.value)
            return None if moment is None else at.zone.at(moment)
        case steps.DatetimeStep():
            return date.fromisoformat(answer.value)
    words = value_words(step, answer.value, language, at.zone)
    return words if words is None or isinstance(words, str) else "; ".join(words)


def _photos(at: TableContext, state: RunState, step_state: StepState) -> PhotoCount | None:
    count = len(answer_photos(step_state, state.evidence)) if step_state.answer else 0
    url = f"{at.links.public_url}/console/runs/{state.run.run_id}#{step_state.step.id}"
    return PhotoCount(count, url) if count else None


def _remark(at: TableContext, state: RunState, step_state: StepState) -> str | None:
    remark = state.evidence.remarks.get(step_state.step.id)
    return remark.text or None if remark else None


def _flag(at: TableContext, state: RunState, step_state: StepState) -> str | None:
    return at.language.gettext("Flagged") if step_state.calls_for_attention else None


def _time(at: TableContext, state: RunState, step_state: StepState) -> datetime | None:
    return at.zone.at(step_state.answer.at) if step_state.answer else None


def _position(at: TableContext, state: RunState, step_state: StepState) -> str | None:
    geo = step_state.answer.geo if step_state.answer else None
    return f"{geo['lat']}, {geo['lng']}" if geo else None


# Columns of each step besides its answer, by query parameter: end of the name, heading, and the function of a cell.
EXTRAS: Mapping[str, tuple[str, str, StepCell]] = {
    "remarks": ("remark", N_("Remark"), _remark),
    "flags": ("flag", N_("Flagged"), _flag),
    "times": ("time", N_("Time"), _time),
    "positions": ("position", N_("Position"), _position),
}


class AnswerTable:
    """The table of a template's runs for one reader. `versions` are those of the runs, the newest first; their labels
    are the headings. `extras` has the keys of `EXTRAS` for the columns to add. A cell is a text, an int or
    float, a `datetime.date`, a `datetime.datetime` in the reader's time zone, a `PhotoCount`, or None.

    Many versions with steps of their own make many columns: a row costs as much as its run has steps, and little for
    each other column.
    """

    def __init__(self, versions: Sequence[VersionColumns], extras: Container[str], at: TableContext) -> None:
        self._at = at
        self._extras = [extra for name, extra in EXTRAS.items() if name in extras]
        self._fields = [field for field in line_up([version.fields for version in versions]) if field.kind != "secret"]
        self._headings = [(field.id, field.heading) for field in self._fields]
        with_photos = {step.id for version in versions for step in version.steps if step.takes_photos}
        self._cells: dict[str, list[tuple[int, StepCell]]] = {}  # step id → its columns, from the first field's on
        for step in line_up([version.steps for version in versions]):
            self._add_step(step, has_photos=step.id in with_photos)

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(COLUMNS) + len(self._headings)

    def headings(self, *, are_labels: bool) -> list[str]:
        """Return the headings: the names of the list's columns, then ids of fields and steps, or their labels."""
        return [*COLUMNS, *(label if are_labels else name for name, label in self._headings)]

    def row(self, state: RunState) -> list[object]:
        """Return the cells of a run."""
        cells: list[object] = [None] * len(self._headings)
        for place, field in enumerate(self._fields):
            stored = state.run.job.fields.get(field.id)
            cells[place] = date.fromisoformat(stored) if stored is not None and field.kind == "date" else stored
        for step_id, step_state in state.step_states.items():
            if step_state.visible:
                for place, cell in self._cells[step_id]:
                    cells[place] = cell(self._at, state, step_state)
        return [*run_cells(self._at, listed_run(state)), *cells]

    def _add_step(self, step: StepColumn, *, has_photos: bool) -> None:
        columns = self._cells[step.id] = [(len(self._headings), _answer)]
        self._headings.append((step.id, f"{step.heading} ({step.unit})" if step.unit else step.heading))
        photos = [("photos", N_("Photos"), _photos)] if has_photos else []
        for name, title, cell in (*photos, *self._extras):
            columns.append((len(self._headings), cell))
            self._headings.append((f"{step.id}.{name}", f"{step.heading} – {self._at.language.gettext(title)}"))


def line_up(versions: Sequence[Sequence[C]]) -> list[C]:
    """Return the parts of several versions, the newest first, once each: a part that newer versions lack stands behind
    the one that it followed in its own.
    """
    parts = dict[str, C]()
    following: dict[str | None, str | None] = {None: None}  # a linked list: inserting costs the same anywhere
    for version in versions:
        place: str | None = None
        for part in version:
            if part.id not in parts:
                parts[part.id] = part
                following[place], following[part.id] = part.id, following[place]
            place = part.id
    in_line, place = list[C](), following[None]
    while place is not None:
        in_line.append(parts[place])
        place = following[place]
    return in_line
