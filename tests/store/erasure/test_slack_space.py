"""Slack space: whatever is written and deleted, nothing of it is left between rows, and nothing else is changed.

Where SQLite lets no pages be read, as Debian 12's does not, its copies between rows stay, and nothing else does.
"""

import random
import re
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from rundun.maintenance import overwriting
from rundun.store.database import Database
from rundun.store.erasure import erased_bytes, slack_space
from rundun.store.housekeeping import PAGE
from rundun.store.sqlite.connection import open_reader
from rundun.store.sqlite.transaction import Tx
from tests.helpers.service import Clock

with closing(sqlite3.connect(":memory:")) as look:
    OPTIONS = [row[0] for row in look.execute("PRAGMA compile_options")]
PAGES = pytest.mark.skipif("ENABLE_DBPAGE_VTAB" not in OPTIONS, reason="this SQLite lets no pages be read")


def canary(number: int) -> str:
    return f"<canary {number}>"


def make_tables(tx: Tx) -> None:
    tx.db.execute("CREATE TABLE rows_ (number INTEGER PRIMARY KEY, text TEXT, bytes BLOB)")
    tx.db.execute("CREATE TABLE keyed (text TEXT, number INTEGER, PRIMARY KEY (text, number)) WITHOUT ROWID")
    tx.db.execute("CREATE INDEX by_text ON rows_ (text)")


def grow(tx: Tx, chance: random.Random, numbers: list[int]) -> None:
    for number in numbers:
        size = chance.choice([3, 50, 400, 2500, 9000, 30_000])
        text = canary(number) * chance.randrange(1, 40)
        tx.db.execute("INSERT INTO rows_ VALUES (?, ?, ?)", (number, text, (canary(number) * 3000).encode()[:size]))
        tx.db.execute("INSERT INTO keyed VALUES (?, ?)", (text, number))


def change(tx: Tx, chance: random.Random, numbers: list[int]) -> None:
    for number in numbers:
        text = canary(number) * chance.randrange(1, 40)
        tx.db.execute("UPDATE rows_ SET text = ? WHERE number = ?", (text, number))
        tx.db.execute("UPDATE keyed SET text = ? WHERE number = ?", (text, number))


def insert(tx: Tx, chance: random.Random, numbers: list[int]) -> None:
    tx.db.executemany("INSERT INTO rows_ VALUES (?, ?, NULL)", [(one, "x" * chance.randrange(1000)) for one in numbers])


def plant(tx: Tx) -> int:
    """Fill the slack space of all leaves of tables, as erased rows would have been left there; returns of how many."""
    file, planted = slack_space._File(tx), 0
    for page in file.trees_below(file.page_count + 1, file.page_count)[1]:
        data = file.read(page)
        kind, _, cells, content = struct.unpack_from(">BHHH", data)
        begin = 8 + 2 * cells
        if kind == 13 and (left := canary(page).encode() * ((content - begin) // len(canary(page)))):
            file.write(page, data[: content - len(left)] + left + data[content:])
            planted += 1
    erased_bytes.put_mark(tx)
    return planted


def shrink(tx: Tx, numbers: list[int]) -> None:
    for number in numbers:
        tx.db.execute("DELETE FROM rows_ WHERE number = ?", (number,))
        tx.db.execute("DELETE FROM keyed WHERE number = ?", (number,))
    for _ in range(20):
        tx.db.execute("PRAGMA incremental_vacuum(1)").close()
    erased_bytes.put_mark(tx)


def without_slack(content: bytes) -> bytes:
    """Return a file without what lies between the rows of its pages."""
    pages = []
    for at in range(0, len(content), PAGE):
        page = content[at : at + PAGE]
        begin, end = slack_space._slack_of(page, 0 if at else 100) or (0, 0)
        pages.append(page[:begin] + bytes(end - begin) + page[end:])
    return b"".join(pages)


def dump(tx: Tx) -> list[str]:
    return [*tx.db.iterdump()]


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_that_was_deleted_is_left_and_all_else_is_as_it_was(
    tmp_path: Path, db: Database, seed: int
) -> None:
    chance, there, next_number = random.Random(seed), list[int](), 1
    await db.write(make_tables)
    for _ in range(12):
        new = list(range(next_number, next_number + chance.randrange(80)))
        next_number += len(new)
        chance.shuffle(new)
        await db.write(grow, chance, new)
        there += new
        chance.shuffle(there)
        await db.write(change, chance, there[: len(there) // 3])
        gone, there = there[: len(there) // 2], there[len(there) // 2 :]
        await db.write(shrink, gone)
        before = await db.read(dump)
        assert await overwriting.overwrite(db)
        content = (tmp_path / "rundun.db").read_bytes() + (tmp_path / "rundun.db-wal").read_bytes()
        if not await db.read(slack_space.is_supported):
            content = without_slack(content)
        assert {int(number) for number in re.findall(rb"<canary (\d+)>", content)} == set(there)
        assert await db.read(dump) == [line for line in before if "erased_bytes" not in line]
    assert await db.read(lambda tx: tx.db.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"


def test_a_page_in_no_order_is_left_alone() -> None:
    leaf = bytearray(8192)  # of a table, with two rows of 10 bytes each
    leaf[0:12] = bytes([13]) + struct.pack(">HHHBHH", 0, 2, 8172, 0, 8172, 8182)
    leaf[8172:] = b"x" * 20
    assert slack_space._slack_of(bytes(leaf), 0) is None, "nothing is left there"
    leaf[4000] = 1
    assert slack_space._slack_of(bytes(leaf), 0) == (12, 8172)
    wrong = {"kind": (0, 7), "free block": (2, 1), "cells": (3, 255), "content": (5, 255), "a row before it": (8, 1)}
    for name, (place, value) in wrong.items():
        other = bytearray(leaf)
        other[place] = value
        assert slack_space._slack_of(bytes(other), 0) is None, name


@PAGES
async def test_a_scan_in_parts_finds_what_a_whole_one_does_and_reads_no_more_than_it_may(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(make_tables)
    await db.write(grow, random.Random(1), random.Random(1).sample(range(400), 120))
    whole = await db.read(slack_space.scan, None, 10_000)
    assert (len(whole.pages) > 10, whole.below) == (True, 0)
    read: list[int] = []
    reading = slack_space._File.read
    monkeypatch.setattr(slack_space._File, "read", lambda file, page: [read.append(page), reading(file, page)][1])
    below, found = None, list[int]()
    while below != 0:
        part = await db.read(slack_space.scan, below, 7)
        assert len(read) <= 1 + 1 + 7 + (part.below == 0), "the first page, a page of the map, and what it looks at"
        read.clear()
        found += part.pages
        below = part.below
    assert found == [*whole.pages]
    await db.write(slack_space.overwrite, whole.pages)
    assert len(read) <= 2 + len(whole.pages), "those, the first page, and the map once"
    assert (await db.read(slack_space.scan, None, 10_000)).pages == ()


async def test_while_somebody_reads_an_older_state_it_is_not_done(tmp_path: Path, db: Database) -> None:
    await db.write(make_tables)
    await db.write(grow, random.Random(1), [1])
    other = open_reader(tmp_path / "rundun.db")
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM rows_").fetchone()
    await db.write(shrink, [1])
    assert not await overwriting.overwrite(db)
    other.close()
    assert await overwriting.overwrite(db)


@PAGES
async def test_what_splits_take_past_a_scan_is_overwritten_too(
    tmp_path: Path, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(0)
    numbers = chance.sample(range(1_000_000), 10_000)
    await db.write(lambda tx: tx.db.execute("CREATE TABLE rows_ (number INTEGER PRIMARY KEY, text TEXT, bytes BLOB)"))
    for _ in range(4):
        await db.write(insert, chance, [numbers.pop() for _ in range(500)])
    assert await db.write(plant) > 100
    reading = db.read

    async def read_while_others_write(function: Any, *args: Any) -> Any:
        if function is slack_space.scan:
            await db.write(insert, chance, [numbers.pop() for _ in range(100)])
        return await reading(function, *args)

    monkeypatch.setattr(overwriting, "PAGES_SCANNED", 40)
    monkeypatch.setattr(db, "read", read_while_others_write)
    assert await overwriting.overwrite(db)
    assert b"<canary" not in (tmp_path / "rundun.db").read_bytes()


async def test_while_only_the_log_is_left_nothing_is_scanned_again(
    tmp_path: Path, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(make_tables)
    await db.write(grow, random.Random(1), [1, 2])
    scanned: list[int | None] = []
    scan = slack_space.scan
    monkeypatch.setattr(
        slack_space, "scan", lambda tx, below, limit: [scanned.append(below), scan(tx, below, limit)][1]
    )
    with closing(open_reader(tmp_path / "rundun.db")) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM rows_").fetchone()
        for number in (1, 2):
            await db.write(shrink, [number])
            assert not await overwriting.overwrite(db)
            assert (None in scanned) == await db.read(slack_space.is_supported)
            scanned.clear()
            assert not await overwriting.overwrite(db)
            assert scanned == []
    assert await overwriting.overwrite(db)
    assert scanned == []


async def test_since_when_something_is_left_outlives_later_erasures(db: Database) -> None:
    clock = cast(Clock, db.env.clock)
    began = clock()
    for _ in range(3):
        await db.write(erased_bytes.put_mark)
        clock.forward(hours=1)
        assert await db.read(erased_bytes.find_since) == began
    first = await db.read(erased_bytes.find_mark)
    assert first is not None
    found_at = clock()
    clock.forward(hours=1)
    await db.write(erased_bytes.put_mark)
    clock.forward(hours=1)
    await db.write(erased_bytes.put_mark)
    await db.write(erased_bytes.put_overwritten, first, found_at)
    assert await db.read(erased_bytes.find_since) == found_at, "the second last was later than that"
    assert await overwriting.overwrite(db)
    assert await db.read(erased_bytes.find_since) is None
