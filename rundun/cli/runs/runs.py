"""Commands for runs: `runs …`."""

from typing import TYPE_CHECKING, Any

import click
from pydantic_core import from_json

from rundun.actions.organizations import organizations
from rundun.actions.runs import runs
from rundun.actions.runs.runs import ListedRun, RunDetail
from rundun.actions.templates import templates
from rundun.cli.completion import ORG, RUN, TEMPLATE
from rundun.cli.context import raise_usage_errors, require_utf8, run_reading, run_writing, with_output, with_settings
from rundun.cli.erasure.erasure import runs_erase
from rundun.cli.runs.dispatch import runs_dispatch
from rundun.cli.terminal import Output, align_columns, print_line
from rundun.config.settings import ServiceSettings
from rundun.core.request_bodies import CancelBody
from rundun.core.runs import record
from rundun.core.runs.run import STATUSES
from rundun.core.urls import Urls
from rundun.core.validation import read
from rundun.store.organizations import organizations as organization_rows
from rundun.store.organizations.organizations import Organization
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite import signing_key as signing_key_rows
from rundun.store.sqlite.pagination import Page
from rundun.store.sqlite.transaction import Tx
from rundun.web.http.query_params import RunsQuery, next_cursor

if TYPE_CHECKING:
    from rundun.wording.time_zone import Zone

runs_group = click.Group("runs", help="Runs.", commands=[runs_dispatch, runs_erase])


@runs_group.command("list")
@click.option("--org", type=ORG, help="Id or name of the organization; not needed while there is only one.")
@click.option(
    "--status", type=click.Choice(STATUSES), multiple=True, help="Only those with this status, or one of them."
)
@click.option("--template", "template_id", type=TEMPLATE, help="Only those of this checklist, by its id or name.")
@click.option("--executor-ref", metavar="REF", help="Only those with exactly this reference.")
@click.option("--created-after", metavar="TIME", help="Only those dispatched after this time.")
@click.option("--created-before", metavar="TIME", help="Only those dispatched before this time.")
@click.option("--updated-after", metavar="TIME", help="Only those changed after this time, those changed last first.")
@click.option("--due-before", metavar="TIME", help="Only those due before this time, those due last first.")
@click.option("--late", is_flag=True, help="Only those that are open and late.")
@click.option("--missed", is_flag=True, help="Only those that expired before they were done.")
@click.option("--flagged", is_flag=True, help="Only those with a step that calls for attention.")
@click.option("--search", "q", metavar="TEXT", help="Only those with this text in their details or their executor.")
@click.option("--limit", metavar="N", help="How many at most, up to 100; 25 without it.")
@click.option("--cursor", metavar="CURSOR", help="Where to go on, as the list before has said.")
@with_output
def runs_list(settings: ServiceSettings, org: str | None, template_id: str | None, **given: Any) -> Output:
    """List runs, the newest first, unless --updated-after, --due-before or --late (the last due first) orders them;
    with --search always the newest first. The link of an open run holds its id: with the id one can do the run.
    """
    for value in (org, template_id, *(one for one in given.values() if not isinstance(one, tuple))):
        require_utf8(value)
    typed = {name: "true" if value is True else value for name, value in given.items() if value}
    with raise_usage_errors():
        params = read(RunsQuery, typed)
        page_request = params.page_request()

    from rundun.wording.time_zone import Zone  # with Babel, hence not at the start

    def read_page(tx: Tx) -> tuple[Page[ListedRun], list[Any], Zone]:
        organization = organizations.get_or_only(tx, org)
        org_id, zone = organization.org_id, Zone(organization.time_zone)
        chosen = None if template_id is None else templates.get(tx, template_id, org_id).template_id
        filters = params.model_copy(update={"template_id": chosen}).filter(tx.now)
        page, links = runs.page(tx, org_id, filters, page_request), _read_links(tx)
        return page, [record.run_json(row.run, links, tx.now) for row in page.items], zone

    page, data, zone = run_reading(settings, read_page)
    cursor = next_cursor(page)
    rows = [_run_row(row, run["late"], zone) for row, run in zip(page.items, data, strict=True)]
    heading, *lines = align_columns([_HEADING, *rows])
    notes = [f"There are more: --cursor {cursor}"] if cursor else []
    document = {"data": data, "has_more": cursor is not None, "next_cursor": cursor}
    return Output(document, lines, notes, heading=heading, nothing="No runs.")


_HEADING = ("RUN", "DISPATCHED", "DUE", "STATUS", "CHECKLIST")


def _run_row(row: ListedRun, is_late: bool, zone: "Zone") -> tuple[str, ...]:
    run = row.run
    marks = {"late": is_late, "missed": run.is_missed, f"{run.flagged} flagged": bool(run.flagged)}
    status = ", ".join([run.status.replace("_", " "), *(mark for mark, holds in marks.items() if holds)])
    said = {"title": run.job.title, "reference": run.executor_ref}
    about = "  ".join([row.template.name, *(f"{name}: {each}" for name, each in said.items() if each)])
    return run.run_id, zone.exact_time(run.created_at), zone.exact_time(run.job.due_at), status, about


@runs_group.command("show")
@click.argument("run_id", type=RUN)
@with_output
def runs_show(settings: ServiceSettings, run_id: str) -> Output:
    """Show the details, progress and answers of a run; as JSON its whole record. RUN_ID may be the number that a
    receipt shows, which is how the id begins.
    """
    require_utf8(run_id)

    def read_detail(tx: Tx) -> tuple[RunDetail, Organization, Urls]:
        run = run_rows.get(tx, runs.resolve_id(tx, run_id))
        return runs.get_detail(tx, run.org_id, run.run_id), organization_rows.get(tx, run.org_id), _read_links(tx)

    from rundun.cli.runs.text import run_lines  # with Babel
    from rundun.web.api.runs import run_record

    detail, organization, links = run_reading(settings, read_detail)
    document = from_json(run_record(detail.state, links, detail.now))
    return Output(document, list(run_lines(detail, organization, links)))


@runs_group.command("cancel")
@click.argument("run_id", type=RUN)
@click.option("--reason", metavar="TEXT", help="The reason, shown with the run and in its event.")
@with_settings
def runs_cancel(settings: ServiceSettings, run_id: str, reason: str | None) -> None:
    """End a run that is pending or in progress before its time. RUN_ID may be the number that a receipt shows."""
    with raise_usage_errors():
        reason = read(CancelBody, {"reason": reason}).reason
    print_line(
        f"{run_writing(settings, 'runs cancel', run_id=run_id, reason=reason)} is cancelled, and its link says so."
    )


def _read_links(tx: Tx) -> Urls:
    return signing_key_rows.read_links(tx.db, tx.links.public_url)
