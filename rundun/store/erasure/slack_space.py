"""Overwriting of slack space, the unallocated bytes of a page between its cell pointers and its cells.

SQLite overwrites deleted rows (secure_delete), but not copies that it has made: when it splits a full page, the rows
moved to the new page stay in the slack space of the old one, where they outlive their own deletion. Pages are read and
written through `sqlite_dbpage`, so within transactions. The pointer map, which a file with auto_vacuum has, tells which
pages belong to B-trees (https://www.sqlite.org/fileformat2.html, sections 1.6 and 1.8). A page that does not match the
description there is left as it is.
"""

import sqlite3
import struct
from dataclasses import dataclass

from rundun.store.sqlite.transaction import Tx

_PENDING_BYTE = 0x40000000  # SQLite never uses the page with this byte
_TREES = (1, 5)  # entries of the pointer map for pages of B-trees, roots and others
MAPS_SCANNED = 16  # pages of the pointer map at a time: with large pictures each has few pages of trees
_HEADER_BYTES = {2: 12, 5: 12, 10: 8, 13: 8}  # by type of page: interior ones, then leaves


@dataclass(frozen=True, slots=True)
class Scan:
    """A part of a scan: the `pages` with non-zero slack space, and the page `below` which the next part begins, 0 at
    the end.
    """

    pages: tuple[int, ...]
    below: int


def is_supported(tx: Tx) -> bool:
    """Tell whether this SQLite reports that it was built with `sqlite_dbpage`, by which pages are read and written."""
    try:
        return bool(tx.number("SELECT sqlite_compileoption_used('ENABLE_DBPAGE_VTAB')"))
    except sqlite3.OperationalError:  # built without its compile options
        return False


def scan(tx: Tx, below: int | None, limit: int) -> Scan:
    """Scan at most `limit` pages of B-trees backwards from before page `below`, or from the end for None, and return
    the numbers of the pages with slack space that is not all zeros, and the `below` of the next call, 0 at the end. The
    file's first page is the last one scanned.

    Backwards, since the shrinking of the file moves pages, and always towards its beginning. Splitting a page can move
    others, with their slack space, past the scan: the next scan finds these.
    """
    file = _File(tx)
    end = min(below or file.page_count + 1, file.page_count + 1)
    found: list[int] = []
    for _ in range(MAPS_SCANNED):
        if end <= 2 or limit <= 0:
            break
        end, pages = file.trees_below(end, limit)
        limit -= len(pages)
        found += [page for page in pages if _slack_of(file.read(page), 0) is not None]
    if end > 2:
        return Scan(tuple(found), end)
    return Scan((*found, 1) if _slack_of(file.read(1), 100) is not None else tuple(found), 0)


def overwrite(tx: Tx, pages: tuple[int, ...]) -> None:
    """Overwrite the slack space of those `pages` that are still pages of B-trees."""
    file = _File(tx)
    for page in pages:
        if page > file.page_count or not (page == 1 or file.is_of_tree(page)):
            continue
        data = file.read(page)
        if (slack := _slack_of(data, 100 if page == 1 else 0)) is not None:
            begin, end = slack
            file.write(page, data[:begin] + bytes(end - begin) + data[end:])


def _slack_of(page: bytes, header: int) -> tuple[int, int] | None:
    """Return the (begin, end) of a page's slack space, as offsets; None where it is empty or all zeros, or the page is
    malformed. `header` is the offset of the page's header.
    """
    kind, free_block, cells, content = struct.unpack_from(">BHHH", page, header)
    header_bytes = _HEADER_BYTES.get(kind)
    if header_bytes is None or content > len(page) or 0 < free_block < content:
        return None
    begin = header + header_bytes + 2 * cells
    if begin >= content:
        return None
    if cells and min(struct.unpack_from(f">{cells}H", page, header + header_bytes)) < content:
        return None
    return (begin, content) if page.count(0, begin, content) < content - begin else None


class _File:
    """The pages of the database file in a transaction."""

    def __init__(self, tx: Tx) -> None:
        self._db = tx.db
        self.page_count = tx.number("PRAGMA page_count")
        first = self.read(1)
        page_size, reserved = struct.unpack_from(">HxxB", first, 16)
        self._page_size = 65536 if page_size == 1 else page_size
        self._per_map = (self._page_size - reserved) // 5 + 1  # pages from one page of the pointer map to the next
        self._pending = _PENDING_BYTE // self._page_size + 1
        self._map = 0, b""  # the page of the pointer map that was read last
        self._has_map = struct.unpack_from(">L", first, 52)[0] != 0 and reserved == 0

    def read(self, page: int) -> bytes:
        return bytes(self._db.execute("SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?", (page,)).fetchone()[0])

    def write(self, page: int, data: bytes) -> None:
        self._db.execute("UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?", (data, page))

    def is_of_tree(self, page: int) -> bool:
        """Tell whether a page, not the first, belongs to a B-tree; False in a file without a pointer map."""
        _, map_page = self._map_before(page + 1)
        if not self._has_map or page <= map_page or page == self._pending:
            return False
        return self._read_map(map_page)[5 * (page - map_page - 1)] in _TREES

    def trees_below(self, end: int, limit: int) -> tuple[int, list[int]]:
        """Return the page below which the scan goes on, and the numbers of at most `limit` pages of B-trees below page
        `end`, the last first. They are on the same page of the pointer map as the page before `end`.
        """
        begin, map_page = self._map_before(end)
        if not self._has_map or end - 1 <= map_page:
            return begin, []
        kinds = self._read_map(map_page)[: 5 * (end - 1 - map_page) : 5]
        pages: list[int] = []
        for at in range(len(kinds) - 1, -1, -1):
            page = map_page + 1 + at
            if kinds[at] in _TREES and page != self._pending:
                pages.append(page)
                if len(pages) == limit:
                    return page, pages
        return begin, pages

    def _map_before(self, end: int) -> tuple[int, int]:
        """Return the numbers of the first page of the group that the page before `end` belongs to, and of the group's
        page of the pointer map.
        """
        begin = (end - 3) // self._per_map * self._per_map + 2
        return begin, begin + (begin == self._pending)

    def _read_map(self, page: int) -> bytes:
        """Return the bytes of a page of the pointer map; repeated calls for the same page read it once."""
        if self._map[0] != page:
            self._map = page, self.read(page)
        return self._map[1]
