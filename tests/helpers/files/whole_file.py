"""Whether a database is whole: by SQLite's own checks, and by what belongs together in it."""

import sqlite3

from tests.helpers.processes.service_process import rows

NOTHING = {
    "files that are not whole": "SELECT number FROM files WHERE NOT is_whole",
    "bytes of no file": "SELECT file FROM chunks EXCEPT SELECT number FROM files",
    "files that are too short": (
        "SELECT number FROM files WHERE bytes != (SELECT sum(length(bytes)) FROM chunks WHERE file = files.number)"
    ),
    "files of nothing": (
        "SELECT number FROM files EXCEPT SELECT original FROM photos EXCEPT SELECT derived FROM photos "
        "EXCEPT SELECT thumbnail FROM photos EXCEPT SELECT file FROM signatures EXCEPT SELECT logo FROM organizations "
        "EXCEPT SELECT file FROM pictures EXCEPT SELECT thumbnail FROM pictures"
    ),
    "runs whose seq is not their last event's": (
        "SELECT id FROM runs WHERE seq != (SELECT count(*) FROM events WHERE run_id = runs.id) "
        "OR seq != (SELECT coalesce(max(seq), 0) FROM events WHERE run_id = runs.id)"
    ),
    "closed runs without one terminal event of that kind": (
        "SELECT id FROM runs WHERE status IN ('completed', 'cancelled', 'expired') AND 1 != (SELECT count(*) FROM "
        "events WHERE run_id = runs.id AND event = 'run.' || status)"
    ),
    "open runs with a terminal event": (
        "SELECT r.id FROM runs AS r JOIN events AS e ON e.run_id = r.id WHERE r.status IN ('pending', 'in_progress') "
        "AND e.event IN ('run.completed', 'run.cancelled', 'run.expired')"
    ),
}


def require_whole(db: sqlite3.Connection) -> None:
    """Refuse a database that is not."""
    require_sound(db)
    for what, sql in NOTHING.items():
        assert rows(db, sql) == [], what


def require_sound(db: sqlite3.Connection) -> None:
    """Refuse a database that SQLite itself does."""
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    assert rows(db, "PRAGMA foreign_key_check") == []
