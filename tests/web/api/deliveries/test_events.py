"""Pull instead of push: every event once for one cursor, in commit order, and the next one as soon as it is there."""

import asyncio
import json
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun.store.runs import events as event_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.pictures import images
from tests.helpers.processes.service_process import PATIENCE, serving
from tests.helpers.service import BOOLEAN, Ed, World, new_photo_id

TWO = [BOOLEAN, {"id": "s-two", "type": "boolean", "label": "Two", "required": False}]


async def feed(w: World, path: str = "/v1/events", **query: Any) -> Any:
    answer = await w.acme.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def everything(w: World, limit: int, path: str = "/v1/events") -> list[Any]:
    """All there is, page by page."""
    page = await feed(w, path, limit=limit)
    found = page["data"]
    while page["has_more"]:
        page = await feed(w, path, limit=limit, after=page["next_cursor"])
        assert page["data"], "a page that was promised"
        found += page["data"]
    return list(found)


async def done(w: World, template_id: str) -> Ed:
    """A run from start to end: run.started, step.completed, run.completed."""
    ed = await w.dispatch(template_id)
    await ed.start()
    await ed.answer("s-ok", True)
    assert (await ed.complete()).status_code == 200
    return ed


async def until_waiting(w: World, how_many: int = 1) -> None:
    """Until so many polls wait for Acme's next event."""
    async with asyncio.timeout(PATIENCE):
        while len(w.service.notifier.next_change(w.acme_id)._callbacks or ()) < how_many:
            await asyncio.sleep(0)


async def test_the_whole_story_in_order_with_cursors(w: World) -> None:
    ed = await done(w, await w.template(BOOLEAN))
    page = await feed(w)
    assert [one["event"] for one in page["data"]] == ["run.started", "step.completed", "run.completed"]
    assert [one["seq"] for one in page["data"]] == [1, 2, 3]
    assert page["has_more"] is False
    assert page["next_cursor"] == page["data"][-1]["cursor"]
    kept = await w.events(ed)
    for one, event in zip(page["data"], kept, strict=True):
        assert set(one) == {*event, "cursor"}
        assert "delivery_attempt" not in one
        assert {name: one[name] for name in event} == event
    assert (await feed(w, after=page["data"][0]["cursor"]))["data"] == page["data"][1:]
    nothing = await feed(w, after=page["next_cursor"])
    assert nothing == {"data": [], "has_more": False, "next_cursor": page["next_cursor"]}
    assert (await feed(w, f"/v1/runs/{ed.run_id}/events"))["data"] == page["data"]


async def test_a_page_leads_to_the_next_one(w: World) -> None:
    ed = await done(w, await w.template(BOOLEAN))
    for path in ("/v1/events", f"/v1/runs/{ed.run_id}/events"):
        found, following = [], f"{path}?limit=2"
        while following:
            answer = await w.acme.get(following)
            found += answer.json()["data"]
            assert ("next" in answer.links) == answer.json()["has_more"]
            following = answer.links.get("next", {}).get("url", "")
            assert "limit=2" in following or not following
        assert [one["seq"] for one in found] == [1, 2, 3]


async def test_photos_come_without_thumbnails(w: World) -> None:
    photo = {"id": "s-pic", "type": "photo", "label": "Door"}
    ed = await w.dispatch(await w.template(photo))
    await ed.start()
    photo_id = new_photo_id()
    await ed.photo("s-pic", images.jpeg(), photo_id)
    await ed.answer("s-pic", None, photos=[photo_id])
    (shown,) = (await feed(w))["data"][-1]["data"]["photos"]
    assert (set(shown), shown["photo_id"]) == ({"photo_id", "photo_index", "slot", "url"}, photo_id)


async def test_one_runs_events_are_its_own(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    one, other = await done(w, template_id), await done(w, template_id)
    path = f"/v1/runs/{one.run_id}/events"
    assert {event["run_id"] for event in await everything(w, 1, path)} == {one.run_id}
    last = (await everything(w, 100))[-1]
    assert last["run_id"] == other.run_id
    assert (await feed(w, path, after=last["cursor"]))["data"] == []


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
async def test_by_any_page_size_nothing_is_lost_and_nothing_comes_twice(w: World, limit: int) -> None:
    template_id = await w.template(*TWO)
    runs = [await done(w, template_id) for _ in range(3)]
    found = await everything(w, limit)
    assert len({one["event_id"] for one in found}) == len(found) == 9
    for ed in runs:
        assert [one["seq"] for one in found if one["run_id"] == ed.run_id] == [1, 2, 3]


async def test_while_many_write_a_follower_misses_nothing(w: World) -> None:
    template_id = await w.template(*TWO)
    globex = (await w.globex.post("/v1/templates", json={"name": "G", "steps": [BOOLEAN]})).json()["id"]
    expected = 12 * 3

    async def elsewhere() -> None:
        run_id = (await w.globex.post("/v1/runs", json={"template_id": globex})).json()["run_id"]
        await w.globex.post(f"/v1/runs/{run_id}/cancel", json={"reason": "rain"})

    async def follow() -> list[Any]:
        found, after = [], {}
        while len(found) < expected:
            page = await feed(w, wait=20, limit=5, **after)
            found += page["data"]
            after = {"after": page["next_cursor"]}
        return found

    following = asyncio.create_task(follow())
    work: list[Any] = [done(w, template_id) for _ in range(12)] + [elsewhere() for _ in range(12)]
    random.Random(5).shuffle(work)
    await asyncio.gather(*work)
    found = await following
    assert found == await everything(w, 100)
    assert len(found) == expected


async def test_the_next_commit_wakes_who_waits(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    waiting = asyncio.create_task(feed(w, wait=30))
    await until_waiting(w)
    await ed.start()
    assert [one["event"] for one in (await waiting)["data"]] == ["run.started"]


async def test_events_of_others_wake_nobody(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    waiting = asyncio.create_task(feed(w, wait=30))
    await until_waiting(w)
    bell = w.service.notifier.next_change(w.acme_id)
    globex = (await w.globex.post("/v1/templates", json={"name": "G", "steps": [BOOLEAN]})).json()["id"]
    run_id = (await w.globex.post("/v1/runs", json={"template_id": globex})).json()["run_id"]
    await w.globex.post(f"/v1/runs/{run_id}/cancel", json={"reason": "rain"})
    assert w.service.notifier.next_change(w.acme_id) is bell and not bell.done()
    await ed.start()
    assert {one["run_id"] for one in (await waiting)["data"]} == {ed.run_id}


async def test_another_run_of_ones_own_leaves_a_runs_poll_waiting(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    ed, olga = await w.dispatch(template_id), await w.dispatch(template_id)
    waiting = asyncio.create_task(feed(w, f"/v1/runs/{ed.run_id}/events", wait=30))
    await until_waiting(w)
    await olga.start()
    await until_waiting(w)
    assert not waiting.done()
    await ed.start()
    assert {one["run_id"] for one in (await waiting)["data"]} == {ed.run_id}


async def test_a_wait_ends(w: World) -> None:
    began = time.monotonic()
    page = await feed(w, wait=1)
    assert 0.9 < time.monotonic() - began < 10
    assert page["data"] == []
    assert await feed(w, after=page["next_cursor"]) == page, "a cursor also where there is nothing yet"


async def test_five_hundred_wait_and_all_are_woken(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    waiting = [asyncio.create_task(feed(w, wait=30)) for _ in range(500)]
    await until_waiting(w, 500)
    await ed.start()
    pages = await asyncio.gather(*waiting)
    assert all([one["event"] for one in page["data"]] == ["run.started"] for page in pages)


async def test_a_page_holds_at_most_so_many_bytes(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_rows, "MAX_PAGE", 1000)
    monkeypatch.setattr(event_rows, "SHORT_PAGE", 1)
    await done(w, await w.template(*TWO))
    page = await feed(w)
    assert 1 <= len(page["data"]) < 3
    assert page["has_more"] is True
    assert len(await everything(w, 100)) == 3
    monkeypatch.setattr(event_rows, "MAX_PAGE", 1)
    assert len((await feed(w))["data"]) == 1, "at least one, or nobody got on"


async def test_a_page_of_more_than_a_short_one_is_read_in_a_turn(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await done(w, await w.template(*TWO))
    whole = await feed(w)
    runs_own = (await w.acme.get(f"/v1/runs/{run.run_id}/events")).json()
    for size in (1, 1000):  # less than an event, and than all
        monkeypatch.setattr(event_rows, "SHORT_PAGE", size)
        assert await feed(w) == whole
        assert await feed(w, wait=30) == whole
        assert (await w.acme.get(f"/v1/runs/{run.run_id}/events")).json() == runs_own
        assert await everything(w, 1) == whole["data"]
    assert len(whole["data"]) == 3


async def test_a_letter_of_two_bytes_counts_as_two(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await w.dispatch(await w.template(*TWO), title="ا" * 200)).start()
    await (await w.dispatch(await w.template(*TWO), title="ا" * 200)).start()
    first, second = (len(json.dumps(event, ensure_ascii=False)) for event in await everything(w, 100))
    monkeypatch.setattr(event_rows, "MAX_PAGE", first + second)
    monkeypatch.setattr(event_rows, "SHORT_PAGE", 1)
    assert (await feed(w))["has_more"] is True


@pytest.mark.parametrize("query", ["after=x", "after=", "after=MS4x", "wait=31", "wait=-1", "limit=0", "nose=1"])
async def test_nonsense_is_named(w: World, query: str) -> None:
    answer = await w.acme.get(f"/v1/events?{query}")
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/" + query.partition("=")[0]]


async def test_a_cursor_from_before_a_restore_is_told_so(w: World) -> None:
    ed = await done(w, await w.template(BOOLEAN))
    last = (await feed(w))["next_cursor"]

    def restore(tx: Tx) -> None:
        tx.db.execute("DELETE FROM events WHERE event = 'run.completed'")

    await w.database.write(restore)
    for path in ("/v1/events", f"/v1/runs/{ed.run_id}/events"):
        answer = await w.acme.get(path, params={"after": last, "wait": 30})
        assert (answer.status_code, answer.json()["code"]) == (410, "cursor_gone")
    assert len((await feed(w))["data"]) == 2


async def test_both_queries_use_their_index(w: World) -> None:
    seen: list[str] = []

    def look(tx: Tx) -> list[str]:
        tx.db.set_trace_callback(seen.append)
        event_rows.page_of_organization(tx, w.acme_id, 0, 10)
        event_rows.page_of_run(tx, "r-1", 0, 10)
        tx.db.set_trace_callback(None)
        selects = [query for query in seen if query.startswith("SELECT")]
        return [tx.db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()[0]["detail"] for query in selects]

    organization, run = await w.database.read(look)
    assert organization == "SEARCH events USING INDEX events_of_org (org_id=? AND number>?)"
    assert run == "SEARCH events USING INDEX sqlite_autoindex_events_2 (run_id=?)"


def test_waiting_polls_end_at_once_with_the_service(tmp_path: Path) -> None:
    with serving(tmp_path) as one:
        url = one.url
        key = one.wait_for(r"(rdk_live_\w+)")[1]
        headers = {"authorization": f"Bearer {key}"}

        def poll() -> httpx2.Response:
            return httpx2.get(f"{url}/v1/events?wait=30", headers=headers, timeout=PATIENCE)

        with ThreadPoolExecutor(20) as many:
            polls = [many.submit(poll) for _ in range(20)]
            host, _, port = url.removeprefix("http://").partition(":")
            waiting = socket.create_connection((host, int(port)))
            waiting.sendall(
                f"GET /v1/events?wait=30 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
            )
            while "rundun_polls_waiting 21\n" not in httpx2.get(f"{url}/metrics", timeout=PATIENCE).text:
                pass
            began = time.monotonic()
            one.terminate()
            assert {answer.result().status_code for answer in polls} == {200}
            assert all(answer.result().json()["data"] == [] for answer in polls)
            assert b"200 OK" in waiting.recv(65536)
            waiting.close()
            assert one.ended() == 0
            assert time.monotonic() - began < 5
