"""Whether a file is a whole database of ours, before it is put in the place of one."""

import os
import re
import sqlite3
import stat
import struct
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from rundun.errors import Problem
from rundun.store.sqlite import connection
from rundun.store.sqlite.connection import APPLICATION_ID

_MAGIC = b"SQLite format 3\0"
_HEADER = struct.Struct(">16sH10xI28xI4xI20xI4x")  # see https://www.sqlite.org/fileformat.html, section 1.3
_NAMED = 5  # of what is wrong


def require_header(copy: Path, database: Path) -> None:
    """Refuse what can't be a copy of a database of ours, by what a look at the file's first page tells: in no time,
    and without a lock.
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
        raise Problem("unavailable", f"{copy} is not whole: of {size} bytes {found.st_size} are there.")


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
    newest = connection.shipped()[-1][0]
    if application != APPLICATION_ID or not schema:
        raise Problem("unavailable", f"{copy} is no Rundun database.")
    if schema > newest:
        raise Problem("unavailable", f"{copy} was written by a newer Rundun (schema {schema}, this knows {newest}).")


def require_database(db: sqlite3.Connection, copy: Path) -> None:
    """Refuse an open file that is damaged, or has another schema than a database of its version: all of it is read.
    `copy` is what the file is called in the sentence.
    """
    schema = int(db.execute("PRAGMA user_version").fetchone()[0])
    _require_ours(copy, int(db.execute("PRAGMA application_id").fetchone()[0]), schema)
    _require_schema(db, copy, schema)
    damage = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({_NAMED})").fetchall()]
    if damage != ["ok"]:
        raise Problem("unavailable", f"{copy} is damaged: {'; '.join(damage)[:500]}.")
    if rows := db.execute("PRAGMA foreign_key_check").fetchmany(_NAMED):
        tables = ", ".join(sorted({f"{row[0]} of {row[2]}" for row in rows}))
        raise Problem("unavailable", f"{copy} is not whole: rows are missing that others belong to ({tables}).")


class _Object(NamedTuple):
    """A table, index, view or trigger as `sqlite_master` has it; `sql` is None for an index that a constraint makes."""

    kind: str
    name: str
    table: str
    sql: str | None


_SERVICE_STATE = _Object(  # as `restore` makes it in older files, whose migration then leaves it
    "table",
    "service_state",
    "service_state",
    "CREATE TABLE service_state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
# What SQLite and Litestream make: columns without a type or with a plain one, and nothing that is ever run.
_OF_OTHERS = re.compile(
    r"CREATE TABLE (sqlite_sequence|sqlite_stat[14]|_litestream_(?:seq|lock)) ?\([a-z]+( (integer|primary|key))*"
    r"(, ?[a-z]+( integer)?)*\)",
    re.ASCII | re.IGNORECASE,
)


def _require_schema(db: sqlite3.Connection, copy: Path, schema: int) -> None:
    """Refuse a file that has anything less, more or else than the migrations to its schema make: a trigger would be at
    work from then on, and make good that a key was revoked, or keep what is erased.
    """
    expected, found = _expected(schema), _objects(db)
    if found.pop(_SERVICE_STATE, 0):
        expected = Counter(one for one in expected if one.name != _SERVICE_STATE.name)
    if missing := {one.name for one in expected} - {one.name for one in found}:
        raise Problem("unavailable", f"{copy} is not whole: {', '.join(sorted(missing)[:_NAMED])} is not in it.")
    if others := [f"{one.kind} {one.name}" for one in found - expected if not _is_of_others(one)]:
        names = ", ".join(sorted(others)[:_NAMED])
        raise Problem("unavailable", f"{copy} has what no Rundun has put there: {names}.")


def _is_of_others(one: _Object) -> bool:
    match = _OF_OTHERS.fullmatch(one.sql or "")
    return match is not None and (one.kind, one.name, one.table) == ("table", match[1], match[1])


def _expected(schema: int) -> Counter[_Object]:
    """Return all that a database of a schema has. The migrations that made it were other versions', of which nothing
    may be changed, not even the white space.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for number, sql in connection.shipped():
            if number <= schema:
                db.executescript(sql)
        return _objects(db)


def _objects(db: sqlite3.Connection) -> Counter[_Object]:
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return Counter(_Object(*row) for row in rows)
