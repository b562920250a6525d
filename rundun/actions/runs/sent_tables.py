"""Tables of jobs: all jobs of a table are accepted in one transaction, or none. Their runs are made in small steps
after it, since a thousand at once would delay every other write for a third of a second.
"""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from rundun.actions.deliveries import default_webhooks
from rundun.actions.organizations import quotas
from rundun.core.runs.run import DispatchRequest, Run, new_run, with_destination
from rundun.errors import Problem
from rundun.store.organizations import organizations as organization_rows
from rundun.store.runs import runs as run_rows, sent_tables as table_rows
from rundun.store.runs.sent_tables import SentTable
from rundun.store.sqlite.transaction import TemplateVersion, Tx
from rundun.store.templates import templates as template_rows

STEP_RUNS = 20  # made in one transaction
_PART = TypeAdapter(list[DispatchRequest])


def accept(
    tx: Tx, org_id: str, version: int, requests: Sequence[DispatchRequest], digest: bytes, *, again: bool = False
) -> tuple[SentTable, bool]:
    """Accept the dispatches of a table, read and checked with that version of their template, for a credit each;
    `make_next_runs` then makes the runs. Return the table, and whether it is new: a table with the digest of a recent
    one is new only if sent `again` on purpose; otherwise the recent one is returned.

    Raises NotFound, `template_archived`, `quota_exceeded`, `insufficient_credits`; then nothing is created.
    """
    if not again and (before := table_rows.find_same(tx, org_id, digest)):
        return before, False
    template_id = requests[0].template_id
    if template_rows.get(tx, org_id, template_id).archived_at is not None:
        raise Problem("template_archived", "This template is archived; new runs can't be dispatched from it.")
    quotas.require_quota_left(tx, org_id)
    if not organization_rows.take_credit(tx, org_id, len(requests)):
        left = organization_rows.get(tx, org_id).credits
        detail = f"The table takes {len(requests):,} credits, and the organization has {left:,}; nothing was created."
        raise Problem("insufficient_credits", detail)
    portions = [requests[start : start + STEP_RUNS] for start in range(0, len(requests), STEP_RUNS)]
    parts = [(len(portion), _PART.dump_json(list(portion))) for portion in portions]
    return table_rows.add(tx, org_id, (template_id, version), digest, parts), True


def make_next_runs(tx: Tx, number: int) -> bool:
    """Make the next runs of a table; return whether more are left to be made: False also for an unknown table."""
    part = table_rows.find_part(tx, number)
    if part is None:
        return False
    table = table_rows.get(tx, number)
    version = template_rows.get_version(tx, table.template_id, table.template_v)
    default = default_webhooks.find(tx, table.org_id, table.template_id)
    webhook = default and with_destination(table.org_id, default)
    made = [
        run_rows.add(
            tx, _run(tx, table, version, replace(each, webhook=webhook) if each.webhook_from == "default" else each)
        )
        for each in _PART.validate_json(part[1])
    ]
    return table_rows.remove_part(tx, table, part[0], made)


def _run(tx: Tx, table: SentTable, version: TemplateVersion, request: DispatchRequest) -> Run:
    return new_run(request, tx.new_id("r"), table.org_id, table.template_v, tx.now, version.untouched)


def get(tx: Tx, org_id: str, number: int) -> tuple[SentTable, TemplateVersion, list[Run]]:
    """Return a table, its template version, and its runs made so far, in the table's order, without erased ones and
    without secrets. Raises NotFound.
    """
    table = table_rows.get_of_org(tx, org_id, number)
    version = template_rows.get_version(tx, table.template_id, table.template_v)
    return table, version, run_rows.list_numbered(tx, table.runs)
