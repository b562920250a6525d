"""Searches in lists of runs: the newest runs first, in windows, for 200 ms at most. A page that ends before its list
says where to go on.
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
from rundun.store.runs import lists as run_lists
from rundun.store.runs import search_index
from rundun.store.runs.lists import RunFilter
from rundun.store.runs.runs import numbered
from rundun.store.sqlite.pagination import END, Page, PageRequest
from rundun.store.sqlite.transaction import Tx

LOOK_MS = 200  # that one look takes at most, but for its first window and a few steps of the last
COUNT_MS = 40  # the same for counting in long lists
FIRST_WINDOW = 64  # runs, looked at however long that takes: 45 ms where all say very much and none is indexed
MAX_WINDOW = 4096
SHORT_LIST = 10_000  # runs of a list that are looked at without the index
STEPS = 4000  # of SQLite's machine between two looks at the clock: some 10 ms where texts are long
_BY_NUMBER = 0  # in a cursor, in place of what the list is sorted by


def page(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[Run]:
    """Return a page of an organization's runs as `run_lists.page` does, with `filters.q` of those that it finds, the
    newest first. Such a page may be shorter than its limit, or empty, with a key to go on from.
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
    shown = reversed(numbered(tx, found[:limit]))
    return Page([*shown], (_BY_NUMBER, before) if before else None)


def _start(filters: RunFilter, before: tuple[int, ...]) -> int:
    """Return the run number that a page lies below. A cursor of an older version may name a place in a list of another
    order: that search begins anew, so that it leaves nothing out.
    """
    is_by_number = before[0] in (_BY_NUMBER, END) or replace(filters, executor_ref_prefix=None).order == "created_at"
    return before[1] if is_by_number else END


@dataclass(frozen=True, slots=True)
class FoundCount:
    """How many runs a search finds in a list: in all of it, or at least so many."""

    number: int
    is_all: bool


def count(tx: Tx, org_id: str, filters: RunFilter) -> FoundCount | None:
    """Count what a search finds in a list; return None for a long one, which `count_together` counts."""
    search = _Search(tx, org_id, filters)
    if search.chosen is None:
        return None
    number = sum(len(numbers) for numbers in search.windows(LOOK_MS))
    return FoundCount(number, not (search.before or search.is_partial))


def count_together(tx: Tx, org_id: str, lists: Mapping[str, RunFilter], text: str, limit: int) -> dict[str, FoundCount]:
    """Count what a search finds in each of several lists by one look at all runs, which ends where each has `limit`."""
    counts, search = dict.fromkeys(lists, 0), _Search(tx, org_id, RunFilter(q=text))
    for numbers in search.windows(COUNT_MS):
        for name, number in run_lists.count_members(tx, org_id, lists, numbers).items():
            counts[name] += number
        if min(counts.values()) >= limit:
            break
    return {name: FoundCount(number, not search.before) for name, number in counts.items()}


class _Search:
    """A search in a list: a run is found that is a member and has one of the `texts`. The runs to look at are `chosen`,
    by descending number, of a list that is longer if the search `is_partial`; where that is None, the index tells them.
    All down to the number `before` were looked at; it is 0 at the end.
    """

    def __init__(self, tx: Tx, org_id: str, filters: RunFilter, before: int = END) -> None:
        text, chosen = filters.q or "", list[int]()
        self.tx = tx
        self.org_id = org_id
        self.texts: Sequence[str] = needles(text)
        self.before = before if self.texts else 0
        self.query = search_index.match(org_id, self.texts)
        self.chosen: Sequence[int] | None = chosen
        self.is_partial = False
        self.membership = run_lists.membership(org_id, filters)
        if (run_id := find_run_id(text)) is not None:
            self.texts = ("",)  # which every run has
            chosen += [row["number"] for row in tx.db.execute("SELECT number FROM runs WHERE id = ?", (run_id,))]
        else:
            plain = replace(filters, executor_ref_prefix=None)
            self.is_partial = run_lists.count(tx, org_id, plain, SHORT_LIST + 1) > SHORT_LIST
            if self.is_partial and self.query is not None:
                self.chosen = None
            else:
                places = run_lists.places(tx, org_id, filters, (END, END), SHORT_LIST)
                chosen += sorted((number for _, number in places), reverse=True)

    def windows(self, milliseconds: int) -> Iterator[list[int]]:
        """Yield the numbers of the runs found in each window, the newest first, until the list ends or the time is
        over. A window is twice as large as the one before; one that is not finished in time is left to the next look.
        """
        over_at, deadline, size = monotonic() + milliseconds / 1000, math.inf, FIRST_WINDOW
        while self.before and monotonic() < deadline:
            try:
                with _ending_at(self.tx.db, deadline):
                    numbers = self._next(size)
                    found = self._find(numbers, deadline)
            except TimeoutError:
                return
            self.before = numbers[-1] if len(numbers) == size else 0
            yield found
            size, deadline = min(size * 2, MAX_WINDOW), over_at

    def _next(self, size: int) -> Sequence[int]:
        """List the numbers of the next runs to look at."""
        if self.chosen is None:
            return search_index.candidates(self.tx, self.org_id, self.query or "", self.before, size)
        at = bisect_right(self.chosen, -self.before, key=operator.neg)
        return self.chosen[at : at + size]

    def _find(self, numbers: Sequence[int], deadline: float) -> list[int]:
        """List those of the runs that the search finds; raises TimeoutError after the deadline."""
        found, not_indexed = search_index.find(self.tx, numbers, self.texts, *self.membership)
        for number, text in search_index.read_texts(self.tx, not_indexed):
            if any(each in text for each in self.texts):
                found.append(number)
            if monotonic() >= deadline:
                raise TimeoutError
        return sorted(found, reverse=True)


@contextmanager
def _ending_at(db: sqlite3.Connection, deadline: float) -> Iterator[None]:
    """End statements that still run at the deadline, by TimeoutError."""
    db.set_progress_handler(lambda: monotonic() >= deadline, STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT and monotonic() >= deadline:
            raise TimeoutError from None
        raise
    finally:
        db.set_progress_handler(None, 0)
