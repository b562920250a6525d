"""Lists of runs: which index serves a filter, and the page it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rundun.core.run import CLOSED, OPEN, Run
from rundun.store.pagination import END, Page, PageRequest
from rundun.store.runs import _COLUMNS, _run
from rundun.store.transaction import Tx

FEW_ROWS = 1000  # rows that are looked at, and sorted, in a millisecond or two


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list; times in milliseconds, those named `after` and `before` themselves left out. `status` is one
    of a run's or `open`, which is two of them; `late_at` leaves those under way whose time was up then. Of
    `executor_ref` and `executor_ref_prefix` at most one is given.
    """

    status: str | None = None
    template_id: str | None = None
    executor_ref: str | None = None
    created_after: int | None = None
    created_before: int | None = None
    executor_ref_prefix: str | None = None
    closed_after: int | None = None
    closed_before: int | None = None
    late_at: int | None = None

    @property
    def is_by_end(self) -> bool:
        """True when only runs that ended within some time are wanted."""
        return self.closed_after is not None or self.closed_before is not None

    @property
    def order(self) -> str:
        """The column that the list is in the order of, the greatest first."""
        if self.executor_ref_prefix is not None:
            return "executor_ref"
        if self.is_by_end:
            return "closed_at"
        return "created_at" if self.late_at is None else "expires_at"

    @property
    def statuses(self) -> Sequence[str | None]:
        """The statuses that are listed each by its own: every index that has one has the order behind it."""
        if self.late_at is not None:
            page_request: Sequence[str | None] = ("in_progress",) if self.status is None else ()
        elif self.status == "open":
            page_request = OPEN
        else:
            page_request = CLOSED if self.is_by_end and self.status is None else (self.status,)
        return [one for one in page_request if one in CLOSED or not self.is_by_end]


def page(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[Run]:
    """Runs of an organization, the newest first: by when they ended where that is what is asked for, and by when their
    time was up where they are late. Those chosen by how their reference begins come in the order of their references,
    the last first, since no index has them by their age.
    """
    pages = [_page_of_one(tx, org_id, replace(filters, status=one), page_request) for one in filters.statuses]
    if len(pages) == 1:
        return pages[0]
    runs = [run for found in pages for run in found.items]
    runs.sort(key=lambda run: (getattr(run, filters.order), run.created_at, run.number), reverse=True)
    is_more = len(runs) > page_request.limit or any(found.next_before is not None for found in pages)
    kept = runs[: page_request.limit]
    return Page(kept, _cursor(kept[-1], filters) if is_more else None)


def _cursor(run: Run, filters: RunFilter) -> tuple[int, int]:
    """Where a run stands in a list, to go on from."""
    return (run.created_at if filters.order == "executor_ref" else getattr(run, filters.order)), run.number


def _page_of_one(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[Run]:
    """Those of one status, or of any."""
    if filters.executor_ref_prefix is not None:
        return _page_by_prefix(tx, org_id, filters, filters.executor_ref_prefix, page_request)
    at, number = page_request.before
    conditions, values = _conditions(filters)
    return _page(
        tx,
        _index(tx, org_id, filters),
        ["org_id = :org", f"({filters.order}, number) < (:at, :number)", *conditions],
        f"{filters.order} DESC, number DESC",
        {**values, "org": org_id, "at": at, "number": number},
        page_request,
        filters.order,
    )


def _page_by_prefix(tx: Tx, org_id: str, filters: RunFilter, prefix: str, page_request: PageRequest) -> Page[Run]:
    conditions, values = _conditions(filters)
    at, number = page_request.before
    behind: tuple[str | None, int, int] = (_first_behind(prefix), 0, 0)
    if number < END:
        query = "SELECT executor_ref FROM runs WHERE number = ? AND org_id = ? AND created_at = ?"
        row = tx.db.execute(query, (number, org_id, at)).fetchone()
        behind = (row and row["executor_ref"], at, number)
    if behind[0] is not None:
        conditions.append("(executor_ref, created_at, number) < (:behind, :at, :number)")
    return _page(
        tx,
        _index(tx, org_id, filters),
        ["org_id = :org", "executor_ref >= :prefix", *conditions],
        "executor_ref DESC, created_at DESC, number DESC",
        {
            **values,
            "org": org_id,
            "prefix": prefix,
            **dict(zip(("behind", "at", "number"), behind, strict=True)),
        },
        page_request,
    )


def _first_behind(prefix: str) -> str | None:
    """The least text greater than all that begin with `prefix`, by code points as SQLite compares them; None where
    nothing is greater.
    """
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)


def _index(tx: Tx, org_id: str, filters: RunFilter) -> str:
    """The index that leaves the fewest rows to look at. Of several filters the one that few runs pass decides: by any
    other most rows would be looked at for nothing. These few are sorted where the list is in another order.
    """
    if filters.executor_ref is not None:
        return "runs_by_executor_ref"
    is_by_reference = filters.executor_ref_prefix is not None
    ways = _candidate_indexes(filters)
    if len(ways) + is_by_reference == 1:
        return ways[0][0] if ways else "runs_by_executor_ref"
    for index, columns in ways:
        if _has_few(tx, org_id, filters, index, columns):
            return index
    if is_by_reference:
        return "runs_by_executor_ref"
    if filters.is_by_end or (filters.status is not None and filters.status not in CLOSED):
        return ways[0][0]
    return "runs_of_org" if filters.template_id is None else "runs_by_template"


def _candidate_indexes(filters: RunFilter) -> list[tuple[str, tuple[str, ...]]]:
    """The indexes that could serve, each with its columns that something is asked of."""
    ways: list[tuple[str, tuple[str, ...]]] = []
    if filters.is_by_end:
        ways.append(("runs_by_end", ("status", "closed_at")))
    elif filters.late_at is not None:
        ways.append(("runs_open_of_org", ("status", "expires_at")))
    elif filters.status is not None:
        ways.append(("runs_by_status", ("status", "created_at")))
    if filters.template_id is not None:
        ways.append(("runs_by_template", ("template_id", "created_at")))
    is_dated = filters.created_after is not None or filters.created_before is not None
    if filters.executor_ref_prefix is not None and is_dated:
        ways.append(("runs_of_org", ("created_at",)))
    return ways


def _has_few(tx: Tx, org_id: str, filters: RunFilter, index: str, columns: tuple[str, ...]) -> bool:
    """Whether at most 1,000 runs of an organization have what is wanted in those columns."""
    conditions, values = _conditions(filters)
    counted = [one for one in conditions if one.startswith(columns)]
    query = f"SELECT 1 FROM runs INDEXED BY {index} WHERE {' AND '.join(['org_id = :org', *counted])} LIMIT :few"  # noqa: S608
    found = tx.db.execute(f"SELECT count(*) FROM ({query})", {**values, "org": org_id, "few": FEW_ROWS + 1})  # noqa: S608
    return int(found.fetchone()[0]) <= FEW_ROWS


def _conditions(filters: RunFilter) -> tuple[list[str], dict[str, Any]]:
    asked = (
        ("status = :status", filters.status),
        ("template_id = :template_id", filters.template_id),
        ("executor_ref = :executor_ref", filters.executor_ref),
        ("created_at > :created_after", filters.created_after),
        ("created_at < :created_before", filters.created_before),
        ("closed_at > :closed_after", filters.closed_after),
        ("closed_at < :closed_before", filters.closed_before),
        ("expires_at <= :late_at", filters.late_at),
    )
    given = {condition: value for condition, value in asked if value is not None}
    values = {condition.partition(":")[2]: value for condition, value in given.items()}
    is_late = [] if filters.late_at is None else ["status IN ('pending', 'in_progress')"]  # as its index says it
    return [*given, *is_late], values


def _page(
    tx: Tx,
    index: str,
    conditions: list[str],
    order: str,
    values: dict[str, Any],
    page_request: PageRequest,
    column: str = "created_at",
) -> Page[Run]:
    rows = tx.db.execute(
        f"SELECT {_COLUMNS} FROM runs INDEXED BY {index} WHERE {' AND '.join(conditions)} "  # noqa: S608, all named above
        f"ORDER BY {order} LIMIT :more",
        {**values, "more": page_request.limit + 1},
    ).fetchall()
    return Page.of(rows, page_request, lambda row: (row[column], row["number"]), _run)
