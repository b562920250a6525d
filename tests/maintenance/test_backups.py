"""Backups on schedule: when one is made, which are kept, and who is told that one is missed."""

import asyncio
import os
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rundun import counters, paths
from rundun.actions.backups import going_live
from rundun.core import times
from rundun.maintenance.backups import POSTPONED_MS, Backups
from rundun.scheduler import delete_copies
from rundun.store.backups import copies
from rundun.store.erasure import erased_bytes
from rundun.store.sqlite import service_state
from rundun.webhooks.alerts import Alerts
from tests.helpers.backups import EVERY, backed_up
from tests.helpers.canaries import overwrite
from tests.helpers.console.console import left_alone, operator
from tests.helpers.metrics import samples
from tests.helpers.patience import PATIENCE
from tests.helpers.service import Clock, Receiver, World


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (made := tmp_path / "backups").mkdir()
    return made


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.glob("*.db"))


async def test_one_is_made_when_it_is_due_whatever_was_restarted(folder: Path) -> None:
    clock = Clock()
    first, second, third = (f"rundun-2026-01-01T{hour:02}0000Z.db" for hour in (0, 6, 12))
    (folder / "rundun-notes.db").write_text("mine")
    (folder / "rundun-2025-12-31T180000Z.db.01234567.rundun-part").write_text("left by a kill")
    for hours, there in ((0, [first]), (5, [first]), (1, [first, second]), (3, [first, second]), (3, [second, third])):
        clock.forward(hours=hours)
        async with backed_up(folder, clock) as (w, backups):
            for _ in range(2):
                await backups.turn()
            assert not [*folder.glob("*.rundun-part")]
            assert names(folder) == [*there, "rundun-notes.db"], hours
            told = samples((await w.browser().get("/metrics")).text)
            assert told["rundun_backup_missed", None] == 0
            age = (clock() - copies.list_backups(w.database.path, folder)[-1].at) / times.SECOND
            assert told["rundun_backup_age_seconds", None] == age
    assert counters.backup == {}


async def test_one_waits_until_what_was_erased_is_overwritten_but_not_for_long(folder: Path) -> None:
    clock = Clock()
    async with backed_up(folder, clock) as (w, backups):

        async def after(**more: float) -> int:
            clock.forward(**more)
            await backups.turn()
            return len(names(folder))

        assert await after() == 1
        await w.database.write(erased_bytes.put_mark)
        assert await after(hours=EVERY) == 1
        await overwrite(w)
        assert await after() == 2
        await w.database.write(erased_bytes.put_mark)
        backups._settings = replace(backups._settings, keep=3)
        assert await after(hours=EVERY, seconds=POSTPONED_MS / times.SECOND - 1) == 2
        assert await after(seconds=1) == 3


async def test_a_missed_one_is_told_once_until_one_was_made(
    folder: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()

    def told() -> list[Any]:
        return [one.json for one in receiver.received]

    async def look(w: World, backups: Backups) -> tuple[float, int]:
        await backups.turn()
        await Alerts(w.database, w.service.post_webhook, receiver.url, None, lambda: backups.error).tick()
        return samples((await w.browser().get("/metrics")).text)["rundun_backup_missed", None], len(receiver.received)

    async with backed_up(folder, clock) as (w, backups):
        assert await look(w, backups) == (0, 0)
        folder.rename(away := folder.with_name("away"))
        clock.forward(hours=EVERY)
        assert await look(w, backups) == (1, 1)
        expected = {
            "alert": "backup.missed",
            "public_url": w.settings.public_url,
            "missed_at": "2026-01-01T06:00:00Z",
            "last_backup_at": "2026-01-01T00:00:00Z",
            "error": f"{folder} can't be used: No such file or directory.",
        }
        assert told() == [expected]
        assert [one.fields["error"] for one in caplog.records if one.getMessage() == "backup.failed"] == [
            f"{folder} can't be used: No such file or directory."
        ]
        clock.forward(hours=1)
    async with backed_up(folder, clock) as (w, backups):
        assert await look(w, backups) == (1, 1), "a restart does not forget"
        away.rename(folder)
        clock.forward(seconds=599)
        assert await look(w, backups) == (1, 1), "it is tried again after ten minutes"
        clock.forward(seconds=1)
        assert await look(w, backups) == (0, 1)
        assert len(names(folder)) == 2
        clock.forward(hours=EVERY)
        folder.joinpath(copies.backup_path(folder, w.database.path, clock()).name).mkdir()
        assert await look(w, backups) == (1, 2)
        assert told()[1]["last_backup_at"] == "2026-01-01T07:10:00Z"
        assert " is a folder; " in told()[1]["error"]


async def test_backups_have_numbers_from_the_first_turn_on_and_while_all_is_held(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()

    async def told(w: World) -> tuple[float | None, float | None]:
        found = samples((await w.browser().get("/metrics")).text)
        return found.get(("rundun_backup_missed", None)), found.get(("rundun_backup_age_seconds", None))

    async with backed_up(folder, clock) as (w, backups):
        await backups.turn()
        await w.database.write(service_state.put, service_state.HELD_SINCE, clock())
        clock.forward(hours=2 * EVERY)
    async with backed_up(folder, clock) as (w, backups):
        await backups.turn()
        assert await told(w) == (0, 2 * EVERY * 3600) and len(names(folder)) == 1
        away = folder.rename(folder.with_name("away"))
        await backups.turn()
        assert await told(w) == (0, None), "held, and the folder is not here"
        away.rename(folder)
        await w.database.write(going_live.resume_outgoing)
        assert await told(w) == (0, None)
        await backups.turn()
        assert await told(w) == (0, 0) and len(names(folder)) == 2
        guide = (paths.templates() / "docs" / "health.md").read_text("utf-8")
        watched = set(re.findall(r"^\| `(rundun_[a-z_]+)", guide, re.MULTILINE))
        found = {name for name, _ in samples((await w.browser().get("/metrics")).text)}
        assert len(watched) > 10 and watched <= found, "each number that the guide has watched is there"
        clock.forward(seconds=60)
    async with backed_up(folder, clock) as (w, backups):
        entered, release = threading.Event(), threading.Event()

        def look(*given: Any) -> Any:
            entered.set()
            release.wait(PATIENCE)
            return Backups._work_in_folder(backups, *given)

        monkeypatch.setattr(backups, "_work_in_folder", look)
        turn = asyncio.create_task(backups.turn())
        try:
            assert await asyncio.to_thread(entered.wait, PATIENCE)
            assert await told(w) == (0, 60), "a copy is under way, and the numbers are those of before"
        finally:
            release.set()
            await turn


async def test_old_snapshots_are_deleted_by_themselves(
    w: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "rundun")
    for name, days in (("schema-16", 31), ("schema-17", 29), ("before-restore-2026-01-01T000000Z", 0)):
        path = tmp_path / f"rundun.db.{name}"
        path.write_text("old")
        at = w.clock() - days * times.DAY
        os.utime(path, ns=(at * 1_000_000, at * 1_000_000))
    await delete_copies(w.database)
    assert sorted(one.name for one in tmp_path.glob("rundun.db.[sb]*")) == [
        "rundun.db.before-restore-2026-01-01T000000Z",
        "rundun.db.schema-17",
        "rundun.db.sock",
    ]
    assert [one.fields["file"] for one in caplog.records if one.getMessage() == "copy.removed"] == [
        "rundun.db.schema-16"
    ]


async def test_a_folder_that_goes_away_is_missed_at_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()

    async def told(w: World, backups: Backups) -> tuple[float, float]:
        await backups.turn()
        found = samples((await w.browser().get("/metrics")).text)
        return found["rundun_backup_missed", None], found["rundun_backup_age_seconds", None]

    def logged() -> int:
        return len([one for one in caplog.records if one.getMessage() == "backup.failed"])

    async with backed_up(folder, clock) as (w, backups):
        await left_alone(w)
        owner, member = await operator(w), await operator(w, "member")
        assert await told(w, backups) == (0, 0)
        assert "Backups fail" not in (await owner.get("")).text
        folder.rename(away := folder.with_name("away"))
        clock.forward(seconds=60)
        assert await told(w, backups) == (1, 60)
        clock.forward(seconds=60)
        assert await told(w, backups) == (1, 120)
        assert logged() == 1, "and once is enough"
        assert "Backups fail or are overdue." in (await owner.get("")).text
        assert "Backups fail" not in (await member.get("")).text
    async with backed_up(folder, clock) as (w, backups):
        assert await told(w, backups) == (1, 120), "after a restart, too"
        away.rename(folder)
        clock.forward(seconds=60)
        assert await told(w, backups) == (0, 180), "one that is new enough is there"
