"""Keyset pages: newest first, never OFFSET."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
END = 2**62


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for one page: at most `limit` (1–100) rows whose key is smaller than `before`."""

    limit: int = 25
    before: tuple[int, ...] = (END, END)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list: its rows, and the key before which the next page begins, None on the last page."""

    items: list[T]
    next_before: tuple[int, ...] | None

    @classmethod
    def of(
        cls,
        rows: Sequence[sqlite3.Row],
        page_request: PageRequest,
        key: Callable[[sqlite3.Row], tuple[int, ...]],
        item: Callable[[sqlite3.Row], T],
    ) -> "Page[T]":
        """Return the page of the first `limit` of `rows`, each as `item` makes it. If there is one more row,
        `next_before` is the `key` of the last row on the page, else None.
        """
        shown = rows[: page_request.limit]
        return cls([item(row) for row in shown], key(shown[-1]) if len(rows) > page_request.limit else None)
