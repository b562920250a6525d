"""Stored state of the service itself: numbers by name."""

import sqlite3

from rundun.store.sqlite.transaction import Tx

HELD_SINCE = "held_since"  # the time of the restore that holds deliveries and alerts, in milliseconds
EVENT_FLOOR = "event_floor"  # events after a restore have greater numbers
GENERATION = "generation"  # a random number from 1 to GENERATIONS - 1, made anew by each restore
GENERATIONS = 2**53  # below it every JSON parser reads integers exactly (RFC 8259, section 6)


def find(tx: Tx, name: str) -> int | None:
    """Find the number named `name`, or None."""
    return _find(tx.db, name)


def put(tx: Tx, name: str, value: int) -> None:
    """Store a number under a name, replacing an earlier one."""
    tx.replace("service_state", name=name, value=value)


def remove(tx: Tx, name: str) -> None:
    """Delete the number named `name`, if there is one."""
    tx.db.execute("DELETE FROM service_state WHERE name = ?", (name,))


def find_held_since(tx: Tx) -> int | None:
    """Find since when deliveries and alerts are held after a restore, in milliseconds; None while they are not."""
    return _find(tx.db, HELD_SINCE)


def read_event_floor(db: sqlite3.Connection) -> int:
    """Return the number above which new events are numbered; 0 in a database that was never restored."""
    return _find(db, EVENT_FLOOR) or 0


def read_generation(db: sqlite3.Connection) -> int:
    """Return the generation of the database; 0 for one that was never restored."""
    return _find(db, GENERATION) or 0


def _find(db: sqlite3.Connection, name: str) -> int | None:
    row = db.execute("SELECT value FROM service_state WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])
