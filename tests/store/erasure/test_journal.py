"""The journal of what must stay gone: on the disk before the answer, whole after a crash, and never lost for good."""

import json
import os
import resource
import signal
import sqlite3
from contextlib import closing, contextmanager, suppress

import pytest

from rundun.actions.erasure import replay
from rundun.actions.organizations.operators import remove as remove_operator
from rundun.core import tokens
from rundun.errors import Problem
from rundun.store.erasure import journal as erasure_journal, journal_file
from rundun.store.erasure.journal import ErasureJournal
from rundun.store.erasure.journal_copy import JournalCopy
from rundun.store.organizations import (
    api_keys as key_rows,
    operators as operator_rows,
    organizations as organization_rows,
)
from rundun.store.runs import shares as share_rows
from rundun.store.sqlite.connection import list_migrations, open_writer
from rundun.store.sqlite.transaction import JournalEntry
from tests.helpers.files.database import opened
from tests.helpers.service import BOOLEAN

ONE, TWO = JournalEntry("run", "r-1", 1, "key-1"), JournalEntry("key", "key-2", 2)


@pytest.fixture
def journal(tmp_path):
    (tmp_path / "rundun.db").touch()
    return ErasureJournal(tmp_path / "rundun.db")


@pytest.fixture
def copy(journal, tmp_path):
    (tmp_path / "backups").mkdir()
    return JournalCopy(journal.path, tmp_path / "backups")


@contextmanager
def full_disk(*, room):
    """No file grows beyond `room` bytes, as where the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def acme(tx):
    org_id = organization_rows.add(tx, "Acme").org_id
    key = key_rows.add(tx, org_id, "leaked", b"digest")
    ann = operator_rows.add(tx, org_id, "ann@example.com", "Ann", "owner", "hash")
    return key.key_id, ann.operator_id


def test_an_entry_is_a_line_for_its_owner_only_beside_the_database_and_in_the_folder_of_the_backups(journal, copy):
    journal.append([ONE, TWO])
    copy.complete()
    assert json.loads(journal.path.read_text().splitlines()[0]) == {"what": "run", "id": "r-1", "at": 1, "by": "key-1"}
    assert json.loads(journal.path.read_text().splitlines()[1]) == {"what": "key", "id": "key-2", "at": 2}
    assert copy.path.name == "rundun.db.erasures" and copy.path.read_bytes() == journal.path.read_bytes()
    assert [path.stat().st_mode & 0o777 for path in (journal.path, copy.path)] == [0o600, 0o600]
    assert journal_file.read(journal.path) == [ONE, TWO]


def test_a_line_from_before_says_nothing_of_whose_doing_it_was(journal):
    journal.path.write_text('{"what":"run","id":"r-1","at":1}\n[]\n')
    assert journal_file.read(journal.path) == [JournalEntry("run", "r-1", 1)]


def test_a_line_torn_by_a_crash_harms_no_other(journal):
    journal.append([ONE])
    with journal.path.open("ab") as file:
        file.write(b'{"what":"run","id":"r-to')
    assert journal_file.read(journal.path) == [ONE]
    journal.append([TWO])
    assert journal_file.read(journal.path) == [ONE, TWO]


def test_what_did_not_fit_on_a_full_disk_is_written_with_the_next(journal):
    journal.append([ONE])
    with full_disk(room=journal.path.stat().st_size + 7), pytest.raises(OSError, match="too large"):
        journal.append([TWO])
    journal.append([JournalEntry("operator", "u-3", 3)])
    assert [entry.id for entry in journal_file.read(journal.path)] == ["r-1", "key-2", "u-3"]


def test_a_copy_that_can_not_be_written_is_made_up_for(journal, copy):
    copy.complete()
    copy.path.parent.rmdir()
    journal.append([ONE])
    with pytest.raises(FileNotFoundError):
        copy.complete()
    assert copy.find_missing() == (1, [ONE])
    copy.path.parent.mkdir()
    journal.append([TWO])
    copy.complete()
    assert copy.read() == [ONE, TWO]
    assert copy.find_missing() == (2, [])


def test_the_journal_and_its_copy_learn_from_each_other(journal, copy):
    journal.append([ONE])
    copy.path.write_text('{"what":"key","id":"key-2","at":2}\n')
    for _ in range(2):
        assert journal.merge(copy.read()) == [ONE, TWO]
        copy.complete()
        assert journal_file.read(journal.path) == [ONE, TWO]
        assert copy.read() == [TWO, ONE], "added to, not replaced"


def test_a_copy_is_only_compared_where_something_has_changed(journal, copy, monkeypatch):
    journal.append([ONE])
    copy.complete()
    read = journal_file.read
    monkeypatch.setattr(journal_file, "read", lambda path: pytest.fail("nothing has changed"))
    copy.complete()
    monkeypatch.setattr(journal_file, "read", read)
    copy.path.unlink()
    copy.complete()
    assert copy.read() == [ONE], "one that was lost grows again"
    journal.append([TWO])
    copy.complete()
    assert copy.read() == [ONE, TWO]


async def test_a_revoked_key_and_a_removed_operator_are_in_the_journal_once_that_is_answered(tmp_path):
    async with opened(tmp_path / "rundun.db") as database:
        key_id, operator_id = await database.write(acme)
        await database.write(key_rows.revoke, key_id)
        await database.write(operator_rows.remove, operator_id)
        entries = journal_file.read(database.journal.path)
        assert [(entry.what, entry.id) for entry in entries] == [("key", key_id), ("operator", operator_id)]
        assert set(await database.read(lambda tx: erasure_journal.list_known(tx.db))) == set(entries)


async def test_a_revoked_share_stays_so_after_a_restore(w, tmp_path):
    ed = await w.dispatch(await w.template(BOOLEAN))
    path = f"/v1/runs/{ed.run_id}/shares"
    made = (await w.acme.post(path, json={})).json()
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(w.settings.database.path)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))
    assert (await w.acme.delete(f"{path}/{made['share_id']}")).status_code == 204
    entries = journal_file.read(w.database.journal.path)
    assert [(entry.what, entry.id) for entry in entries] == [("share", made["share_id"])]
    assert await w.database.read(lambda tx: erasure_journal.list_known(tx.db)) == entries
    async with opened(copy) as restored:
        left = await restored.read(erasure_journal.list_unapplied, entries)
        assert await restored.write(replay.replay_erasures, left) == {"share": 1}
        digest = tokens.digest(made["url"].rpartition("/")[2])
        assert (await restored.read(share_rows.find, digest)).is_over(w.clock())
        assert await restored.read(erasure_journal.list_unapplied, entries) == []


async def test_who_was_not_told_on_a_full_disk_asks_again_and_is(tmp_path):
    async with opened(tmp_path / "rundun.db") as database:
        key_id, _ = await database.write(acme)
        database.journal.path.mkdir()
        with pytest.raises(Problem) as refused:
            await database.write(key_rows.revoke, key_id)
        assert refused.value.code == "unavailable"
        database.journal.path.rmdir()
        await database.write(key_rows.revoke, key_id)
        assert {entry.id for entry in journal_file.read(database.journal.path)} == {key_id}


async def test_who_was_not_told_that_somebody_was_removed_asks_again_and_is(tmp_path):
    async with opened(tmp_path / "rundun.db") as database:
        org_id = (await database.write(organization_rows.add, "Acme")).org_id
        await database.write(operator_rows.add, org_id, "ann@example.com", "Ann", "owner", "hash")
        bob = await database.write(operator_rows.add, org_id, "bob@example.com", "Bob", "member", "hash")
        database.journal.path.mkdir()
        with pytest.raises(Problem, match="try again"):
            await database.write(remove_operator, org_id, bob.operator_id)
        database.journal.path.rmdir()
        await database.write(remove_operator, org_id, bob.operator_id)
        assert {entry.id for entry in journal_file.read(database.journal.path)} == {bob.operator_id}


async def test_nothing_of_a_refused_write_is_in_the_journal(tmp_path):
    def revoke_and_fail(tx, key_id):
        key_rows.revoke(tx, key_id)
        raise Problem("invalid", "No.")

    async with opened(tmp_path / "rundun.db") as database:
        key_id, _ = await database.write(acme)
        with pytest.raises(Problem):
            await database.write(revoke_and_fail, key_id)
        assert not database.journal.path.exists()


@pytest.mark.parametrize(("schema", "there"), [(1, {"key-1"}), (17, {"key-1", "7"}), (18, {"key-1", "7", "u-1"})])
def test_an_older_file_tells_what_it_knows(tmp_path, schema, there):
    with closing(open_writer(tmp_path / "rundun.db", list_migrations()[:schema])) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(
            "INSERT INTO keys (id, org_id, name, digest, created_at, revoked_at) VALUES ('key-1', 'o', '', x'01', 0, 5)"
        )
        for statement in (
            "INSERT INTO rotations (at, last_event) VALUES (7, 0)",
            "INSERT INTO removed_operators VALUES ('u-1', 6)",
        ):
            with suppress(sqlite3.OperationalError):
                db.execute(statement)
        assert {entry.id for entry in erasure_journal.list_known(db)} == there


def test_runs_that_retention_has_erased_are_not_looked_through_at_each_start(tmp_path):
    with closing(open_writer(tmp_path / "rundun.db")) as db:
        seen = []
        db.set_trace_callback(seen.append)
        erasure_journal.list_known(db)
        db.set_trace_callback(None)
        (query,) = [one for one in seen if " FROM runs " in one]
        (step,) = db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert step["detail"] == "SCAN runs USING COVERING INDEX runs_erased"


LINE = '{"what":"run","id":"r-9","at":1}\n'


def test_what_is_no_entry_of_ours_stops_nobody(journal):
    """A start reads it: a line that somebody has edited, or another program has written, is as one that is torn."""
    wrong = ("1e999", '["a"]', '{"what":["run"],"id":"x","at":1}', '{"what":"photo","id":"x","at":1}')
    wrong += ('{"what":"run","id":"x","at":1e999}', '{"what":"run","id":"x","at":9223372036854775808}')
    wrong += ('{"what":"run","id":"","at":1}', '{"what":"run","id":7,"at":1}', '{"what":"run","id":"x","at":-1}')
    wrong += ('{"what":"signing_key","id":"5","at":7}', '{"what":"run","id":"x","at":true}', "\x00")
    journal.path.write_text("\n".join(wrong) + "\n" + LINE)
    journal.path.chmod(0o600)
    assert [entry.id for entry in journal_file.read(journal.path)] == ["r-9"]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "written by others", "too large"])
def test_a_file_that_others_may_have_made_is_neither_read_nor_written(journal, tmp_path, kind, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(LINE)
    if kind == "link":
        journal.path.symlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(journal.path)
    elif kind == "folder":
        journal.path.mkdir()
    elif kind == "written by others":
        journal.path.write_text(LINE)
        journal.path.chmod(0o620)
    else:
        monkeypatch.setattr(journal_file, "MAX_BYTES", len(LINE) - 1)
        journal.path.write_text(LINE)
    with pytest.raises(OSError):
        journal_file.read(journal.path)
    with pytest.raises(OSError):
        journal.append([ONE])
    assert elsewhere.read_text() == LINE
    assert kind != "written by others" or journal.path.read_text() == LINE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else_is_not_believed(journal):
    journal.path.write_text(LINE)
    journal.path.chmod(0o600)
    os.chown(journal.path, 65534, 65534)
    with pytest.raises(OSError, match="another user"):
        journal_file.read(journal.path)
