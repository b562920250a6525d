"""What the schema of a file may call, with any SQLite that Rundun is served with."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rundun.store.sqlite import connection
from rundun.store.sqlite.connection import open_reader, open_writer
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, World


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 46), reason="takes its own JSON functions for harmful")
def test_a_schema_calls_nothing_that_could_do_harm(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "rundun.db")) as db, closing(open_reader(tmp_path / "rundun.db")) as reader:
        assert [one.execute("PRAGMA trusted_schema").fetchone()[0] for one in (db, reader)] == [0, 0]


def test_where_sqlite_distrusts_its_own_json_the_tables_check_with_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with Debian 12's SQLite 3.40, where `make packages` dispatches."""
    monkeypatch.setattr(connection, "_distrusts_json", lambda: True)
    with closing(open_writer(tmp_path / "rundun.db")) as db:
        texts = [None, '{"a": 1}', '{"a"', ""]
        asked = [db.execute("SELECT json_valid(?)", (text,)).fetchone()[0] for text in texts]
        assert asked == [None, 1, 0, 0]
        assert db.execute("PRAGMA trusted_schema").fetchone()[0] == 1


async def test_a_file_is_sound_in_the_eyes_of_an_sqlite_that_takes_null_for_wrong_json(w: World) -> None:
    """Debian 12's SQLite 3.40 does, and a plain connection has no function of ours in the place of its own."""
    ed = await w.dispatch(await w.template({**BOOLEAN, "photo": {"max": 1}}))
    await ed.start()
    await ed.photo("s-ok", images.jpeg())
    await ed.answer("s-ok", True)
    with closing(sqlite3.connect(w.settings.database.path)) as plain, closing(sqlite3.connect(":memory:")) as own:

        def json_valid(text: str | None) -> int:
            return text is not None and own.execute("SELECT json_valid(?)", (text,)).fetchone()[0]

        plain.create_function("json_valid", 1, json_valid, deterministic=True)
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        nulls = "SELECT 1 FROM runs, answers, photos WHERE runs.secrets IS NULL AND runs.fields IS NULL AND "
        assert plain.execute(f"{nulls} answers.geo IS NULL AND photos.geo IS NULL").fetchall(), "with NULLs in them"
