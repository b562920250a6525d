"""/console/answers: the answers of a checklist's jobs as a table, CSV or XLSX."""

from calendar import monthrange
from datetime import date, timedelta

from starlette.responses import Response

from rundun.actions.templates import templates
from rundun.web.archives.answers import ChosenRuns, csv_pieces, read_versions, xlsx_lines
from rundun.web.archives.download import Download, require_place
from rundun.web.console.runs.export import CSV, table_context
from rundun.web.console.runs.filters import RunFilterForm, read_filter_form
from rundun.web.console.session import ConsoleCall
from rundun.wording.answer_table import AnswerTable
from rundun.wording.console_words import N_
from rundun.wording.file_names import slug

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MONTHS = 12
TICKS = {"remarks": N_("Remarks"), "flags": N_("Flags"), "times": N_("Times"), "positions": N_("Positions")}


async def show_form(call: ConsoleCall) -> Response:
    """GET /console/answers: show the form that asks for checklist, month, and further columns. The query has the filter
    of the list of runs, which the table keeps.
    """
    filter_form = read_filter_form(call)
    return await call.render(
        "runs/answers",
        filter_form=filter_form,
        templates=await call.read(templates.list_names, call.language.tag),
        months=[(day.strftime("%Y-%m"), call.zone.month(day)) for day in _last_months(call.zone.today(call.now))],
        ticks=TICKS,
    )


def _last_months(today: date) -> list[date]:
    """Return the first days of the last `MONTHS` months, this one first."""
    months = [today.replace(day=1)]
    while len(months) < MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months


async def download_csv(call: ConsoleCall) -> Response:
    """GET /console/answers.csv: return the table as CSV, with separator and decimal mark of the page's language."""
    chosen, table, name = await _read_table(call)
    decimal = "," if "," in call.language.number(0.5) else "."
    turns = call.ctx.turns.of_download(call.operator.org_id)
    pieces = csv_pieces(turns, chosen, table, are_labels=True, decimal=decimal)
    return Download(call.ctx, call.operator.org_id, pieces, f"{name}.csv", CSV)


async def download_xlsx(call: ConsoleCall) -> Response:
    """GET /console/answers.xlsx: return the table as XLSX, with numbers and days as such. Raises `invalid` for more
    rows than a sheet has.
    """
    chosen, table, name = await _read_table(call)
    turns = call.ctx.turns.of_download(call.operator.org_id)
    pieces = call.ctx.write_spreadsheet(xlsx_lines(turns, chosen, table))
    return Download(call.ctx, call.operator.org_id, pieces, f"{name}.xlsx", XLSX)


async def _read_table(call: ConsoleCall) -> tuple[ChosenRuns, AnswerTable, str]:
    """Return the runs and the table that the query asks for, and a file name without suffix. Raises NotFound, and
    `request_in_progress` before anything is read.
    """
    params, org_id, tag = call.request.query_params, call.operator.org_id, call.language.tag
    require_place(call.ctx, org_id)
    filter_form = _read_filter(call)
    turns = call.ctx.turns.of_download(org_id)
    versions = await read_versions(turns, org_id, filter_form.values["template"], tag)
    chosen = ChosenRuns(org_id, filter_form.filter, versions, tag)
    table = await turns.run(AnswerTable, versions, params, table_context(call))
    when = params.get("month") or call.zone.today(call.now).isoformat()
    return chosen, table, f"{slug(versions[0].name)}-{slug(when)}"


def _read_filter(call: ConsoleCall) -> RunFilterForm:
    """Return the filter of the query; `month` (YYYY-MM) replaces its days: jobs that ended in it."""
    try:
        first = date.fromisoformat(f"{call.request.query_params['month']}-01")
    except (KeyError, ValueError):
        first = date.min
    if not 1900 < first.year < 9999:
        return read_filter_form(call)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    return read_filter_form(call, **{"day": "closed", "from": first.isoformat(), "to": last.isoformat()})
