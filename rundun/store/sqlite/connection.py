"""Connections to the file: one writer, read-only readers; and the migrations of the schema."""

import json
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from importlib import resources
from pathlib import Path

from rundun.errors import Problem
from rundun.store.sqlite.database_file import OWNER_ONLY, translate_errors

APPLICATION_ID = 0x52754E64  # "RuNd" in the file's header, by which `file` and Rundun recognise it
BUSY_MILLISECONDS = 5000
TOKENIZER = "trigram case_sensitive 1"  # for searches, see migrations/0023_search.sql
SQLITE = sqlite3.sqlite_version  # of the library
_log = logging.getLogger("rundun.store")
Migrations = Sequence[tuple[int, str]]  # numbered from 1 without gaps, each with its SQL


@cache
def list_migrations() -> Migrations:
    """List the migrations of this version of Rundun as (number, SQL), in ascending order."""
    return tuple(
        sorted(
            (int(file.name[:4]), file.read_text("utf-8"))
            for file in resources.files("rundun.store").joinpath("migrations").iterdir()
            if file.name.endswith(".sql")
        )
    )


class _LeavingCheckpoints(sqlite3.Connection):
    """A writer that makes no checkpoint when it is closed. SQLite makes one when the last connection is closed, unless
    this one is read-only, so `close` opens a reader. (`SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE` needs Python 3.12.)
    """

    path: Path

    def close(self) -> None:
        """Close the connection and leave the log as it is."""
        with ExitStack() as stack:
            try:
                last = stack.enter_context(closing(_connect(self.path, "ro")))
                last.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from now on it shares the file's lock
            except sqlite3.Error:  # the file was deleted
                pass
            super().close()


def open_writer(
    path: Path, migrations: Migrations | None = None, *, external_checkpoints: bool = False
) -> sqlite3.Connection:
    """Open and return the connection that writes and makes checkpoints, migrated to the newest schema. The caller has
    the `Lock`. With `external_checkpoints` another program makes them, and this connection none, not even when it is
    closed. Raises `unavailable` for a file that is not Rundun's, is newer, or can't be opened.
    """
    with translate_errors(path):
        if not path.exists():  # an existing file must not be opened and closed here, see database_file.py
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY))
        db = _connect(path, "rw", _LeavingCheckpoints if external_checkpoints else sqlite3.Connection)
        try:
            if external_checkpoints:
                db.execute("PRAGMA wal_autocheckpoint = 0")
            version = read_schema(db, path, migrations := migrations or list_migrations())
            for pragma in (
                "page_size = 8192",  # this and the next only work before the first table
                "auto_vacuum = INCREMENTAL",
                "journal_mode = WAL",
                "synchronous = FULL",  # an answered write is on the disk
                "foreign_keys = ON",
                "journal_size_limit = 67108864",
                "secure_delete = ON",  # deleted rows are overwritten in the file
                "temp_store = MEMORY",  # savepoints write no temporary files
                "cache_size = -32768",
            ):
                db.execute(f"PRAGMA {pragma}")
            migrate(db, path, version, migrations)
        except BaseException:
            db.close()
            raise
    return db


def open_reader(path: Path, *, is_older_taken: bool = False) -> sqlite3.Connection:
    """Open and return a connection that can neither write nor make checkpoints. Raises `unavailable` for a file that is
    missing or not Rundun's, and for another schema than this version's, except for an older one with `is_older_taken`.
    """
    with translate_errors(path):
        db = _connect(path, "ro")
        try:
            migrations = list_migrations()
            version = read_schema(db, path, migrations)
            if version < migrations[-1][0] and not is_older_taken:
                raise Problem("unavailable", f"{path} was written by an older Rundun; serve it once with this one.")
            db.execute("PRAGMA query_only = ON")
        except BaseException:
            db.close()
            raise
    return db


@contextmanager
def open_snapshot(path: Path, *, is_older_taken: bool = False) -> Iterator[sqlite3.Connection]:
    """Yield a connection as `open_reader` returns it, whose queries all see the state of this moment; close it at the
    end. Until then the log is not emptied.
    """
    with closing(open_reader(path, is_older_taken=is_older_taken)) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the first read begins the transaction
        yield db


def is_in_use(path: Path) -> bool:
    """Tell whether the file is a database of this version or an older one, with an organization; False for a missing or
    empty file. Raises `unavailable` for a file that is not Rundun's, and for a newer one.
    """
    with translate_errors(path):
        if not path.exists() or not path.stat().st_size:
            return False
        with closing(open_reader(path, is_older_taken=True)) as db:
            if not db.execute("PRAGMA user_version").fetchone()[0]:
                return False
            return bool(db.execute("SELECT EXISTS (SELECT 1 FROM organizations)").fetchone()[0])


def _connect(path: Path, mode: str, kind: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        factory=kind,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    if isinstance(db, _LeavingCheckpoints):
        db.path = path
    db.row_factory = sqlite3.Row
    guard_schema(db)
    db.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    db.execute("PRAGMA mmap_size = 0")  # SQLite before 3.51.3 can corrupt a WAL file otherwise
    return db


def guard_schema(db: sqlite3.Connection) -> None:
    """Forbid the file's schema to call functions with side effects. SQLite 3.40, as in Debian 12, counts its own JSON
    functions among these and takes NULL for invalid JSON: there the schema is trusted, with a `json_valid` of ours.
    """
    if _distrusts_json():
        db.create_function("json_valid", 1, _json_valid, deterministic=True)
    else:
        db.execute("PRAGMA trusted_schema = OFF")


@cache
def _distrusts_json() -> bool:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("PRAGMA trusted_schema = OFF")
        try:
            db.execute("CREATE TABLE texts (text CHECK (json_valid(text)))")
            db.execute("INSERT INTO texts VALUES (NULL)")
        except sqlite3.Error:
            return True
    return False


def _json_valid(text: str | None) -> bool | None:
    try:
        return None if text is None else (json.loads(text), True)[1]
    except ValueError:
        return False


def read_schema(db: sqlite3.Connection, path: Path, migrations: Migrations) -> int:
    """Return the number of the schema, 0 for an empty file. Raises `unavailable` for a newer schema and for a file that
    is not Rundun's, before anything in it is changed.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    newest = migrations[-1][0]
    if application != APPLICATION_ID and (application or version or tables):
        raise Problem("unavailable", f"{path} is no Rundun database.")
    if version > newest:
        raise Problem("unavailable", f"{path} was written by a newer Rundun (schema {version}, this knows {newest}).")
    return version


def migrate(db: sqlite3.Connection, path: Path, version: int, migrations: Migrations) -> None:
    """Apply the missing migrations, each in a transaction; a copy from before them is in `<path>.schema-<version>`."""
    newest = migrations[-1][0]
    snapshot = Path(f"{path.resolve()}.schema-{version}") if 0 < version < newest else None
    if version < newest:
        _require_search()
    if snapshot:
        _take_snapshot(db, snapshot)  # where `copies` looks for it
    for number, sql in migrations:
        if number > version:
            script = f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\n"
            db.executescript(f"{script}PRAGMA application_id = {APPLICATION_ID};\nCOMMIT;")
    for name in ("signing", "device"):  # see signing_key.py
        db.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, secrets.token_bytes(32)))
    if snapshot:
        told = {"from": version, "to": newest, "snapshot": str(snapshot)}
        _log.info("database.migrated", extra={"fields": told})  # see logs.py, which the store does not know


def _require_search() -> None:
    """Raise `unavailable` for an SQLite without full-text search, before anything in the file is changed."""
    with closing(sqlite3.connect(":memory:")) as db:
        try:
            db.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = '{TOKENIZER}')")
        except sqlite3.Error as error:
            needs = "Rundun needs one with FTS5, from 3.40 on, as Python comes with on all common systems."
            raise Problem(
                "unavailable", f"The SQLite of this Python ({SQLITE}) can't search: {error}. {needs}"
            ) from None


def _take_snapshot(db: sqlite3.Connection, snapshot: Path) -> None:
    """Copy the database to `snapshot` before the migrations; only its owner may read it, as it holds all secrets."""
    part = Path(f"{snapshot}.part")
    file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, OWNER_ONLY)
    try:
        db.execute("VACUUM INTO ?", (str(part),))
        os.fsync(file)
        part.replace(snapshot)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
