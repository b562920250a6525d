"""`python tests/helpers/files/killed_upgrades.py FOLDER`: upgrades copies of the database in `FOLDER/before`, and is
killed meanwhile, in one at each moment: before the copy is taken, before each transaction begins and is committed, and
at the end. Each copy is left as it was then, in a folder named by the moment's number.

A process of its own, since it forks; a fork dies at a statement, so no time decides.
"""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from rundun.store.sqlite import connection

MOMENTS = ("VACUUM", "BEGIN", "COMMIT", "INSERT")


def main(folder: Path) -> None:
    """Find all moments in one copy, and be killed at each in another."""
    made: list[str] = []
    _upgrade(_copy(folder, "whole"), made.append)
    for number, statement in enumerate(made):
        if statement.split()[0].rstrip(";") in MOMENTS:
            path = _copy(folder, str(number))
            if (child := os.fork()) == 0:
                _upgrade(path, _killing(number))
                os._exit(1)
            assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def _copy(folder: Path, name: str) -> Path:
    shutil.copytree(folder / "before", folder / name)
    return folder / name / "rundun.db"


def _killing(number: int) -> Callable[[str], None]:
    """Make a function that ends the process at the statement of that number."""
    left = iter(range(number))

    def note(statement: str) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return note


def _upgrade(path: Path, note: Callable[[str], None]) -> None:
    """Open a database as the service does; `note` hears of each statement before it is done."""
    connect = connection._connect

    def noted(path: Path, mode: str, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
        db = connect(path, mode, factory)
        db.set_trace_callback(note)
        return db

    connection._connect = noted
    connection.open_writer(path).close()
    connection._connect = connect


if __name__ == "__main__":
    main(Path(sys.argv[1]))
