"""What becomes of photos when a database from before gets this version's schema."""

from pathlib import Path

from rundun.store.sqlite import connection

BEFORE = 11  # the schema in which a photo did not say where its time was from


def test_photos_live_on_with_where_their_time_is_from(tmp_path: Path) -> None:
    db = connection.open_writer(tmp_path / "rundun.db", connection.list_migrations()[:BEFORE])
    db.execute("INSERT INTO organizations (id, name, created_at) VALUES ('org-a', 'Acme', 0)")
    db.execute("PRAGMA foreign_keys = OFF")
    for number, (source, taken_at) in enumerate([("camera", 7), ("camera", None), ("gallery", 8), (None, 9)], 1):
        db.execute(
            "INSERT INTO photos (run_id, step_id, photo_id, original, derived, thumbnail, width, height, source, "
            "taken_at, received_at) VALUES ('r', 's', ?, 1, 1, 1, 9, 9, ?, ?, 10)",
            (f"ph-{number}", source, taken_at),
        )
    db.close()
    db = connection.open_writer(tmp_path / "rundun.db")
    rows = db.execute("SELECT source, taken_at, taken_at_from, annotated_from FROM photos ORDER BY number").fetchall()
    assert [tuple(row) for row in rows] == [
        ("camera", 7, "camera", None),
        ("camera", None, None, None),
        ("gallery", 8, None, None),
        (None, 9, None, None),
    ]
    db.close()
