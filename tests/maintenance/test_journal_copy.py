"""The copy of the erasure journal beside the backups: nobody waits for its folder, and the log says what is wrong."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from rundun.maintenance import backups as maintenance
from rundun.maintenance.backups import Backups
from rundun.store.erasure import journal_file
from rundun.store.organizations import api_keys as key_rows
from tests.helpers.backups import backed_up
from tests.helpers.patience import PATIENCE
from tests.helpers.service import Clock, World, world


class Folder:
    """A folder of backups that hangs, while it does, in whatever is written to the journal's copy or read from it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path.mkdir()
        self.path, self.copy = path, path / "rundun.db.erasures"
        self.answers, self.was_asked, self.asked = threading.Event(), threading.Event(), 0
        self.answers.set()
        for name in ("read", "append"):
            monkeypatch.setattr(journal_file, name, self._hanging(getattr(journal_file, name)))

    def _hanging(self, function: Any) -> Any:
        def call(path: Path, *args: Any) -> Any:
            if path == self.copy:
                self.asked += not self.answers.is_set()
                self.was_asked.set()
                assert self.answers.wait(PATIENCE)
            return function(path, *args)

        return call

    def hang(self) -> None:
        self.answers.clear()
        self.was_asked.clear()

    async def is_hanging(self) -> bool:
        return await asyncio.to_thread(self.was_asked.wait, PATIENCE) and not self.answers.is_set()

    def ids(self) -> list[str]:
        return [entry.id for entry in journal_file.read(self.copy)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path / "backups", monkeypatch)


async def revoked(w: World) -> str:
    """The id of a key that is revoked by now."""
    number = len(await w.database.read(key_rows.list_all))
    key = await w.database.write(key_rows.add, w.acme_id, "leaked", bytes([number]))
    await w.database.write(key_rows.revoke, key.key_id)
    return str(key.key_id)


async def settled(backups: Backups) -> None:
    await asyncio.wait_for(asyncio.gather(*backups._under_way.values()), PATIENCE)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.fields["error"] for one in caplog.records if one.getMessage() == "journal.not_copied"]  # type: ignore[attr-defined]


async def test_a_folder_that_hangs_stops_no_write_and_has_all_once_it_answers(folder: Folder) -> None:
    async with backed_up(folder.path, Clock()) as (w, backups):
        folder.hang()
        keys = [await revoked(w)]
        await backups.tick()
        assert await folder.is_hanging()
        keys.append(await revoked(w))
        await backups.tick()
        folder.answers.set()
        await settled(backups)
        assert folder.asked == 1, "one that hangs is enough"
        await backups.tick()
        await settled(backups)
        assert folder.ids() == keys


async def test_a_backup_under_way_does_not_hold_it_up(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    async with backed_up(folder.path, Clock()) as (w, backups):
        look = backups._work_in_folder
        monkeypatch.setattr(backups, "_work_in_folder", lambda *given: release.wait(PATIENCE) and look(*given))
        keys: list[str] = []
        for _ in range(2):
            keys.append(await revoked(w))
            await backups.tick()
            await asyncio.wait_for(backups._under_way["journal"], PATIENCE)
            assert folder.ids() == keys and not backups._under_way["turn"].done()
        release.set()
        await settled(backups)


async def test_a_folder_that_hangs_stops_no_start(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(folder.path.parent) as w:
        key_id = await revoked(w)
    monkeypatch.setattr(maintenance, "READ_SECONDS", 0)
    folder.hang()
    async with world(folder.path.parent, w.clock, backup__folder=str(folder.path)):
        assert told(caplog) == [f"{folder.copy} can't be used: the folder has not answered within 0 seconds."]
        folder.answers.set()
    async with backed_up(folder.path, w.clock) as (_, backups):
        await backups.copy_journal()
        assert folder.ids() == [key_id]


async def test_the_log_says_once_why_it_is_not_used(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    folder.copy.write_text('{"what":"run","id":"r-9","at":1}\n')
    folder.copy.chmod(0o622)
    expected = [f"{folder.copy} can't be used: other users than its owner may write it."]
    async with backed_up(folder.path, Clock()) as (w, backups):
        assert told(caplog) == expected, "at the start, which does not believe it"
        caplog.clear()
        for _ in range(2):
            await revoked(w)
            await backups.copy_journal()
        assert told(caplog) == expected
        folder.copy.chmod(0o600)
        await backups.copy_journal()
        assert folder.copy.read_text().startswith('{"what":"run","id":"r-9","at":1}\n') and len(folder.ids()) == 3
        folder.copy.chmod(0o622)
        await revoked(w)
        await backups.copy_journal()
        assert told(caplog) == expected * 2, "and again once it was well in between"


async def test_a_system_without_threads_stops_no_start(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with backed_up(folder.path, Clock()) as (_, backups):
        pool = backups._pool
        with monkeypatch.context() as patch:
            patch.setattr(pool, "_threads", set())
            patch.setattr(threading.Thread, "start", no_thread)
            assert await backups.read_journal_copy() == []
            await backups.copy_journal()
        assert told(caplog) == [f"{folder.copy} can't be used: the system has no thread left."]


def no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
