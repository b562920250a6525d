"""Databases to restore: small ones, whole copies of them, and where all that can be restored lies."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rundun.store.connection import open_writer
from rundun.store.restore import restore

NOW = 1_767_312_000_000  # 2026-01-02, in milliseconds


def make_database(path: Path, *names: str) -> Path:
    """A database with organizations of these names, closed."""
    with closing(open_writer(path)) as db:
        for name in names:
            add_organization(db, name)
    return path


def add_organization(db: sqlite3.Connection, name: str) -> None:
    db.execute("INSERT INTO organizations (id, name, credits, created_at) VALUES (?, ?, 0, 0)", (f"org-{name}", name))


def names_in(path: Path) -> list[str]:
    """The organizations in a database."""
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT name FROM organizations ORDER BY name")]


@dataclass(frozen=True)
class Files:
    """A database with Acme in it, and a copy from before, when there was only Globex."""

    database: Path
    copy: Path

    def restore(self, *, now: int = NOW, is_live: bool = False) -> Path | None:
        return restore(self.database, self.copy, now, is_live=is_live)

    def around(self) -> dict[str, bytes | None]:
        """All that lies in the database's folder, without the lock's own file."""
        found = sorted(self.database.parent.iterdir())
        return {path.name: path.read_bytes() for path in found if path.is_file() and path.suffix != ".lock"}


def make_files(folder: Path) -> Files:
    (folder / "data").mkdir()
    (folder / "backups").mkdir()
    return Files(
        make_database(folder / "data" / "rundun.db", "Acme"), make_database(folder / "backups" / "copy.db", "Globex")
    )
