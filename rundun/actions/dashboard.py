"""Numbers of an organization: what is open, what each day has brought, what each month has used."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from rundun.actions import backups
from rundun.store import organizations, quotas, run_lists, service_state, statistics, templates
from rundun.store.quotas import StorageUse
from rundun.store.run_lists import RunFilter
from rundun.store.statistics import OldestRun, Statistic
from rundun.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The numbers of the overview. `open`, `late`, `missed`, `flagged` and `failed` are counted to
    `statistics.MAX_COUNTED`, and one more means more; `missed` ended, and `flagged` were dispatched, on the days that
    are shown; `dispatched`, `done`, `cancelled` and `expired` have one number for each day, today's last. `is_held`:
    after a restore nothing goes out. `misses_backup`: backups fail or are overdue, where the service is this
    organization's alone.
    """

    open: int
    late: int
    missed: int
    flagged: int
    failed: int
    dispatched: list[int]
    done: list[int]
    cancelled: list[int]
    expired: list[int]
    oldest: OldestRun | None
    oldest_template: str | None
    storage: StorageUse
    is_held: bool
    misses_backup: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """Credits left (None = unlimited) and whether owners give them themselves, what is stored, and one number for each
    span.
    """

    credits: int | None
    gives_credits: bool
    storage: StorageUse
    dispatched: list[int]
    completed: list[int]
    photos: list[int]


def dashboard(tx: Tx, org_id: str, begins: Sequence[int]) -> Dashboard:
    """Read an organization's dashboard; `begins`: when each day begins, in milliseconds, and when tomorrow does."""
    oldest = statistics.oldest_open(tx, org_id)
    version = oldest and templates.get_version(tx, oldest.template_id, oldest.template_v)
    return Dashboard(
        statistics.open_runs(tx, org_id),
        _count(tx, org_id, RunFilter(late_at=tx.now)),
        _count(tx, org_id, RunFilter(is_missed=True, closed_after=begins[0] - 1)),
        _count(tx, org_id, RunFilter(is_flagged=True, created_after=begins[0] - 1)),
        statistics.failed_deliveries(tx, org_id),
        _in_spans(tx, org_id, "dispatched", begins),
        _in_spans(tx, org_id, "completed", begins),
        _in_spans(tx, org_id, "cancelled", begins),
        _in_spans(tx, org_id, "expired", begins),
        oldest,
        version.template.name if version else None,
        quotas.get(tx, org_id),
        service_state.held_since(tx) is not None,
        backups.missed_at(tx) is not None and organizations.is_alone(tx),
    )


def _count(tx: Tx, org_id: str, filters: RunFilter) -> int:
    """Count what a list with that filter shows."""
    return run_lists.count(tx, org_id, filters, statistics.MAX_COUNTED + 1)


def usage(tx: Tx, org_id: str, begins: Sequence[int]) -> Usage:
    """Read an organization's usage by span; `begins`: when each begins, in milliseconds, and when the last is over."""
    return Usage(
        organizations.get(tx, org_id).credits,
        organizations.is_alone(tx),
        quotas.get(tx, org_id),
        _in_spans(tx, org_id, "dispatched", begins),
        _in_spans(tx, org_id, "completed", begins),
        _in_spans(tx, org_id, "photos", begins),
    )


def _in_spans(tx: Tx, org_id: str, what: Statistic, begins: Sequence[int]) -> list[int]:
    """Count in each span how often a statistic's event has happened."""
    counts = [0] * (len(begins) - 1)
    for at, number in statistics.between(tx, org_id, what, begins[0], begins[-1]):
        counts[bisect_right(begins, at) - 1] += number
    return counts
