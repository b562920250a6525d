"""Keyset pages: newest first, never OFFSET."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
END = 2**62
MAX_PAGE = 4 * 1024 * 1024  # bytes


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
        size: Callable[[T], int] = lambda item: 0,
    ) -> "Page[T]":
        """Return the page of the first `limit` of `rows`, each as `item` makes it, fewer if they have more than
        `MAX_PAGE` bytes, by `size`, but one of any size. If there is one more row, `next_before` is the `key` of the
        last row on the page, else None.
        """
        items: list[T] = []
        total = 0
        for row in rows[: page_request.limit]:
            made = item(row)
            total += size(made)
            if items and total > MAX_PAGE:
                break
            items.append(made)
        return cls(items, key(rows[len(items) - 1]) if len(rows) > len(items) else None)
