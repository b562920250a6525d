"""A backup that is killed at any moment: what has a backup's name is one, and the next backup clears up."""

import os
import sqlite3
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pytest

from rundun.store.backups import backup
from rundun.store.sqlite import connection
from tests.helpers.files.database import MIB
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.forking import fork_context

KILLS_IN_ALL = 50
FEW = 3
BYTES = 10 * MIB


def _back_up(database: Path, target: Path, begun: Connection) -> None:
    begun.send_bytes(b"now")
    backup.make(database, target)


def _run(database: Path, target: Path, seconds: float | None) -> float:
    """Make a backup in a process of its own, which is killed after so many seconds; returns how many it took."""
    context = fork_context()
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=_back_up, args=(database, target, writing))
    process.start()
    assert reading.recv_bytes()
    began = time.monotonic()
    process.join(PATIENCE if seconds is None else seconds)
    if seconds is None:
        assert process.exitcode == 0
    process.kill()
    process.join(PATIENCE)
    took = time.monotonic() - began
    for one in (process, reading, writing):
        one.close()
    return took


def _kill(folder: Path, kills: int) -> None:
    database, backups, rng = folder / "rundun.db", folder / "backups", Random(os.environ.get("CRASH_SEED", "1"))
    backups.mkdir()
    with closing(connection.open_writer(database)) as db:
        db.execute("CREATE TABLE large AS SELECT randomblob(?)", (BYTES,))
        took = _run(database, backups / "whole.db", None)
        in_time = parts = 0
        for number in range(kills):
            db.execute("INSERT INTO large VALUES (?)", (str(number),))  # a log that is not checkpointed
            target = backups / f"{number}.db"
            _run(database, target, rng.random() * took)
            parts += bool([*backups.glob("*.rundun-part")])
            if target.exists():
                in_time += 1
                assert _content(target) == number + 2, "what was committed before it began"
        assert parts, "some were killed in the middle"
        backup.make(database, backups / "last.db")
    assert _content(backups / "last.db") == kills + 1
    assert sorted(one.suffix for one in backups.iterdir()) == [".db"] * (2 + in_time), "no part is left"


def _content(path: Path) -> int:
    """Count the rows of a backup, which must be sound and its owner's alone."""
    assert path.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return int(db.execute("SELECT count(*) FROM large").fetchone()[0])


def test_a_killed_backup_has_no_name(tmp_path: Path) -> None:
    _kill(tmp_path, FEW)


@pytest.mark.crash
def test_a_backup_killed_at_fifty_moments_has_no_name(tmp_path: Path) -> None:
    """CRASH_SEED=… chooses the moments."""
    _kill(tmp_path, KILLS_IN_ALL)
