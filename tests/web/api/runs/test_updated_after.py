"""Runs that have changed: whoever keeps a copy reads again what was changed since, and nothing else."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from rundun.actions import signing_key
from rundun.actions.runs import handled
from rundun.core import times
from rundun.core.actor import Actor
from rundun.core.runs.run import revised
from rundun.store.deliveries import webhook_secrets
from rundun.store.erasure import retention as retention_rows
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, TEXT, Ed, World

PHOTO = {"id": "s-pic", "type": "photo", "label": "Show it", "required": False}
ANN = Actor("operator", "Ann", "u-1")


async def listed(w: World, limit: int = 2, **params: Any) -> list[str]:
    """The ids of a list, page by page."""
    found, query = [], {**params, "limit": limit}
    while True:
        page = (await w.acme.get("/v1/runs", params=query)).json()
        found += [one["run_id"] for one in page["data"]]
        if not page["has_more"]:
            assert len(found) == len(set(found))
            return found
        query["cursor"] = page["next_cursor"]


async def test_each_change_is_one_with_its_time(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN, TEXT, PHOTO, execution={"scope": "first_device"}))
    remark = {"remark_id": str(uuid.uuid4()), "text": "Look", "photos": []}
    url = f"/v1/runs/{ed.run_id}"
    changes: dict[str, Callable[[], Awaitable[Any]]] = {
        "start": ed.start,
        "answer": lambda: ed.answer("s-ok", True),
        "photo": lambda: ed.photo("s-pic", images.jpeg()),
        "remark": lambda: ed.call("PUT", "/steps/s-ok/remark", json=remark),
        "job": lambda: w.acme.patch(url, json={"title": "Other"}),
        "webhook": lambda: w.acme.patch(url, json={"webhook": {"url": "http://127.0.0.1:1/"}}),
        "extend": lambda: w.acme.post(f"{url}/extend", json={"expires_in_hours": 500}),
        "release": lambda: w.acme.post(f"{url}/release", json={}),
        "taken over": ed.start,
        "addresses": lambda: w.database.write(signing_key.rotate),
        "cancel": lambda: w.acme.post(f"{url}/cancel", json={"reason": "rain"}),
    }
    for name, change in changes.items():
        before = await w.run(ed)
        w.clock.forward(seconds=10)
        now = times.wire(w.clock.now)
        answer = await change()
        after = await w.run(ed)
        assert (after["updated_at"], after["revision"] > before["revision"]) == (now, True), name
        if hasattr(answer, "json") and "updated_at" in answer.json():
            assert answer.json()["updated_at"] == now, f"{name}: the answer says so as well"
    assert after["updated_at"] > after["created_at"]
    w.clock.forward(seconds=-5)
    await w.database.write(without_webhook, ed)
    assert (await w.run(ed))["updated_at"] == now, "a clock that was put back makes no run older"


def without_webhook(tx: Tx, ed: Ed) -> None:
    run = run_rows.get(tx, ed.run_id)
    run_rows.put(tx, run, revised(run, tx.now, webhook=None))


async def test_what_is_handled_or_forgotten_is_a_change(w: World) -> None:
    flag = {"when": {"op": "eq", "value": False}}
    ed = await w.dispatch(
        await w.template({**BOOLEAN, "flag": flag}),
        webhook={"url": "http://127.0.0.1:1/", "secret": "a secret of theirs", "events": ["run.cancelled"]},
    )
    await ed.start()
    await ed.answer("s-ok", False)
    assert (await ed.complete()).status_code == 200
    changes: dict[str, Callable[[Tx], Any]] = {
        "handled": lambda tx: handled.handle_run(tx, w.acme_id, ed.run_id, ANN),
        "undone": lambda tx: handled.undo_handled(tx, w.acme_id, ed.run_id, ANN),
        "without photos": lambda tx: retention_rows.put_photos_removed(tx, ed.run_id),
        "secret forgotten": lambda tx: webhook_secrets.remove_old(tx, tx.now, 10),
    }
    for name, change in changes.items():
        before = await w.run(ed)
        w.clock.forward(hours=2000)
        await w.database.write(change)
        after = await w.run(ed)
        assert after["revision"] > before["revision"], name
        assert after["updated_at"] == times.wire(w.clock.now), name


async def test_what_has_changed_since_is_listed_the_last_first(w: World) -> None:
    one, two = await w.template(BOOLEAN), await w.template(BOOLEAN)
    eds = [await w.dispatch(template_id, executor_ref=f"b-{template_id}") for template_id in (one, two, one, one)]
    first, second, third, fourth = [ed.run_id for ed in eds]
    assert await listed(w, updated_after=times.wire(w.clock.now - 1000)) == [fourth, third, second, first]
    since = times.wire(w.clock.now)
    assert await listed(w, updated_after=since) == [], "all of that second"
    w.clock.forward(seconds=1)
    await eds[1].start()
    w.clock.forward(seconds=1)
    await w.acme.patch(f"/v1/runs/{first}", json={"note": "Ring twice."})
    w.clock.forward(seconds=1)
    await w.acme.post(f"/v1/runs/{third}/cancel", json={})
    assert await listed(w, updated_after=since) == [third, first, second]
    assert await listed(w, updated_after=since, template_id=one) == [third, first]
    assert await listed(w, updated_after=since, status=["in_progress", "cancelled"]) == [third, second]
    assert await listed(w, updated_after=since, executor_ref=f"b-{two}") == [second]
    assert await listed(w, updated_after=since, created_after=since) == []
    w.clock.forward(hours=100)
    await w.sweep()
    soon = times.wire(w.clock.now - 1000)
    assert await listed(w, updated_after=soon, missed="true", template_id=one) == [fourth, first]
    assert await listed(w, updated_after=soon) == [fourth, second, first], "which expired just now"
    assert (await w.globex.get(f"/v1/runs?updated_after={since}")).json()["data"] == []
    assert (await w.acme.delete(f"/v1/runs/{fourth}")).status_code == 204
    assert fourth not in await listed(w, updated_after=since), "the feed tells that it was erased"


async def test_it_follows_its_index(w: World) -> None:
    seen: list[str] = []

    def watched(tx: Tx) -> None:
        tx.db.set_trace_callback(seen.append)

    await w.database.read(watched)
    await w.acme.get("/v1/runs?updated_after=2026-01-01T00:00:00Z&limit=5")
    (query,) = [one for one in seen if one.startswith("SELECT") and "FROM runs" in one]

    def plan(tx: Tx) -> list[str]:
        tx.db.set_trace_callback(None)
        return [row["detail"] for row in tx.db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()]

    assert await w.database.read(plan) == [
        "SEARCH runs USING INDEX runs_by_update (org_id=? AND updated_at>? AND updated_at<?)"
    ]
