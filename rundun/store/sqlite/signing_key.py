"""The keys that addresses and cookies are signed with; they live and travel with the database.

The signing key, for media addresses and the console's forms, can be rotated. The device key, for the cookies of
executors' phones, stays: who has lost it is locked out of a run that only the first device may do.
"""

import secrets
import sqlite3

from rundun.core.urls import Urls
from rundun.store.sqlite.transaction import SIGNING_KEY, JournalEntry, Tx

BYTES = 32


def read_links(db: sqlite3.Connection, public_url: str) -> Urls:
    """Return the maker of URLs below `public_url`, with the signing key now in force."""
    key = bytes(db.execute("SELECT value FROM secrets WHERE name = 'signing'").fetchone()[0])
    return Urls(public_url, key, *db.execute("SELECT count(*), coalesce(max(last_event), 0) FROM rotations").fetchone())


def read_device_key(db: sqlite3.Connection) -> bytes:
    """Return the key that the cookies of executors' phones are signed with."""
    return bytes(db.execute("SELECT value FROM secrets WHERE name = 'device'").fetchone()[0])


def rotate(tx: Tx) -> Urls:
    """Replace the signing key: from this commit on everybody signs with another, and what was signed before is void.
    Returns the maker of URLs with the new key.
    """
    last_event = tx.number("SELECT coalesce(max(number), 0) FROM events")
    tx.db.execute("UPDATE secrets SET value = ? WHERE name = 'signing'", (secrets.token_bytes(BYTES),))
    tx.touched.add(SIGNING_KEY)
    tx.insert("rotations", at=tx.now, last_event=last_event)
    tx.journal.append(JournalEntry("signing_key", str(tx.now), tx.now))
    return read_links(tx.db, tx.links.public_url)


def note(tx: Tx, at: int) -> None:
    """Note a replacement of the signing key that an older copy of the database does not know of."""
    tx.insert("rotations", at=at, last_event=0)
