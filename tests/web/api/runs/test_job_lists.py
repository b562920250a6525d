"""Late, missed, due and flagged: what these words mean on a run, and lists of such runs."""

import sqlite3
from typing import Any

import pytest

from rundun.core import times
from rundun.store.sqlite.transaction import Tx
from tests.helpers.console.console import operator
from tests.helpers.service import BOOLEAN, HOUR, NOON, Ed, World


def moment(hours: float) -> str:
    return times.wire(NOON + int(hours * HOUR))


async def listed(w: World, limit: int = 2, **params: Any) -> list[str]:
    """The ids of a list, page by page."""
    found, query = [], {**params, "limit": limit}
    while True:
        answer = await w.acme.get("/v1/runs", params=query)
        assert answer.status_code == 200, answer.text
        found += [one["run_id"] for one in answer.json()["data"]]
        if not answer.json()["has_more"]:
            assert len(found) == len(set(found))
            return found
        query["cursor"] = answer.json()["next_cursor"]


async def complete(ed: Ed) -> None:
    await ed.start()
    await ed.answer("s-ok", True)
    assert (await ed.complete()).status_code == 200


async def late(w: World, ed: Ed) -> Any:
    record = await w.run(ed)
    return record["late"], record["missed"]


async def test_late_is_what_is_not_done_when_it_is_due(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    waiting, begun, done, tardy, ended, missed, kept = [
        await w.dispatch(template_id, due_at=moment(10), expires_in_hours=50) for _ in range(7)
    ]
    for ed in (begun, tardy, kept):
        await ed.start()
    await complete(done)
    record = await w.acme.get(f"/v1/runs/{waiting.run_id}")
    tag = record.headers["etag"]
    w.clock.now = NOON + 10 * HOUR - 1
    assert [await late(w, ed) for ed in (waiting, begun, done)] == [(False, False)] * 3
    assert (await w.acme.get(f"/v1/runs/{waiting.run_id}", headers={"if-none-match": tag})).status_code == 304
    w.clock.now += 1
    assert [await late(w, ed) for ed in (waiting, begun, done)] == [(True, False), (True, False), (False, False)]
    assert (await w.acme.get(f"/v1/runs/{waiting.run_id}", headers={"if-none-match": tag})).status_code == 200
    w.clock.forward(hours=1)
    await complete(tardy)
    await w.acme.post(f"/v1/runs/{ended.run_id}/cancel", json={})
    assert [await late(w, ed) for ed in (tardy, ended)] == [(True, False), (True, False)]
    assert [one["data"]["late"] for one in (await w.events(tardy)) if one["event"] == "run.completed"] == [True]
    w.clock.forward(hours=100)
    await w.sweep()
    assert await late(w, missed) == (False, True)
    assert await late(w, kept) == (True, True), "begun, and expired"


async def test_done_at_the_very_moment_is_not_late(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), due_at=moment(10))
    w.clock.now = NOON + 10 * HOUR
    await complete(ed)
    assert await late(w, ed) == (False, False)


async def test_lists_of_late_due_and_missed_runs(w: World) -> None:
    one, two = await w.template(BOOLEAN), await w.template(BOOLEAN)
    made: dict[str, Ed] = {}
    for name, due, hours in (
        ("d5", 5, 50), ("d6", 6, 50), ("d7", 7, 200), ("d9", 9, 200), ("plain", None, 5), ("idle", None, 5),
        ("done", 6, 50),
    ):  # fmt: skip
        more = {} if due is None else {"due_at": moment(due)}
        made[name] = await w.dispatch(two if name == "d7" else one, expires_in_hours=hours, executor_ref=name, **more)
    for name in ("d6", "plain"):
        await made[name].start()
    await complete(made["done"])
    ids = {name: ed.run_id for name, ed in made.items()}
    w.clock.now = NOON + 8 * HOUR  # “idle” is overdue, and not expired yet

    def names(found: list[str]) -> list[str]:
        return [next(name for name, run_id in ids.items() if run_id == one) for one in found]

    assert names(await listed(w, late="true")) == ["d7", "d6", "plain", "d5"]
    assert names(await listed(w, late="true", status="pending")) == ["d7", "d5"]
    assert names(await listed(w, late="true", status="in_progress")) == ["d6", "plain"]
    assert names(await listed(w, late="true", template_id=two)) == ["d7"]
    assert names(await listed(w, late="true", executor_ref="d5")) == ["d5"]
    assert names(await listed(w, late="true", due_before=moment(7))) == ["d6", "d5"]
    assert names(await listed(w, late="true", status="completed")) == []
    assert len(await listed(w, late="false")) == 7
    assert names(await listed(w, due_before=moment(9))) == ["d7", "done", "d6", "d5"]
    assert names(await listed(w, due_before=moment(9), status="pending")) == ["d7", "d5"]
    assert names(await listed(w, due_before=moment(9), template_id=one)) == ["done", "d6", "d5"]
    assert names(await listed(w, due_before=moment(99), created_before=moment(0))) == []
    ann = await operator(w)
    assert 'Late <span class="count">4</span>' in (await ann.get("")).text

    await w.sweep()
    assert names(await listed(w, missed="true")) == ["idle"]
    w.clock.now = NOON + 100 * HOUR
    await w.sweep()
    assert names(await listed(w, missed="true", limit=1)) == ["idle", "plain", "d6", "d5"], "begun or not"
    assert names(await listed(w, missed="true", status="expired", template_id=one)) == ["idle", "plain", "d6", "d5"]
    assert names(await listed(w, missed="true", due_before=moment(9))) == ["d6", "d5"]
    assert names(await listed(w, missed="true", status="pending")) == []
    assert names(await listed(w, missed="true", late="true")) == []


async def test_a_list_of_several_statuses(w: World) -> None:
    one, two = await w.template(BOOLEAN), await w.template(BOOLEAN)
    eds = [await w.dispatch(template_id, due_at=moment(9)) for template_id in (one, one, two, one, one, two, one)]
    w.clock.forward(seconds=1)
    pending, begun, done, cancelled, *more = [ed.run_id for ed in eds]
    await eds[1].start()
    await complete(eds[2])
    await w.acme.post(f"/v1/runs/{cancelled}/cancel", json={})
    assert await listed(w, status=["pending"]) == [*more[::-1], pending]
    assert await listed(w, status=["pending", "completed"]) == [*more[::-1], done, pending], (
        "in one order, page by page"
    )
    assert await listed(w, status=["cancelled", "in_progress", "cancelled"]) == [cancelled, begun]
    assert await listed(w, status=["pending", "in_progress", "completed", "cancelled", "expired"]) == await listed(w)
    assert await listed(w, status=["completed", "pending"], template_id=two) == [more[1], done]
    assert await listed(w, status=["completed", "in_progress"], due_before=moment(10)) == [done, begun]
    assert await listed(w, status=["expired", "cancelled"], late="true") == []
    assert await listed(w, status=["in_progress", "cancelled"], q="in") == []
    page = await w.acme.get("/v1/runs?status=pending&status=completed&limit=1")
    assert "status=pending&status=completed" in page.headers["link"]
    refused = await w.acme.get("/v1/runs?status=pending&status=lost")
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/status"]


async def test_a_list_of_runs_that_call_for_attention(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    first, _, third = [await w.dispatch(template_id) for _ in range(3)]

    def flag(tx: Tx) -> None:
        tx.db.execute("UPDATE runs SET flagged = 2 WHERE id IN (?, ?)", (first.run_id, third.run_id))

    await w.database.write(flag)
    assert await listed(w, flagged="true", limit=1) == [third.run_id, first.run_id]
    assert await listed(w, flagged="true", template_id=template_id) == [third.run_id, first.run_id]
    assert await listed(w, flagged="true", status="completed") == []


async def test_what_these_filters_can_not_be_is_said(w: World) -> None:
    answer = await w.acme.get("/v1/runs?due_before=soon&late=yes&missed=1&flagged=")
    pointers = {one["pointer"] for one in answer.json()["errors"]}
    assert pointers == {"/due_before", "/late", "/missed", "/flagged"}


@pytest.mark.parametrize(
    ("params", "index"),
    [
        ({"late": "true"}, "runs_open_of_org (org_id=? AND status=? AND late_after<?)"),
        ({"late": "true", "status": "pending"}, "runs_open_of_org (org_id=? AND status=? AND late_after<?)"),
        ({"due_before": moment(5)}, "runs_by_due (org_id=? AND status=? AND due_at<?)"),
        ({"missed": "true"}, "runs_missed (org_id=?"),
        ({"flagged": "true"}, "runs_flagged (org_id=?"),
        ({"flagged": "true", "status": "completed"}, "runs_flagged (org_id=?"),
    ],
)
async def test_each_is_read_from_its_index_in_order(w: World, params: dict[str, str], index: str) -> None:
    await w.dispatch(await w.template(BOOLEAN), due_at=moment(1))
    seen: list[str] = []

    async def traced(on: bool) -> None:
        def trace(tx: Tx) -> None:
            tx.db.set_trace_callback(seen.append if on else None)

        await w.database.read(trace)

    for cursor in ({}, {"cursor": "MTc2NzIyNTYwMDAwMC4x"}):
        await traced(True)
        assert (await w.acme.get("/v1/runs", params={**params, **cursor})).status_code == 200
        await traced(False)
    queries = [one for one in seen if "FROM runs INDEXED BY" in one and "ORDER BY" in one]
    assert len(queries) >= 2

    def plans(tx: Tx) -> list[list[str]]:
        explained: list[sqlite3.Cursor] = [tx.db.execute(f"EXPLAIN QUERY PLAN {query}") for query in queries]
        return [[step["detail"] for step in plan.fetchall()] for plan in explained]

    for plan in await w.database.read(plans):
        searched = [
            step for step in plan if "CORRELATED" not in step and "run_secrets" not in step and " s " not in step
        ]
        assert len(searched) == 1 and index in searched[0], plan
