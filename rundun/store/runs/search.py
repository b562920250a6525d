"""Searches in lists of runs: the newest runs first, in windows, for 200 ms at most. A page that ends before its list
has a cursor to go on from.
"""

import math
import operator
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic

from rundun.core.runs.run import Run
from rundun.core.runs.search_text import find_run_id, needles
from rundun.store.runs import lists as run_lists, search_index
from rundun.store.runs.lists import RunFilter
from rundun.store.runs.runs import list_numbered
from rundun.store.sqlite.pagination import END, Page, PageRequest
from rundun.store.sqlite.transaction import Tx

LOOK_MS = 200  # longest time of one look, apart from its first window and a few steps of the last
COUNT_MS = 25  # longest time of a count in long lists
FIRST_WINDOW = 64  # runs, without a time limit: 45 ms if all have long texts and none is indexed
MAX_WINDOW = 4096
SHORT_LIST = 10_000  # runs; a list up to this size is searched without the index
STEPS = 4000  # of SQLite's machine between two looks at the clock: some 10 ms where texts are long
_BY_NUMBER = 0  # in a cursor, instead of the value that the list is sorted by


def page(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[Run]:
    """Return a page of an organization's runs that pass `filters`: without `q` in the order of `filters.order`; with it
    those that the search finds, the newest first, on a page that may be short or empty and still have a cursor.
    """
    if filters.q is None:
        return run_lists.page(tx, org_id, filters, page_request)
    found, limit = list[int](), page_request.limit
    search = _Search(tx, org_id, filters, _start(filters, page_request.before))
    for numbers in search.windows(LOOK_MS):
        found += numbers
        if len(found) > limit:
            break
    before = found[limit - 1] if len(found) > limit else search.before
    shown = reversed(list_numbered(tx, found[:limit]))
    return Page([*shown], (_BY_NUMBER, before) if before else None)


def _start(filters: RunFilter, before: tuple[int, ...]) -> int:
    """Return the run number below which a page begins. A cursor of an older version can be a place in another order;
    then the search begins anew, so that it leaves nothing out.
    """
    is_by_number = before[0] in (_BY_NUMBER, END) or replace(filters, executor_ref_prefix=None).order == "created_at"
    return before[1] if is_by_number else END


@dataclass(frozen=True, slots=True)
class FoundCount:
    """The number of runs that a search finds in a list; unless it `is_all`, there may be more."""

    number: int
    is_all: bool


def count(tx: Tx, org_id: str, filters: RunFilter) -> FoundCount | None:
    """Return the number of runs that a search finds in a list within `LOOK_MS`, and whether these are all; None for a
    long list that the index can search, which `count_together` counts.
    """
    search = _Search(tx, org_id, filters)
    if search.chosen is None:
        return None
    number = sum(len(numbers) for numbers in search.windows(LOOK_MS))
    return FoundCount(number, not (search.before or search.is_partial))


def count_together(tx: Tx, org_id: str, lists: Mapping[str, RunFilter], text: str, limit: int) -> dict[str, FoundCount]:
    """Return by name, for each of several lists, the number of runs that a search finds in it, and whether these are
    all. It is one look at all runs, which ends when each list has `limit` or more, or after `COUNT_MS`.
    """
    counts, search = dict.fromkeys(lists, 0), _Search(tx, org_id, RunFilter(q=text))
    for numbers in search.windows(COUNT_MS):
        for name, number in run_lists.count_members(tx, org_id, lists, numbers).items():
            counts[name] += number
        if min(counts.values()) >= limit:
            break
    return {name: FoundCount(number, not search.before) for name, number in counts.items()}


class _Search:
    """A search in a list, which finds the runs that pass its filter and contain one of the `texts`. It looks at
    `chosen`, numbers in descending order, the beginning of the list if it `is_partial`; if None, at the candidates of
    the index. Runs down to the number `before` were looked at; it is 0 at the end.
    """

    def __init__(self, tx: Tx, org_id: str, filters: RunFilter, before: int = END) -> None:
        text, chosen = filters.q or "", list[int]()
        self.tx = tx
        self.org_id = org_id
        self.texts: Sequence[str] = needles(text)
        self.before = before if self.texts else 0
        self.query = search_index.match_query(org_id, self.texts)
        self.chosen: Sequence[int] | None = chosen
        self.is_partial = False
        self.membership = run_lists.membership_condition(org_id, filters)
        if (run_id := find_run_id(text)) is not None:
            self.texts = ("",)  # every text contains it
            chosen += [row["number"] for row in tx.db.execute("SELECT number FROM runs WHERE id = ?", (run_id,))]
        else:
            plain = replace(filters, executor_ref_prefix=None)
            self.is_partial = run_lists.count(tx, org_id, plain, SHORT_LIST + 1) > SHORT_LIST
            if self.is_partial and self.query is not None:
                self.chosen = None
            else:
                places = run_lists.list_places(tx, org_id, filters, (END, END), SHORT_LIST)
                chosen += sorted((number for _, number in places), reverse=True)

    def windows(self, milliseconds: int) -> Iterator[list[int]]:
        """Yield the numbers of the runs found in each window, the newest first, until the list or the time ends. Each
        window is twice as large as the previous one; one that is not finished in time is left to the next look.
        """
        over_at, deadline, size = monotonic() + milliseconds / 1000, math.inf, FIRST_WINDOW
        while self.before and monotonic() < deadline:
            try:
                with _interrupt_at(self.tx.db, deadline):
                    numbers = self._next(size)
                    found = self._find(numbers, deadline)
            except TimeoutError:
                return
            self.before = numbers[-1] if len(numbers) == size else 0
            yield found
            size, deadline = min(size * 2, MAX_WINDOW), over_at

    def _next(self, size: int) -> Sequence[int]:
        """Return the numbers of the next `size` runs to look at, descending."""
        if self.chosen is None:
            return search_index.list_candidates(self.tx, self.org_id, self.query or "", self.before, size)
        at = bisect_right(self.chosen, -self.before, key=operator.neg)
        return self.chosen[at : at + size]

    def _find(self, numbers: Sequence[int], deadline: float) -> list[int]:
        """Return those of `numbers` that the search finds, descending. Raises TimeoutError after the deadline."""
        found, not_indexed = search_index.list_found(self.tx, numbers, self.texts, *self.membership)
        for number, text in search_index.read_texts(self.tx, not_indexed):
            if any(each in text for each in self.texts):
                found.append(number)
            if monotonic() >= deadline:
                raise TimeoutError
        return sorted(found, reverse=True)


@contextmanager
def _interrupt_at(db: sqlite3.Connection, deadline: float) -> Iterator[None]:
    """Raise TimeoutError in the statement of `db` that runs at the deadline (`monotonic`)."""
    db.set_progress_handler(lambda: monotonic() >= deadline, STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT and monotonic() >= deadline:
            raise TimeoutError from None
        raise
    finally:
        db.set_progress_handler(None, 0)
