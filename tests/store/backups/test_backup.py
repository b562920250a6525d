"""A backup: what is in it, who may read it, and what a failed one leaves."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rundun.errors import Problem
from rundun.store.backups import backup
from rundun.store.database import Database
from rundun.store.sqlite import connection
from tests.helpers.files.database import note, noted
from tests.helpers.files.mounts import mounted, needs_mounts


def filled(path: Path, mebibytes: int = 8) -> Path:
    """A database with some content, which nobody has open."""
    with closing(connection.open_writer(path)) as db:
        db.execute("INSERT INTO files VALUES (1, 'image/jpeg', 0, '', 1, 0, NULL)")
        for part in range(mebibytes):
            db.execute("INSERT INTO chunks VALUES (1, ?, randomblob(1048576))", (part,))
    return path


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Whoever starts it may have forgotten about modes."""
    before = os.umask(0)
    yield
    os.umask(before)


async def test_beside_a_writer_it_is_whole_and_one_moment(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of another connection between two steps makes SQLite's own copy begin anew, for ever."""
    await db.write(lambda tx: tx.db.execute("CREATE TABLE large AS SELECT randomblob(9000000)").close())
    await db.write(note, "before")
    target, steps, modes = tmp_path / "backup.db", 0, set[int]()
    loop, real = asyncio.get_running_loop(), backup._Pace.__call__

    def step(pace: backup._Pace, *told: int) -> None:
        nonlocal steps
        steps += 1
        assert steps < 20, "it begins again and again"
        assert not target.exists()
        (part,) = tmp_path.glob("*.rundun-part")
        modes.add(part.stat().st_mode & 0o777)
        asyncio.run_coroutine_threadsafe(db.write(note, f"during {steps}"), loop).result()
        real(pace, *told)

    monkeypatch.setattr(backup._Pace, "__call__", step)
    monkeypatch.setattr(backup, "LARGE", 0)
    monkeypatch.setattr(backup, "RELEASE_SECONDS", 0)
    written = await asyncio.to_thread(backup.make, tmp_path / "rundun.db", target)
    assert steps > 3
    assert modes == {0o600}
    assert target.stat().st_mode & 0o777 == 0o600
    assert written == target.stat().st_size
    assert not [*tmp_path.glob("*.rundun-part*")]
    target.chmod(0o400)
    with closing(sqlite3.connect(f"{target.as_uri()}?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert copy.execute("SELECT name FROM organizations").fetchall() == [("before",)]
    assert len(await db.read(noted)) == steps + 1


def test_what_is_there_stays_and_the_database_is_no_target(tmp_path: Path) -> None:
    path, there = filled(tmp_path / "rundun.db", 0), tmp_path / "there.db"
    there.write_text("precious")
    (tmp_path / "link.db").symlink_to("rundun.db")
    (tmp_path / "dangling").symlink_to("nowhere")
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir() if one.is_file()}
    for name, reason in {
        "there.db": "is already there, and stays as it is; name another file.",
        "dangling": "is already there",
        "rundun.db": "belongs to the database itself",
        "link.db": "belongs to the database itself",
        "rundun.db-wal": "belongs to the database itself",
        "rundun.db.erasures": "belongs to the database itself",
        ".": "is a folder; name a file in it.",
        "missing/backup.db": "There is no folder",
    }.items():
        with pytest.raises(Problem, match=reason):
            backup.make(path, tmp_path / name)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir() if one.is_file()} == before


def test_what_comes_to_its_place_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, real = tmp_path / "backup.db", backup._damage

    def check(part: Path, cancelled: threading.Event | None) -> str:
        target.write_text("another's")
        return real(part, cancelled)

    monkeypatch.setattr(backup, "_damage", check)
    with pytest.raises(Problem, match="is already there"):
        backup.make(filled(tmp_path / "rundun.db", 0), target)
    assert target.read_text() == "another's"
    assert not [*tmp_path.glob("*.rundun-part*")]


def test_a_damaged_database_has_no_backup(tmp_path: Path) -> None:
    path, folder = filled(tmp_path / "rundun.db", 0), tmp_path / "backups"
    folder.mkdir()
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 8192)
        file.write(b"\xff" * 100)
    with pytest.raises(Problem, match="is damaged, so there is no backup of it: "):
        backup.make(path, folder / "backup.db")
    assert [*folder.iterdir()] == []


def test_one_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    path, cancelled = filled(tmp_path / "rundun.db"), threading.Event()
    cancelled.set()
    (folder := tmp_path / "backups").mkdir()
    with pytest.raises(backup.Cancelled):
        backup.make(path, folder / "backup.db", cancelled)
    assert [*folder.iterdir()] == []


def test_parts_of_killed_ones_go_and_those_being_written_stay(tmp_path: Path) -> None:
    path = filled(tmp_path / "rundun.db", 0)
    (folder := tmp_path / "backups").mkdir()
    for left in ("old.db.01234567.rundun-part", "old.db.01234567.rundun-part-journal", "film.part", "x.rundun-part"):
        (folder / left).write_text("left")
    with backup._part_of(folder / "other.db") as (part, _):
        backup.make(path, folder / "backup.db")
        assert part.exists()
    assert sorted(one.name for one in folder.iterdir()) == ["backup.db", "film.part", "x.rundun-part"]


@needs_mounts
def test_room_is_looked_for_first_and_can_end_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, small = filled(tmp_path / "rundun.db"), tmp_path / "small"
    small.mkdir()
    with mounted(small, size="6m"):
        with pytest.raises(Problem, match=r"The backup takes \d+\.\d MiB, and 6\.0 MiB are free in "):
            backup.make(path, small / "backup.db")
        monkeypatch.setattr(backup, "_require_disk_space", lambda *_: None)
        with pytest.raises(Problem, match=r"There is no space left in .*small for the backup\."):
            backup.make(path, small / "backup.db")
        assert [*small.iterdir()] == []
