"""A database from before there were pictures, with a template in it, gets this version's schema."""

from pathlib import Path

from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import pictures as picture_rows, templates as template_rows
from tests.helpers.files.storage import assert_counted
from tests.helpers.pictures import images
from tests.helpers.service import world

BODY = '{"name":"Check","steps":[{"id":"s-ok","type":"boolean","label":"All fine?"}]}'


async def test_what_is_there_goes_on_and_is_counted_as_before(tmp_path: Path) -> None:
    number = next(number for number, sql in connection.list_migrations() if "CREATE TABLE pictures" in sql)
    before = [one for one in connection.list_migrations() if one[0] < number]
    db = connection.open_writer(tmp_path / "rundun.db", before)
    values = ("org-old", "Old", 1000 + len(BODY))
    db.execute("INSERT INTO organizations (id, name, created_at, bytes_used) VALUES (?, ?, 0, ?)", values)
    row = "INSERT INTO templates (id, org_id, v, created_at, updated_at) VALUES ('t-old', 'org-old', 1, 0, 0)"
    db.execute(row)
    db.execute("INSERT INTO template_versions (template_id, v, body, created_at) VALUES ('t-old', 1, ?, 0)", (BODY,))
    db.close()

    def look(tx: Tx) -> None:
        assert_counted(tx)
        assert not template_rows.get_version(tx, "t-old", 1).pictures
        assert not picture_rows.is_any_expired(tx)
        assert tx.db.execute("PRAGMA foreign_key_check").fetchall() == []

    async with world(tmp_path) as w:
        await w.database.read(look)
        assert (await w.acme.post("/v1/pictures", content=images.jpeg())).status_code == 201
        await w.database.read(look)
