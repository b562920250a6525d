"""A database without a service, and the threads of its connections."""

import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from rundun.store.database import Database
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.connection import open_writer
from rundun.store.sqlite.database_file import OWNER_ONLY
from rundun.store.sqlite.transaction import Tx
from tests.helpers.patience import PATIENCE
from tests.helpers.service import PUBLIC_URL, Clock

MIB = 1024 * 1024


def make_empty(path: Path) -> None:
    """A database with nothing in it, of the newest schema, as the first command or start makes one."""
    path.touch(OWNER_ONLY)
    path.write_bytes(_empty())


@cache
def _empty() -> bytes:
    """All migrations are made once a process: they take longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rundun.db"
        open_writer(path).close()
        return path.read_bytes()


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    """The database at `path`, made if it is not there, with a clock of its own."""
    if not path.exists():
        make_empty(path)
    one = await Database.open(path, clock=Clock(), public_url=PUBLIC_URL, grace=0)
    try:
        yield one
    finally:
        await one.close()


def note(tx: Tx, name: str) -> str:
    """The smallest thing there is to keep."""
    organization_rows.add(tx, name)
    return name


def connection_threads() -> set[threading.Thread]:
    """The threads that keep a process alive: one for each open connection."""
    return {one for one in threading.enumerate() if "_connection_worker_thread" in one.name}


def assert_ended(threads: set[threading.Thread]) -> None:
    for one in threads:
        one.join(PATIENCE)
        assert not one.is_alive()


def noted(tx: Tx) -> list[str]:
    """What has been kept, in the order it was written: ids are random, so by a clock that stands still only names."""
    return sorted(one.name for one in organization_rows.list_all(tx))
