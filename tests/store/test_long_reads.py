"""Long reads: beside all others, of one moment, and over when the log is cut or the service ends."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from rundun.errors import Problem
from rundun.store.database import Database
from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.database import note, noted, opened
from tests.helpers.patience import PATIENCE


class Looking:
    """A read that looks twice, and goes on in between when it is told to."""

    def __init__(self) -> None:
        self.looked, self.goes_on = threading.Event(), threading.Event()

    def __call__(self, tx: Tx) -> tuple[list[str], list[str]]:
        before = noted(tx)
        self.looked.set()
        assert self.goes_on.wait(2 * PATIENCE)
        return before, noted(tx)


async def test_a_long_read_sees_one_moment_and_holds_nobody_up(db: Database) -> None:
    await db.write(note, "old")
    looking = Looking()
    reading = asyncio.create_task(asyncio.to_thread(db.long_reader.read, looking))
    assert await asyncio.to_thread(looking.looked.wait, PATIENCE)
    await db.write(note, "new")
    assert await db.read(noted) == ["new", "old"]
    looking.goes_on.set()
    assert await reading == (["old"], ["old"])
    assert await asyncio.to_thread(db.long_reader.read, noted) == ["new", "old"]


async def test_a_long_read_cannot_write_and_its_error_is_the_callers(db: Database) -> None:
    with pytest.raises(Problem) as caught:
        await asyncio.to_thread(db.long_reader.read, note, "sneaked in")
    assert caught.value.code == "unavailable"
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(db.long_reader.read, lambda tx: 1 // 0)
    assert await asyncio.to_thread(db.long_reader.read, noted) == []


async def test_the_log_is_cut_between_two_long_reads(db: Database) -> None:
    await db.write(note, "old")
    looking = Looking()
    reading = asyncio.create_task(asyncio.to_thread(db.long_reader.read, looking))
    assert await asyncio.to_thread(looking.looked.wait, PATIENCE)
    cutting = asyncio.create_task(db.truncate_log())
    for _ in range(20):
        assert await db.read(noted) == ["old"], "short reads do not wait for a long one"
    looking.goes_on.set()
    await reading
    assert await cutting
    assert Path(f"{db.path}-wal").stat().st_size == 0
    assert await asyncio.to_thread(db.long_reader.read, noted) == ["old"]


async def test_a_pause_that_is_given_up_holds_nothing(db: Database) -> None:
    looking = Looking()
    reading = asyncio.create_task(asyncio.to_thread(db.long_reader.read, looking))
    assert await asyncio.to_thread(looking.looked.wait, PATIENCE)
    cutting = asyncio.create_task(db.truncate_log())
    await asyncio.sleep(0)  # one turn of the loop: it waits for the read
    cutting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cutting
    looking.goes_on.set()
    await reading
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.to_thread(db.long_reader.read, noted) == []
        assert await db.truncate_log()


async def test_a_service_that_ends_does_not_wait_for_a_long_read(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE seen(x)) SELECT count(*) FROM n"
    counting = threading.Event()

    def seen(number: int) -> bool:
        counting.set()
        return True

    def count(tx: Tx) -> None:
        tx.db.create_function("seen", 1, seen)
        tx.db.execute(endless).fetchone()

    async with opened(tmp_path / "rundun.db") as db:
        reading = asyncio.create_task(asyncio.to_thread(db.long_reader.read, count))
        assert await asyncio.to_thread(counting.wait, PATIENCE)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        await reading
