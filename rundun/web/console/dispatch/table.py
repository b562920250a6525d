"""/console/dispatch/table: dispatching several jobs from a table, pasted or read from a file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response

from rundun.actions.deliveries import default_webhooks
from rundun.actions.runs import sent_tables
from rundun.actions.templates import templates
from rundun.core import csv_text
from rundun.core.runs.run import DispatchRequest
from rundun.core.templates.template import JobField
from rundun.core.text import encode
from rundun.errors import NotFound, Problem
from rundun.store.runs.sent_tables import SentTable
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.web.console.dispatch.dispatch import MAX_TEMPLATES, REFUSALS, chosen_version
from rundun.web.console.dispatch.form import host_of
from rundun.web.console.session import ConsoleCall
from rundun.web.http.body import read_bytes
from rundun.wording.file_names import slug
from rundun.wording.job_tables import sent_table
from rundun.wording.job_tables.table import JobTable, column_names, read_jobs
from rundun.wording.job_view import FieldView
from rundun.wording.problem_codes import PROBLEMS
from rundun.wording.refusals import exact_reason

MAX_FORM = 3 * csv_text.MAX_BYTES + 64 * 1024  # a byte takes up to three in a form (%0A)
MAX_SHOWN = 200  # jobs shown
AT_ONCE_OF_ORGANIZATION, AT_ONCE = 2, 4  # tables being read or waiting
CSV = "text/csv; charset=utf-8; header=present"


async def form(call: ConsoleCall) -> Response:
    """GET /console/dispatch/table: show the form; `?template_id=` chooses a template."""
    return await _render_form(call, {"template_id": call.request.query_params.get("template_id", "")[:100]})


async def _render_form(
    call: ConsoleCall,
    values: Mapping[str, str],
    problem: Problem | None = None,
    table: JobTable | None = None,
    before: SentTable | None = None,
    ready: Mapping[str, Any] | None = None,
) -> Response:
    chosen_id, tag = values.get("template_id", ""), call.language.tag
    listed = await call.read(templates.dispatch_choices, chosen_id, MAX_TEMPLATES, tag)
    choices = sorted(((one.head.template_id, one.name) for one in listed), key=_by_name)
    is_known = any(one.head.template_id == chosen_id for one in listed)
    # In its author's language, in which its columns are read: a translated label may be another column's.
    chosen = (await call.read(templates.get_version, chosen_id, None))[1] if is_known else None
    errors = table.errors if table else ()
    status = 422 if errors else 409 if before else PROBLEMS[problem.code].status if problem else 200
    return await call.render(
        "dispatch/table",
        status,
        values=values,
        choices=choices,
        columns=column_names(chosen.template, call.language) if chosen else [],
        required={field.label for field in chosen.template.fields if field.required} if chosen else set(),
        chosen=chosen,
        default_host=host_of(await call.read(default_webhooks.find, chosen_id)),
        problem=problem,
        reason=exact_reason(call.language, problem) if problem else "",
        wrong=errors,
        ready=ready,
        more_wrong=table.more if table else 0,
        before=before,
        digest=table.digest.hex() if table else "",
        max_bytes=csv_text.MAX_BYTES,
        max_rows=csv_text.MAX_ROWS,
    )


def _preview(call: ConsoleCall, version: TemplateVersion, table: JobTable) -> Mapping[str, Any]:
    """Return the preview of the jobs: `rows`, the first `MAX_SHOWN` jobs as lists of pairs of column and text, secrets
    included; `columns`, the names of the columns, without those that are empty in all these rows; and `count`, the
    number of all jobs.
    """
    names, fields = column_names(version.template, call.language), version.template.fields
    rows = [_cells(call, each, fields) for each in table.requests[:MAX_SHOWN]]
    used = [index for index in range(len(names)) if any(row[index] for row in rows)]
    shown = [[(names[index], row[index]) for index in used] for row in rows]
    return {"columns": [names[index] for index in used], "rows": shown, "count": len(table.requests)}


def _cells(call: ConsoleCall, request: DispatchRequest, fields: Iterable[JobField]) -> list[str]:
    job = request.job
    values = {**job.fields, **job.secrets}
    views = [FieldView(field, values.get(field.id, "")) for field in fields]
    known = (job.title, request.executor_ref, call.zone.weekday_time(job.due_at), job.note, request.language)
    return [*(text or "" for text in known), *(_field_text(call, view) for view in views)]


def _field_text(call: ConsoleCall, view: FieldView) -> str:
    return call.zone.full_day(view.day) if view.value and view.day else str(view.value)


def _by_name(choice: tuple[str, str]) -> str:
    return choice[1].casefold()


async def read_file(call: ConsoleCall) -> Response:
    """POST /console/dispatch/table/text: read the file that the page's script sends; return a JSON object with its
    `text`: a CSV file's own text, or of an XLSX file's first sheet the rows as lines with tabs between cells. Raises
    `invalid`, `too_large`, `unavailable`.
    """
    data = await read_bytes(call.request, csv_text.MAX_BYTES)
    return JSONResponse({"text": await call.ctx.read_spreadsheet(data, call.operator.org_id)})


async def send(call: ConsoleCall) -> Response:
    """POST /console/dispatch/table: preview the jobs of a table, or show the form with its errors. If `send` or `again`
    is the table's digest, dispatch all or none and redirect to their links; for `send`, show the form (409) if the
    table was dispatched within 30 days. With `choose`, show the columns of the chosen template.
    """
    if call.form.get("choose"):
        return await _render_form(call, call.form)
    table = None
    try:
        version = await chosen_version(call)
        if version is None:
            return await _render_form(call, call.form, Problem("not_found", "Choose a checklist."))
        table = await _read_table(call, version)
        if table.errors:
            return await _render_form(call, call.form, table=table)
        if table.digest.hex() not in (call.form.get("send"), call.form.get("again")):
            return await _render_form(call, call.form, table=table, ready=_preview(call, version, table))
        sent, is_new = await _accept(call, version, table)
    except Problem as problem:
        if problem.code not in (*REFUSALS, "too_large"):
            raise
        return await _render_form(call, call.form, problem, table)
    if not is_new:
        return await _render_form(call, call.form, table=table, before=sent)
    await _create_runs(call, sent)
    return call.redirect(f"/dispatch/tables/{sent.number}")


async def _read_table(call: ConsoleCall, version: TemplateVersion) -> JobTable:
    """Return the jobs of the table, or its errors, read in a queue since it takes processor time; raises the problems
    of `read_jobs`, and `unavailable` if the queue is full.
    """
    owner, text = call.operator.org_id, call.form.get("table", "")
    limits = {owner: AT_ONCE_OF_ORGANIZATION, "": AT_ONCE}
    return await call.ctx.tables.run(owner, limits, read_jobs, text, version, call.zone, call.now, call.language)


async def _accept(call: ConsoleCall, version: TemplateVersion, table: JobTable) -> tuple[SentTable, bool]:
    """Accept the jobs of the table, without creating their runs; return the `SentTable`, and True if it is new. A table
    accepted within 30 days is accepted again only if the form's `again` is its digest; otherwise return the earlier one
    and False. Raises the problems of `sent_tables.accept`.
    """
    requests = table.requests
    if call.form.get("webhook") != "none":
        requests = [replace(each, webhook_from="default") for each in requests]
    is_again = call.form.get("again") == table.digest.hex()
    return await call.write(sent_tables.accept, version.v, requests, table.digest, again=is_again)


async def _create_runs(call: ConsoleCall, sent: SentTable) -> None:
    """Create the runs in short transactions. If the disk is full, the scheduler creates the rest."""
    try:
        while await call.ctx.database.write(sent_tables.make_next_runs, sent.number):
            pass
    except Problem as problem:
        if problem.code != "unavailable":
            raise


def _table_number(call: ConsoleCall) -> int:
    number = call.path("number")
    if not re.fullmatch(r"[0-9]{1,18}", number):
        raise NotFound("table")
    return int(number)


async def show_sent(call: ConsoleCall) -> Response:
    """GET /console/dispatch/tables/{number}: show a dispatched table's first `MAX_SHOWN` runs with their links."""
    table, version, runs = await call.read(sent_tables.get, _table_number(call))
    return await call.render(
        "dispatch/table_sent",
        table=table,
        name=version.template.name,
        runs=runs[:MAX_SHOWN],
        more=max(0, len(runs) - MAX_SHOWN),
        link=call.ctx.links.run,
    )


async def download_links(call: ConsoleCall) -> Response:
    """GET /console/dispatch/tables/{number}/links.csv: return a CSV file of the runs made of a table, without secrets
    and erased runs, and their links.
    """
    table, version, runs = await call.read(sent_tables.get, _table_number(call))
    text = await call.turns.run(sent_table.table_csv, version.template, runs, call.zone, call.ctx.links, call.language)
    day = call.zone.at(table.created_at).date().isoformat()
    return _csv(text, f"{slug(version.template.name)}-{day}-links.csv")


async def download_blank(call: ConsoleCall) -> Response:
    """GET /console/dispatch/table.csv: return a CSV file with the columns of `?template_id=` and no jobs."""
    _, version = await call.read(templates.get_version, call.request.query_params.get("template_id", ""), None)
    return _csv(sent_table.heading_csv(version.template, call.language), f"{slug(version.template.name)}.csv")


def _csv(text: str, name: str) -> Response:
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
    return Response(encode("\ufeff" + text), headers=headers, media_type=CSV)
