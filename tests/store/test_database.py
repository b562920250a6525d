"""The database of a running process: commits in groups, savepoints, the lock, and its end."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from rundun.errors import Problem
from rundun.store import files
from rundun.store.database import Database
from rundun.store.sqlite.transaction import CommitThenRaise, Tx
from rundun.store.worker import MAX_BATCH
from tests.helpers.files.database import MIB, assert_ended, connection_threads, note, noted, opened
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures.photos import zeros
from tests.helpers.service import PUBLIC_URL, Clock


def note_and_fail(tx: Tx, name: str) -> None:
    note(tx, name)
    raise Problem("invalid", f"not {name}")


def note_and_crash(tx: Tx, name: str) -> None:
    note(tx, name)
    raise ZeroDivisionError(name)


async def statements(db: Database) -> list[str]:
    """Every statement that the writer runs from now on."""
    seen: list[str] = []

    def watch(tx: Tx) -> None:
        tx.db.set_trace_callback(seen.append)

    await db.write(watch)
    seen.clear()  # the end of the transaction that began to watch
    return seen


class Hold:
    """A transaction that stands still in the middle until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, tx: Tx, first: str, second: str) -> None:
        note(tx, first)
        self.begun.set()
        assert self.go.wait(2 * PATIENCE)
        note(tx, second)

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)


async def test_all_that_wait_share_one_commit_and_are_answered_in_order(db: Database) -> None:
    seen = await statements(db)
    turns: list[int] = []

    def turn(tx: Tx, number: int) -> int:
        turns.append(number)
        note(tx, f"{number:03}")
        return number * 2

    results = await asyncio.gather(*(db.write(turn, number) for number in range(100)))
    assert results == [number * 2 for number in range(100)]
    assert turns == list(range(100))
    assert seen.count("BEGIN IMMEDIATE") == 1
    assert seen.count("COMMIT") == 1
    assert await db.read(noted) == [f"{number:03}" for number in range(100)]


async def test_what_comes_while_a_commit_is_under_way_shares_the_next_one(db: Database) -> None:
    seen = await statements(db)
    hold = Hold()
    first = asyncio.create_task(db.write(hold, "a", "b"))
    await hold.has_begun()
    rest = asyncio.gather(*(db.write(note, f"{number:02}") for number in range(30)))
    hold.go.set()
    await asyncio.gather(first, rest)
    assert seen.count("COMMIT") == 2


async def test_no_commit_carries_more_than_a_few_megabytes(db: Database) -> None:
    seen = await statements(db)
    pieces = zeros(9 * MIB)
    await asyncio.gather(*(db.write_heavy(MIB, files.add_pieces, [piece]) for piece in pieces), db.write(note, "small"))
    assert MAX_BATCH == 4 * MIB
    assert seen.count("COMMIT") == 3


async def test_one_that_raises_is_rolled_back_alone(db: Database) -> None:
    results = await asyncio.gather(
        db.write(note, "before"),
        db.write(note_and_fail, "refused"),
        db.write(note, "between"),
        db.write(note_and_crash, "wrong"),
        db.write(note, "after"),
        return_exceptions=True,
    )
    assert results[::2] == ["before", "between", "after"]
    assert isinstance(results[1], Problem)
    assert results[1].code == "invalid"
    assert isinstance(results[3], ZeroDivisionError)
    assert await db.read(noted) == ["after", "before", "between"]


async def test_a_refusal_may_keep_what_was_written(db: Database) -> None:
    def keep_and_refuse(tx: Tx) -> None:
        note(tx, "expired")
        tx.touched.add("outbox")
        raise CommitThenRaise(Problem("run_closed", "too late"))

    heard: list[set[str]] = []
    db.subscribe(heard.append)
    with pytest.raises(Problem, match="too late") as caught:
        await db.write(keep_and_refuse)
    assert caught.value.code == "run_closed"
    assert await db.read(noted) == ["expired"]
    assert heard == [{"outbox"}]


async def test_a_commit_is_told_before_its_answer_and_a_rollback_never(db: Database) -> None:
    heard: list[str] = []
    db.subscribe(lambda touched: heard.extend(touched))

    def touch(tx: Tx, what: str, fail: bool) -> list[str]:
        tx.touched.add(what)
        if fail:
            raise Problem("invalid", what)
        return list(heard)

    async def call(what: str, fail: bool = False) -> list[str]:
        seen_inside = await db.write(touch, what, fail)
        assert heard == ["keys"], "whoever has the answer can rely on everybody having heard"
        return seen_inside

    assert await call("keys") == [], "nobody hears of what is not on the disk"
    with pytest.raises(Problem):
        await call("outbox", fail=True)
    assert heard == ["keys"]


async def test_a_client_that_goes_away_leaves_its_transaction_whole(db: Database) -> None:
    hold = Hold()
    under_way = asyncio.create_task(db.write(hold, "first half", "second half"))
    await hold.has_begun()
    waiting = asyncio.create_task(db.write(note, "was waiting"))
    await asyncio.sleep(0)  # one turn of the loop: it stands in the queue now
    for task in (under_way, waiting):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    hold.go.set()
    await db.write(note, "later")
    assert await db.read(noted) == ["first half", "later", "second half", "was waiting"]


async def test_each_transaction_has_one_time(tmp_path: Path) -> None:
    clock = Clock()
    one = await Database.open(tmp_path / "rundun.db", clock=clock, public_url=PUBLIC_URL, grace=0)

    def twice(tx: Tx) -> tuple[int, int]:
        before = tx.now
        clock.forward(seconds=1)
        return before, tx.now

    begin = clock.now
    assert await asyncio.gather(one.write(twice), one.write(twice)) == [(begin, begin), (begin + 1000, begin + 1000)]
    await one.close()


async def test_closing_finishes_what_waits_and_leaves_no_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    others = connection_threads()
    one = await Database.open(tmp_path / "rundun.db", clock=Clock(), public_url=PUBLIC_URL, grace=0)
    threads = connection_threads() - others
    assert len(threads) == 2, "a writer and a reader"

    def this_thread(tx: Tx) -> threading.Thread:
        return threading.current_thread()

    reader = await one.read(this_thread)
    hold = Hold()
    waiting = [asyncio.create_task(one.write(hold, "a", "b"))]
    await hold.has_begun()
    waiting += [asyncio.create_task(one.write(note, f"{number}")) for number in range(5)]
    await asyncio.sleep(0)  # one turn of the loop: they stand in the queue now
    closing = asyncio.create_task(one.close())
    await asyncio.to_thread(reader.join, 20)
    await asyncio.sleep(0)  # the reader is closed, and now it is the writer's turn
    hold.go.set()
    await closing
    assert [await task for task in waiting] == [None, "0", "1", "2", "3", "4"]
    assert_ended(threads)
    for late in (one.write(note, "late"), one.read(noted)):
        with pytest.raises(Problem) as caught:
            await asyncio.wait_for(late, PATIENCE)
        assert caught.value.code == "unavailable"
    assert [one for one in caplog.records if one.levelname == "ERROR"] == [], "an ordinary stop is no error"
    async with opened(tmp_path / "rundun.db") as again:
        assert len(await again.read(noted)) == 7


async def test_the_writer_is_as_careful_as_it_says(db: Database) -> None:
    def pragmas(tx: Tx) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "page_size", "auto_vacuum", "mmap_size")
        return {name: tx.db.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    assert await db.write(pragmas) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "page_size": 8192,
        "auto_vacuum": 2,
        "mmap_size": 0,
    }


async def test_nothing_that_an_action_or_a_listener_raises_stops_the_writer(db: Database) -> None:
    db.subscribe(lambda touched: 1 / 0)  # type: ignore[arg-type, return-value]
    with pytest.raises(RuntimeError):
        await db.write(lambda tx: next(iter([])))

    def touch(tx: Tx) -> str:
        tx.touched.add("outbox")
        return note(tx, "still here")

    assert await db.write(touch) == "still here"
    assert await db.read(noted) == ["still here"]
