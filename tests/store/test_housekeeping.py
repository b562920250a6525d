"""The slow tick: what nobody finished is erased, and the file gives back what it no longer needs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rundun.scheduler import SPARE_PAGES, clear_up, schedule
from rundun.store import files, housekeeping
from rundun.store.sqlite.transaction import Tx
from tests.helpers.pictures.photos import OF_RUNS, zeros
from tests.helpers.service import World, world

MIB = 1024 * 1024


async def upload(w: World, mebibytes: int, *, finish: bool) -> int:
    """A file, whole or not."""
    pieces = zeros(mebibytes * MIB)
    number = pieces[0].file.number
    for piece in pieces:
        await w.database.write_heavy(MIB, files.add_pieces, [piece])
    if finish:
        await w.database.write(files.mark_complete, [number])
    return number


async def test_what_nobody_finished_is_erased_after_an_hour(w: World) -> None:
    whole = await upload(w, 1, finish=True)
    old = await upload(w, 2, finish=False)
    w.clock.forward(seconds=1)
    young = await upload(w, 1, finish=False)
    w.clock.forward(hours=1)
    await clear_up(w.database)

    def kept(tx: Tx) -> tuple[list[int], list[int]]:
        numbers = tx.db.execute(f"SELECT number FROM files {OF_RUNS['files']} ORDER BY number").fetchall()
        chunks = tx.db.execute(f"SELECT DISTINCT file FROM chunks {OF_RUNS['chunks']} ORDER BY file").fetchall()
        return [row[0] for row in numbers], [row[0] for row in chunks]

    assert old not in (whole, young)
    left = sorted([whole, young])
    assert await w.database.read(kept) == (left, left)


async def test_the_file_shrinks_after_photos_are_erased(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        path = w.settings.database.path
        await upload(w, 3, finish=True)
        erased = await upload(w, 24, finish=True)
        commits: list[str] = []
        await w.database.write(files.remove, erased)
        size = (await w.database.read(housekeeping.read_totals)).bytes
        assert size > 27 * MIB
        await w.database.write(lambda tx: tx.db.set_trace_callback(commits.append))
        await clear_up(w.database)
        assert 10 <= commits.count("COMMIT") <= 20, "in steps of 2 MiB, with room for others in between"
        left = await w.database.read(housekeeping.read_totals)
        assert left.bytes < size - 19 * MIB
        assert await w.database.read(housekeeping.count_free_pages) <= SPARE_PAGES, "a few stay for the next photos"
        commits.clear()
        await clear_up(w.database)
        assert "COMMIT" not in commits, "and then there is nothing to do"
    assert path.stat().st_size == left.bytes


async def test_a_file_that_cannot_shrink_is_left_alone(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def stubborn(tx: Tx, pages: int) -> int:
        return housekeeping.count_free_pages(tx)

    await w.database.write(files.remove, await upload(w, 8, finish=True))
    monkeypatch.setattr(housekeeping, "shrink", stubborn)
    await clear_up(w.database)
    assert await w.database.read(housekeeping.count_free_pages) > SPARE_PAGES


async def test_the_slow_tick_comes_at_the_start_and_every_ten_minutes(w: World) -> None:
    scheduled = schedule(w.dispatcher, w.database, secrets_days=7).get_jobs()
    jobs: dict[str, Any] = {job.id: job for job in scheduled}
    assert jobs.keys() == {
        "file", "deliveries", "expiry", "search", "tables", "put_off", "erased", "clear_up", "copies", "secrets",
            "retention",
    }  # fmt: skip
    for name in ("clear_up", "secrets"):
        assert jobs[name].trigger.interval.total_seconds() == 600
        assert jobs[name].next_run_time <= datetime.now(UTC)
    assert jobs["clear_up"].args == (clear_up, w.database)
    assert jobs["secrets"].args[1:] == (w.database, 7)
