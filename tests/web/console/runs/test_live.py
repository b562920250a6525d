"""The streams that keep pages of the console up to date."""

import asyncio
import re
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun.actions.organizations import organizations
from rundun.errors import Problem
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite.transaction import Tx
from rundun.web.console.runs import live
from tests.helpers.console.console import operator
from tests.helpers.console.console_runs import PICTURE, listening
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures.images import jpeg
from tests.helpers.processes.served import served
from tests.helpers.processes.service_process import serving
from tests.helpers.service import BOOLEAN, World


async def next_change(lines: Any) -> float:
    """When the next change was told."""
    async for one in lines:
        if one == "event: change":
            return time.monotonic()
    raise AssertionError("the stream has ended")


async def test_whatever_happens_to_a_run_is_told_and_no_more_than_once_a_second(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN, PICTURE)
    async with served(w) as base, await listening(w, ann, base) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        ed = await w.dispatch(template_id)
        times = [await next_change(lines)]
        for act in (
            ed.start(),
            ed.photo("s-pic", jpeg(64, 64)),
            w.acme.post(f"/v1/runs/{ed.run_id}/extend", json={"expires_in_hours": 100}),
        ):
            assert (await act).status_code < 300
            times.append(await next_change(lines))
        await asyncio.gather(*(w.dispatch(template_id) for _ in range(5)))
        times += [await next_change(lines)]
        gaps = [after - before for before, after in pairwise(times)]
        assert min(gaps) > 0.9
        for _ in range(2):
            change = w.service.notifier.next_change(w.acme_id, run_rows.TOUCHED)
            globex = await w.globex.post("/v1/templates", json={"name": "G", "steps": [BOOLEAN]})
            await w.globex.post("/v1/runs", json={"template_id": globex.json()["id"]})
            assert not change.done(), "what others do is none of our business"
        w.service.notifier.end()
        async for one in lines:
            assert one != "event: change"


async def test_who_watches_one_run_is_told_of_that_one_only(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    ed = await w.dispatch(template_id)
    looks, told = 0, []
    get = run_rows.get_of_org

    def counted(tx: Tx, org_id: str, run_id: str) -> Any:
        nonlocal looks
        looks += 1
        return get(tx, org_id, run_id)

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0)

    monkeypatch.setattr(run_rows, "get_of_org", counted)
    async with served(w) as base, await listening(w, ann, base, f"?run_id={ed.run_id}") as stream:

        async def listen() -> None:
            async for one in stream.aiter_lines():
                told.append(one)  # noqa: PERF401, they are looked at as they come

        listens = asyncio.create_task(listen())
        await until(lambda: bool(told))
        before = looks
        await w.dispatch(template_id)
        await until(lambda: looks > before)
        await ed.start()
        await until(lambda: "event: change" in told)
        assert looks == before + 2, "looked at after each of the two, and told of one"
        w.service.notifier.end()
        await listens
        assert told.count("event: change") == 1
    globex = await w.database.write(organizations.create, "Globex too")
    stranger = await operator(w, "owner", globex.org_id)
    assert (await stranger.get(f"/runs/live?run_id={ed.run_id}")).status_code == 404


async def test_a_stream_that_can_read_nothing_any_more_ends(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN, PICTURE)
    path = w.settings.database.path

    def take_away(tx: Tx) -> None:
        path.rename(path.with_name("away.db"))
        tx.touched.add(run_rows.TOUCHED + w.acme_id)

    async with served(w) as base, await listening(w, ann, base) as stream:
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        await w.dispatch(template_id)
        await next_change(lines)
        with pytest.raises(Problem, match="moved or deleted"):
            await w.database.write(take_away)
        assert {line async for line in lines} <= {"data:", ""}, "what was left of the last change, and the end"
    path.with_name("away.db").rename(path)


async def test_a_dispatch_wakes_no_reader_of_events(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    change = w.service.notifier.next_change(w.acme_id)
    ed = await w.dispatch(template_id)
    assert not change.done()
    await ed.start()
    assert change.done()


async def test_only_so_many_streams_are_open_for_an_organization(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_STREAMS", 2)
    ann = await operator(w)
    async with served(w) as base:
        for _ in range(2):
            async with await listening(w, ann, base) as one, await listening(w, ann, base) as two:
                lines = [stream.aiter_lines() for stream in (one, two)]
                assert [await anext(each) for each in lines] == ["retry: 2000"] * 2
                async with await listening(w, ann, base) as third:
                    assert third.status_code == 429, third.headers
                    assert third.headers["retry-after"] == "30"
            async with asyncio.timeout(PATIENCE):
                while w.service.streams.count_taken(w.acme_id):  # closing takes a turn of the server's loop
                    await asyncio.sleep(0)
        w.service.notifier.end()


async def test_one_operator_leaves_streams_to_the_others(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_OF_OPERATOR", 1)
    eve, ann = await operator(w, "member"), await operator(w)
    async with served(w) as base, await listening(w, eve, base) as first:
        lines = first.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        async with await listening(w, eve, base) as second, await listening(w, ann, base) as hers:
            assert (second.status_code, second.headers["retry-after"], hers.status_code) == (429, "30", 200)
            w.service.notifier.end()


def test_streams_end_at_once_with_the_service(tmp_path: Path) -> None:
    with serving(tmp_path) as one:
        found = one.wait_for(r"(/console/join/\S+)")
        with httpx2.Client(base_url=one.url, timeout=PATIENCE) as client:
            page = client.get(found[1]).text
            csrf = re.search(r'name="csrf" value="([^"]+)"', page)
            assert csrf
            form = {"csrf": csrf[1], "email": "ann@example.com", "name": "Ann", "password": "correct horse battery"}
            assert client.post(found[1], data=form).status_code == 303
            with client.stream("GET", "/console/runs/live") as stream:
                lines = stream.iter_lines()
                assert next(lines).startswith("retry:")
                began = time.monotonic()
                one.process.send_signal(signal.SIGTERM)
                assert list(lines) == [""]
                assert time.monotonic() - began < 3
        assert one.process.wait(timeout=PATIENCE) == 0
