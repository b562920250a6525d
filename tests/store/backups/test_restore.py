"""A copy in the place of the database: what comes back, what does not, and what lies there whenever it is cut short."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from unittest.mock import ANY

import pytest

from rundun.errors import Problem
from rundun.store.erasure import journal as erasure_journal, journal_file
from rundun.store.sqlite import service_state
from rundun.store.sqlite.connection import list_migrations, open_writer
from rundun.store.sqlite.database_file import Lock
from tests.helpers.files.restoring import NOW, add_organization, make_database, make_files, names_in
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import environment


@pytest.fixture
def files(tmp_path):
    return make_files(tmp_path)


def state(path):
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT name, value FROM service_state"))


def leave_log(path, name):
    """Add an organization that is in the log only, as after a kill: nobody has the file open."""
    live = open_writer(path)
    live.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    add_organization(live, name)
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{path}.left{suffix}")
    live.close()
    for suffix in ("", "-wal"):
        os.rename(f"{path}.left{suffix}", f"{path}{suffix}")


def test_the_copy_takes_the_place_of_the_database_which_is_kept_beside_it(files):
    kept = files.restore()
    assert names_in(files.database) == ["Globex"]
    assert kept is not None and names_in(kept) == ["Acme"]
    assert kept.name == "rundun.db.before-restore-2026-01-02T000000Z"
    assert {path.stat().st_mode & 0o777 for path in (files.database, kept)} == {0o600}
    assert set(files.around()) == {"rundun.db", kept.name}
    assert names_in(files.copy) == ["Globex"]


def test_a_second_restore_keeps_what_the_first_has_brought(files):
    first, second = files.restore(), files.restore()
    assert first != second and second is not None
    assert names_in(second) == ["Globex"]


def test_white_space_in_the_schema_is_nothing(files):
    with closing(sqlite3.connect(files.copy)) as db:
        db.execute("PRAGMA writable_schema = ON")
        changed = db.execute("UPDATE sqlite_master SET sql = replace(sql, ' INTEGER', '\t\n  INTEGER')").rowcount
        db.commit()
    assert changed > 20
    files.restore()
    assert names_in(files.database) == ["Globex"]


def test_without_a_database_there_is_one_afterwards(files):
    files.database.unlink()
    assert files.restore() is None
    assert names_in(files.database) == ["Globex"]


def test_what_the_database_has_in_its_log_is_kept_as_well(files):
    leave_log(files.database, "Initech")
    kept = files.restore()
    assert kept is not None and names_in(kept) == ["Acme", "Initech"]
    assert set(files.around()) == {"rundun.db", kept.name}


def test_a_damaged_database_is_kept_with_its_log(files):
    leave_log(files.database, "Initech")
    files.database.write_bytes(b"\xff" * 10_000)
    log = files.around()["rundun.db-wal"]
    kept = files.restore()
    assert names_in(files.database) == ["Globex"]
    around = files.around()
    assert around.pop("rundun.db") and kept is not None
    assert around == {kept.name: b"\xff" * 10_000, f"{kept.name}-wal": log}


def test_the_log_of_a_database_that_is_gone_is_kept_and_not_mixed_with_the_copy(files):
    files.database.unlink()
    files.database.with_name("rundun.db-wal").write_bytes(b"a log alone")
    files.restore()
    assert names_in(files.database) == ["Globex"]
    assert sorted(files.around().values(), key=lambda data: len(data))[0] == b"a log alone"
    assert "rundun.db-wal" not in files.around()


def test_the_log_of_another_file_is_mixed_with_none(files):
    leave_log(files.database, "Initech")
    log = files.around()["rundun.db-wal"]
    inode = files.database.stat().st_ino
    make_database(files.database.with_name("other.db"), "Umbrella")
    os.replace(files.database.with_name("other.db"), files.database)
    files.database.with_name("rundun.db.lock").write_text(f"lost inode {inode}\n")  # as the service notes it
    kept = files.restore()
    assert names_in(files.database) == ["Globex"]
    assert kept is not None and names_in(kept) == ["Umbrella"]
    others = {name: data for name, data in files.around().items() if name not in ("rundun.db", kept.name)}
    assert list(others.values()) == [log] and f"{kept.name}-wal" not in others
    with closing(Lock(files.database)):
        pass


def test_a_database_that_is_served_is_not_touched(files):
    before = files.around()
    with closing(Lock(files.database)), pytest.raises(Problem, match=r"is serving .*: stop it first"):
        files.restore()
    assert files.around() == before


def test_a_symbolic_link_leads_to_the_copy_afterwards(files, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(files.database)
    make_files_link = type(files)(link, files.copy)
    make_files_link.restore()
    assert link.is_symlink() and names_in(files.database) == ["Globex"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_restores_on_a_new_machine_what_the_service_can_open(files):
    files.database.unlink()
    os.chown(files.database.parent, 1234, 1235)
    files.copy.with_name("rundun.db.erasures").write_text('{"what":"run","id":"r-1","at":1}\n')
    files.restore()
    made = {path.name: path.stat() for path in files.database.parent.iterdir()}
    assert set(made) == {"rundun.db", "rundun.db.lock", "rundun.db.erasures"}
    assert {(found.st_uid, found.st_gid, found.st_mode & 0o777) for found in made.values()} == {(1234, 1235, 0o600)}


@pytest.mark.parametrize("schema", [1, 4, 17])
def test_a_copy_of_an_older_rundun_is_brought_up_to_date_when_it_is_opened(files, schema):
    files.copy.unlink()
    with closing(open_writer(files.copy, list_migrations()[:schema])) as db:
        add_organization(db, "Hooli")
    files.restore()
    with closing(open_writer(files.database)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == list_migrations()[-1][0]
    assert names_in(files.database) == ["Hooli"]
    assert state(files.database) == {"held_since": NOW, "event_floor": NOW * 1000, "generation": ANY}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_restores_a_file_that_the_service_can_open(files):
    os.chown(files.database, 1234, 1235)
    files.restore()
    found = files.database.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1234, 1235, 0o600)


def test_all_that_goes_out_is_held_and_numbers_of_events_go_on_above_all_given_out(files):
    files.restore()
    assert state(files.database) == {"held_since": NOW, "event_floor": NOW * 1000, "generation": ANY}
    files.restore(now=NOW - 5000, is_live=True)  # by a clock that was put back
    assert state(files.database) == {"event_floor": (NOW - 5000) * 1000, "generation": ANY}


def test_each_restore_makes_another_generation(files):
    with closing(open_writer(files.database)) as db:
        assert service_state.read_generation(db) == 0
    made = []
    for _ in range(3):
        files.restore()
        made.append(state(files.database)["generation"])
        shutil.copy(files.database, files.copy)
    assert len(set(made)) == 3
    assert all(0 < one < 2**53 for one in made)


def test_numbers_do_not_go_back_even_where_the_clock_does(files):
    with closing(open_writer(files.database)) as db:
        db.execute("INSERT INTO service_state VALUES ('event_floor', ?)", (NOW * 2000,))
    shutil.copy(files.database, files.copy)
    files.restore()
    assert state(files.database)["event_floor"] == NOW * 2000


def test_sessions_and_links_that_invite_do_not_come_back(files):
    with closing(open_writer(files.copy)) as db:
        db.execute(
            "INSERT INTO operators (id, org_id, email, name, role, password, created_at) "
            "VALUES ('u-ann', 'org-Globex', 'ann@example.com', 'Ann', 'owner', 'hash', 0)"
        )
        db.execute(
            "INSERT INTO sessions (digest, operator_id, created_at, expires_at, used_at) "
            "VALUES (x'01', 'u-ann', 0, ?, 0)",
            (2 * NOW,),
        )
        db.execute(
            "INSERT INTO invitations (digest, id, org_id, role, created_at, expires_at) "
            "VALUES (x'02', 'inv-1', 'org-Globex', 'owner', 0, ?)",
            (2 * NOW,),
        )
    files.restore()
    with closing(sqlite3.connect(files.database)) as db:
        counts = [
            db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in ("sessions", "invitations", "operators")
        ]
    assert counts == [0, 0, 1]


def test_the_journal_beside_the_copy_and_what_the_database_knows_come_together(files):
    files.copy.with_name("rundun.db.erasures").write_text('{"what":"run","id":"r-1","at":1}\n')
    with closing(open_writer(files.database)) as db:
        db.execute("INSERT INTO removed_operators VALUES ('u-2', 2)")
    files.restore()
    journal = journal_file.read(erasure_journal.journal_path(files.database))
    assert {(entry.what, entry.id) for entry in journal} == {("run", "r-1"), ("operator", "u-2")}


def test_a_journal_that_others_may_have_written_is_refused_before_anything_is_touched(files):
    before = files.database.read_bytes()
    os.mkfifo(files.copy.with_name("rundun.db.erasures"))
    with pytest.raises(Problem, match=r"The erasure journal .* can't be used: it is no plain file"):
        files.restore()
    assert files.database.read_bytes() == before


def test_a_key_revoked_before_an_upgrade_stays_revoked_though_the_restore_comes_first(files):
    files.database.unlink()
    with closing(open_writer(files.database, list_migrations()[:17])) as db:
        add_organization(db, "Acme")
        values = "('key-1', 'org-Acme', 'leaked', x'01', 0, 5)"
        db.execute(f"INSERT INTO keys (id, org_id, name, digest, created_at, revoked_at) VALUES {values}")
    files.restore()
    journal = journal_file.read(erasure_journal.journal_path(files.database))
    assert [(entry.what, entry.id) for entry in journal] == [("key", "key-1")]


# Restores in a child for each of its operations on files, and ends that child in the middle of it.
_KILLED = """
import json, os, shutil, sys
from pathlib import Path
from rundun.store.backups.restore import restore

template, folder = map(Path, sys.argv[1:])

def ends_at(last):
    seen = 0
    def hook(event, args):
        nonlocal seen
        if event.startswith(("open", "os.", "sqlite3.connect")) and any(str(folder) in str(arg) for arg in args):
            seen += 1
            if seen == last:
                os._exit(9)
    return hook

for last in range(1, 1000):
    here = folder / str(last)
    shutil.copytree(template, here)
    child = os.fork()
    if child == 0:
        sys.addaudithook(ends_at(last))
        try:
            restore(here / "data" / "rundun.db", here / "backups" / "copy.db", 1767312000000, is_live=False)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 9:
        break
print(last)
"""


def test_a_crash_at_any_moment_leaves_the_old_one_or_the_new_one_whole(tmp_path):
    template = tmp_path / "template"
    template.mkdir()
    files = make_files(template)
    leave_log(files.database, "Acme's log")
    command = [sys.executable, "-c", _KILLED, str(template), str(tmp_path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0 and not done.stderr, done.stderr
    moments = int(done.stdout)
    assert moments > 20
    old = ["Acme", "Acme's log"]
    outcomes = []
    for moment in range(1, moments + 1):
        database = tmp_path / str(moment) / "data" / "rundun.db"
        with closing(Lock(database)), closing(open_writer(database)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        outcomes.append(names_in(database))
        again = type(files)(database, database.parent.parent / "backups" / "copy.db")
        again.restore()  # what was left behind is in nobody's way
        assert names_in(database) == ["Globex"]
        assert not list(database.parent.glob("*.part*"))
    assert outcomes == sorted(outcomes) and outcomes[0] == old and outcomes[-1] == ["Globex"]
    assert all(outcome in (old, ["Globex"]) for outcome in outcomes)
