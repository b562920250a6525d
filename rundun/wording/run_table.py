"""Columns of a table of runs: what a list knows of each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from rundun.actions.runs.runs import ListedRun
from rundun.core.runs import flags
from rundun.core.runs.run import Run
from rundun.core.text import shorten
from rundun.core.urls import Urls
from rundun.wording.answer_words import answer_line
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.job_view import field_views
from rundun.wording.time_zone import Zone

MAX_LABEL = 200  # characters of a flag's label in its cell, which is then shorter than the 32,767 that Excel takes


@dataclass(frozen=True, slots=True)
class TableContext:
    """The reader of a table: language and time zone; the maker of links, and the time `now` in milliseconds."""

    language: ConsoleLanguage
    zone: Zone
    links: Urls
    now: int


Cell = Callable[[TableContext, ListedRun, Run], object]


def _time(at: TableContext, milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else at.zone.at(milliseconds)


def _fields(row: ListedRun) -> str:
    """Return the run's fields except secrets as one text, “label: value; label: value”."""
    views = [each for each in field_views(row.run.job, row.template) if not each.is_secret]
    return "; ".join(f"{each.field.label}: {each.value}" for each in views)


def _flags(at: TableContext, row: ListedRun) -> str:
    """Return the flags of a run as one text, “label: answer – remark; …”: as many as its record has."""
    say, texts = partial(answer_line, language=at.language, zone=at.zone), []
    for flag in row.flags[: flags.MAX_FLAGS]:
        label, answer = shorten(flag.step_state.step.label, MAX_LABEL), flag.answer_text(say, flags.MAX_ANSWER)
        said = ": ".join(filter(None, [label, answer]))
        texts.append(f"{said} – {shorten(flag.remark, flags.MAX_ANSWER)}" if flag.remark else said)
    return "; ".join(texts)


_CELLS: dict[str, Cell] = {
    "run_id": lambda at, row, run: run.run_id,
    "status": lambda at, row, run: run.status,
    "late": lambda at, row, run: "yes" if run.is_late(at.now) else "no",
    "template": lambda at, row, run: row.template.name,
    "template_id": lambda at, row, run: run.template_id,
    "template_v": lambda at, row, run: run.template_v,
    "reference": lambda at, row, run: run.executor_ref,
    "created_at": lambda at, row, run: _time(at, run.created_at),
    "started_at": lambda at, row, run: _time(at, run.started_at),
    "closed_at": lambda at, row, run: _time(at, run.closed_at),
    "expires_at": lambda at, row, run: _time(at, run.expires_at),
    "executor": lambda at, row, run: run.identity.name or run.identity.email or run.identity.phone,
    "executor_id": lambda at, row, run: run.assigned_to,
    "steps": lambda at, row, run: run.progress["total"],
    "answered": lambda at, row, run: run.progress["answered"],
    "skipped": lambda at, row, run: run.progress["skipped"],
    "unable": lambda at, row, run: run.progress["unable"],
    "duration_seconds": lambda at, row, run: run.duration_seconds,
    "cancelled_by": lambda at, row, run: run.cancellation and run.cancellation.by,
    "cancel_reason": lambda at, row, run: run.cancellation and run.cancellation.reason,
    "link": lambda at, row, run: at.links.run(run.run_id),
    "title": lambda at, row, run: run.job.title,
    "due_at": lambda at, row, run: _time(at, run.job.due_at),
    "missed": lambda at, row, run: "yes" if run.is_missed else "no",
    "flagged": lambda at, row, run: run.flagged,
    "fields": lambda at, row, run: _fields(row),
    "clock_skew_seconds": lambda at, row, run: run.clock_skew_seconds,
    "remarks": lambda at, row, run: row.remarks,
    "handled_at": lambda at, row, run: _time(at, run.handled_at),
    "handled_note": lambda at, row, run: run.handled_note,
    "flags": lambda at, row, run: _flags(at, row),
}
COLUMNS = tuple(_CELLS)


def run_cells(at: TableContext, row: ListedRun) -> list[object]:
    """Return the cells of a run, in the order of `COLUMNS`."""
    return [cell(at, row, row.run) for cell in _CELLS.values()]
