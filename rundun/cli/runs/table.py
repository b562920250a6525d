"""The option `--table` of `runs dispatch`: a run for each row, all or none; the table comes back with their links."""

import asyncio
import functools
from collections.abc import Sequence
from dataclasses import replace

import click
from pydantic_core import to_jsonable_python

from rundun.actions.runs import sent_tables
from rundun.cli.context import is_beside_service, run_reading, run_writing
from rundun.cli.terminal import Output
from rundun.config.settings import ServiceSettings
from rundun.core import csv_text, times
from rundun.core.runs.run import Run, WebhookFrom
from rundun.core.urls import Urls
from rundun.errors import FieldError, Invalid, Problem
from rundun.spreadsheets import reader
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite import signing_key as signing_key_rows
from rundun.store.sqlite.transaction import TemplateVersion, Tx, wall_clock
from rundun.web.dispatch.warnings import link_warnings
from rundun.wording.job_tables import sent_table
from rundun.wording.job_tables.table import CellError, read_jobs
from rundun.wording.time_zone import Zone


def dispatch_table(
    settings: ServiceSettings, version: TemplateVersion, file: str, *, webhook_from: WebhookFrom, again: bool
) -> Output:
    """Dispatch a run for each row of a file, and return the output: the table with their links as CSV, and the runs as
    JSON. Raises `Invalid` with the wrong cells, `Problem` if the same table was sent before and not `again`.
    """
    zone = Zone(run_reading(settings, lambda tx: organization_rows.get(tx, version.org_id).time_zone))
    text = asyncio.run(reader.read(_read_file(file)))
    table = read_jobs(text, version, zone, wall_clock())
    if table.errors:
        raise Invalid(_cell_errors(table.errors, table.more))
    accepted = run_writing(
        settings,
        "runs accept-table",
        org_id=version.org_id,
        version=version.v,
        orders=to_jsonable_python([replace(request, webhook_from=webhook_from) for request in table.requests]),
        digest=table.digest.hex(),
        again=again,
    )
    if not accepted["is_new"]:
        at = zone.exact_time(times.parse(accepted["created_at"]))
        raise Problem("invalid", f"The same table was sent on {at}. Say --again to dispatch all its runs once more.")
    while run_writing(settings, "runs make-table", number=accepted["number"]):
        pass
    runs, links = run_reading(settings, functools.partial(_get_runs, version.org_id, accepted["number"]))
    warnings = link_warnings(links.public_url)
    notes = [f"warning: {each['detail']}" for each in warnings]
    if not is_beside_service():
        notes.append("warning: No service is running on this database: the links open once it is started.")
    document = {"runs": [_run_json(run, links) for run in runs], "warnings": warnings}
    return Output(document, [], notes, raw=sent_table.table_csv(version.template, runs, zone, links))


def _read_file(file: str) -> bytes:
    try:
        with click.open_file(file, "rb") as opened:
            content: bytes = opened.read(csv_text.MAX_BYTES + 1)
            return content
    except OSError as error:
        raise Problem("not_found", f"{file}: {error.strerror}.") from None


def _cell_errors(errors: Sequence[CellError], more: int) -> list[FieldError]:
    """Return an error for each wrong cell, by its row and column, and one that counts the `more` wrong cells."""
    told = [
        FieldError(f"Row {each.row}, {each.column or 'without a name'}", "bad_format", each.detail) for each in errors
    ]
    return [*told, FieldError("Below", "bad_format", f"{more:,} more cells are wrong.")] if more else told


def _get_runs(org_id: str, number: int, tx: Tx) -> tuple[list[Run], Urls]:
    return sent_tables.get(tx, org_id, number)[2], signing_key_rows.read_links(tx.db, tx.links.public_url)


def _run_json(run: Run, links: Urls) -> dict[str, str | None]:
    return {
        "run_id": run.run_id,
        "link": links.run(run.run_id),
        "title": run.job.title,
        "executor_ref": run.executor_ref,
        "due_at": times.wire_or_none(run.job.due_at),
        "expires_at": times.wire_or_none(run.expires_at),
    }
