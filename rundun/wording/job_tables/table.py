"""Tables of jobs: a row for each job, a column for each of its details. A table is either read as dispatches, or all
its wrong cells are reported.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from time import sleep
from typing import Any

from pydantic_core import to_json

from rundun.core import csv_text
from rundun.core.csv_text import Table
from rundun.core.request_bodies import DispatchBody
from rundun.core.runs.job import PLAIN_MEMBERS
from rundun.core.runs.job_values import read_dispatch
from rundun.core.runs.run import DispatchRequest
from rundun.core.runs.search_text import fold
from rundun.core.templates.template import JobField, Template
from rundun.core.validation import read
from rundun.errors import FieldError, Invalid, Problem
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.wording.console_words import N_, ConsoleLanguage
from rundun.wording.job_tables.csv_cells import plain_text, safe_cell
from rundun.wording.job_tables.dates_and_numbers import MAX_LENGTH, parse_number, possible_days, read_time
from rundun.wording.refusals import exact_field_reason
from rundun.wording.time_zone import Zone

# The names, in any language, of the columns that every checklist has, by the member of a dispatch.
COLUMNS: Mapping[str, Sequence[str]] = {
    "title": ("title", "job"),
    "executor_ref": ("reference", "ref", "executor_ref"),
    "due_at": ("due", "due_at"),
    "note": ("note", "notes"),
    "language": ("language", "lang"),
}
# Their names in the console's other languages, unless the checklist has a field of that name.
OTHER_WORDS: Mapping[str, Sequence[str]] = {
    "title": ("título", "titre", "Titel", "العنوان"),
    "executor_ref": ("referencia", "référence", "Referenz", "referência", "المرجع"),
    "due_at": ("fecha límite", "vence", "vencimiento", "échéance", "fällig", "Frist", "prazo", "vencimento", "الموعد"),
    "note": ("nota", "notas", "consignes", "Hinweis", "Notiz", "ملاحظة"),
    "language": ("idioma", "langue", "Sprache", "اللغة"),
}
PAUSE_ROWS, PAUSE_SECONDS = 25, 0.0001  # rows read between two pauses; the length of a pause
MAX_ERRORS = 100  # described; further ones are only counted
LINK = "link"  # the column of links in a sent table
IN_ENGLISH = ConsoleLanguage("en")
# A day, optionally with time and offset: “2 Jan, 3pm”, “2.1. um 9:30”, “2026-01-02T09:30Z”.
_AT = r"(?:(?:at|um|à|às|a las|a la) +)?"
_DUE = re.compile(rf"(.+?)(?:(?:T|[,،]? +{_AT})(?i:(\d\d?(?:[:h]| ?[ap]\.? ?m\b| h\b).*?)))?(Z|[+-]\d\d:\d\d)?")
_A_DAY = date(2026, 1, 31)  # the example of how to write a day
_END_OF_DAY = time(23, 59)  # the time of day for a due day without a time

Target = tuple[str, str]  # "" and a member of a dispatch, or "fields" and the id of a field


@dataclass(frozen=True, slots=True)
class CellError:
    """A wrong cell: `row` is its number in a spreadsheet, `value` its text, `detail` the mistake."""

    row: int
    column: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class JobTable:
    """The dispatches of a table, in its order, or its wrong cells: `errors` by row, and the number of `more`. `digest`
    is equal for tables of equal jobs.
    """

    requests: Sequence[DispatchRequest]
    errors: Sequence[CellError]
    more: int
    digest: bytes


def column_names(template: Template, language: ConsoleLanguage = IN_ENGLISH) -> list[str]:
    """Return the names of a template's columns, in a language and in the order of a new table; a field's id where its
    label could mean another column.
    """
    known = _column_targets(template, language)
    return [*_common_names(language).values(), *(_column_name(field, known) for field in template.fields)]


def _common_names(language: ConsoleLanguage) -> dict[str, str]:
    """Return the names, in a language, of the columns that every checklist has, by the member of a dispatch."""
    return {
        "title": language.pgettext("column", "title"),
        "executor_ref": language.pgettext("column", "reference"),
        "due_at": language.pgettext("column", "due"),
        "note": language.pgettext("column", "note"),
        "language": language.pgettext("column", "language"),
    }


def _column_name(field: JobField, known: Mapping[str, Target | None]) -> str:
    return field.label if known.get(_normalize(field.label)) == ("fields", field.id) else field.id


def _column_targets(template: Template, language: ConsoleLanguage) -> dict[str, Target | None]:
    """Return the targets of columns, ("fields", field id) or ("", member of a dispatch), by normalized name, with and
    without `safe_cell`; None for an ambiguous name.
    """
    others: dict[str, Target | None] = {}
    for member, words in OTHER_WORDS.items():
        others |= {form: ("", member) for word in words for form in (_normalize(word), fold(word))}
    known: dict[str, Target | None] = {}
    for field in template.fields:
        translated = (texts.get(field.id, {}).get("label") for texts in template.translations.values())
        for label in {_normalize(each) for each in (field.label, *translated) if each}:
            known[label] = None if label in known else ("fields", field.id)
    known |= {_normalize(field.id): ("fields", field.id) for field in template.fields}
    for member, name in _common_names(language).items():
        known |= {_normalize(word): ("", member) for word in (*COLUMNS[member], name)}
    return others | {_normalize(safe_cell(name)): target for name, target in known.items()} | known


def _normalize(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def read_jobs(
    text: str, version: TemplateVersion, zone: Zone, now: int, language: ConsoleLanguage = IN_ENGLISH
) -> JobTable:
    """Read a table as dispatches of a template version, with times in `zone`; return a `JobTable` of them, or of
    wrong cells, at most `MAX_ERRORS`. Nothing is dispatched. Columns may be named in `language`, which errors use, too.
    Raises `Problem` `invalid` if the text is no table, or has no known column, no rows or too many, and `too_large`.
    """
    if len(text) > csv_text.MAX_BYTES:
        raise Problem("too_large", "The table has more than 2 MiB of text. Send it in parts.")
    known = _column_targets(version.template, language)
    table = csv_text.read(text, lambda heading: sum(_normalize(name) in known for name in heading))
    if not table.rows:
        raise Problem("invalid", "The table has the names of the columns, but no row below them.")
    if len(table.rows) > csv_text.MAX_ROWS:
        raise Problem("invalid", f"The table has more than {csv_text.MAX_ROWS:,} rows. Send it in parts.")
    if not any(_normalize(name) in known for name in table.heading):
        raise Problem("invalid", "The first row has no name of a column. Put the names above the rows, as listed here.")
    columns, of_columns = _read_heading(table, version.template, known, language)
    requests: list[DispatchRequest] = []
    of_rows: list[CellError] = []
    count = len(of_columns)
    for number, cells in _iterate_with_pauses(table.rows):
        row = _Row(
            number,
            {target: (name, _cell(cells, index)) for target, (name, index) in columns.items()},
            zone,
            language,
            zone.today(now),
        )
        found, wrong = row.read(version, now)
        count += len(wrong)
        if len(of_rows) < MAX_ERRORS:
            of_rows += wrong
        requests += found
    errors = sorted([*of_columns, *of_rows], key=lambda error: error.row)[:MAX_ERRORS]
    return JobTable(() if errors else requests, errors, count - len(errors), _digest(version.template_id, requests))


def _iterate_with_pauses(rows: Sequence[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows, each its number in the file and its cells, with short pauses: a busy thread would keep the
    writer's thread from running.
    """
    for index, row in enumerate(rows):
        if index % PAUSE_ROWS == 0:
            sleep(PAUSE_SECONDS)
        yield row


def _cell(cells: Sequence[str], index: int) -> str:
    """Return the text of a cell without the apostrophes of `safe_cell`; "" if the row is too short."""
    return plain_text(cells[index]) if index < len(cells) else ""


def _read_heading(
    table: Table, template: Template, known: Mapping[str, Target | None], language: ConsoleLanguage
) -> tuple[dict[Target, tuple[str, int]], list[CellError]]:
    """Return (name, index) of each known column by its target, and the errors of the heading and nameless columns."""
    columns: dict[Target, tuple[str, int]] = {}
    errors: list[CellError] = []
    for index, name in enumerate(table.heading):
        target = known.get(_normalize(name))
        if target is not None and target not in columns:
            columns[target] = (name, index)
        elif name:
            detail = language.gettext(_heading_mistake(name, target, known))
            errors.append(CellError(table.heading_row, name, name, detail))
    nameless = {
        index: (number, cell)
        for number, cells in reversed(table.rows)
        for index, cell in enumerate(cells)
        if cell and not _cell(table.heading, index)
    }
    detail = language.gettext("The column of this cell has no name in the first row.")
    errors += [CellError(number, "", cell, detail) for number, cell in nameless.values()]
    given = {field_id for kind, field_id in columns if kind}
    for field in template.fields:
        if field.required and field.id not in given:
            detail = language.gettext("There is no such column, and each job of this checklist needs it.")
            errors.append(CellError(table.heading_row, _column_name(field, known), "", detail))
    return columns, errors


def _heading_mistake(name: str, target: Target | None, known: Mapping[str, Target | None]) -> str:
    if target is not None:
        return N_("There are two columns of this name.")
    if _normalize(name) == LINK:
        return N_("This table has been sent: its jobs have links. To send it again, delete the column.")
    if _normalize(name) in known:
        return N_("Several fields of this checklist have this name: write their ids.")
    return N_("This checklist has no such column. Rename it or take it out.")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with its number; `cells` has the column's name and the text by target."""

    number: int
    cells: Mapping[Target, tuple[str, str]]
    zone: Zone
    language: ConsoleLanguage
    today: date

    def read(self, version: TemplateVersion, now: int) -> tuple[list[DispatchRequest], list[CellError]]:
        """Return a list with the row's dispatch and no errors, or an empty list and the errors of its cells, if any."""
        body, errors = self._body(version)
        checked = _check_dispatch(body, version.template, now)
        if not isinstance(checked, DispatchRequest):
            named = {error.column for error in errors}
            errors += [each for error in checked if (each := self._cell_error(error)) and each.column not in named]
            return [], errors
        return [] if errors else [checked], errors

    def _body(self, version: TemplateVersion) -> tuple[dict[str, Any], list[CellError]]:
        kinds = {field.id: field.kind for field in version.template.fields}
        body: dict[str, Any] = {"template_id": version.template_id}
        fields: dict[str, Any] = {}
        errors: list[CellError] = []
        for (kind, member), (name, text) in self.cells.items():
            if not text:
                continue
            if kind:
                fields[member] = self._read_value(kinds[member], text)
                if kinds[member] == "number" and isinstance(fields[member], str):
                    errors.append(CellError(self.number, name, text, self.language.gettext("Must be a number.")))
                elif kinds[member] == "date" and fields[member] is text:
                    errors.append(CellError(self.number, name, text, self._day_mistake(text)))
            elif member != "due_at":
                body[member] = text
            elif due_at := self._read_due(text):
                body[member] = due_at
            else:
                errors.append(CellError(self.number, name, text, self._due_mistake(text)))
        return {**body, "fields": fields} if fields else body, errors

    def _read_value(self, kind: str, text: str) -> Any:
        """Return a field's value for the API: a number, a day as ISO 8601 text, or a text; `text` unchanged if it can't
        be read.
        """
        if kind == "number":
            return parse_number(text)
        if kind == "date" and (day := self._read_day(text)):
            return day.isoformat()
        return text

    def _read_day(self, text: str) -> date | None:
        days = possible_days(text, self.language, self.today)
        return days[0] if len(days) == 1 else None

    def _day_mistake(self, text: str) -> str:
        days = [self.zone.full_day(day) for day in possible_days(text, self.language, self.today)]
        if len(days) > 1:
            return self.language.gettext(
                "May be {one} or {other}: write the one that is meant.", one=days[0], other=days[1]
            )
        return self.language.gettext("Write the day as {day}.", day=self.zone.full_day(_A_DAY))

    def _due_mistake(self, text: str) -> str:
        found = _match_due(text)
        if found and (found[2] or found[3]) and self._read_day(found[1]):
            return self.language.gettext("Write the time as 15:00.")
        return self._day_mistake(found[1] if found else text)

    def _read_due(self, text: str) -> str | None:
        """Return a due time as RFC 3339 text, of a day alone at 23:59; None if `text` can't be read or is ambiguous."""
        found = _match_due(text)
        day = self._read_day(found[1]) if found else None
        at = read_time(found[2]) if found and found[2] else _END_OF_DAY
        if found is None or day is None or at is None or (found[3] and not found[2]):
            return None
        return self.zone.parse_local(f"{datetime.combine(day, at).isoformat()}{found[3] or ''}")

    def _cell_error(self, error: FieldError) -> CellError | None:
        """Return the error for a cell; None if its column is missing, which the heading's errors report."""
        first, _, second = error.pointer[1:].partition("/")
        target = (first, second) if first == "fields" else ("", first)
        if target not in self.cells:
            return None
        name, text = self.cells[target]
        if error.code == "required":
            detail = self.language.gettext("Is empty, and each job of this checklist needs it.")
        else:
            detail = exact_field_reason(self.language, self.zone, error)
        return CellError(self.number, name, text, detail)


def _match_due(text: str) -> re.Match[str] | None:
    return _DUE.fullmatch(text) if len(text) <= MAX_LENGTH else None


def _check_dispatch(body: Mapping[str, Any], template: Template, now: int) -> DispatchRequest | Sequence[FieldError]:
    """Return the dispatch, or if it is wrong all its errors, including those that only the template reveals."""
    errors: tuple[FieldError, ...] = ()
    try:
        given = read(DispatchBody, body)
    except Invalid as invalid:
        errors = invalid.errors
        wrong = {error.pointer.split("/")[1] for error in errors}
        given = read(DispatchBody, {name: value for name, value in body.items() if name not in wrong})
    try:
        request = read_dispatch(template, given.order()[0], now)
    except Invalid as invalid:
        return [*errors, *invalid.errors]
    return errors or request


def _digest(template_id: str, requests: Iterable[DispatchRequest]) -> bytes:
    """Return a digest that is equal for equal jobs, in whichever format the table was saved. It leaves out secrets:
    short ones, such as door codes, could be found by trying all.
    """
    digest = hashlib.sha256(template_id.encode())
    for each in requests:
        job = each.job
        plain = [getattr(job, name) for name in PLAIN_MEMBERS]
        digest.update(to_json([*plain, each.executor_ref, each.language, dict(sorted(job.fields.items()))]) + b"\n")
    return digest.digest()
