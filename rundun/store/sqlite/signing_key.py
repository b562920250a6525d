"""The secret keys for signatures, stored in the database.

The signing key, for media URLs and the console's forms, can be rotated. The device key, for the cookies of executors'
phones, can't: a phone without a valid cookie is locked out of a run that only the first device may do.
"""

import secrets
import sqlite3

from rundun.core.urls import Urls
from rundun.store.sqlite.transaction import SIGNING_KEY, JournalEntry, Tx

BYTES = 32


def read_links(db: sqlite3.Connection, public_url: str) -> Urls:
    """Return the `Urls` below `public_url`, which make links with the current signing key."""
    key = bytes(db.execute("SELECT value FROM secrets WHERE name = 'signing'").fetchone()[0])
    return Urls(public_url, key, *db.execute("SELECT count(*), coalesce(max(last_event), 0) FROM rotations").fetchone())


def read_device_key(db: sqlite3.Connection) -> bytes:
    """Return the key that signs the cookies of executors' phones."""
    return bytes(db.execute("SELECT value FROM secrets WHERE name = 'device'").fetchone()[0])


def rotate(tx: Tx) -> Urls:
    """Replace the signing key, which voids all earlier signatures from this commit on; return the `Urls` with the new
    key.
    """
    last_event = tx.number("SELECT coalesce(max(number), 0) FROM events")
    tx.db.execute("UPDATE secrets SET value = ? WHERE name = 'signing'", (secrets.token_bytes(BYTES),))
    tx.touched.add(SIGNING_KEY)
    tx.insert("rotations", at=tx.now, last_event=last_event)
    tx.journal.append(JournalEntry("signing_key", str(tx.now), tx.now))
    return read_links(tx.db, tx.links.public_url)


def add_rotation(tx: Tx, at: int) -> None:
    """Store a rotation of the signing key at `at`, in milliseconds, that a restored database lacks."""
    tx.insert("rotations", at=at, last_event=0)
