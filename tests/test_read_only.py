"""Reading beside a service that writes."""

from contextlib import closing
from pathlib import Path

from rundun.config import loader
from rundun.read_only import reading
from rundun.store.sqlite.connection import open_writer


def test_all_queries_of_a_reading_see_one_state(tmp_path: Path) -> None:
    settings = loader.load(environment={}, flags={"database.path": str(tmp_path / "rundun.db")})
    with closing(open_writer(settings.database.path)) as writer, reading(settings, lambda: 0) as tx:
        count = "SELECT count(*) FROM organizations"
        assert tx.number(count) == 0
        writer.execute("INSERT INTO organizations (id, name, created_at) VALUES ('org-1', 'Acme', 0)")
        assert writer.execute(count).fetchone()[0] == 1
        assert tx.number(count) == 0
