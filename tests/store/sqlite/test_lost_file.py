"""A database whose file is taken away from under it, and what brings it back."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rundun.errors import Problem
from rundun.store.database import Database
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.database import note, noted, opened

TAKEN = "was moved or deleted while the service was running"


async def assert_refuses(one: Database) -> None:
    """Nothing can be read or written, and it is not ready."""
    for asked in (one.write(note, "lost"), one.read(noted), one.prove_writable()):
        with pytest.raises(Problem, match=TAKEN) as caught:
            await asked
        assert (caught.value.code, caught.value.retry_after) == ("unavailable", 5)
    assert not one.is_in_place


async def test_what_comes_back_untouched_is_used_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, away = tmp_path / "rundun.db", tmp_path / "away.db"
    async with opened(path) as one:
        for number in range(2):
            assert await one.write(note, f"before {number}")
            path.rename(away)
            await one.examine_file()
            before = away.stat().st_mtime_ns, Path(f"{path}-wal").read_bytes()
            for _ in range(3):
                await assert_refuses(one)
                await one.examine_file()
            assert (away.stat().st_mtime_ns, Path(f"{path}-wal").read_bytes()) == before
            assert not path.exists()
            away.rename(path)
            await one.examine_file()
            assert one.is_in_place
            assert await one.write(note, f"after {number}")
        assert await one.read(noted) == ["after 0", "after 1", "before 0", "before 1"]
    said = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "rundun.store"]
    lost = ("ERROR", f"{path} was removed under the running service, which refuses everything from now on")
    assert said == [lost, ("WARNING", "the database is back, and the service goes on")] * 2


async def test_what_comes_back_changed_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, away = tmp_path / "rundun.db", tmp_path / "away.db"
    async with opened(path) as one:
        await one.write(note, "before")
        path.rename(away)
        await one.examine_file()
        with away.open("ab") as file:
            file.write(b"\n")
        away.rename(path)
        for _ in range(2):
            await one.examine_file()
            await assert_refuses(one)
    assert (
        len([record for record in caplog.records if "another process wrote to it meanwhile" in record.getMessage()])
        == 1
    )
    async with opened(path) as one:
        assert await one.read(noted) == ["before"], "a restart judges it anew"


async def test_a_symbolic_link_that_leads_elsewhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"
    path.symlink_to("one.db")
    async with opened(path) as one:
        await one.write(note, "before")
        path.unlink()
        path.symlink_to("two.db")
        await one.examine_file()
        await assert_refuses(one)
    assert not (tmp_path / "two.db").exists()
    path.unlink()
    path.symlink_to("one.db")
    async with opened(path) as one:
        assert await one.read(noted) == ["before"]


@pytest.mark.parametrize("name", ["rundun.db", "rundun.db-wal"])
@pytest.mark.parametrize("when", ["before", "during"])
async def test_a_write_that_met_its_file_on_the_way_out_is_not_acknowledged(
    tmp_path: Path, name: str, when: str
) -> None:
    path = tmp_path / "rundun.db"

    def take_away() -> None:
        (tmp_path / name).rename(tmp_path / "away")

    def write(tx: Tx) -> None:
        note(tx, "on the way out")
        if when == "during":
            take_away()

    async with opened(path) as one:
        await one.write(note, "before")
        if when == "before":
            take_away()
        with pytest.raises(Problem, match=TAKEN):
            await one.write(write)
        with pytest.raises(Problem, match=TAKEN):
            await one.write(note, "later")
        with pytest.raises(Problem, match=TAKEN):
            await one.read(organization_rows.list_all)
        (tmp_path / "away").rename(tmp_path / name)
        await one.examine_file()
        assert await one.read(noted) == ["before", "on the way out"], "like a write whose answer was lost"


async def test_a_log_without_its_file_is_not_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE songs (title TEXT)")
        path.rename(tmp_path / "away.db")
        for present in (False, True):
            if present:
                path.touch()
            with pytest.raises(Problem, match=r"rundun\.db is missing, but not "):
                await Database.open(path, clock=lambda: 0, public_url="http://rundun.test", grace=0)
            assert path.exists() is present
            assert (tmp_path / "rundun.db-wal").stat().st_size
