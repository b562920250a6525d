"""What an organization sees first: runs and deliveries that call for attention, today's runs, counts by time, and the
list of its runs.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rundun.actions.backups import backups
from rundun.actions.runs import handled, runs
from rundun.actions.runs.handled import FailedGroup
from rundun.actions.runs.runs import ListedRun
from rundun.actions.templates import templates
from rundun.store.organizations import organizations as organization_rows, quotas as quota_rows, statistics
from rundun.store.organizations.quotas import StorageUse
from rundun.store.organizations.statistics import Statistic
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite import service_state
from rundun.store.sqlite.pagination import Page, PageRequest
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates as template_rows

SHORT = 5  # entries of each list on the overview


@dataclass(frozen=True, slots=True)
class ShortList:
    """The first `SHORT` runs of a list, and the number of its runs; `statistics.MAX_COUNTED` + 1 stands for more."""

    items: Sequence[ListedRun]
    count: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview. Late, missed and flagged runs call for attention, and so do `failed` deliveries, of which it has
    the first `SHORT` groups. `due_today` are pending runs, `in_progress` those of any day, both without late ones.
    `dispatched`, `done`, `cancelled` and `expired` have a number for each day, today's last. With `has_templates` runs
    can be dispatched.
    `is_held`: a restore holds deliveries. `misses_backup`: backups fail or are overdue, False unless this is the only
    organization.
    """

    late: ShortList
    missed: ShortList
    flagged: ShortList
    groups: Sequence[FailedGroup]
    failed: int
    due_today: ShortList
    in_progress: ShortList
    done_today: ShortList
    dispatched: list[int]
    done: list[int]
    cancelled: list[int]
    expired: list[int]
    has_templates: bool
    storage: StorageUse
    is_held: bool
    misses_backup: bool


@dataclass(frozen=True, slots=True)
class RunList:
    """A page of runs, (id, name) pairs of templates as `templates.list_names` returns them, and counts of runs by name,
    up to `statistics.MAX_COUNTED` + 1.
    """

    page: Page[ListedRun]
    template_names: list[tuple[str, str]]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Usage:
    """An organization's usage: credits left, None for unlimited; whether its owners give credits themselves; its
    storage; and one number for each span of time.
    """

    credits: int | None
    gives_credits: bool
    storage: StorageUse
    dispatched: list[int]
    completed: list[int]
    photos: list[int]


def list_runs(
    tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest, counted: Mapping[str, RunFilter], language: str
) -> RunList:
    """Return a page of an organization's runs that pass `filters`, as `runs.page` does, and how many pass each of
    `counted`.
    """
    page = runs.page(tx, org_id, filters, page_request, language)
    return RunList(page, templates.list_names(tx, org_id, language), runs.count_each(tx, org_id, counted))


def get(tx: Tx, org_id: str, begins: Sequence[int], language: str) -> Overview:
    """Return an organization's overview: runs and deliveries that call for attention, runs due today, in progress and
    done today, and counts for each day. `begins` are the begins of the days and of tomorrow, in milliseconds. Templates
    are translated for a reader of `language`.
    """

    def short_list(filters: RunFilter) -> ShortList:
        page = runs.page(tx, org_id, filters, PageRequest(SHORT), language)
        return ShortList(page.items, len(page.items) if page.next_before is None else runs.count(tx, org_id, filters))

    to_come = RunFilter("pending", is_by_due=True, late_from=tx.now + 1, late_until=begins[-1])
    under_way = RunFilter("in_progress", is_by_due=True, late_from=tx.now + 1)
    return Overview(
        short_list(RunFilter(late_at=tx.now, is_by_due=True)),
        short_list(RunFilter(is_missed=True, is_to_handle=True)),
        short_list(RunFilter(is_flagged=True, is_to_handle=True)),
        handled.list_failed_groups(tx, org_id)[:SHORT],
        statistics.count_failed_deliveries(tx, org_id),
        short_list(to_come),
        short_list(under_way),
        short_list(RunFilter("completed", closed_after=begins[-2] - 1)),
        _in_spans(tx, org_id, "dispatched", begins),
        _in_spans(tx, org_id, "completed", begins),
        _in_spans(tx, org_id, "cancelled", begins),
        _in_spans(tx, org_id, "expired", begins),
        bool(template_rows.page(tx, org_id, PageRequest(1), include_archived=False).items),
        quota_rows.get(tx, org_id),
        service_state.find_held_since(tx) is not None,
        backups.missed_at(tx) is not None and organization_rows.is_alone(tx),
    )


def usage(tx: Tx, org_id: str, begins: Sequence[int]) -> Usage:
    """Return an organization's credits, its storage, and counts for each span of time. `begins` are the begins of the
    spans and the end of the last, in milliseconds.
    """
    return Usage(
        organization_rows.get(tx, org_id).credits,
        organization_rows.is_alone(tx),
        quota_rows.get(tx, org_id),
        _in_spans(tx, org_id, "dispatched", begins),
        _in_spans(tx, org_id, "completed", begins),
        _in_spans(tx, org_id, "photos", begins),
    )


def _in_spans(tx: Tx, org_id: str, what: Statistic, begins: Sequence[int]) -> list[int]:
    """Return the number of a statistic's events in each span."""
    counts = [0] * (len(begins) - 1)
    for at, number in statistics.list_counts(tx, org_id, what, begins[0], begins[-1]):
        counts[bisect_right(begins, at) - 1] += number
    return counts
