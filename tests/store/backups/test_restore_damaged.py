"""Files that can't be restored: each is refused with a sentence, and nothing is touched."""

import os
import random
import re
import shutil
import sqlite3
import struct
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from rundun.errors import Problem
from rundun.store.sqlite.connection import APPLICATION_ID, open_writer
from tests.helpers.files.restoring import Files, add_organization, make_files

PAGE = 8192


@pytest.fixture
def files(tmp_path):
    return make_files(tmp_path)


def cut(copy, size):
    os.truncate(copy, size if size >= 0 else copy.stat().st_size + size)


def overwrite(copy, at, data):
    with copy.open("r+b") as file:
        file.seek(at)
        file.write(data)


def page_of(copy, name):
    """Return where the root page of a table or index begins."""
    with closing(sqlite3.connect(copy)) as db:
        return (db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0] - 1) * PAGE


def sql(copy, *statements):
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def half_copy(copy):
    """Copy the file of a database in use without its log."""
    live = copy.with_name("live.db")
    with closing(open_writer(live)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        db.execute("PRAGMA wal_autocheckpoint = 0").close()
        for number in range(2000):
            add_organization(db, f"{number} {'of many ' * 20}")
        db.execute("VACUUM").close()
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        shutil.copyfile(live, copy)  # whole so far; what is written now is half in the file, half in the log
        before = live.read_bytes()
        db.execute("DELETE FROM organizations WHERE id < 'org-5'").close()
        db.execute("VACUUM").close()
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        after = live.read_bytes()
    copy.write_bytes(after[: len(after) // 2] + before[len(after) // 2 :])
    for each in copy.parent.glob("live.db*"):
        each.unlink()


def never_checkpointed(copy):
    """Copy the file of a database that has all it holds in its log."""
    live = copy.with_name("live.db")
    with closing(sqlite3.connect(live, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 20")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        db.execute("CREATE TABLE organizations (id TEXT)")
        shutil.copyfile(live, copy)
    live.unlink()


def with_its_log(copy):
    copy.with_name("copy.db-wal").write_bytes(b"something")


def gone_rows(copy):
    sql(
        copy,
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO keys (id, org_id, name, digest, created_at) VALUES ('k', 'none', '', x'00', 0)",
    )


def index_that_lacks_a_row(copy):
    with closing(sqlite3.connect(copy)) as db:
        row = db.execute("SELECT * FROM sqlite_master WHERE name = 'keys_of_org'").fetchone()
    sql(copy, "PRAGMA writable_schema = ON", "DELETE FROM sqlite_master WHERE name = 'keys_of_org'")
    sql(copy, "INSERT INTO keys (id, org_id, name, digest, created_at) SELECT 'k', id, '', x'00', 0 FROM organizations")
    with closing(sqlite3.connect(copy)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)
        db.commit()


def other(copy):
    copy.unlink()
    with closing(sqlite3.connect(copy)) as db:
        db.execute("CREATE TABLE notes (text)")


def encrypted(copy):
    copy.write_bytes(random.Random(7).randbytes(10 * PAGE))


def folder(copy):
    copy.unlink()
    copy.mkdir()


def loop(copy):
    copy.unlink()
    copy.symlink_to(copy)


def fifo(copy):
    copy.unlink()
    os.mkfifo(copy)


def made(statement):
    return lambda copy: sql(copy, statement)


def rewritten(copy):
    """Give a table of ours another constraint, without a trace in the names."""
    sql(
        copy,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'may_erase INTEGER NOT NULL DEFAULT 0', "
        "'may_erase INTEGER NOT NULL DEFAULT 1') WHERE name = 'keys'",
    )


def swallowed(copy):
    """Let a comment in a table of ours go on through the next line, so that a column is no more."""
    with closing(sqlite3.connect(copy)) as db:
        (table,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'templates'").fetchone()
        db.execute("PRAGMA writable_schema = ON")
        changed = re.sub(r"(--[^\n]*)\n", r"\1 ", table, count=1)
        db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'templates'", (changed,))
        db.commit()
    assert changed != table


def swapped(copy):
    """Make a table of a name that others' tables have, which is at work all the same."""
    sql(copy, "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER DEFAULT (random()))")


REVIVED = """CREATE TRIGGER revived AFTER UPDATE OF revoked_at ON keys BEGIN
  UPDATE keys SET revoked_at = NULL WHERE id = new.id; END"""


def lost_table(copy):
    sql(copy, "PRAGMA foreign_keys = OFF", "DROP TABLE deliveries")


DAMAGED = {
    "missing": (Path.unlink, "There is no file"),
    "empty": (lambda copy: cut(copy, 0), "is empty"),
    "folder": (folder, "is a folder"),
    "symlink loop": (loop, "can't be read: Too many levels"),
    "fifo": (fifo, "is no regular file"),
    "text": (lambda copy: copy.write_text("Dear diary, " * 1000), "is no SQLite database"),
    "short text": (lambda copy: copy.write_text("no"), "is no SQLite database"),
    "encrypted": (encrypted, "is no SQLite database, or is encrypted"),
    "compressed": (lambda copy: copy.write_bytes(b"\x1f\x8b\x08" + copy.read_bytes()), "is no SQLite database"),
    "header flipped": (lambda copy: overwrite(copy, 0, b"rqlite"), "is no SQLite database"),
    "cut in the header": (lambda copy: cut(copy, 60), "is no SQLite database"),
    "cut in a page": (lambda copy: cut(copy, 5 * PAGE + 100), "is incomplete"),
    "cut between pages": (lambda copy: cut(copy, 6 * PAGE), "is incomplete"),
    "cut by a byte": (lambda copy: cut(copy, -1), "is incomplete"),
    "another database": (other, "is no Rundun database"),
    "another application": (lambda copy: overwrite(copy, 68, struct.pack(">I", 1)), "is no Rundun database"),
    "no schema": (lambda copy: overwrite(copy, 60, struct.pack(">I", 0)), "is no Rundun database"),
    "a newer schema": (lambda copy: overwrite(copy, 60, struct.pack(">I", 999)), "was written by a newer Rundun"),
    "wrong page size": (lambda copy: overwrite(copy, 16, struct.pack(">H", 512)), "is"),
    "zero pages": (lambda copy: overwrite(copy, page_of(copy, "organizations"), bytes(PAGE)), "is damaged"),
    "zero schema": (lambda copy: overwrite(copy, 100, bytes(PAGE - 100)), "is"),
    "garbage in a page": (lambda copy: overwrite(copy, page_of(copy, "templates"), b"\xff" * PAGE), "is damaged"),
    "index torn": (lambda copy: overwrite(copy, page_of(copy, "keys_of_org"), b"\x0a\0\0\0\x09"), "is damaged"),
    "index that lacks a row": (index_that_lacks_a_row, "is damaged"),
    "table missing": (lost_table, "is incomplete"),
    "trigger": (made(REVIVED), "has a schema that no Rundun has made: trigger revived"),
    "view": (made("CREATE VIEW all_keys AS SELECT * FROM keys"), "view all_keys"),
    "table": (made("CREATE TABLE erased (text)"), "table erased"),
    "index": (made("CREATE INDEX hidden ON keys (name) WHERE name GLOB 'x'"), "index hidden"),
    "table changed": (rewritten, "has a schema that no Rundun has made: table keys"),
    "line in a comment": (swallowed, "has a schema that no Rundun has made: table templates"),
    "table of a name of others": (swapped, "table _litestream_seq"),
    "rows missing": (gone_rows, "is incomplete: it lacks rows"),
    "with its log beside": (with_its_log, "has a log beside it"),
    "half of a database in use": (half_copy, "is damaged"),
    "without the log that has all": (never_checkpointed, "is incomplete"),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_file_is_refused_and_nothing_is_touched(files, how):
    damage, sentence = DAMAGED[how]
    damage(files.copy)
    before = files.around()
    with pytest.raises(Problem, match=sentence) as refused:
        files.restore()
    assert str(refused.value).startswith((str(files.copy), "There is no file")) and str(refused.value).endswith(".")
    assert files.around() == before


def test_a_damaged_file_is_refused_where_there_was_no_database_and_none_is_left(files):
    files.database.unlink()
    cut(files.copy, 6 * PAGE)
    with pytest.raises(Problem):
        files.restore()
    overwrite(files.copy, 0, b"rqlite")
    with pytest.raises(Problem):
        files.restore()
    assert files.around() == {}


@pytest.mark.parametrize("by", ["itself", "hard link", "symbolic link"])
def test_the_database_itself_is_refused(files, by):
    files.copy.unlink()
    {"itself": shutil.copy, "hard link": os.link, "symbolic link": os.symlink}[by](files.database, files.copy)
    copy = files.database if by == "itself" else files.copy
    with pytest.raises(Problem, match="is the database itself"):
        Files(files.database, copy).restore()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_file_that_can_not_be_read_is_refused(files):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        copy = Path(shutil.copy(files.copy, folder))
        copy.chmod(0)
        os.seteuid(65534)
        try:
            with pytest.raises(Problem, match="can't be read: Permission denied"):
                Files(files.database, copy).restore()
        finally:
            os.seteuid(0)
