"""/console/runs.csv and …/archive.zip: a filtered list of runs as CSV, and a run with its evidence as ZIP."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.actions.runs.runs import ListedRun
from rundun.core.runs.run import Run
from rundun.store.sqlite.pagination import PageRequest
from rundun.web.archives.download import Download, require_place
from rundun.web.archives.report import report_writer
from rundun.web.archives.runs import archive_name, run_entries, zip_pieces
from rundun.web.console.runs.filters import read_filter_form
from rundun.web.console.runs.rows import flags_text
from rundun.web.console.session import ConsoleCall
from rundun.web.http.turns import Turns
from rundun.wording.job_tables.csv_cells import csv_lines
from rundun.wording.job_view import field_views

MAX_ROWS = 100_000
PAGE = 200  # runs read at once
CSV = "text/csv; charset=utf-8; header=present"


async def table(call: ConsoleCall) -> Response:
    """GET /console/runs.csv: return the filtered list as CSV (RFC 4180, UTF-8 with byte order mark), up to 100,000
    runs.
    """
    org_id = call.operator.org_id
    return Download(call.ctx, org_id, _lines(call, call.ctx.turns.of_download(org_id)), _name(call), CSV)


async def _lines(call: ConsoleCall, turns: Turns) -> AsyncIterator[bytes]:
    yield ("\ufeff" + csv_lines([COLUMNS])).encode()
    run_filter, before, left = read_filter_form(call).filter, PageRequest().before, MAX_ROWS
    while left > 0:
        page_request = PageRequest(min(PAGE, left), before)
        page = await turns.read(runs.page, call.operator.org_id, run_filter, page_request, call.language.tag)
        yield (await turns.run(_rows, call, page.items)).encode()
        if page.next_before is None:
            return
        before, left = page.next_before, left - len(page.items)


async def chosen_table(call: ConsoleCall, run_ids: Sequence[str]) -> Response:
    """Return a CSV file of the runs with these ids, in their order, with the columns `COLUMNS`; unknown and erased runs
    are left out.
    """
    rows = await call.read(runs.list_chosen, run_ids, call.language.tag)
    content = "\ufeff" + csv_lines([COLUMNS]) + await call.turns.run(_rows, call, rows)
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{_name(call)}"'}
    return Response(content, headers=headers, media_type=CSV)


def _name(call: ConsoleCall) -> str:
    return f"runs-{call.zone.today(call.now).isoformat()}.csv"


def _rows(call: ConsoleCall, rows: Iterable[ListedRun]) -> str:
    return csv_lines([cell(call, row, row.run) for cell in _CELLS.values()] for row in rows)


def _time(call: ConsoleCall, milliseconds: int | None) -> str | None:
    return None if milliseconds is None else call.zone.at(milliseconds).isoformat(timespec="seconds")


def _fields(row: ListedRun) -> str:
    """Return the run's fields except secrets as one text, “label: value; label: value”."""
    views = [each for each in field_views(row.run.job, row.template) if not each.is_secret]
    return "; ".join(f"{each.field.label}: {each.value}" for each in views)


_CELLS: dict[str, Callable[[ConsoleCall, ListedRun, Run], object]] = {
    "run_id": lambda call, row, run: run.run_id,
    "status": lambda call, row, run: run.status,
    "late": lambda call, row, run: "yes" if run.is_late(call.now) else "no",
    "template": lambda call, row, run: row.template.name,
    "template_id": lambda call, row, run: run.template_id,
    "template_v": lambda call, row, run: run.template_v,
    "reference": lambda call, row, run: run.executor_ref,
    "created_at": lambda call, row, run: _time(call, run.created_at),
    "started_at": lambda call, row, run: _time(call, run.started_at),
    "closed_at": lambda call, row, run: _time(call, run.closed_at),
    "expires_at": lambda call, row, run: _time(call, run.expires_at),
    "executor": lambda call, row, run: run.identity.name or run.identity.email or run.identity.phone,
    "executor_id": lambda call, row, run: run.assigned_to,
    "steps": lambda call, row, run: run.progress["total"],
    "answered": lambda call, row, run: run.progress["answered"],
    "skipped": lambda call, row, run: run.progress["skipped"],
    "unable": lambda call, row, run: run.progress["unable"],
    "duration_seconds": lambda call, row, run: run.duration_seconds,
    "cancelled_by": lambda call, row, run: run.cancellation and run.cancellation.by,
    "cancel_reason": lambda call, row, run: run.cancellation and run.cancellation.reason,
    "link": lambda call, row, run: call.ctx.links.run(run.run_id),
    "title": lambda call, row, run: run.job.title,
    "due_at": lambda call, row, run: _time(call, run.job.due_at),
    "missed": lambda call, row, run: "yes" if run.is_missed else "no",
    "flagged": lambda call, row, run: run.flagged,
    "fields": lambda call, row, run: _fields(row),
    "clock_skew_seconds": lambda call, row, run: run.clock_skew_seconds,
    "remarks": lambda call, row, run: row.remarks,
    "handled_at": lambda call, row, run: _time(call, run.handled_at),
    "handled_note": lambda call, row, run: run.handled_note,
    "flags": lambda call, row, run: flags_text(call, row),
}
COLUMNS = tuple(_CELLS)


# ---- one run with all its evidence


async def archive(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/archive.zip: return a ZIP: run.json, report.html, original photos and signatures."""
    require_place(call.ctx, call.operator.org_id)
    detail = await call.read(runs.get_detail, call.path("run_id"), language=call.language.tag)
    org_id = call.operator.org_id
    turns = call.ctx.turns.of_download(org_id)
    writer = await report_writer(turns, call.ctx.pages, call.organization, call.language)
    pieces = zip_pieces(turns, run_entries(turns, detail, call.ctx.links, writer.write), call.zone.at(detail.now))
    return Download(call.ctx, org_id, pieces, archive_name(detail))
