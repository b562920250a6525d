"""The log of deliveries, sending again by hand, one or all that have failed, and trying a webhook out."""

import re

import pytest

from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.deliveries.deliveries import FailedFilter
from rundun.store.sqlite.pagination import PageRequest
from rundun.store.sqlite.transaction import Tx
from tests.helpers.failing_deliveries import failing
from tests.helpers.paging import walk
from tests.helpers.service import BOOLEAN, Receiver, World, answering
from tests.helpers.webhooks import hooked


async def test_the_organizations_deliveries_by_status(w: World, receiver: Receiver) -> None:
    failed_run, failed = await failing(w, receiver)
    good = await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    receiver.answer = answering("503 Later")
    late = await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    everything = (await w.acme.get("/v1/deliveries")).json()
    assert everything["has_more"] is False
    assert [one["run_id"] for one in everything["data"]] == [late.run_id, good.run_id, failed_run.run_id]
    for status, run in (("pending", late), ("delivered", good), ("failed", failed_run)):
        (one,) = (await w.acme.get(f"/v1/deliveries?status={status}")).json()["data"]
        assert (one["status"], one["run_id"]) == (status, run.run_id)
        assert (one["next_attempt_at"] is not None) == (status == "pending")
    assert everything["data"][2] == failed
    assert [attempt["number"] for attempt in failed["attempts"]] == [1, 2, 3, 4, 5]


async def test_the_log_pages_while_new_ones_come(w: World, receiver: Receiver) -> None:
    for number in range(5):
        w.clock.forward(seconds=number % 2)
        await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    expected = [one["delivery_id"] for one in (await w.acme.get("/v1/deliveries")).json()["data"]]
    assert len(expected) == 5
    first = (await w.acme.get("/v1/deliveries?limit=2")).json()
    await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    second = (await w.acme.get(f"/v1/deliveries?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["delivery_id"] for one in first["data"] + second["data"]] == expected[:4]
    for path in ("/v1/deliveries", "/v1/deliveries?status=delivered"):
        assert [one["delivery_id"] for one in await walk(w, path, 2)][1:] == expected


@pytest.mark.parametrize("query", ["status=sending", "status=", "limit=0", "cursor=x", "run=1"])
async def test_nonsense_is_named(w: World, query: str) -> None:
    answer = await w.acme.get(f"/v1/deliveries?{query}")
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/" + query.partition("=")[0]]


async def test_every_query_uses_its_index(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": "http://127.0.0.1:1/"})
    seen: list[str] = []

    def look(tx: Tx) -> list[str]:
        tx.db.set_trace_callback(seen.append)
        delivery_rows.page(tx, w.acme_id, None, PageRequest())
        delivery_rows.page(tx, w.acme_id, "failed", PageRequest())
        delivery_rows.page_of_run(tx, ed.run_id, PageRequest())
        delivery_rows.list_failed(tx, w.acme_id, FailedFilter(), (0, 0), 9)
        delivery_rows.list_failed(tx, w.acme_id, FailedFilter(5, ed.run_id), (0, 0), 9)
        delivery_rows.count_failed(tx, w.acme_id)
        tx.db.set_trace_callback(None)
        plans = [tx.db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall() for query in seen]
        assert not [step for plan in plans for step in plan if "TEMP B-TREE" in step["detail"]]
        return [next(step["detail"] for step in plan if "org_id" in step["detail"] or "run_id" in step["detail"])
                for plan in plans]  # fmt: skip

    found = [re.sub(r"COVERING |SEARCH (d|deliveries) USING |INDEX ", "", one) for one in await w.database.read(look)]
    assert found == [
        "deliveries_of_org (org_id=? AND created_at<?)",
        "deliveries_by_status (org_id=? AND status=? AND created_at<?)",
        "deliveries_of_run (run_id=? AND number<?)",
        "deliveries_by_status (org_id=? AND status=? AND created_at>?)",
        "deliveries_of_run (run_id=? AND number>?)",
        "deliveries_by_status (org_id=? AND status=?)",
    ]
