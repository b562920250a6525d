"""Which files count as copies of a database, and which of them go."""

import os
from contextlib import closing
from pathlib import Path

from rundun.core import times
from rundun.store.backups import copies
from rundun.store.sqlite.connection import list_migrations, open_writer
from tests.helpers.files.database import opened

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
    found = sorted(copies.list_all(database, folder), key=lambda copy: (copy.at, copy.kind))
    assert [(copy.path.name, copy.kind, copy.bytes) for copy in found] == [
        ("shop.db.schema-17", "snapshot", 9),
        ("shop-2026-11-26T161700Z.db", "backup", 9),
        ("shop.db.before-restore-2026-11-26T161700Z", "before_restore", 9),
    ]
    assert [copy.path.name for copy in copies.list_all(database, tmp_path / "away")] == [
        "shop.db.schema-17",
        "shop.db.before-restore-2026-11-26T161700Z",
    ]
    assert [copy.kind for copy in copies.remove_old(database, NOW)] == ["snapshot"], "what was put aside today stays"
    assert [copy.kind for copy in copies.remove_old(database, NOW + 30 * times.DAY + 1)] == ["before_restore"]
    assert len([*tmp_path.iterdir()]) == 6


def test_a_backup_under_way_is_a_copy_by_the_name_that_it_gets(tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    put(tmp_path / "shop-2026-11-26T161700Z.db.0a0b0c0d.rundun-part")
    name = "shop-2026-11-26T161700Z.db"
    found = copies.list_all(database, tmp_path)
    assert [(copy.path.name, copy.kind, copy.at) for copy in found] == [(name, "backup", NOW)]
    put(tmp_path / name)
    assert len(copies.list_all(database, tmp_path)) == 1, "it has both names for a moment"
    assert [copy.path.name for copy in copies.list_backups(database, tmp_path)] == [name]


async def test_what_a_killed_restore_or_upgrade_has_left_goes_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    for name in ("rundun.db.restore.part", "rundun.db.restore.part-journal", "rundun.db.schema-17.part"):
        put(folder / name)
    for name in ("rundun.db.schema-17", "rundun.db.part", "my-rundun.db.restore.part"):
        put(folder / name)
    (folder / "rundun.db").touch()
    (tmp_path / "link.db").symlink_to(folder / "rundun.db")
    async with opened(tmp_path / "link.db"):
        left = sorted(path.name for path in folder.glob("*part*"))
        assert left == ["my-rundun.db.restore.part", "rundun.db.part"]
        assert (folder / "rundun.db.schema-17").exists()


def test_the_snapshot_of_a_linked_database_lies_beside_the_file(tmp_path: Path) -> None:
    folder, link = tmp_path / "disk", tmp_path / "link.db"
    folder.mkdir()
    with closing(open_writer(folder / "rundun.db", list_migrations()[:17])):
        link.symlink_to(folder / "rundun.db")
    open_writer(link).close()
    assert [copy.path for copy in copies.list_beside(link)] == [folder / "rundun.db.schema-17"]


def test_the_newest_stay_whatever_the_clock_did(tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    days = (-9, -2, -1, 0, 400)
    for day in days:
        put(copies.backup_path(tmp_path, database, NOW + day * times.DAY))
    found = copies.list_backups(database, tmp_path)
    newest = copies.find_last_good(found, NOW)
    assert newest is not None and newest.at == NOW
    assert [copy.at for copy in copies.remove_surplus(found, 2, NOW)] == [
        NOW + day * times.DAY for day in (400, -9, -2)
    ], "first of all the one that a clock ahead has made"
    assert [copy.at for copy in copies.list_backups(database, tmp_path)] == [NOW - times.DAY, NOW]
    assert copies.find_last_good([], NOW) is None
