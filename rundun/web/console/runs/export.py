"""/console/runs.csv and …/archive.zip: a filtered list of runs as CSV, and a run with its evidence as ZIP."""

from collections.abc import AsyncIterator, Iterable, Sequence

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.actions.runs.runs import ListedRun
from rundun.store.sqlite.pagination import PageRequest
from rundun.web.archives.download import Download, require_place
from rundun.web.archives.report import report_writer
from rundun.web.archives.runs import archive_name, run_entries, zip_pieces
from rundun.web.console.runs.filters import read_filter_form
from rundun.web.console.session import ConsoleCall
from rundun.web.http.turns import Turns
from rundun.wording.job_tables.csv_cells import csv_lines
from rundun.wording.run_table import COLUMNS, TableContext, run_cells

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
        yield (await turns.run(_rows, table_context(call), page.items)).encode()
        if page.next_before is None:
            return
        before, left = page.next_before, left - len(page.items)


async def chosen_table(call: ConsoleCall, run_ids: Sequence[str]) -> Response:
    """Return a CSV file of the runs with these ids, in their order, with the columns `COLUMNS`; unknown and erased runs
    are left out.
    """
    rows = await call.read(runs.list_chosen, run_ids, call.language.tag)
    content = "\ufeff" + csv_lines([COLUMNS]) + await call.turns.run(_rows, table_context(call), rows)
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{_name(call)}"'}
    return Response(content, headers=headers, media_type=CSV)


def _name(call: ConsoleCall) -> str:
    return f"runs-{call.zone.today(call.now).isoformat()}.csv"


def _rows(at: TableContext, rows: Iterable[ListedRun]) -> str:
    return csv_lines(run_cells(at, row) for row in rows)


def table_context(call: ConsoleCall) -> TableContext:
    """Return the `TableContext` of the signed-in operator."""
    return TableContext(call.language, call.zone, call.ctx.links, call.now)


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
