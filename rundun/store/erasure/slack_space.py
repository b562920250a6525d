"""Slack space: what lies in a page between its rows, and is overwritten here.

SQLite overwrites what is deleted (secure_delete), but not what it has copied: when it spreads the rows of a full page
over two, the first keeps them in its unallocated space, where they outlive their own deletion. Pages are read and
written through `sqlite_dbpage`, so within transactions; which are pages of B-trees the pointer map tells, which a file
with auto_vacuum has (https://www.sqlite.org/fileformat2.html, sections 1.6 and 1.8). Where a page is not just as
described there, it is left alone.
"""

import sqlite3
import struct
from dataclasses import dataclass

from rundun.store.sqlite.transaction import Tx

_PENDING_BYTE = 0x40000000  # the page that it lies in is never used
_TREES = (1, 5)  # entries of the pointer map for pages of B-trees, roots and others
MAPS_SCANNED = 16  # pages of the pointer map in one go: of large pictures each has few pages of trees
_HEADER_BYTES = {2: 12, 5: 12, 10: 8, 13: 8}  # by type of page: interior ones, then leaves


@dataclass(frozen=True, slots=True)
class Scan:
    """A part of a scan: the `pages` with something in their slack space, and below which page the next part begins; 0
    at the end.
    """

    pages: tuple[int, ...]
    below: int


def is_reachable(tx: Tx) -> bool:
    """Tell whether this SQLite lets pages be read and written, which it was built for or not."""
    try:
        return bool(tx.number("SELECT sqlite_compileoption_used('ENABLE_DBPAGE_VTAB')"))
    except sqlite3.OperationalError:  # built without telling how
        return False


def scan(tx: Tx, below: int | None, limit: int) -> Scan:
    """Look at `limit` pages of B-trees at most, and the first page of the file behind all others, from the last page
    of the file on or from before page `below`.

    From the end to the beginning: giving back free pages moves others, and always to the beginning. Splitting a page
    moves others to any place, also from before a part of the scan to behind it, with their slack space: what a scan
    misses by that the next one finds.
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
    """Overwrite the slack space of these pages, if they are still pages of B-trees."""
    file = _File(tx)
    for page in pages:
        if page > file.page_count or not (page == 1 or file.is_of_tree(page)):
            continue
        data = file.read(page)
        if (slack := _slack_of(data, 100 if page == 1 else 0)) is not None:
            begin, end = slack
            file.write(page, data[:begin] + bytes(end - begin) + data[end:])


def _slack_of(page: bytes, header: int) -> tuple[int, int] | None:
    """Return where the slack space of a page begins and ends, None where it is all zeros, or the page is in no order;
    `header` is where its header begins.
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
    """The pages of the file as a transaction sees them."""

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
        """Tell whether a page behind the first is one of a B-tree."""
        _, map_page = self._map_before(page + 1)
        if not self._has_map or page <= map_page or page == self._pending:
            return False
        return self._read_map(map_page)[5 * (page - map_page - 1)] in _TREES

    def trees_below(self, end: int, limit: int) -> tuple[int, list[int]]:
        """List at most `limit` pages of B-trees below page `end` that stand in the same page of the pointer map as the
        one before `end`, the last first; and which pages are left below those.
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
        """Return where the pages begin that the pointer map tells of in one page, and that page, for those before page
        `end`.
        """
        begin = (end - 3) // self._per_map * self._per_map + 2
        return begin, begin + (begin == self._pending)

    def _read_map(self, page: int) -> bytes:
        """Read a page of the pointer map, which many pages in a row have in common, once."""
        if self._map[0] != page:
            self._map = page, self.read(page)
        return self._map[1]
