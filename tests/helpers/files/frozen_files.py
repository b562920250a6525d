"""Databases as older versions have left them, frozen in `tests/cases`, and what those versions told of them."""

import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from rundun.store.sqlite.database_file import OWNER_ONLY

CASES = Path(__file__).parents[2] / "cases"
OURS = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"


def thawed(folder: Path, schema: int) -> Any:
    """Lay the database of that schema into `folder`, as its version left it; returns what that version told of it."""
    with tarfile.open(CASES / f"schema_{schema}.tar.xz") as archive:
        for name in archive.getnames():
            file = archive.extractfile(name)
            assert file
            path = folder / name
            path.touch(OWNER_ONLY)
            path.write_bytes(file.read())
    return json.loads(folder.joinpath("told.json").read_bytes())


def contents(path: Path) -> dict[tuple[str, str], list[Any]]:
    """Return each column of each table, by their names."""
    with closing(sqlite3.connect(path)) as db:
        names = [(table, row[1]) for (table,) in db.execute(OURS).fetchall() for row in _columns(db, table)]
        return {(table, name): _values(db, table, name) for table, name in names}


def _columns(db: sqlite3.Connection, table: str) -> list[Any]:
    return db.execute(f"PRAGMA table_info ({table})").fetchall()


def _values(db: sqlite3.Connection, table: str, name: str) -> list[Any]:
    key = ", ".join(row[1] for row in _columns(db, table) if row[5]) or "rowid"
    return db.execute(f"SELECT {key}, {name} FROM {table} ORDER BY {key}").fetchall()


def missing(then: Any, now: Any, at: str = "") -> Iterator[str]:
    """Say all that an answer said then and does not say now; it may say more."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name, value in then.items():
            yield from missing(value, now.get(name, "nothing"), f"{at}/{name}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from missing(one, other, f"{at}/{number}")
    elif then != now:
        yield f"{at}: {then!r} is {now!r}"
