"""Lists of runs: filters, their pages and counts, and the index for each."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rundun.core.runs.run import CLOSED, OPEN, STATUSES, Run
from rundun.store.runs.runs import LISTED_COLUMNS, list_numbered, read_run
from rundun.store.sqlite.pagination import END, Page, PageRequest
from rundun.store.sqlite.transaction import Tx

NEVER = 9_000_000_000_000_000  # the stored `late_after` of a run without due time and expiry
Place = tuple[int, int]  # of a run in a list: the value it is sorted by, and its number
_HAS_PREFIX = "substr(executor_ref, 1, length(:prefix)) = :prefix"
FEW_ROWS = 1000  # are read and sorted in a millisecond or two


@dataclass(frozen=True, slots=True)
class RunFilter:
    """A filter of runs; a run passes if all members that are set hold. Times are in milliseconds; those named `after`
    and `before` are excluded. `status`: one, several, or `open` (pending or in progress). `late_at`: open and late at
    that time. `is_missed`: expired. `is_flagged`: with a step that calls for attention. `is_to_handle`: not handled.
    `executor_ref` and `executor_ref_prefix` exclude each other. `is_by_due`: open, sorted by due time or, without one,
    expiry, the earliest first; `late_from` and `late_until` (excluded) limit that time. `q` is the text of a search,
    which only `search.page` applies.
    """

    status: str | tuple[str, ...] | None = None
    template_id: str | None = None
    executor_ref: str | None = None
    created_after: int | None = None
    created_before: int | None = None
    executor_ref_prefix: str | None = None
    closed_after: int | None = None
    closed_before: int | None = None
    late_at: int | None = None
    due_before: int | None = None
    updated_after: int | None = None
    is_missed: bool = False
    is_flagged: bool = False
    is_to_handle: bool = False
    is_by_due: bool = False
    late_from: int | None = None
    late_until: int | None = None
    q: str | None = None

    @property
    def is_by_end(self) -> bool:
        """Tell whether the filter limits the time at which runs ended."""
        return self.closed_after is not None or self.closed_before is not None

    @property
    def order(self) -> str:
        """Return the column that the list is sorted by, descending; `late_after` with `is_by_due`: ascending."""
        if self.executor_ref_prefix is not None:
            return "executor_ref"
        if self.is_by_due or (self.late_at is not None and not self.is_by_end):
            return "late_after"
        if self.is_by_end or (self.is_missed and self.is_to_handle and self.due_before is None):
            return "closed_at"
        if self.due_before is not None:
            return "due_at"
        return "created_at" if self.updated_after is None else "updated_at"

    @property
    def statuses(self) -> Sequence[str | None]:
        """Return the statuses to query one by one, as indexes have the order behind them; [None] for all at once."""
        allowed = [
            status
            for status in STATUSES
            if (not (self.is_by_due or self.late_at is not None) or status in OPEN)
            and (not self.is_by_end or status in CLOSED)
            and (not self.is_missed or status == "expired")
        ]
        if self.status is None:
            return [None] if len(allowed) == len(STATUSES) and self.due_before is None else allowed
        chosen = OPEN if self.status == "open" else (self.status,) if isinstance(self.status, str) else self.status
        return [status for status in allowed if status in chosen]


def page(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[Run]:
    """Return a page of an organization's runs that pass `filters`, but for `q`, in the order of `filters.order`, the
    greatest value first; with `is_by_due` the smallest first. With `executor_ref_prefix` they always come by their
    references, the last first, since no index has them by age.
    """
    if isinstance(filters.status, tuple) and filters.executor_ref_prefix is None:
        return _page_of_several(tx, org_id, filters, page_request)
    pages = [_page_of_status(tx, org_id, replace(filters, status=each), page_request) for each in filters.statuses]
    if len(pages) == 1:
        return pages[0]
    runs = [run for page in pages for run in page.items]
    by_age = filters.order == "executor_ref"
    runs.sort(
        key=lambda run: (_value(run, filters.order), run.created_at if by_age else 0, run.number),
        reverse=not _is_ascending(filters),
    )
    is_more = len(runs) > page_request.limit or any(page.next_before is not None for page in pages)
    shown = runs[: page_request.limit]
    return Page(shown, _cursor(shown[-1], filters) if is_more else None)


def _page_of_several(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[Run]:
    """Return a page of runs of several statuses. It reads the places of each status, then only the rows of the page."""
    found = list_places(tx, org_id, filters, page_request.before, page_request.limit + 1)
    shown = found[: page_request.limit]
    runs = {run.number: run for run in list_numbered(tx, [number for _, number in shown])}
    return Page([runs[number] for _, number in shown], shown[-1] if len(found) > len(shown) else None)


def count(tx: Tx, org_id: str, filters: RunFilter, limit: int) -> int:
    """Count the runs that pass a filter without `executor_ref_prefix` and `q`; stop at `limit`."""
    total = 0
    for status in filters.statuses:
        chosen = replace(filters, status=status)
        conditions, values = _conditions(chosen)
        rows = f"runs INDEXED BY {_index(tx, org_id, chosen)} WHERE {' AND '.join(['org_id = :org', *conditions])}"
        query = f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT :limit)"  # noqa: S608, all named here
        total += int(tx.db.execute(query, {**values, "org": org_id, "limit": limit}).fetchone()[0])
    return min(total, limit)


def list_places(tx: Tx, org_id: str, filters: RunFilter, before: tuple[int, ...], limit: int) -> list[Place]:
    """List the places, (value of the sorted column, run number), of the first `limit` runs behind `before` in the list
    of a filter; with `executor_ref_prefix` they are sorted as without.
    """
    found = []
    if filters.is_by_due and before == (END, END):
        before = (0, END)
    for status in filters.statuses:
        plain = replace(filters, status=status, executor_ref_prefix=None)
        conditions, values = _conditions(plain)
        if filters.executor_ref_prefix is not None:
            conditions.append(_HAS_PREFIX)
        column, behind, direction = plain.order, *((">", "ASC") if plain.is_by_due else ("<", "DESC"))
        rows = tx.db.execute(
            f"SELECT {column}, number FROM runs INDEXED BY {_index(tx, org_id, plain)} "  # noqa: S608, all named here
            f"WHERE {' AND '.join(['org_id = :org', *conditions])} AND ({column}, number) {behind} (:at, :before) "
            f"ORDER BY {column} {direction}, number {direction} LIMIT :limit",
            {
                **values,
                "org": org_id,
                "prefix": filters.executor_ref_prefix,
                "at": before[0],
                "before": before[1],
                "limit": limit,
            },
        )
        found += [(at, number) for at, number in rows.fetchall()]
    return sorted(found, reverse=not filters.is_by_due)[:limit]


def membership_condition(org_id: str, filters: RunFilter, name: str = "list") -> tuple[str, dict[str, Any]]:
    """Return the SQL condition of a filter without its `q`, and its values by names that end in `name`."""
    alternatives, values = [], {f"org_{name}": org_id, f"prefix_{name}": filters.executor_ref_prefix}
    for at, status in enumerate(filters.statuses):
        conditions, named = _conditions(replace(filters, status=status))
        alternatives.append(re.sub(r":(\w+)", rf":\1_{at}_{name}", " AND ".join(conditions)))
        values |= {f"{key}_{at}_{name}": value for key, value in named.items()}
    has_prefix = "true" if filters.executor_ref_prefix is None else _HAS_PREFIX.replace(":prefix", f":prefix_{name}")
    return f"(org_id = :org_{name} AND ({' OR '.join(alternatives) or 'false'}) AND {has_prefix})", values


def count_members(tx: Tx, org_id: str, lists: Mapping[str, RunFilter], numbers: Sequence[int]) -> dict[str, int]:
    """Count, of the runs with these numbers, those that pass each of several filters; return the counts by name."""
    counts, values = list[str](), dict[str, Any]()
    for name, filters in lists.items():
        is_member, of_list = membership_condition(org_id, filters, name)
        counts.append(f'count(*) FILTER (WHERE {is_member}) AS "{name}"')
        values |= of_list
    chosen = "json_each(:numbers) AS chosen CROSS JOIN runs ON runs.number = chosen.value"
    row = tx.db.execute(f"SELECT {', '.join(counts)} FROM {chosen}", {**values, "numbers": json.dumps(numbers)})  # noqa: S608
    return dict(row.fetchone())


def list_versions(tx: Tx, org_id: str, template_id: str) -> list[int]:
    """List the numbers of the versions of a template that its runs have, in ascending order."""
    query = "SELECT DISTINCT template_v FROM runs WHERE org_id = ? AND template_id = ? AND erased_at IS NULL ORDER BY 1"
    return [row[0] for row in tx.db.execute(query, (org_id, template_id)).fetchall()]


def _cursor(run: Run, filters: RunFilter) -> tuple[int, int]:
    """Return the cursor behind a run: the value that sorts its list (by reference: `created_at`), and its number."""
    return _value(run, "created_at" if filters.order == "executor_ref" else filters.order), run.number


def _value(run: Run, column: str) -> Any:
    if column == "late_after":
        return NEVER if run.late_after is None else run.late_after
    return run.job.due_at if column == "due_at" else getattr(run, column)


def _is_ascending(filters: RunFilter) -> bool:
    return filters.is_by_due and filters.executor_ref_prefix is None


def _page_of_status(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[Run]:
    """Return a page of the runs of one status, or of all if the filter has none."""
    conditions, values = _conditions(filters)
    prefix = filters.executor_ref_prefix
    place = _place(tx, org_id, filters, page_request)
    if prefix is not None:
        conditions.append("executor_ref >= :prefix")
    behind, direction = (">", "ASC") if _is_ascending(filters) else ("<", "DESC")
    if None not in place.values():
        conditions.append(f"({', '.join(place)}) {behind} ({', '.join(f':{column}' for column in place)})")
    order = ", ".join(f"{column} {direction}" for column in place)
    rows = tx.db.execute(
        f"SELECT {LISTED_COLUMNS} FROM runs INDEXED BY {_index(tx, org_id, filters)} "  # noqa: S608, all named here
        f"WHERE {' AND '.join(['org_id = :org', *conditions])} ORDER BY {order} LIMIT :more",
        {**values, **place, "org": org_id, "prefix": prefix, "more": page_request.limit + 1},
    ).fetchall()
    page = Page.of(rows, page_request, lambda row: (0, 0), read_run)
    return page if page.next_before is None else Page(page.items, _cursor(page.items[-1], filters))


def _place(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> dict[str, Any]:
    """Return the values behind which a page begins, by the columns that its list is sorted by."""
    at, number = page_request.before
    prefix = filters.executor_ref_prefix
    if prefix is None:
        is_first = filters.is_by_due and page_request.before == PageRequest().before
        return {filters.order: 0 if is_first else at, "number": number}
    query = "SELECT executor_ref FROM runs WHERE number = ? AND org_id = ? AND created_at = ?"
    row = None if number >= END else tx.db.execute(query, (number, org_id, at)).fetchone()
    if row is None or not (row["executor_ref"] or "").startswith(prefix):  # the first page, or a cursor of other runs
        return {"executor_ref": _first_behind(prefix), "created_at": 0, "number": 0}
    return {"executor_ref": row["executor_ref"], "created_at": at, "number": number}


def _first_behind(prefix: str) -> str | None:
    """Return the least text greater than all texts that begin with `prefix`, by code points, as SQLite compares; None
    if there is no greater one.
    """
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)


def _index(tx: Tx, org_id: str, filters: RunFilter) -> str:
    """Return the name of the index to read a list by. With several conditions it is the first by which at most
    `FEW_ROWS` are read, if there is one: those few are sorted, where another index would read most rows in vain.
    """
    if filters.executor_ref is not None:
        return "runs_by_executor_ref"
    is_by_reference = filters.executor_ref_prefix is not None
    candidates = _candidate_indexes(filters)
    if len(candidates) + is_by_reference == 1:
        return candidates[0][0] if candidates else "runs_by_executor_ref"
    for index, columns in candidates:
        if _has_few(tx, org_id, filters, index, columns):
            return index
    if is_by_reference:
        return "runs_by_executor_ref"
    if filters.order != "created_at" or filters.is_missed or filters.is_flagged or filters.status in OPEN:
        return candidates[0][0]
    return "runs_of_org" if filters.template_id is None else "runs_by_template"


def _candidate_indexes(filters: RunFilter) -> list[tuple[str, tuple[str, ...]]]:
    """List the usable indexes of a filter as (name, columns that it restricts)."""
    candidates: list[tuple[str, tuple[str, ...]]] = []
    if filters.is_by_end:
        candidates.append(("runs_by_end", ("status", "closed_at")))
    elif filters.late_at is not None or filters.is_by_due:
        candidates.append(("runs_open_of_org", ("status", "late_after")))
    elif filters.due_before is not None:
        candidates.append(("runs_by_due", ("status", "due_at")))
    elif filters.updated_after is not None:
        candidates.append(("runs_by_update", ("updated_at",)))
    if filters.is_missed and filters.is_to_handle:
        candidates.insert(0, ("runs_missed_to_handle", ("status", "handled_at", "closed_at")))
    elif filters.is_missed:
        candidates.append(("runs_missed", ("status", "created_at")))
    if filters.is_flagged and filters.is_to_handle:
        candidates.insert(0, ("runs_flagged_to_handle", ("flagged", "handled_at", "created_at")))
    elif filters.is_flagged:
        candidates.append(("runs_flagged", ("flagged", "created_at")))
    if not candidates and filters.status is not None:
        candidates.append(("runs_by_status", ("status", "created_at")))
    if filters.template_id is not None:
        candidates.append(("runs_by_template", ("template_id", "created_at")))
    is_dated = filters.created_after is not None or filters.created_before is not None
    if filters.executor_ref_prefix is not None and is_dated:
        candidates.append(("runs_of_org", ("created_at",)))
    return candidates


def _has_few(tx: Tx, org_id: str, filters: RunFilter, index: str, columns: tuple[str, ...]) -> bool:
    """Tell whether at most `FEW_ROWS` runs of an organization meet the conditions on `columns`."""
    conditions, values = _conditions(filters)
    counted = [condition for condition in conditions if condition.startswith((*columns, "erased_at"))]
    query = f"SELECT 1 FROM runs INDEXED BY {index} WHERE {' AND '.join(['org_id = :org', *counted])} LIMIT :few"  # noqa: S608
    count = tx.db.execute(f"SELECT count(*) FROM ({query})", {**values, "org": org_id, "few": FEW_ROWS + 1})  # noqa: S608
    return int(count.fetchone()[0]) <= FEW_ROWS


def _conditions(filters: RunFilter) -> tuple[list[str], dict[str, Any]]:
    comparisons = (
        ("status = :status", filters.status),
        ("template_id = :template_id", filters.template_id),
        ("executor_ref = :executor_ref", filters.executor_ref),
        ("created_at > :created_after", filters.created_after),
        ("created_at < :created_before", filters.created_before),
        ("closed_at > :closed_after", filters.closed_after),
        ("closed_at < :closed_before", filters.closed_before),
        ("late_after <= :late_at", filters.late_at),
        ("late_after >= :late_from", filters.late_from),
        ("late_after < :late_until", filters.late_until),
        ("due_at < :due_before", filters.due_before),
        ("updated_at > :updated_after", filters.updated_after),
    )
    in_use = {condition: value for condition, value in comparisons if value is not None}
    values = {condition.partition(":")[2]: value for condition, value in in_use.items()}
    written = []  # in the words of the partial indexes; SQLite does not match them with parameters
    if filters.late_at is None and not filters.is_by_due:  # an open run is never erased
        written.append("erased_at IS NULL")
    else:
        written.append("status IN ('pending', 'in_progress')")
        if filters.status == "pending" and filters.late_at is not None:
            written.append("due_at IS NOT NULL")  # without one it expires at that time
    if filters.is_missed:
        written.append("status = 'expired'")
    if filters.is_flagged:
        written.append("flagged > 0")
    if filters.is_to_handle:
        written.append("handled_at IS NULL")
    return [*in_use, *written], values


@dataclass(frozen=True, slots=True)
class OpenWebhook:
    """The webhook of an open run; `destination` is `<org_id> <scheme>://<host>:<port>`."""

    run_id: str
    org_id: str
    destination: str


def list_open_webhooks(tx: Tx, org_id: str | None, limit: int) -> list[OpenWebhook]:
    """Read at most `limit` open runs, of all organizations if `org_id` is None, and list the webhooks they have."""
    index, of_org = ("runs_open", "") if org_id is None else ("runs_open_of_org", "org_id = :org AND ")
    rows = tx.db.execute(
        f"SELECT id, org_id, webhook_destination FROM runs INDEXED BY {index} "  # noqa: S608, all written here
        f"WHERE {of_org}status IN ('pending', 'in_progress') LIMIT :limit",
        {"org": org_id, "limit": limit},
    )
    return [OpenWebhook(*row) for row in rows if row["webhook_destination"] is not None]
