"""Lists of runs that a search leaves: of a list of at most 10,000 each run is looked at, in the order of the list; of a
longer one those that the index names, the newest first, 10,000 at a time and so much of what they say, so that no
search holds up everybody else.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rundun.core.runs.run import Run
from rundun.core.runs.search_text import needles, run_id_in
from rundun.store.runs import lists as run_lists
from rundun.store.runs import search_index
from rundun.store.runs.lists import Place, RunFilter
from rundun.store.runs.runs import LISTED_COLUMNS, _run
from rundun.store.sqlite.pagination import END, Page, PageRequest
from rundun.store.sqlite.transaction import Tx

MAX_LOOKED_AT = 10_000  # runs in one go
MAX_CHARACTERS = 4_000_000  # of what they say; those that are folded first count more
FEW = 1000  # that are looked at and sorted in some milliseconds
COUNTED_AT_A_TIME = 3000  # runs of those that are only counted, in all lists at once: some 20 ms
CHUNK = 1000  # runs that are judged at a time, until a page is full
_ALL = (END, END)  # of a list, from its beginning
_BY_NUMBER = 0  # in a cursor of a search by the index, in place of a time


def page(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[Run]:
    """Return a page of an organization's runs as `run_lists.page` does, with `filters.q` of those that it finds. A
    page that is shorter than its limit, with something to go on from, ends where 10,000 runs were looked at, or fewer
    that say very much.
    """
    if filters.q is None:
        return run_lists.page(tx, org_id, filters, page_request)
    return _Search(tx, org_id, filters, page_request).page(filters.q)


@dataclass(frozen=True, slots=True)
class FoundCounts:
    """How many runs a search has found so far in each of some lists, by name, and where it goes on, None at its end."""

    numbers: Mapping[str, int]
    before: tuple[int, ...] | None = _ALL


def count_short(tx: Tx, org_id: str, filters: RunFilter) -> int | None:
    """Count what a search finds in a list; None for a list that is too long for one look."""
    search = _Search(tx, org_id, filters, PageRequest(MAX_LOOKED_AT))
    if search.is_longer_than(MAX_LOOKED_AT):
        return None
    places, before = search.places(filters.q or "")
    return len(places) if before is None else None


def count_some(
    tx: Tx, org_id: str, lists: Mapping[str, RunFilter], search: str, so_far: FoundCounts, limit: int
) -> FoundCounts:
    """Count in each of some lists what a search finds in the next look at all runs, which ends early where each list
    has so many.
    """
    everything = RunFilter(q=search)
    left = PageRequest(limit - min(so_far.numbers.values()), so_far.before or _ALL)
    places, before = _Search(tx, org_id, everything, left, COUNTED_AT_A_TIME).places(search)
    if len(places) > left.limit:
        places, before = places[: left.limit], places[left.limit - 1]
    found, numbers = [number for _, number in places], {**so_far.numbers}
    for name, filters in lists.items():
        is_all = filters == everything
        numbers[name] += len(found if is_all else run_lists.places_of(tx, org_id, filters, _ALL, found))
    return FoundCounts(numbers, before)


@dataclass(frozen=True, slots=True)
class _Search:
    tx: Tx
    org_id: str
    filters: RunFilter
    page_request: PageRequest
    most: int = END  # runs that are looked at, where that is less than others may

    @property
    def max_looked_at(self) -> int:
        """Return how many runs are looked at in one go."""
        return min(self.most, MAX_LOOKED_AT)

    def page(self, search: str) -> Page[Run]:
        return self._show(*self.places(search))

    def places(self, search: str) -> tuple[list[Place], Place | None]:
        """Return the places of runs that are found, more than a page has where there are more, and where to go on if
        the look ended before all were looked at.
        """
        texts, before = needles(search), self.page_request.before
        if not texts:
            return [], None
        if (run_id := run_id_in(search)) is not None:
            row = self.tx.db.execute("SELECT number FROM runs WHERE id = ?", (run_id,)).fetchone()
            return self._passing([row["number"]] if row else [], before), None
        query = search_index.match(self.org_id, texts)
        if before[0] == _BY_NUMBER and query is not None:
            return self._walk(query, texts, before[1])
        if query is not None and self.is_longer_than(FEW):
            numbers, end = search_index.candidates(self.tx, self.org_id, query, END, FEW)
            if not end:
                return self._look([self._passing(numbers, before)], texts)
            if before == _ALL and self.is_longer_than(self.max_looked_at):
                return self._walk(query, texts, END)
        return self._scan(texts)

    def is_longer_than(self, limit: int) -> bool:
        """Tell whether the list has more runs, without a search."""
        plain = replace(self.filters, executor_ref_prefix=None)
        return run_lists.count(self.tx, self.org_id, plain, limit + 1) > limit

    def _scan(self, texts: Sequence[str]) -> tuple[list[Place], Place | None]:
        """Look at the list itself."""
        places = run_lists.places(self.tx, self.org_id, self.filters, self.page_request.before, self.max_looked_at)
        found, end = self._look(_chunks(places), texts)
        return found, end or (places[-1] if len(places) == self.max_looked_at else None)

    def _walk(self, query: str, texts: Sequence[str], before: int) -> tuple[list[Place], Place | None]:
        """Look at what the index names, the newest first."""
        numbers, last = search_index.candidates(self.tx, self.org_id, query, before, self.max_looked_at)
        passing = (
            sorted(((_BY_NUMBER, number) for _, number in self._passing(chunk, _ALL)), reverse=True)
            for chunk in _chunks(numbers)
        )
        found, end = self._look(passing, texts)
        return found, end or ((_BY_NUMBER, last) if last else None)

    def _passing(self, numbers: Sequence[int], before: tuple[int, ...]) -> list[Place]:
        """Return those of these runs that are in the list."""
        return run_lists.places_of(self.tx, self.org_id, self.filters, before, numbers)

    def _look(self, chunks: Iterable[Sequence[Place]], texts: Sequence[str]) -> tuple[list[Place], Place | None]:
        """Return those that have one of the texts, until a page is full; and where the look ends before all were
        looked at, since they say so much.
        """
        found, left = list[Place](), MAX_CHARACTERS
        for chunk in chunks:
            has, judged, size = search_index.judge(self.tx, [number for _, number in chunk], texts, left)
            found += [place for place in chunk if place[1] in has]
            left -= size
            if len(found) > self.page_request.limit:
                break
            if judged < len(chunk) or left <= 0:
                return found, chunk[judged - 1]
        return found, None

    def _show(self, found: Sequence[Place], end: Place | None) -> Page[Run]:
        shown = found[: self.page_request.limit]
        rows = self.tx.db.execute(
            f"SELECT {LISTED_COLUMNS} FROM runs WHERE number IN (SELECT value FROM json_each(?))",  # noqa: S608
            (json.dumps([number for _, number in shown]),),
        ).fetchall()
        runs = {run.number: run for run in map(_run, rows)}
        following = shown[-1] if len(found) > len(shown) else end
        return Page([runs[number] for _, number in shown], following)


def _chunks(sequence: Sequence[Any]) -> Iterable[Any]:
    return (sequence[at : at + CHUNK] for at in range(0, len(sequence), CHUNK))
