"""Looking without touching: what the GETs show, each on one consistent snapshot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from rundun.actions import people
from rundun.actions.sheet import Sheet, allow_device, closed_problem, load
from rundun.core import times
from rundun.core.json_types.runs import OrganizationJson
from rundun.core.run import Run
from rundun.errors import NotFound
from rundun.store import deliveries, organizations, runs, templates
from rundun.store.deliveries import Delivery
from rundun.store.organizations import Organization
from rundun.store.pagination import Page, Slice
from rundun.store.templates import Head
from rundun.store.transaction import Tx, Version


def whole_run(tx: Tx, org_id: str, run_id: str) -> tuple[Sheet, int]:
    """All there is of an organization's run, and the time of the look."""
    return load(tx, runs.get_of_org(tx, org_id, run_id)), tx.now


def as_of_now(tx: Tx, run: Run) -> Run:
    """The run as its executor must see it: an overdue one is expired already, although the sweep has not come by."""
    if not run.is_overdue(tx.now, tx.grace):
        return run
    return replace(run, status="expired", closed_at=run.deadline(tx.grace))


def for_executor(tx: Tx, run_id: str, device: str | None) -> tuple[Sheet, Organization, int]:
    """All the executor's page needs of an open run. Raises NotFound, `other_device`, `run_closed`."""
    run = as_of_now(tx, runs.get(tx, run_id))
    if run.is_closed:
        raise closed_problem(run)
    allow_device(tx, run, device)
    return load(tx, run), organizations.get(tx, run.org_id), tx.now


def is_unchanged(tx: Tx, run_id: str, since: int, device: str | None) -> bool:
    """True when nothing happened to the run since that revision; refuses as `for_executor` does."""
    run = as_of_now(tx, runs.get(tx, run_id))
    if run.is_closed:
        raise closed_problem(run)
    allow_device(tx, run, device)
    return run.revision == since


def epitaph(tx: Tx, run_id: str) -> tuple[Run, Version, Organization]:
    """What the page of a closed run tells. Raises NotFound."""
    run = as_of_now(tx, runs.get(tx, run_id))
    version = templates.get_version(tx, run.template_id, run.template_v)
    return run, version, organizations.get(tx, run.org_id)


def deliveries_of(tx: Tx, org_id: str, run_id: str, wanted: Slice) -> Page[Delivery]:
    """A run's deliveries."""
    return deliveries.page_of_run(tx, runs.get_of_org(tx, org_id, run_id).run_id, wanted)


def template_at(tx: Tx, org_id: str, template_id: str, v: int | None) -> tuple[Head, Version]:
    """One version of an organization's template, the current one without `v`."""
    head = templates.get(tx, org_id, template_id)
    return head, templates.get_version(tx, template_id, head.v if v is None else v)


def templates_page(tx: Tx, org_id: str, wanted: Slice, include_archived: bool) -> Page[tuple[Head, Version]]:
    """Templates in their current versions."""
    page = templates.page(tx, org_id, wanted, include_archived=include_archived)
    return Page(
        [(head, templates.get_version(tx, head.template_id, head.v)) for head in page.items], page.next_before
    )


def versions_page(tx: Tx, org_id: str, template_id: str, wanted: Slice) -> Page[tuple[Head, Version]]:
    """All versions of an organization's template."""
    head = templates.get(tx, org_id, template_id)
    page = templates.page_versions(tx, template_id, wanted)
    return Page([(head, version) for version in page.items], page.next_before)


def template_choices(tx: Tx, org_id: str, chosen: str, limit: int) -> list[tuple[Head, Version]]:
    """The newest templates that are not archived, at most `limit`, and the one `chosen`, however old."""
    listed = templates_page(tx, org_id, Slice(limit), False).items
    if any(head.template_id == chosen for head, _ in listed):
        return listed
    try:
        found = template_at(tx, org_id, chosen, None)
    except NotFound:
        return listed
    return [found, *listed] if found[0].archived_at is None else listed


def template_with_versions(
    tx: Tx, org_id: str, template_id: str, v: int | None, wanted: Slice
) -> tuple[Head, Version, Page[tuple[Head, Version]]]:
    """One version of a template, the current one without `v`, and a page of all of them."""
    head, version = template_at(tx, org_id, template_id, v)
    return head, version, versions_page(tx, org_id, template_id, wanted)


def two_versions(
    tx: Tx, org_id: str, template_id: str, before: int | None, after: int | None
) -> tuple[Head, Version, Version]:
    """Two versions of a template; without numbers the last one and that before it."""
    head, later = template_at(tx, org_id, template_id, after)
    return head, template_at(tx, org_id, template_id, before or max(1, later.v - 1))[1], later


def revision_for(tx: Tx, token: str, org_id: str, run_id: str | None) -> int | None:
    """A run's revision for an operator who is signed in with `token`, None where no run is asked for. Raises NotFound
    for those who have been signed out, and where there is no such run.
    """
    if people.seated(tx, token) is None:
        raise NotFound("session")
    return None if run_id is None else runs.get_of_org(tx, org_id, run_id).revision


def about(tx: Tx, org_id: str) -> OrganizationJson:
    """The organization on the wire; the month is the calendar's, in UTC."""
    organization = organizations.get(tx, org_id)
    today = datetime.fromtimestamp(tx.now / times.SECOND, UTC)
    month = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {
        "id": org_id,
        "name": organization.name,
        "contact": organization.contact,
        "credits": organization.credits,
        "runs_this_month": runs.count_since(tx, org_id, int(month.timestamp()) * times.SECOND),
        "deliveries_failed": deliveries.count_failed(tx, org_id),
    }
