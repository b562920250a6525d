"""Which files count as copies of a database, and which of them go."""

import os
from pathlib import Path

from rundun.core import times
from rundun.store import copies

NOW = times.parse("2026-11-26T16:17:00Z") or 0


def put(path: Path, at: int = NOW) -> Path:
    path.write_text("something")
    os.utime(path, ns=(at * 1_000_000, at * 1_000_000))
    return path


def test_only_files_that_rundun_has_named_are_copies(tmp_path: Path) -> None:
    database, folder = tmp_path / "shop.db", tmp_path / "backups"
    folder.mkdir()
    put(folder / "shop-2026-11-26T161700Z.db")
    (folder / "shop-2026-11-24T161700Z.db").touch()  # nothing in it
    for others in ("shop-2026-11-26T161700Z.db.0a0b0c0d.rundun-part", "shop-2026-13-26T161700Z.db", "shop-old.db",
                   "my-shop-2026-11-26T161700Z.db", "shop-2026-11-26T161700Z.db.gz", "shop.db.erasures"):  # fmt: skip
        put(folder / others)
    put(tmp_path / "shop.db.schema-17", NOW - 31 * times.DAY)
    put(tmp_path / "shop.db.before-restore-2026-11-26T161700Z", NOW - 99 * times.DAY)
    for others in ("shop.db", "shop.db-wal", "shop.db.schema-17.part", "shop.db.schema-", "my-shop.db.schema-17"):
        put(tmp_path / others)
    found = sorted(copies.every_copy(database, folder), key=lambda copy: (copy.at, copy.kind))
    assert [(copy.path.name, copy.kind, copy.bytes) for copy in found] == [
        ("shop.db.schema-17", "snapshot", 9),
        ("shop-2026-11-26T161700Z.db", "backup", 9),
        ("shop.db.before-restore-2026-11-26T161700Z", "before_restore", 9),
    ]
    assert [copy.path.name for copy in copies.every_copy(database, tmp_path / "away")] == [
        "shop.db.schema-17",
        "shop.db.before-restore-2026-11-26T161700Z",
    ]
    assert [copy.kind for copy in copies.remove_old(database, NOW)] == ["snapshot"], "what was put aside today stays"
    assert [copy.kind for copy in copies.remove_old(database, NOW + 30 * times.DAY + 1)] == ["before_restore"]
    assert len([*tmp_path.iterdir()]) == 6


def test_the_newest_stay_whatever_the_clock_did(tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    days = (-9, -2, -1, 0, 400)
    for day in days:
        put(copies.backup_path(tmp_path, database, NOW + day * times.DAY))
    found = copies.backups(database, tmp_path)
    newest = copies.last_good(found, NOW)
    assert newest is not None and newest.at == NOW
    assert [copy.at for copy in copies.remove_surplus(found, 2, NOW)] == [
        NOW + day * times.DAY for day in (400, -9, -2)
    ], "first of all the one that a clock ahead has made"
    assert [copy.at for copy in copies.backups(database, tmp_path)] == [NOW - times.DAY, NOW]
    assert copies.last_good([], NOW) is None
