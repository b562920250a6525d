"""What the queries find to be due, against the rules."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, strategies as st

from rundun.core import times
from rundun.core.erasure import retention as rules
from rundun.core.erasure.retention import Retention, TemplateRetention
from rundun.core.urls import Urls
from rundun.store.erasure import retention as retention_rows, retention_days
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.connection import open_writer
from rundun.store.sqlite.transaction import Env, Tx
from tests.helpers.service import PUBLIC_URL

DAYS, OWN_DAYS = st.none() | st.integers(1, 3), st.none() | st.integers(0, 3)
AGES = st.lists(st.none() | st.integers(0, 4 * times.DAY) | st.sampled_from([times.DAY, 2 * times.DAY]), max_size=4)
NOW = 1_800_000_000_000


@pytest.fixture(scope="module")
def tx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    """A transaction on a file of its own."""
    with closing(open_writer(tmp_path_factory.mktemp("due") / "rundun.db")) as db:
        yield Env(lambda: NOW, Urls(PUBLIC_URL, b""), 0).tx(db)


@given(DAYS, DAYS, OWN_DAYS, OWN_DAYS, AGES)
def test_the_queries_find_what_the_rules_say(
    tx: Tx, photos: int | None, runs: int | None, own_photos: int | None, own_runs: int | None, ages: list[int | None]
) -> None:
    tx.db.execute("BEGIN")
    try:
        org_id, template_id = organization_rows.add(tx, "Acme").org_id, "t-1"
        tx.insert("templates", id=template_id, org_id=org_id, v=1, created_at=0, updated_at=0)
        tx.insert("template_versions", template_id=template_id, v=1, body="{}", created_at=0)
        retention_days.put(tx, org_id, Retention(photos, runs))
        retention_days.put_of_template(tx, template_id, TemplateRetention(own_photos, own_runs))
        for number, age in enumerate(ages):
            kept_from = None if age is None else NOW - age
            same = {"template_id": template_id, "template_v": 1, "org_id": org_id, "revision": 1, "seq": 1}
            status = "pending" if age is None else "completed"
            run = {"id": f"r-{number}", "status": status, "kept_from": kept_from, "created_at": 0, "progress": "{}"}
            tx.insert("runs", **same, **run, has_photos=1)
        kept = rules.effective_days(Retention(photos, runs), TemplateRetention(own_photos, own_runs))

        def due(days: int | None) -> list[str]:
            closed = {f"r-{number}": None if age is None else NOW - age for number, age in enumerate(ages)}
            return [run_id for run_id, at in closed.items() if rules.is_due(at, days, NOW)]

        found = retention_rows.list_due_runs(tx, "runs", 100)
        assert sorted(found) == due(kept.runs_days)
        with_photos = {*found, *retention_rows.list_due_runs(tx, "photos", 100)}
        assert sorted(with_photos) == due(kept.photos_days), "photos go with their run at the latest"
        assert retention_rows.count_due(tx)["runs"] == len(found)
    finally:
        tx.db.execute("ROLLBACK")
