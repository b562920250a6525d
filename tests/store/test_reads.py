"""Reads: one moment each, and in nobody's way."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from rundun.core.templates.template import Template
from rundun.errors import Problem
from rundun.store import files
from rundun.store.database import Database
from rundun.store.sqlite.transaction import TemplateVersion, TemplateVersionCache, Tx
from rundun.store.worker import Worker
from tests.helpers.files.database import MIB, note, noted
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures.photos import zeros
from tests.helpers.service import world


async def test_readers_cannot_write(db: Database) -> None:
    def write_anyway(tx: Tx) -> None:
        tx.db.execute("PRAGMA query_only = OFF")
        note(tx, "sneaked in")

    for function in (lambda tx: note(tx, "sneaked in"), write_anyway, write_anyway):
        with pytest.raises(Problem) as caught:
            await db.read(function)
        assert caught.value.code == "unavailable"
    assert await db.read(noted) == []
    assert await db.write(note, "allowed") == "allowed"


async def test_a_read_sees_one_moment(db: Database) -> None:
    await db.write(note, "old")
    looked, written = threading.Event(), threading.Event()

    def look_twice(tx: Tx) -> tuple[list[str], list[str]]:
        before = noted(tx)
        looked.set()
        assert written.wait(2 * PATIENCE)
        return before, noted(tx)

    reading = asyncio.create_task(db.read(look_twice))
    assert await asyncio.to_thread(looked.wait, PATIENCE)
    await db.write(note, "new")
    written.set()
    assert await reading == (["old"], ["old"])
    assert await db.read(noted) == ["new", "old"]


async def test_a_read_sees_what_was_answered_before_it(db: Database) -> None:
    async def write_then_read(name: str) -> None:
        await db.write(note, name)
        assert name in await db.read(noted)

    await asyncio.gather(*(write_then_read(f"{number:02}") for number in range(40)))


async def test_a_reader_that_fails_does_not_trouble_the_next(db: Database) -> None:
    def wrong(tx: Tx) -> None:
        tx.db.execute("SELECT nonsense")

    results = await asyncio.gather(*(db.read(wrong) for _ in range(4)), db.read(noted), return_exceptions=True)
    assert all(isinstance(one, sqlite3.OperationalError) for one in results[:4]), "our mistake, not the disk's"
    assert results[4] == []


async def test_nobody_waits_for_all_of_somebodys_pictures(db: Database) -> None:
    """Sixty-four chunks are asked for first; what is small is read with the first few of them."""
    turns: list[int] = []

    def chunk(tx: Tx, number: int) -> None:
        turns.append(number)

    reads = [asyncio.create_task(db.read_heavy(MIB, chunk, number)) for number in range(64)]
    await asyncio.sleep(0)  # one turn of the loop: they stand in the queue now
    small = asyncio.create_task(db.read(lambda tx: len(turns)))
    assert await small <= 4
    await asyncio.gather(*reads)
    assert turns == list(range(64))


async def test_media_are_read_as_heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights: list[int] = []
    plain = Worker.submit

    async def submit(self: Worker, function: Any, args: Any, kwargs: Any, weight: int = 0) -> Any:
        if function is files.get_chunk:
            weights.append(weight)
        return await plain(self, function, args, kwargs, weight)

    async with world(tmp_path) as w:
        pieces = zeros(2 * MIB + 1)
        number = pieces[0].file.number
        await w.database.write(files.add_pieces, pieces)
        await w.database.write(files.mark_complete, [number])
        monkeypatch.setattr(Worker, "submit", submit)
        address = w.database.env.links.media(number, "image/jpeg")
        assert len((await w.browser().get(address)).content) == 2 * MIB + 1
    assert weights == [MIB] * 3


def version(number: int, size: int, character: bytes = b" ") -> TemplateVersion:
    return TemplateVersion(f"t-{number}", 1, "org-1", 0, 0, character * size, cast(Template, None), (), {})


def test_versions_are_remembered_by_number_by_bytes_and_by_objects() -> None:
    few = TemplateVersionCache(max_versions=3, max_bytes=100)
    for number in range(4):
        few.put(version(number, 10))
        few.put(version(number, 10))  # by both threads at once: counted once
    assert [few.find(f"t-{number}", 1) is not None for number in range(4)] == [False, True, True, True]
    few.put(version(4, 85))
    assert [few.find(f"t-{number}", 1) is not None for number in range(5)] == [False] * 3 + [True] * 2
    few.put(version(5, 101))
    assert [few.find(f"t-{number}", 1) is not None for number in range(6)] == [False] * 6
    few.put(version(6, 100))
    assert few.find("t-6", 1) is not None
    few.clear()
    few.put(version(7, 100))
    assert (few.find("t-6", 1), few.find("t-7", 1) is None) == (None, False)
    few = TemplateVersionCache(max_objects=20)
    for number in range(3):
        few.put(version(number, 10, b"{"))
    assert [few.find(f"t-{number}", 1) is not None for number in range(3)] == [False, True, True]
