"""What becomes of operators and their sessions when a database from before gets this version's schema."""

import sqlite3
from pathlib import Path

from rundun.actions.organizations import operators
from rundun.core.tokens import digest
from rundun.core.urls import Urls
from rundun.store.batches import write_once
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Env
from tests.helpers.service import HOUR

BEFORE = 4  # the schema in which an address was unique among all organizations
DAY = 24 * HOUR
NOW = 1_795_000_000_000
ORGANIZATIONS = [("org-a", "Acme"), ("org-g", "Globex")]
OPERATORS = [
    ("u-ann", "org-a", "ann@example.com", "Ann", "owner", "hash of Ann's", NOW - 90 * DAY, NOW - DAY),
    ("u-bob", "org-g", "bob@example.com", "Bob", "member", "hash of Bob's", NOW - 80 * DAY, None),
]
SESSIONS = [
    (digest("ann, here"), "u-ann", NOW - 25 * DAY, NOW + 5 * DAY),
    (digest("ann, there"), "u-ann", NOW - DAY, NOW + 29 * DAY),
    (digest("bob"), "u-bob", NOW - DAY, NOW + 29 * DAY),
]
INVITATION = (digest("link"), "inv-1", "org-g", "eve@example.com", "member", NOW, NOW + DAY)


def from_before(path: Path) -> None:
    """A database as the version before has left it."""
    db = connection.open_writer(path, connection.list_migrations()[:BEFORE])
    db.executemany("INSERT INTO organizations (id, name, created_at) VALUES (?, ?, 0)", ORGANIZATIONS)
    db.executemany("INSERT INTO operators VALUES (?, ?, ?, ?, ?, ?, ?, ?)", OPERATORS)
    db.executemany("INSERT INTO sessions VALUES (?, ?, ?, ?)", SESSIONS)
    db.execute("INSERT INTO invitations VALUES (?, ?, ?, ?, ?, ?, ?)", INVITATION)
    db.close()


def rows(db: sqlite3.Connection, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in db.execute(query)]


def test_operators_and_sessions_live_on(tmp_path: Path) -> None:
    from_before(tmp_path / "rundun.db")
    db = connection.open_writer(tmp_path / "rundun.db")
    assert rows(db, "SELECT * FROM operators ORDER BY id") == [(*row, None) for row in OPERATORS]  # no language chosen
    kept = rows(db, "SELECT digest, operator_id, created_at, expires_at FROM sessions ORDER BY created_at, operator_id")
    assert sorted(kept) == sorted(SESSIONS)
    assert rows(db, "SELECT * FROM invitations") == [INVITATION]
    assert rows(db, "PRAGMA foreign_key_check") == []
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    assert [row[0] for row in rows(db, "SELECT name FROM sqlite_master WHERE name LIKE 'kept%'")] == []
    env = Env(lambda: NOW, Urls("", b""), 0)
    for token, name in (("ann, here", "Ann"), ("ann, there", "Ann"), ("bob", "Bob")):
        signed_in = write_once(db, env, operators.find_signed_in, token)
        assert signed_in and signed_in.operator.name == name
    again = write_once(db, env, operators.add, "org-a", "bob@example.com", "Bob of Acme", "owner", "another hash")
    assert len(rows(db, "SELECT id FROM operators WHERE email = 'bob@example.com'")) == 2
    write_once(db, env, operators.remove_by_email, "bob@example.com", "Globex")
    left = rows(db, "SELECT operator_id FROM sessions")
    assert left == [("u-ann",), ("u-ann",)], "sessions still go with their operator"
    assert write_once(db, env, operators.get_by_email, "bob@example.com").operator_id == again.operator_id
    db.close()


def test_a_new_database_has_the_same_schema(tmp_path: Path) -> None:
    from_before(tmp_path / "old.db")
    schemas = []
    for name in ("old.db", "new.db"):
        db = connection.open_writer(tmp_path / name)
        schemas.append(rows(db, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"))
        db.close()
    assert schemas[0] == schemas[1]


def test_sign_in_finds_an_address_by_an_index(tmp_path: Path) -> None:
    db = connection.open_writer(tmp_path / "rundun.db")
    plan = rows(db, "EXPLAIN QUERY PLAN SELECT id FROM operators WHERE email = 'x' ORDER BY created_at")
    assert [row[3] for row in plan] == ["SEARCH operators USING COVERING INDEX operators_by_email (email=?)"]
    db.close()
