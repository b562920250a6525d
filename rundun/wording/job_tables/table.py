"""Tables of jobs: a line for each, a column for each thing that a person knows of it. Either every line is a dispatch
in order, or each wrong cell is named.
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
from rundun.wording.job_tables.dates_and_numbers import MAX_LENGTH, possible_days, read_time, typed_number
from rundun.wording.refusals import exact_field_reason
from rundun.wording.time_zone import Zone

# What the columns that every checklist has are called in any language, by the member of a dispatch they stand for.
COLUMNS: Mapping[str, Sequence[str]] = {
    "title": ("title", "job"),
    "executor_ref": ("reference", "ref", "executor_ref"),
    "due_at": ("due", "due_at"),
    "note": ("note", "notes"),
    "language": ("language", "lang"),
}
# And in the console's other languages, where the checklist has no field of that name.
OTHER_WORDS: Mapping[str, Sequence[str]] = {
    "title": ("título", "titre", "Titel", "العنوان"),
    "executor_ref": ("referencia", "référence", "Referenz", "referência", "المرجع"),
    "due_at": ("fecha límite", "vence", "vencimiento", "échéance", "fällig", "Frist", "prazo", "vencimento", "الموعد"),
    "note": ("nota", "notas", "consignes", "Hinweis", "Notiz", "ملاحظة"),
    "language": ("idioma", "langue", "Sprache", "اللغة"),
}
REST_ROWS, REST_SECONDS = 25, 0.0001  # read from one rest to the next, and how long it is
MAX_ERRORS = 100  # described; what is more is counted
LINK = "link"  # the column of a table that comes back
IN_ENGLISH = ConsoleLanguage("en")
# A day, with a time, with its offset: “2 Jan, 3pm”, “2.1. um 9:30”, “2026-01-02T09:30Z”.
_AT = r"(?:(?:at|um|à|às|a las|a la) +)?"
_DUE = re.compile(rf"(.+?)(?:(?:T|[,،]? +{_AT})(?i:(\d\d?(?:[:h]| ?[ap]\.? ?m\b| h\b).*?)))?(Z|[+-]\d\d:\d\d)?")
_A_DAY = date(2026, 1, 31)  # to show how days are written
_END_OF_DAY = time(23, 59)  # when something is due of which only the day was said

Target = tuple[str, str]  # "" and a member of a dispatch, or "fields" and the id of one


@dataclass(frozen=True, slots=True)
class CellError:
    """What is wrong with a cell: `row` is its number as a spreadsheet shows it, `value` what it has."""

    row: int
    column: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class JobTable:
    """The dispatches of a table, in its order, or what is wrong with it: `errors` by their rows, and how many `more`
    there are. `digest` is the same for the same jobs.
    """

    requests: Sequence[DispatchRequest]
    errors: Sequence[CellError]
    more: int
    digest: bytes


def column_names(template: Template, language: ConsoleLanguage = IN_ENGLISH) -> list[str]:
    """List the names of a template's columns, as a table for it begins, in a language."""
    known = _known(template, language)
    return [*_translated(language).values(), *(_name_of(field, known) for field in template.fields)]


def _translated(language: ConsoleLanguage) -> dict[str, str]:
    """Return what the columns are called that every checklist has, by the member of a dispatch."""
    return {
        "title": language.pgettext("column", "title"),
        "executor_ref": language.pgettext("column", "reference"),
        "due_at": language.pgettext("column", "due"),
        "note": language.pgettext("column", "note"),
        "language": language.pgettext("column", "language"),
    }


def _name_of(field: JobField, known: Mapping[str, Target | None]) -> str:
    return field.label if known.get(_plain(field.label)) == ("fields", field.id) else field.id


def _known(template: Template, language: ConsoleLanguage) -> dict[str, Target | None]:
    """Return what names of columns stand for, in small letters, and as our own tables have them; None for that of
    several fields.
    """
    others: dict[str, Target | None] = {}
    for member, words in OTHER_WORDS.items():
        others |= {form: ("", member) for word in words for form in (_plain(word), fold(word))}
    known: dict[str, Target | None] = {}
    for field in template.fields:
        translated = (texts.get(field.id, {}).get("label") for texts in template.translations.values())
        for label in {_plain(each) for each in (field.label, *translated) if each}:
            known[label] = None if label in known else ("fields", field.id)
    known |= {_plain(field.id): ("fields", field.id) for field in template.fields}
    for member, name in _translated(language).items():
        known |= {_plain(word): ("", member) for word in (*COLUMNS[member], name)}
    return others | {_plain(safe_cell(name)): target for name, target in known.items()} | known


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def read_jobs(
    text: str, version: TemplateVersion, zone: Zone, now: int, language: ConsoleLanguage = IN_ENGLISH
) -> JobTable:
    """Read a table as dispatches of a version of a template, times in `zone`; its columns may be named in `language`,
    in which it is told what is wrong. Raises `invalid` where it is no table, or has no line, or too many.
    """
    if len(text) > csv_text.MAX_BYTES:
        raise Problem("too_large", "The table has more than 2 MiB of text. Send it in parts.")
    known = _known(version.template, language)
    table = csv_text.read(text, lambda heading: sum(_plain(name) in known for name in heading))
    if not table.rows:
        raise Problem("invalid", "The table has the names of the columns, but no row below them.")
    if len(table.rows) > csv_text.MAX_ROWS:
        raise Problem("invalid", f"The table has more than {csv_text.MAX_ROWS:,} rows. Send it in parts.")
    if not any(_plain(name) in known for name in table.heading):
        raise Problem("invalid", "The first row has no name of a column. Put the names above the rows, as listed here.")
    columns, of_columns = _read_heading(table, version.template, known, language)
    requests: list[DispatchRequest] = []
    of_rows: list[CellError] = []
    count = len(of_columns)
    for number, cells in _with_rests(table.rows):
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


def _with_rests(rows: Sequence[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, Sequence[str]]]:
    """Go through rows with short rests, in which others get the interpreter: without, whoever writes meanwhile waits
    until all are read.
    """
    for index, row in enumerate(rows):
        if index % REST_ROWS == 0:
            sleep(REST_SECONDS)
        yield row


def _cell(cells: Sequence[str], index: int) -> str:
    """Return a cell, without the apostrophes that our own tables put before what a spreadsheet would calculate."""
    return plain_text(cells[index]) if index < len(cells) else ""


def _read_heading(
    table: Table, template: Template, known: Mapping[str, Target | None], language: ConsoleLanguage
) -> tuple[dict[Target, tuple[str, int]], list[CellError]]:
    """Return name and place of each column by what it stands for, and what is wrong with the heading."""
    columns: dict[Target, tuple[str, int]] = {}
    errors: list[CellError] = []
    for index, name in enumerate(table.heading):
        target = known.get(_plain(name))
        if target is not None and target not in columns:
            columns[target] = (name, index)
        elif name:
            detail = language.gettext(_wrong_name(name, target, known))
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
            errors.append(CellError(table.heading_row, _name_of(field, known), "", detail))
    return columns, errors


def _wrong_name(name: str, target: Target | None, known: Mapping[str, Target | None]) -> str:
    if target is not None:
        return N_("There are two columns of this name.")
    if _plain(name) == LINK:
        return N_("This table has been sent: its jobs have links. To send it again, delete the column.")
    if _plain(name) in known:
        return N_("Several fields of this checklist have this name: write their ids.")
    return N_("This checklist has no such column. Rename it or take it out.")


@dataclass(frozen=True, slots=True)
class _Row:
    """A line with its number: `cells` has name and text by what they stand for."""

    number: int
    cells: Mapping[Target, tuple[str, str]]
    zone: Zone
    language: ConsoleLanguage
    today: date

    def read(self, version: TemplateVersion, now: int) -> tuple[list[DispatchRequest], list[CellError]]:
        """Return the dispatch that the line is, or what is wrong with its cells."""
        body, errors = self._body(version)
        judged = _judge(body, version.template, now)
        if not isinstance(judged, DispatchRequest):
            named = {error.column for error in errors}
            errors += [each for error in judged if (each := self._cell_error(error)) and each.column not in named]
            return [], errors
        return [] if errors else [judged], errors

    def _body(self, version: TemplateVersion) -> tuple[dict[str, Any], list[CellError]]:
        kinds = {field.id: field.kind for field in version.template.fields}
        body: dict[str, Any] = {"template_id": version.template_id}
        fields: dict[str, Any] = {}
        errors: list[CellError] = []
        for (kind, member), (name, text) in self.cells.items():
            if not text:
                continue
            if kind:
                fields[member] = self._value(kinds[member], text)
                if kinds[member] == "number" and isinstance(fields[member], str):
                    errors.append(CellError(self.number, name, text, self.language.gettext("Must be a number.")))
                elif kinds[member] == "date" and fields[member] is text:
                    errors.append(CellError(self.number, name, text, self._wrong_day(text)))
            elif member != "due_at":
                body[member] = text
            elif due_at := self._due(text):
                body[member] = due_at
            else:
                errors.append(CellError(self.number, name, text, self._wrong_due(text)))
        return {**body, "fields": fields} if fields else body, errors

    def _value(self, kind: str, text: str) -> Any:
        """Return a field's value as the API takes it; the text where it is none."""
        if kind == "number":
            return typed_number(text)
        if kind == "date" and (day := self._day(text)):
            return day.isoformat()
        return text

    def _day(self, text: str) -> date | None:
        days = possible_days(text, self.language, self.today)
        return days[0] if len(days) == 1 else None

    def _wrong_day(self, text: str) -> str:
        days = [self.zone.full_day(day) for day in possible_days(text, self.language, self.today)]
        if len(days) > 1:
            return self.language.gettext(
                "May be {one} or {other}: write the one that is meant.", one=days[0], other=days[1]
            )
        return self.language.gettext("Write the day as {day}.", day=self.zone.full_day(_A_DAY))

    def _wrong_due(self, text: str) -> str:
        found = _parts_of_due(text)
        if found and (found[2] or found[3]) and self._day(found[1]):
            return self.language.gettext("Write the time as 15:00.")
        return self._wrong_day(found[1] if found else text)

    def _due(self, text: str) -> str | None:
        """Return a time as the API takes it, None for what is none; the end of the day where only that is said."""
        found = _parts_of_due(text)
        day = self._day(found[1]) if found else None
        at = read_time(found[2]) if found and found[2] else _END_OF_DAY
        if found is None or day is None or at is None or (found[3] and not found[2]):
            return None
        return self.zone.wire_of_local(f"{datetime.combine(day, at).isoformat()}{found[3] or ''}")

    def _cell_error(self, error: FieldError) -> CellError | None:
        """Return what is wrong with a cell; None where the column is missing, which was said once."""
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


def _parts_of_due(text: str) -> re.Match[str] | None:
    return _DUE.fullmatch(text) if len(text) <= MAX_LENGTH else None


def _judge(body: Mapping[str, Any], template: Template, now: int) -> DispatchRequest | Sequence[FieldError]:
    """Return a dispatch, or everything that is wrong with it: what only the template knows of, too."""
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
    """Return what the same jobs have in common however the table was saved. Door codes are left out: from a digest
    whoever has the file would find them by trying all.
    """
    digest = hashlib.sha256(template_id.encode())
    for each in requests:
        job = each.job
        plain = [getattr(job, name) for name in PLAIN_MEMBERS]
        digest.update(to_json([*plain, each.executor_ref, each.language, dict(sorted(job.fields.items()))]) + b"\n")
    return digest.digest()
