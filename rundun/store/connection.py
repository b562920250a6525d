"""Opening the file: one writer under a lock, read-only readers, and the migrations between versions."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from importlib import resources
from pathlib import Path

from rundun.errors import Problem

APPLICATION_ID = 0x52754E64  # "RuNd" in the file's header, so that `file` and we know our own
BUSY_MILLISECONDS = 5000


class Lock:
    """The right to write to a database: an flock on a file beside it, held until closed or the process ends."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise Problem("unavailable", f"Another process is serving {path}.") from None

    def close(self) -> None:
        """Let the next one have it."""
        os.close(self._file)


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes and checkpoints, migrated to the newest schema. Hold the `Lock` first."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    db.row_factory = sqlite3.Row
    try:
        for pragma in (
            f"busy_timeout = {BUSY_MILLISECONDS}",
            "page_size = 8192",  # the first two only count before the first table
            "auto_vacuum = INCREMENTAL",
            "journal_mode = WAL",
            "synchronous = FULL",  # an answered request is on the disk
            "foreign_keys = ON",
            "journal_size_limit = 67108864",
            "trusted_schema = OFF",
            "mmap_size = 0",  # SQLite before 3.51.3 can corrupt a WAL file otherwise
            "cache_size = -32768",
        ):
            db.execute(f"PRAGMA {pragma}")
        migrate(db, path)
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint."""
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    db.row_factory = sqlite3.Row
    db.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    db.execute("PRAGMA query_only = ON")
    db.execute("PRAGMA mmap_size = 0")
    return db


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date, one transaction a step; refuses a newer file and one that is not ours."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    steps = sorted(
        (int(file.name[:4]), file.read_text("utf-8"))
        for file in resources.files("rundun.store").joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    )
    newest = steps[-1][0]
    if application != APPLICATION_ID and (application or tables):
        raise Problem("unavailable", f"{path} is no Rundun database.")
    if version > newest:
        raise Problem(
            "unavailable", f"{path} was written by a newer Rundun (schema {version}, this knows {newest})."
        )
    if 0 < version < newest:
        db.execute("VACUUM INTO ?", (f"{path}.schema-{version}",))
    for number, sql in steps:
        if number > version:
            script = f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\n"
            db.executescript(f"{script}PRAGMA application_id = {APPLICATION_ID};\nCOMMIT;")
    db.execute("INSERT OR IGNORE INTO secrets VALUES ('signing', ?)", (secrets.token_bytes(32),))


def signing_key(db: sqlite3.Connection) -> bytes:
    """The key for cookies and media addresses; it lives and travels with the database."""
    return bytes(db.execute("SELECT value FROM secrets WHERE name = 'signing'").fetchone()[0])
