"""Databases to restore: small ones, whole copies of them, and a running Rundun that goes back to one."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from rundun.store.backups import backup
from rundun.store.backups.restore import restore
from rundun.store.sqlite.connection import open_writer
from tests.helpers.files.database import make_empty
from tests.helpers.service import Clock, World, world

NOW = 1_767_312_000_000  # 2026-01-02, in milliseconds


def make_database(path: Path, *names: str) -> Path:
    """A database with organizations of these names, closed."""
    make_empty(path)
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


def back_up(w: World) -> Path:
    """A backup of a running Rundun, in the folder for them."""
    folder = w.settings.database.path.parent / "backups"
    folder.mkdir(exist_ok=True)
    backup.make(w.settings.database.path, folder / "backup.db")
    return folder / "backup.db"


@asynccontextmanager
async def restored(
    before: World, copy: Path, folder: Path | None = None, *, is_live: bool = True, **flags: Any
) -> AsyncIterator[World]:
    """A Rundun that has ended, an hour later, with a copy in its database's place; or another one's, in `folder`. Acme
    and Globex have the keys they had.
    """
    clock = Clock(before.clock.now)
    clock.forward(hours=1)
    folder = folder or before.settings.database.path.parent
    restore(folder / "rundun.db", copy, clock.now, is_live=is_live)
    async with world(folder, clock, **flags) as w:
        w.acme, w.globex, w.acme_id = _as(w, before.acme), _as(w, before.globex), before.acme_id
        yield w


def _as(w: World, client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return w.browser(authorization=client.headers["authorization"])
