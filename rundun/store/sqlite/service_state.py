"""What the service has to remember of itself between two starts: numbers by name."""

import sqlite3

from rundun.store.sqlite.transaction import Tx

HELD_SINCE = "held_since"  # when all that goes out was held, in milliseconds
EVENT_FLOOR = "event_floor"  # the number that events go on above after a restore


def find(tx: Tx, name: str) -> int | None:
    """Find the number of that name, or None."""
    return _find(tx.db, name)


def put(tx: Tx, name: str, value: int) -> None:
    """Store a number under a name, in place of the one before."""
    tx.replace("service_state", name=name, value=value)


def remove(tx: Tx, name: str) -> None:
    """Delete the number of that name, if there is one."""
    tx.db.execute("DELETE FROM service_state WHERE name = ?", (name,))


def held_since(tx: Tx) -> int | None:
    """Return since when all that goes out is held, in milliseconds; None where it is not."""
    return read_held_since(tx.db)


def read_held_since(db: sqlite3.Connection) -> int | None:
    """Return since when all that goes out is held, as `held_since` does."""
    return _find(db, HELD_SINCE)


def read_event_floor(db: sqlite3.Connection) -> int:
    """Return the number that events go on above, 0 in a database that was never restored."""
    return _find(db, EVENT_FLOOR) or 0


def _find(db: sqlite3.Connection, name: str) -> int | None:
    row = db.execute("SELECT value FROM service_state WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])
