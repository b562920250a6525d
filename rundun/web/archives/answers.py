"""The answers of a template's runs as a table: CSV, or JSON Lines with the whole records."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pydantic_core import to_json

from rundun.actions.runs import runs
from rundun.actions.runs.state import RunState
from rundun.core.runs import record
from rundun.core.text import encode
from rundun.core.urls import Urls
from rundun.errors import Problem
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import PageRequest
from rundun.store.templates import templates as template_rows
from rundun.web.http.turns import LongWork
from rundun.wording.answer_table import AnswerTable, PhotoCount, VersionColumns, version_columns
from rundun.wording.job_tables.csv_cells import csv_lines

STEPS_AT_ONCE = 2000  # of the runs that are read in one turn, which takes some ten milliseconds
CELLS_AT_ONCE = 50_000  # empty ones included, of which a turn takes as long
RUNS_AT_ONCE = 100
MAX_ROWS = 1_048_576  # of a sheet of XLSX, the headings included


@dataclass(frozen=True, slots=True)
class ChosenRuns:
    """The runs of a table: an organization's runs that pass a filter, and the `versions` of their template, the newest
    first.
    """

    org_id: str
    filters: RunFilter
    versions: Sequence[VersionColumns]
    language: str | None

    async def pages(self, work: LongWork, columns: int = 1) -> AsyncIterator[Sequence[RunState]]:
        """Yield the runs in the order of their list, as many at once as one turn is to read."""
        steps = max(1, *(len(version.steps) for version in self.versions))
        limit = max(1, min(RUNS_AT_ONCE, STEPS_AT_ONCE // steps, CELLS_AT_ONCE // columns))
        if any(version.is_large for version in self.versions):
            limit = 1
        before = PageRequest().before
        while True:
            page_request = PageRequest(limit, before)
            page = await work.read(runs.page_answered, self.org_id, self.filters, page_request, self.language)
            yield page.items
            if page.next_before is None:
                return
            before = page.next_before


async def read_versions(
    work: LongWork, org_id: str, template_id: str, language: str | None
) -> Sequence[VersionColumns]:
    """Read the versions of an organization's template that are the current one or have runs, the newest first, each
    translated for a reader of `language`, in a turn of its own. Raises NotFound with the pointer `/template_id`.
    """
    numbers = await work.read(runs.list_answered_versions, org_id, template_id)
    return [version_columns(await work.read(template_rows.get_version, template_id, v, language)) for v in numbers]


async def csv_pieces(
    work: LongWork, chosen: ChosenRuns, table: AnswerTable, *, are_labels: bool, decimal: str | None = None
) -> AsyncIterator[bytes]:
    """Yield a table as CSV (RFC 4180, UTF-8), its headings first. With `decimal`, the decimal mark of a language, it is
    for spreadsheets in this language: with byte order mark, this mark in numbers, semicolons between cells if the mark
    is a comma, and times without their zone.
    """
    separator = ";" if decimal == "," else ","
    headings = await work.run(lambda: encode(csv_lines([table.headings(are_labels=are_labels)], separator)))
    yield ("\ufeff".encode() if decimal else b"") + headings
    async for page in chosen.pages(work, table.width):
        yield await work.run(_csv_lines, table, page, separator, decimal)


def _csv_lines(table: AnswerTable, page: Sequence[RunState], separator: str, decimal: str | None) -> bytes:
    rows = map(table.row, page)
    if decimal is None:
        return encode(csv_lines(rows))
    zoneless = ([cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell for cell in row] for row in rows)
    return encode(csv_lines(zoneless, separator, decimal))


async def jsonl_pieces(work: LongWork, chosen: ChosenRuns, links: Urls, now: int) -> AsyncIterator[bytes]:
    """Yield the records of runs, without their templates and secrets, as lines of JSON."""
    async for page in chosen.pages(work):
        yield await work.run(_records, page, links, now)


def _records(page: Sequence[RunState], links: Urls, now: int) -> bytes:
    records = [record.full_json(one.run, one.step_states, one.evidence, links, now) for one in page]
    return b"".join([to_json(each) + b"\n" for each in records])


async def xlsx_lines(work: LongWork, chosen: ChosenRuns, table: AnswerTable) -> AsyncIterator[bytes]:
    """Yield a table as lines of JSON, as `ctx.write_spreadsheet` takes them, with labels as headings. Raises `invalid`
    for more rows than a sheet of XLSX has.
    """
    yield await work.run(lambda: to_json(table.headings(are_labels=True)) + b"\n")
    count = 1
    async for page in chosen.pages(work, table.width):
        count += len(page)
        if count > MAX_ROWS:
            raise Problem("invalid", f"A sheet of XLSX has {MAX_ROWS:,} rows at most: choose fewer runs, or CSV.")
        yield await work.run(_sheet_lines, table, page)


def _sheet_lines(table: AnswerTable, page: Sequence[RunState]) -> bytes:
    return b"".join([to_json([_sheet_cell(value) for value in table.row(each)]) + b"\n" for each in page])


def _sheet_cell(value: object) -> object:
    match value:
        case datetime():  # in the reader's time zone, which a sheet does not know
            return ["time", value.replace(tzinfo=None).isoformat(timespec="seconds")]
        case date():
            return ["date", value.isoformat()]
        case PhotoCount():
            return ["link", value.count, value.url]
    return value
