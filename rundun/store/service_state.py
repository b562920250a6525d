"""What the service has to remember of itself between two starts: numbers by name.

`held_since` is since when all that goes out is held, in milliseconds; `event_floor` the number that events go on above
after a restore.
"""

from rundun.store.transaction import Tx


def find(tx: Tx, name: str) -> int | None:
    """Find the number of that name, or None."""
    row = tx.db.execute("SELECT value FROM service_state WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row["value"])


def put(tx: Tx, name: str, value: int) -> None:
    """Store a number under a name, in place of the one before."""
    tx.replace("service_state", name=name, value=value)


def remove(tx: Tx, name: str) -> None:
    """Delete the number of that name, if there is one."""
    tx.db.execute("DELETE FROM service_state WHERE name = ?", (name,))
