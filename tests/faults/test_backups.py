"""Faults of backups made on schedule: their folder is away, full, or cannot be written."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from rundun.actions.erasure import erasures
from rundun.store.erasure import journal_file
from tests.helpers.backups import backed_up
from tests.helpers.files.mounts import may_mount, mounted, read_only
from tests.helpers.metrics import samples
from tests.helpers.processes.service_process import beside
from tests.helpers.service import BOOLEAN, Clock

SAYS = {
    "away": "No such file or directory",
    "full": "16.0 KiB are free in",
    "unwritable": "Nothing can be written into",
}


@pytest.mark.skipif(os.geteuid() == 0 and not may_mount(), reason="nothing stops root that may not mount")
@pytest.mark.parametrize("way", SAYS)
async def test_backup_folder_away(tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture) -> None:
    if way == "full" and not may_mount():
        pytest.skip("mounting takes root")
    clock, folder = Clock(), tmp_path / "backups"
    with ExitStack() as trouble:
        if way != "away":
            folder.mkdir()
            trouble.enter_context(mounted(folder, size="16k") if way == "full" else read_only(folder))
        async with backed_up(folder, clock) as (w, backups):
            await backups.turn()
            ed = await w.dispatch(await w.template(BOOLEAN))  # the service goes on
            await w.database.write(erasures.erase, None, ed.run_id, "command line")
            await backups.copy_journal()
            (line,) = [one for one in caplog.records if one.getMessage() == "backup.failed"]
            assert SAYS[way] in line.fields["error"]  # type: ignore[attr-defined]
            told = samples((await w.browser().get("/metrics")).text)
            assert told["rundun_backup_missed", None] == 1
            assert ("rundun_backup_age_seconds", None) not in told
            (tmp_path / "own.toml").write_text(f"[backup]\nfolder = '{folder}'\n")
            checked = await beside(tmp_path, "check", "--config", str(tmp_path / "own.toml"))
            assert "WRONG  backup: " in checked.stdout
            is_copied = way == "full"  # there is no room for a backup, but for a line
            assert ("WRONG  journal: " in checked.stdout) != is_copied
            assert len([one for one in caplog.records if one.getMessage() == "journal.not_copied"]) == (not is_copied)
            if way != "away":
                assert [one.name for one in folder.iterdir()] == ["rundun.db.erasures"] * is_copied
            trouble.close()
            folder.mkdir(exist_ok=True)
            clock.forward(seconds=599)
            await backups.turn()
            assert [*folder.iterdir()] == []
            clock.forward(seconds=1)
            await backups.turn()
            assert [one.name for one in folder.iterdir()] == ["rundun-2026-01-01T001000Z.db"]
            await backups.copy_journal()
            assert [one.id for one in journal_file.read(folder / "rundun.db.erasures")] == [ed.run_id]
            assert samples((await w.browser().get("/metrics")).text)["rundun_backup_missed", None] == 0
