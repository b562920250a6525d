"""The copy of the erasure journal beside the backups: nobody waits for a folder that hangs."""

import threading
from pathlib import Path
from typing import Any

import pytest

from rundun.store.erasure import journal_copy, journal_file
from rundun.store.organizations import api_keys, organizations
from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.database import note, opened
from tests.helpers.patience import PATIENCE


class Folder:
    """A folder of backups that hangs, while it does, in whatever is written to the journal's copy or read from it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path.mkdir()
        self.path, self.copy = path, path / "rundun.db.erasures"
        self.answers = threading.Event()
        self.was_asked, self.asked = threading.Event(), 0
        for name in ("read", "append"):
            monkeypatch.setattr(journal_file, name, self._hanging(getattr(journal_file, name)))

    def _hanging(self, function: Any) -> Any:
        def call(path: Path, *args: Any) -> Any:
            if path == self.copy:
                self.asked += 1
                self.was_asked.set()
                assert self.answers.wait(PATIENCE)
            return function(path, *args)

        return call

    def is_hanging_once(self) -> bool:
        return self.was_asked.wait(PATIENCE) and self.asked == 1 and not self.answers.is_set()

    def ids(self) -> list[str]:
        return [entry.id for entry in journal_file.read(self.copy)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    for name in ("WRITE_SECONDS", "READ_SECONDS"):
        monkeypatch.setattr(journal_copy, name, 0)
    monkeypatch.setattr(journal_copy, "CLOSE_SECONDS", PATIENCE)
    return Folder(tmp_path / "backups", monkeypatch)


def three_keys(tx: Tx) -> list[str]:
    org_id = organizations.add(tx, "Acme").org_id
    return [api_keys.add(tx, org_id, "leaked", bytes([number])).key_id for number in range(3)]


async def test_a_folder_that_hangs_stops_no_write_and_has_all_once_it_answers(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "rundun.db", folder.path) as database:
        keys = await database.write(three_keys)
        for key_id in keys[:2]:
            await database.write(api_keys.revoke, key_id)
        assert database.journal.copy_error == "the folder has not answered within 0 seconds"
        assert folder.is_hanging_once(), "the second revocation waits for nothing"
        await database.write(note, "Globex")
        folder.answers.set()
        database.journal.close()
        assert folder.ids() == keys[:2] and database.journal.copy_error is None
        folder.answers.clear()
        await database.write(api_keys.revoke, keys[2])
        close = database.journal.close
        monkeypatch.setattr(database.journal, "close", lambda: (folder.answers.set(), close()))
    assert folder.ids() == keys, "the end has waited for it"


async def test_a_folder_that_hangs_stops_no_start(tmp_path: Path, folder: Folder) -> None:
    async with opened(tmp_path / "rundun.db", folder.path) as database:
        assert database.journal.merge() == []
        keys = await database.write(three_keys)
        await database.write(api_keys.revoke, keys[0])
        assert folder.is_hanging_once()
        assert database.journal.copy_error == "the folder has not answered within 0 seconds"
        folder.answers.set()
    assert folder.ids() == keys[:1]
