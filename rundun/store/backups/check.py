"""Checks that a file is a complete Rundun database, before it is restored.

Its schema is compared with the one that the migrations make, since a schema is code: a trigger in it would run from
then on. It could undo the revocation of a key, or keep erased data, and no check of the pages finds it.
"""

import os
import re
import sqlite3
import stat
import struct
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

from rundun.errors import Problem
from rundun.store.sqlite import connection
from rundun.store.sqlite.connection import APPLICATION_ID

_MAGIC = b"SQLite format 3\0"
_HEADER = struct.Struct(">16sH10xI28xI4xI20xI4x")  # see https://www.sqlite.org/fileformat.html, section 1.3
_NAMED = 5  # findings in a message, at most


def require_header(copy: Path, database: Path) -> None:
    """Raise a Problem where the header of the file shows that it is no copy of a Rundun database, or is incomplete.
    This is fast and needs no lock.
    """
    try:
        found = os.stat(copy)
        _require_file(copy, database, found)
        with open(os.open(copy, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            header = file.read(_HEADER.size)
    except FileNotFoundError:
        raise Problem("not_found", f"There is no file {copy}.") from None
    except OSError as error:
        raise Problem("unavailable", f"{copy} can't be read: {error.strerror}.") from None
    if not found.st_size:
        raise Problem("unavailable", f"{copy} is empty.")
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise Problem("unavailable", f"{copy} is no SQLite database, or is encrypted.")
    _, page_size, pages, schema, application, _ = _HEADER.unpack(header)
    _require_ours(copy, application, schema)
    size = pages * (65536 if page_size == 1 else page_size)
    if found.st_size < size:
        raise Problem("unavailable", f"{copy} is incomplete: it has {found.st_size} of {size} bytes.")


def _require_file(copy: Path, database: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise Problem("unavailable", f"{copy} is a folder; name the file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise Problem("unavailable", f"{copy} is no regular file.")
    try:
        is_database = os.path.samestat(found, os.stat(database))
    except OSError:
        is_database = False
    if is_database:
        raise Problem("unavailable", f"{copy} is the database itself.")
    for beside in (f"{copy}-wal", f"{copy}-journal"):
        if os.path.exists(beside) and os.stat(beside).st_size:
            raise Problem(
                "unavailable",
                f"{copy} has a log beside it, {beside}: it is a database in use, or a copy made by hand, of which a "
                "part is in that log. Make a copy of it with “rundun backup”, and restore that one.",
            )


def _require_ours(copy: Path, application: int, schema: int) -> None:
    newest = connection.list_migrations()[-1][0]
    if application != APPLICATION_ID or not schema:
        raise Problem("unavailable", f"{copy} is no Rundun database.")
    if schema > newest:
        raise Problem("unavailable", f"{copy} was written by a newer Rundun (schema {schema}, this knows {newest}).")


def require_database(db: sqlite3.Connection, copy: Path) -> None:
    """Raise `unavailable` where an open file is damaged, or has another schema than its version. This reads all of it.
    `copy` is the name of the file in the message.
    """
    schema = int(db.execute("PRAGMA user_version").fetchone()[0])
    _require_ours(copy, int(db.execute("PRAGMA application_id").fetchone()[0]), schema)
    _require_schema(db, copy, schema)
    damage = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({_NAMED})").fetchall()]
    if damage != ["ok"]:
        raise Problem("unavailable", f"{copy} is damaged: {'; '.join(damage)[:500]}.")
    if rows := db.execute("PRAGMA foreign_key_check").fetchmany(_NAMED):
        tables = ", ".join(sorted({f"{row[0]} of {row[2]}" for row in rows}))
        raise Problem("unavailable", f"{copy} is incomplete: it lacks rows that others refer to ({tables}).")


class _Object(NamedTuple):
    """A row of `sqlite_master`: a table, index, view or trigger with its SQL, without comments and white space; "" for
    the index of a constraint.
    """

    kind: str
    name: str
    table: str
    sql: str


def _objects(db: sqlite3.Connection) -> set[_Object]:
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return {_Object(kind, name, table, _without_space(sql or "")) for kind, name, table, sql in rows}


def _without_space(text: str) -> str:
    """Return SQL without `--` comments and without white space."""
    return "".join(re.sub("--.*", "", text).split())


# Other tables that a file may have: those of SQLite and of Litestream, and the one that `restore` makes in older files.
# None of them has code.
_OTHERS = frozenset(
    _Object("table", name, name, _without_space(f"CREATE TABLE {name} {columns}"))
    for name, columns in {
        "sqlite_sequence": "(name, seq)",
        "sqlite_stat1": "(tbl, idx, stat)",
        "sqlite_stat4": "(tbl, idx, neq, nlt, ndlt, sample)",
        "_litestream_seq": "(id INTEGER PRIMARY KEY, seq INTEGER)",
        "_litestream_lock": "(id INTEGER)",
        "service_state": "(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    }.items()
)


def _require_schema(db: sqlite3.Connection, copy: Path, schema: int) -> None:
    """Raise `unavailable` unless the file has the same schema as the migrations make, white space aside."""
    expected, found = _expected(schema), _objects(db)
    if missing := {one.name for one in expected} - {one.name for one in found}:
        raise Problem("unavailable", f"{copy} is incomplete: it lacks {', '.join(sorted(missing)[:_NAMED])}.")
    if others := [f"{one.kind} {one.name}" for one in found - expected - _OTHERS]:
        names = ", ".join(sorted(others)[:_NAMED])
        raise Problem("unavailable", f"{copy} has a schema that no Rundun has made: {names}.")


@cache
def _expected(schema: int) -> set[_Object]:
    """Return what the migrations make, up to the number of a schema."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        for number, sql in connection.list_migrations():
            if number <= schema:
                empty.executescript(sql)
        return _objects(empty)
