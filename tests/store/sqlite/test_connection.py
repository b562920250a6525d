"""The database's file: whose it is, which version it has, and what an ended process left in it."""

import asyncio
import hashlib
import os
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from rundun.actions import first_start
from rundun.errors import Problem
from rundun.store import files
from rundun.store.database import Database
from rundun.store.sqlite import signing_key as signing_key_rows
from rundun.store.sqlite.connection import APPLICATION_ID, list_migrations, open_reader, open_writer
from rundun.store.sqlite.database_file import restrict_to_owner
from rundun.store.sqlite.transaction import Tx
from rundun.webhooks.dispatcher import FinishedAttempt
from tests.helpers.console.console import operator
from tests.helpers.files.database import MIB, assert_ended, connection_threads, note, opened
from tests.helpers.files.mounts import needs_mounts, read_only
from tests.helpers.pictures.images import png
from tests.helpers.pictures.photos import OF_RUNS, zeros
from tests.helpers.service import BOOLEAN, PUBLIC_URL, Clock, Receiver, world

# ---- whose it is


async def test_one_process_a_file_also_by_another_name(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"
    link = tmp_path / "link.db"
    link.symlink_to("rundun.db")
    async with opened(path):
        for name in (path, link, tmp_path / "." / "rundun.db"):
            with pytest.raises(Problem, match=r"Another process is serving .*\.db\.$"):
                await Database.open(name, clock=Clock(), public_url=PUBLIC_URL, grace=0)
    async with opened(link):
        assert sorted(one.name for one in tmp_path.iterdir() if "lock" in one.name) == ["rundun.db.lock"]


def sqlite_locks(path: Path) -> list[str]:
    """The locks that SQLite holds on the file in this process, as the kernel lists them (proc_locks(5))."""
    inode = f":{path.stat().st_ino} "
    lines = [line.partition(": ")[2] for line in Path("/proc/locks").read_text().splitlines() if inode in line]
    return sorted(line for line in lines if line.startswith("POSIX ") and f" {os.getpid()} " in line)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the kernel does not tell")
async def test_nothing_beside_sqlite_closes_the_file_and_drops_its_locks(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"
    (tmp_path / "link.db").symlink_to("rundun.db")
    async with world(tmp_path) as w:
        bob = await operator(w, "owner")
        held = sqlite_locks(path)
        assert held
        await w.dispatch(await w.template(BOOLEAN))
        assert (await bob.get("/settings/health")).status_code == 200
        assert (await w.browser().get("/metrics")).status_code == 200
        assert (await w.browser().get("/readyz")).status_code == 200
        for name in (path, tmp_path / "link.db"):
            with pytest.raises(Problem, match="Another process is serving"):
                await Database.open(name, clock=Clock(), public_url=PUBLIC_URL, grace=0)
        await w.database.examine_file()
        assert sqlite_locks(path) == held


@needs_mounts
async def test_a_mode_that_cannot_be_changed_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "rundun.db"
    path.touch(0o644)
    with read_only(tmp_path):
        restrict_to_owner(path)
    (record,) = caplog.records
    assert record.getMessage() == f"other users may read {path} with all its secrets, and its mode can't be changed"
    restrict_to_owner(path)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_nobody_but_the_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with opened(tmp_path / "rundun.db") as one:
            await one.write(note, "secret")
            files = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert files == dict.fromkeys(["rundun.db", "rundun.db-wal", "rundun.db-shm", "rundun.db.lock"], 0o600), (
        "whatever the umask is"
    )


def spoilt(path: Path, *sql: str) -> str:
    """Do that to the file behind our back; returns what it is then, as a digest."""
    other = sqlite3.connect(path, isolation_level=None)
    for one in sql:
        other.execute(one)
    other.close()
    return digest(path)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_file_of_a_newer_rundun_is_left_alone(tmp_path: Path) -> None:
    others, path = connection_threads(), tmp_path / "rundun.db"
    open_writer(path).close()
    before = spoilt(path, "PRAGMA user_version = 99")
    newest = list_migrations()[-1][0]
    said = rf"rundun\.db was written by a newer Rundun \(schema 99, this knows {newest}\)\.$"
    for _ in range(2):  # the second time shows that the first gave up its lock
        with pytest.raises(Problem, match=said):
            await Database.open(path, clock=Clock(), public_url=PUBLIC_URL, grace=0)
    with pytest.raises(Problem, match=said):
        open_reader(path)
    assert digest(path) == before
    assert_ended(connection_threads() - others)


@pytest.mark.parametrize(
    "sql",
    [
        ("CREATE TABLE songs (title TEXT)",),
        ("PRAGMA application_id = 42",),
        ("PRAGMA user_version = 1",),
        ("CREATE TABLE songs (title TEXT)", "PRAGMA user_version = 1"),
    ],
)
async def test_somebody_elses_database_is_left_alone(tmp_path: Path, sql: tuple[str, ...]) -> None:
    path = tmp_path / "music.db"
    before = spoilt(path, *sql)
    with pytest.raises(Problem, match=r"music\.db is no Rundun database\.$"):
        await Database.open(path, clock=Clock(), public_url=PUBLIC_URL, grace=0)
    with pytest.raises(Problem, match="no Rundun database"):
        open_reader(path)
    assert digest(path) == before
    assert not (tmp_path / "music.db-wal").exists()


async def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Ed, " * 1000)
    before = digest(path)
    with pytest.raises(Problem, match=r"letter\.db is no Rundun database\.$"):
        await Database.open(path, clock=Clock(), public_url=PUBLIC_URL, grace=0)
    assert digest(path) == before
    for wrong in (tmp_path, tmp_path / "nowhere" / "rundun.db"):
        with pytest.raises(Problem, match=r"can't be opened: .+"):
            await Database.open(wrong, clock=Clock(), public_url=PUBLIC_URL, grace=0)


async def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "rundun.db").touch(0o600)
    async with opened(tmp_path / "rundun.db") as one:
        assert await one.write(note, "first") == "first"

        def ids(tx: Tx) -> tuple[int, int]:
            return tuple(tx.db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))

        assert await one.read(ids) == (APPLICATION_ID, list_migrations()[-1][0])


# ---- migrations


def test_a_migration_keeps_what_was_there_before_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"
    old = open_writer(path)
    old.execute("INSERT INTO organizations (id, name, created_at) VALUES ('org-1', 'Acme', 0)")
    keys = signing_key_rows.read_links(old, "").key, signing_key_rows.read_device_key(old)
    old.close()
    now = list_migrations()[-1][0]
    added = [
        (now + 1, "ALTER TABLE organizations ADD COLUMN shade TEXT DEFAULT 'red';"),
        (now + 2, "UPDATE organizations SET shade = 'blue';"),
    ]
    before = os.umask(0)
    try:
        new = open_writer(path, [*list_migrations(), *added])
    finally:
        os.umask(before)
    assert new.execute("SELECT name, shade FROM organizations").fetchone()[:] == ("Acme", "blue")
    assert new.execute("PRAGMA user_version").fetchone()[0] == now + 2
    assert (signing_key_rows.read_links(new, "").key, signing_key_rows.read_device_key(new)) == keys
    new.close()

    snapshot = tmp_path / f"rundun.db.schema-{now}"
    assert snapshot.stat().st_mode & 0o777 == 0o600, "the secrets are in it"
    kept = open_reader(snapshot)
    columns = [row["name"] for row in kept.execute("SELECT name FROM pragma_table_info('organizations')")]
    assert "name" in columns and "shade" not in columns
    assert kept.execute("PRAGMA user_version").fetchone()[0] == now
    assert kept.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    kept.close()
    with pytest.raises(Problem, match="newer"):
        open_writer(path)


@pytest.mark.parametrize("what", ["webhook_removed", "job_changed"])
def test_what_was_changed_on_runs_outlives_the_change_of_its_table(tmp_path: Path, what: str) -> None:
    """Where a webhook or a job can be changed, the table has another constraint; its rows are as they were."""
    path = tmp_path / "rundun.db"
    number = next(number for number, sql in list_migrations() if f"'{what}'" in sql)
    old = open_writer(path, [one for one in list_migrations() if one[0] < number])
    old.execute("INSERT INTO organizations (id, name, created_at) VALUES ('org-1', 'Acme', 0)")
    old.execute("INSERT INTO templates (id, org_id, v, created_at, updated_at) VALUES ('t-1', 'org-1', 1, 0, 0)")
    old.execute("INSERT INTO template_versions VALUES ('t-1', 1, '{}', 0)")
    columns = "id, org_id, template_id, template_v, status, revision, seq, created_at, progress"
    old.execute(f"INSERT INTO runs ({columns}) VALUES ('r-1', 'org-1', 't-1', 1, 'pending', 1, 0, 0, '{{}}')")
    insert = "INSERT INTO changes (run_id, what, by, name, details, at) VALUES ('r-1', ?, 'integrator', 'K', '{}', ?)"
    old.executemany(insert, [("extended", 1), ("released", 2)])
    before = [row[:] for row in old.execute("SELECT * FROM changes ORDER BY number")]
    old.close()
    new = open_writer(path)
    new.execute(insert, (what, 3))
    assert [row[:] for row in new.execute("SELECT * FROM changes ORDER BY number")][:2] == before
    assert new.execute("PRAGMA foreign_key_check").fetchall() == []
    with pytest.raises(sqlite3.IntegrityError):
        new.execute(insert, ("exploded", 4))
    new.close()


def test_a_migration_that_fails_changes_nothing_and_can_be_mended(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"
    open_writer(path).close()
    now = list_migrations()[-1][0]
    half = (now + 1, "ALTER TABLE organizations ADD COLUMN shade TEXT; INSERT INTO nowhere VALUES (1);")
    for _ in range(2):  # the second time it meets the snapshot of the first
        with pytest.raises(Problem, match="no such table: nowhere"):
            open_writer(path, [*list_migrations(), half])
    db = open_writer(path)
    assert db.execute("PRAGMA user_version").fetchone()[0] == now
    assert "shade" not in [row["name"] for row in db.execute("PRAGMA table_info(organizations)")]
    db.close()
    whole = (now + 1, "ALTER TABLE organizations ADD COLUMN shade TEXT;")
    open_writer(path, [*list_migrations(), whole]).close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["rundun.db", f"rundun.db.schema-{now}"]


def test_a_reader_wants_the_schema_it_knows(tmp_path: Path) -> None:
    path = tmp_path / "rundun.db"
    with pytest.raises(Problem, match="can't be opened"):
        open_reader(path)
    assert not path.exists()
    path.touch()
    with pytest.raises(Problem, match="older Rundun"):
        open_reader(path)
    assert path.stat().st_size == 0


# ---- what an ended process left


async def test_what_was_being_sent_is_sent_again_after_a_restart(tmp_path: Path) -> None:
    """The receiver has it, but the process is gone before the outcome is written: at least once is promised."""
    seen, go_on = asyncio.Event(), asyncio.Event()

    async def never(outcome: FinishedAttempt) -> None:
        seen.set()
        await go_on.wait()

    async with Receiver().listening() as receiver, AsyncExitStack() as process:
        before = await process.enter_async_context(world(tmp_path))
        before.dispatcher._write = never  # type: ignore[method-assign]
        ed = await before.dispatch(await before.template(BOOLEAN), webhook={"url": receiver.url})
        await ed.start()
        await ed.answer("s-ok", True)
        await seen.wait()
        assert receiver.events() == ["step.completed"]
        key = before.acme.headers["authorization"]
        go_on.set()
        await process.aclose()
        async with world(tmp_path) as after:
            await after.deliver()
            assert receiver.events() == ["step.completed"] * 2
            acme = after.browser(authorization=key)
            (delivery,) = (await acme.get(f"/v1/runs/{ed.run_id}/deliveries")).json()["data"]
            assert delivery["status"] == "delivered"
            assert [one["number"] for one in delivery["attempts"]] == [1]


async def test_half_written_files_are_cleared_away_at_the_next_start(tmp_path: Path) -> None:
    def rows(tx: Tx) -> tuple[int, int]:
        return tuple(tx.number(f"SELECT count(*) FROM {name} {OF_RUNS[name]}") for name in ("files", "chunks"))

    async with world(tmp_path) as before:
        step = {"id": "s-sign", "type": "signature", "label": "Sign here"}
        ed = await before.dispatch(await before.template(step))
        await ed.start()
        signed = await ed.call("PUT", "/steps/s-sign/signature", content=png())
        assert signed.status_code == 201, signed.text
        kept = await before.database.read(rows)
        for written in (3, 1):
            await before.database.write(files.add_pieces, zeros(5 * MIB)[:written])
        assert await before.database.read(rows) == (kept[0] + 2, kept[1] + 4)
    async with world(tmp_path) as after:
        assert await after.database.read(rows) == kept == (1, 1)


async def test_the_first_start_happens_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "rundun.db") as one:
        assert await one.write(first_start.bootstrap, []) is not None
        assert await one.write(first_start.bootstrap, []) is None


@pytest.mark.parametrize(("table", "read_whole"), [("files", {"organizations"}), ("signatures", set())])
def test_what_may_be_pointed_to_is_deleted_without_reading_whole_tables(
    tmp_path: Path, table: str, read_whole: set[str]
) -> None:
    """Organizations are few; everything else grows."""
    db = open_writer(tmp_path / "rundun.db")
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN DELETE FROM {table} WHERE number = 1")]
    db.close()
    assert {step.split()[1] for step in plan if step.startswith("SCAN ")} == read_whole


# ---- whose checkpoints


def fill(tx: Tx) -> None:
    """More than the 1,000 pages from which on SQLite makes a checkpoint by itself."""
    tx.db.execute("CREATE TABLE IF NOT EXISTS filling (bytes BLOB)")
    tx.db.execute("INSERT INTO filling VALUES (zeroblob(?))", (10 * MIB,))


@pytest.mark.parametrize("external", [False, True])
async def test_checkpoints_are_left_to_others_where_they_make_them(tmp_path: Path, external: bool) -> None:
    path, log = tmp_path / "rundun.db", tmp_path / "rundun.db-wal"
    for times in (1, 2):
        one = await Database.open(path, clock=Clock(), public_url=PUBLIC_URL, grace=0, external_checkpoints=external)
        await one.write(fill)
        await one.write(fill)
        await one.close()
        if external:
            assert log.stat().st_size > times * 20 * MIB, "nothing is moved out of it, nor thrown away"
        else:
            assert not log.exists()
    with closing(open_reader(path)) as db:
        assert db.execute("SELECT count(*) FROM filling").fetchone()[0] == 4
