"""A clock that is put back while runs are under way: no record runs backwards, and no duration is negative."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as some

from tests.helpers.pictures.images import jpeg, png
from tests.helpers.pictures.photos import OVERLAY, SIGN, started
from tests.helpers.service import BOOLEAN, HOUR, TEXT, Received, Receiver, World
from tests.helpers.strategies.hypothesis_service import JSON, Property, Stage, stage_in

NOTE = {**TEXT, "required": False}


async def test_completed_two_hours_before_the_start(w: World) -> None:
    ed = await started(w, BOOLEAN)
    await ed.answer("s-ok", True)
    w.clock.forward(hours=-2)
    assert (await ed.complete()).status_code == 200
    record = await w.run(ed)
    assert (record["duration_seconds"], record["completed_at"]) == (0, record["started_at"])
    told = (await w.events(ed))[-1]["data"]
    assert (told["duration_seconds"], told["completed_at"]) == (0, told["started_at"])


async def test_a_negative_duration_of_before_is_shown_as_none_at_all(w: World) -> None:
    ed = await started(w, BOOLEAN)
    await ed.answer("s-ok", True)
    await ed.complete()
    await w.database.write(lambda tx: tx.db.execute("UPDATE runs SET closed_at = started_at - 7151000").rowcount)
    assert (await w.run(ed))["duration_seconds"] == 0


async def test_cancelled_before_it_was_dispatched(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    w.clock.forward(hours=-2)
    answer = await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    record = await w.run(ed)
    assert record["cancelled_at"] == record["cancellation"]["at"] == record["created_at"]
    assert answer.json()["cancellation"] == record["cancellation"]


async def test_a_template_is_not_revised_before_it_was_made(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    w.clock.forward(hours=-2)
    revised = await w.acme.put(f"/v1/templates/{template_id}", json={"name": "Check", "steps": [TEXT]})
    assert revised.json()["created_at"] == revised.json()["updated_at"]


async def test_delivered_before_it_was_made(w: World, receiver: Receiver) -> None:
    def answer(received: Received) -> bytes:
        w.clock.forward(hours=-2)
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    receiver.answer = answer
    ed = await started(w, BOOLEAN, webhook={"url": receiver.url})
    await ed.answer("s-ok", True)
    await w.deliver()
    settled = await w.database.read(lambda tx: tx.number("SELECT settled_at >= created_at FROM deliveries"))
    assert ((await w.deliveries(ed))[0]["status"], settled) == ("delivered", 1)


STEPS = [{**OVERLAY, "required": False, "photo": {"min": 0, "max": 9}}, {**SIGN, "required": False}, NOTE]
WAYS = ("photo", "signature", "answer", "delete", "extend", "release")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One world for all examples here."""
    with stage_in(tmp_path_factory.mktemp("stage")) as one:
        yield one


async def no_record_runs_backwards(stage: Stage, ways: list[tuple[str, int]], end: str, last: int) -> None:
    clock = stage.w.clock
    if "t" not in stage.known:
        stage.known["t"] = (await stage.v1("POST", "/templates", {"name": "x", "steps": STEPS}))["id"]
    order = {"template_id": stage.known["t"], "expires_in_hours": 8000}
    run_id = (await stage.v1("POST", "/runs", order))["run_id"]
    clock.forward(seconds=last)
    assert (await stage.call("POST", f"/r/{run_id}/start", b"{}")).status == 200
    for number, (way, seconds) in enumerate(ways):
        clock.forward(seconds=seconds)
        await _go(stage, run_id, way, number)
    clock.forward(seconds=last)
    assert (await stage.call("POST", f"/r/{run_id}/{end}", b"{}")).status == 200
    _judge(await stage.v1("GET", f"/runs/{run_id}"), await stage.v1("GET", f"/runs/{run_id}/events?limit=100"))


async def _go(stage: Stage, run_id: str, way: str, number: int) -> None:
    path = f"/r/{run_id}"
    if way == "photo":
        answer = await stage.call("PUT", f"{path}/steps/s-ok/photos/ph-{uuid.UUID(int=number)}", *sent(jpeg(40, 30)))
    elif way == "signature":
        answer = await stage.call("PUT", f"{path}/steps/s-sign/signature", *sent(png(30, 10 + number)))
    elif way == "delete":
        answer = await stage.call("DELETE", f"{path}/steps/s-ok/photos/ph-{uuid.UUID(int=max(0, number - 1))}")
    elif way == "extend":
        hours = json.dumps({"expires_in_hours": None}).encode()
        answer = await stage.call("POST", f"/v1/runs/{run_id}/extend", hours, (JSON, stage.acme))
    elif way == "release":
        answer = await stage.call("POST", f"/v1/runs/{run_id}/release", b"{}", (JSON, stage.acme))
    else:
        answer = await stage.call("PUT", f"{path}/steps/s-why", json.dumps({"value": f"{number}"}).encode())
    assert answer.status in (200, 201), answer


def sent(picture: bytes) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
    """A body with its length."""
    return picture, ((b"content-length", str(len(picture)).encode()),)


def _judge(record: Any, feed: Any) -> None:
    end = record["completed_at"] or record["cancelled_at"]
    within = [one["at"] for one in record["answers"].values()]
    within += [photo["received_at"] for one in record["answers"].values() for photo in one["photos"]]
    assert all(record["created_at"] <= record["started_at"] <= at <= end for at in [record["started_at"], *within])
    assert (record["duration_seconds"] or 0) >= 0
    told = [event["ts"] for event in feed["data"]]
    assert told == sorted(told), "in the order of seq"
    assert told[0] == record["started_at"]
    assert told[-1] == end
    if record["completed_at"]:
        names = ("started_at", "completed_at", "duration_seconds")
        assert [feed["data"][-1]["data"][name] for name in names] == [record[name] for name in names]


JUMPS = some.integers(-3 * HOUR // 1000, 3 * HOUR // 1000)
CLOCKS = Property(
    no_record_runs_backwards,
    {
        "ways": some.lists(some.tuples(some.sampled_from(WAYS), JUMPS), max_size=8),
        "end": some.sampled_from(["complete", "cancel"]),
        "last": JUMPS,
    },
    40,
)


def test_no_record_runs_backwards(stage: Stage) -> None:
    CLOCKS.tried(stage)


@pytest.mark.soak
def test_no_record_of_many_runs_backwards(stage: Stage) -> None:
    CLOCKS.tried_at_length(stage)
