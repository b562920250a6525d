"""The log of deliveries, sending again by hand, one or all that have failed, and trying a webhook out."""

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from rundun.actions import deliveries
from rundun.store import deliveries as delivery_rows
from rundun.store.deliveries import FailedFilter
from rundun.store.pagination import PageRequest
from rundun.store.transaction import Tx
from rundun.webhooks import client
from tests.helpers.paging import walk
from tests.helpers.service import BOOLEAN, NOON, Ed, Received, Receiver, World, answering, world
from tests.helpers.webhooks import DELAYS, SECRET, hooked, verify

STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = {"idempotency-key": "again-1"}


async def send_again(w: World, delivery: Any, status: int = 202, **headers: str) -> Any:
    """Retry by hand; the answer."""
    url = f"/v1/deliveries/{delivery['delivery_id']}/retry"
    answer = await w.acme.post(url, json={}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def fail(w: World, ed: Ed) -> Any:
    """Let the one delivery of `ed` fail for good."""
    for delay in (0, *DELAYS):
        w.clock.forward(seconds=delay * 1.1)
        await w.deliver()
    (delivery,) = await w.deliveries(ed)
    assert delivery["status"] == "failed"
    return delivery


async def failing(w: World, receiver: Receiver, **webhook: Any) -> tuple[Ed, Any]:
    """A run with one delivery that has failed after five attempts; from then on the receiver is content."""
    content, receiver.answer = receiver.answer, answering("500 Oops")
    ed = await hooked(w, receiver.url, events=["run.started"], **webhook)
    delivery = await fail(w, ed)
    receiver.answer = content
    receiver.received.clear()
    return ed, delivery


def settled(status: str, count: int, run: Ed, at: Callable[[int], int] = lambda number: NOON) -> Any:
    """Writes `count` deliveries of `run` that are done with, made at `at(0)`, `at(1)` and so on."""

    def fill(tx: Tx) -> None:
        event, org_id, destination = tx.db.execute(
            "SELECT event, org_id, destination FROM deliveries WHERE run_id = ?", (run.run_id,)
        ).fetchone()
        tx.db.executemany(
            "INSERT INTO deliveries (id, event, run_id, org_id, destination, status, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(tx.new_id("dlv"), event, run.run_id, org_id, destination, status, at(number)) for number in range(count)],
        )

    return fill


# ---- the log


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
        delivery_rows.failed(tx, w.acme_id, FailedFilter(), (0, 0), 9)
        delivery_rows.failed(tx, w.acme_id, FailedFilter(5, ed.run_id), (0, 0), 9)
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


# ---- one again


async def test_a_failed_delivery_is_sent_again_by_hand(w: World, receiver: Receiver) -> None:
    ed, failed = await failing(w, receiver, secret=STANDARD)
    assert (await w.acme.get("/v1/organization")).json()["deliveries_failed"] == 1
    answer = await send_again(w, failed)
    now = datetime.fromtimestamp(w.clock.now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer == {**failed, "status": "pending", "next_attempt_at": now}
    assert (await w.acme.get("/v1/organization")).json()["deliveries_failed"] == 0
    await w.deliver()
    (sent,) = await w.deliveries(ed)
    assert {**sent, "attempts": sent["attempts"][:5]} == {**failed, "status": "delivered"}
    assert [(one["number"], one["trigger"]) for one in sent["attempts"][3:]] == [
        (4, "automatic"), (5, "automatic"), (6, "manual")
    ]  # fmt: skip
    (request,) = receiver.received
    assert (request.json["event_id"], request.json["delivery_attempt"]) == (failed["event_id"], 6)
    assert request.json["seq"] == failed["seq"]
    verify(receiver.url, request, STANDARD)
    second = w.clock.now // 1000
    signed = Webhook(STANDARD).sign(failed["event_id"], datetime.fromtimestamp(second, UTC), request.body.decode())
    assert request.headers["webhook-signature"] == signed
    assert (await w.acme.get("/v1/organization")).json()["deliveries_failed"] == 0


async def test_a_manual_attempt_that_fails_is_one_attempt(w: World, receiver: Receiver) -> None:
    ed, failed = await failing(w, receiver)
    receiver.answer = answering("500 Oops")
    for number in (6, 7):
        await send_again(w, failed)
        await w.deliver()
        w.clock.forward(hours=100)
        await w.deliver()
        (again,) = await w.deliveries(ed)
        assert (again["status"], again["next_attempt_at"], len(again["attempts"])) == ("failed", None, number)
    assert (await w.acme.get("/v1/organization")).json()["deliveries_failed"] == 1


async def test_a_delivered_one_is_sent_again_as_the_same_event(w: World, receiver: Receiver) -> None:
    ed = await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    (delivered,) = await w.deliveries(ed)
    await send_again(w, delivered)
    await w.deliver()
    first, second = receiver.received
    assert {**first.json, "delivery_attempt": 2} == second.json
    receiver.answer = answering("500 Oops")
    await send_again(w, delivered)
    await w.deliver()
    (again,) = await w.deliveries(ed)
    assert (again["status"], len(again["attempts"])) == ("failed", 3), "its last attempt says how it stands"


async def test_a_waiting_one_goes_now_and_keeps_its_schedule(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("500 Oops")
    ed = await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    (waiting,) = await w.deliveries(ed)
    w.clock.forward(seconds=10)
    await send_again(w, waiting)
    await w.deliver()
    (still,) = await w.deliveries(ed)
    assert (still["status"], still["next_attempt_at"]) == ("pending", waiting["next_attempt_at"])
    for delay in DELAYS:
        w.clock.forward(seconds=delay * 1.1)
        await w.deliver()
    (failed,) = await w.deliveries(ed)
    assert [one["trigger"] for one in failed["attempts"]] == ["automatic", "manual", *["automatic"] * 4]
    assert [one["number"] for one in failed["attempts"]] == [1, 2, 3, 4, 5, 6]
    assert failed["status"] == "failed"


async def test_a_waiting_one_that_arrives_by_hand_is_done(w: World, receiver: Receiver) -> None:
    content, receiver.answer = receiver.answer, answering("500 Oops")
    ed = await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    receiver.answer = content
    await send_again(w, (await w.deliveries(ed))[0])
    await w.deliver()
    w.clock.forward(hours=10)
    await w.deliver()
    (delivered,) = await w.deliveries(ed)
    assert (delivered["status"], len(delivered["attempts"])) == ("delivered", 2)


async def test_one_that_is_going_out_anyhow_is_not_sent_twice(w: World, receiver: Receiver) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()
    ed = await hooked(w, receiver.url, events=["run.completed"])
    await ed.answer("s-ok", True)
    post = w.dispatcher._post

    async def slowly(*args: Any) -> Any:
        arrived.set()
        await go_on.wait()
        return await post(*args)

    w.dispatcher._post = slowly
    await ed.complete()
    await arrived.wait()
    (delivery,) = await w.deliveries(ed)
    for _ in range(2):
        assert (await send_again(w, delivery))["status"] == "pending"
    go_on.set()
    await w.deliver()
    assert receiver.events() == ["run.completed"]
    assert [one["trigger"] for one in (await w.deliveries(ed))[0]["attempts"]] == ["automatic"]


async def test_one_that_is_due_already_keeps_its_schedule(w: World, receiver: Receiver) -> None:
    """It only waits for its turn, which it would have had in any case."""
    receiver.answer = answering("500 Oops")
    w.dispatcher._stopping = True
    ed = await hooked(w, receiver.url, events=["run.started"])
    (due,) = await w.deliveries(ed)
    assert await send_again(w, due) == due
    w.dispatcher._stopping = False
    await w.deliver()
    (waiting,) = await w.deliveries(ed)
    assert [one["trigger"] for one in waiting["attempts"]] == ["automatic"]
    assert waiting["next_attempt_at"] >= "2026-01-01T00:00:30Z"


async def test_what_is_gone_can_be_asked_for_by_hand_and_is_then_there_again(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("410 Gone")
    ed = await hooked(w, receiver.url)
    await ed.answer("s-ok", True)
    await w.deliver()
    (gone,) = await w.deliveries(ed)
    assert gone["status"] == "failed"
    receiver.answer = answering("500 Oops")
    await send_again(w, gone)
    await w.deliver()
    assert len((await w.deliveries(ed))[0]["attempts"]) == 2
    receiver.answer = answering("200 OK")
    await send_again(w, gone)
    await w.deliver()
    assert (await w.deliveries(ed))[0]["status"] == "delivered"
    receiver.answer = answering("500 Oops")
    await ed.answer("s-ok", False)
    await w.deliver()
    assert (await w.deliveries(ed))[1]["status"] == "pending", "its later events are retried again"


async def test_asking_again_with_the_same_key_sends_nothing_again(w: World, receiver: Receiver) -> None:
    _, failed = await failing(w, receiver)
    first = await send_again(w, failed, **KEY)
    await w.deliver()
    assert await send_again(w, failed, **KEY) == first
    await w.deliver()
    assert len(receiver.received) == 1


async def test_a_retry_wakes_the_dispatcher_without_a_tick(w: World, receiver: Receiver) -> None:
    _, failed = await failing(w, receiver)
    await send_again(w, failed)
    while not receiver.received:
        await w.dispatcher.idle()
        await w.database.write(lambda tx: None)
    await w.dispatcher.idle()


@pytest.mark.parametrize(("body", "status"), [(b'{"now":true}', 422), (b"[]", 422), (b"", 400), (b"{", 400)])
async def test_a_retry_takes_no_fields(w: World, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    answer = await w.acme.post("/v1/deliveries/dlv-1/retry", content=body, headers=headers)
    assert answer.status_code == status


# ---- all that failed


async def retry_all(w: World, **body: Any) -> int:
    answer = await w.acme.post("/v1/deliveries/retry", json={"status": "failed", **body})
    assert answer.status_code == 202, answer.text
    assert answer.json().keys() == {"retried"}
    return int(answer.json()["retried"])


async def test_all_failed_ones_of_the_organization_since_then_or_of_one_run(w: World, receiver: Receiver) -> None:
    early, _ = await failing(w, receiver)
    w.clock.forward(hours=1)
    since = datetime.fromtimestamp(w.clock.now / 1000, UTC).isoformat()
    late, _ = await failing(w, receiver)
    w.clock.forward(hours=1)
    latest, _ = await failing(w, receiver)
    done = await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    receiver.received.clear()
    assert await retry_all(w, since="2027-01-01T00:00:00+02:00") == 0
    assert await retry_all(w, run_id=late.run_id, since="2027-01-01T00:00:00Z") == 0
    assert await retry_all(w, run_id=late.run_id, since=since) == 1
    assert await retry_all(w, run_id=late.run_id) == 0, "it is under way"
    await w.deliver()
    assert [one.json["run_id"] for one in receiver.received] == [late.run_id]
    assert await retry_all(w, since=since) == 1
    await w.deliver()
    assert [one.json["run_id"] for one in receiver.received[1:]] == [latest.run_id]
    assert await retry_all(w) == 1
    await w.deliver()
    assert [one.json["run_id"] for one in receiver.received[2:]] == [early.run_id]
    assert await retry_all(w) == 0
    assert len(receiver.received) == 3
    assert (await w.deliveries(done))[0]["attempts"][1:] == []
    assert (await w.acme.get("/v1/organization")).json()["deliveries_failed"] == 0


async def test_another_organizations_are_not_touched(w: World, receiver: Receiver) -> None:
    ed, failed = await failing(w, receiver)
    answer = await w.globex.post("/v1/deliveries/retry", json={"status": "failed"})
    assert (answer.status_code, answer.json()) == (202, {"retried": 0})
    answer = await w.globex.post("/v1/deliveries/retry", json={"status": "failed", "run_id": ed.run_id})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    await w.deliver()
    assert await w.deliveries(ed) == [failed]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/status"),
        ({"status": "delivered"}, "/status"),
        ({"status": "failed", "since": "yesterday"}, "/since"),
        ({"status": "failed", "run_id": 1}, "/run_id"),
        ({"status": "failed", "until": "2026-01-01T00:00:00Z"}, "/until"),
    ],
)
async def test_what_is_meant_must_be_said(w: World, body: Any, pointer: str) -> None:
    answer = await w.acme.post("/v1/deliveries/retry", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    "count", [0, 1, deliveries.RETRY_BATCH_SIZE - 1, deliveries.RETRY_BATCH_SIZE, deliveries.RETRY_BATCH_SIZE * 2 + 1]
)
@pytest.mark.parametrize("of_run", [True, False])
async def test_thousands_go_in_steps_so_that_nobody_waits_long(w: World, count: int, of_run: bool) -> None:
    ed = await hooked(w, "http://127.0.0.1:1/", events=["run.started"])
    await w.dispatcher.stop()
    other = await hooked(w, "http://127.0.0.1:1/", events=["run.started"])
    await w.database.write(settled("failed", count, ed, lambda number: NOON + number // 7))
    await w.database.write(settled("failed", 3, other))
    steps: list[int] = []
    write = w.database.write

    async def counted(*args: Any, **kwargs: Any) -> Any:
        changes: list[int] = []

        def action(tx: Tx) -> Any:
            before = tx.db.total_changes
            result = args[0](tx, *args[1:], **kwargs)
            changes.append(tx.db.total_changes - before)
            return result

        result = await write(action)
        steps.append(changes[0])
        return result

    w.database.write = counted  # type: ignore[method-assign]
    body = {"status": "failed", **({"run_id": ed.run_id} if of_run else {})}
    answer = await w.acme.post("/v1/deliveries/retry", json=body, headers=KEY)
    again = await w.acme.post("/v1/deliveries/retry", json=body, headers=KEY)
    w.database.write = write  # type: ignore[method-assign]
    expected = count if of_run else count + 3
    assert (answer.json(), again.json()) == ({"retried": expected}, {"retried": expected})
    assert again.headers["idempotent-replayed"] == "true"
    assert sum(steps) == expected + 1, "and the answer, kept with the last step"
    assert max(steps) <= deliveries.RETRY_BATCH_SIZE + 1
    left = 3 if of_run else 0
    assert await w.database.read(delivery_rows.count_failed, w.acme_id) == left
    if not of_run:
        assert await retry_all(w) == 0


async def test_a_step_is_a_matter_of_milliseconds(w: World) -> None:
    """Measured: about 10 ms on a slow machine; ten times that would be felt by everybody who waits for the writer."""
    ed = await hooked(w, "http://127.0.0.1:1/", events=["run.started"])
    await w.dispatcher.stop()
    await w.database.write(settled("failed", 10_000, ed))
    took: list[float] = []

    def timed(tx: Tx) -> None:
        began = time.perf_counter()
        deliveries.retry_failed(tx, w.acme_id, FailedFilter(), deliveries.RetryProgress())
        took.append(time.perf_counter() - began)

    for _ in range(5):
        await w.database.write(timed)
    assert min(took) < 0.1


# ---- trying a webhook out


async def try_out(w: World, url: str, status: int = 200, headers: Any = None, **more: Any) -> Any:
    answer = await w.acme.post("/v1/webhooks/test", json={"url": url, **more}, headers=headers or {})
    assert answer.status_code == status, answer.text
    return answer.json()


def saying(text: bytes, status: str = "200 OK") -> Callable[[Received], bytes]:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n".encode()
    return lambda received: head + text


async def test_a_webhook_is_tried_out(w: World, receiver: Receiver) -> None:
    receiver.answer = saying(b"thank you")
    told = await try_out(w, receiver.url.replace("http", "HTTP"), secret=STANDARD)
    (request,) = receiver.received
    assert request.json == {
        "event_id": told["event_id"], "delivery_attempt": 1, "event": "webhook.test", "run_id": None,
        "template_id": None, "template_v": None, "seq": None, "ts": "2026-01-01T00:00:00Z",
        "identity": {"mode": "anonymous", "user_id": None}, "data": {"executor_ref": None},
    }  # fmt: skip
    assert re.fullmatch(r"evt-[0-9a-f-]{36}", told["event_id"])
    verify(receiver.url, request, STANDARD)
    signed = Webhook(STANDARD).sign(told["event_id"], datetime.fromtimestamp(NOON // 1000, UTC), request.body.decode())
    assert request.headers["webhook-signature"] == signed
    assert isinstance(told.pop("duration_ms"), int)
    sent = told.pop("request")
    assert (sent["method"], sent["url"], sent["body"].encode()) == ("POST", receiver.url, request.body)
    arrived = {name: value for name, value in request.headers.items() if name != "content-length"}
    assert {name.lower(): value for name, value in sent["headers"].items()} == arrived
    assert told == {
        "ok": True, "status": 200, "error": None, "event_id": request.json["event_id"],
        "response": {"excerpt": "thank you"},
    }  # fmt: skip
    assert (await w.acme.get("/v1/deliveries")).json()["data"] == []
    assert (await w.acme.get("/v1/events")).json()["data"] == []


async def test_a_test_that_goes_wrong_says_how(w: World, receiver: Receiver) -> None:
    receiver.answer = saying(b"nobody here", "500 Oops")
    told = await try_out(w, receiver.url)
    assert (told["ok"], told["status"], told["error"]) == (False, 500, "The answer was 500.")
    assert told["response"] == {"excerpt": "nobody here"}
    assert "Signature" not in told["request"]["headers"]
    assert told["request"]["headers"]["Content-Digest"] == receiver.received[0].headers["content-digest"]
    told = await try_out(w, "http://127.0.0.1:1/")
    assert (told["ok"], told["status"], told["response"]) == (False, None, {"excerpt": None})
    assert told["error"] == "The connection failed: Connection refused."


async def test_a_test_goes_nowhere_it_must_not(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, webhooks__allow=[]) as w:
        for host in ("127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"):
            problem = await try_out(w, receiver.url.replace("127.0.0.1", host), status=422)
            assert problem["code"] == "address_not_allowed"
            assert problem["errors"][0]["pointer"] == "/url"
            assert 'webhooks.allow = ["127.0.0.1/32"]' in problem["detail"]
    assert receiver.received == []


async def test_an_answer_from_a_private_network_is_shown_nowhere(
    w: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing here is private and allowed at once, so this machine is called what it stands for."""
    asked: list[str] = []

    def may_be_read(address: str, *, allow: Any) -> bool:
        asked.append(address)
        return False

    monkeypatch.setattr(client, "may_be_read", may_be_read)
    receiver.answer = saying(b"inside")
    assert (await try_out(w, receiver.url))["response"] == {"excerpt": None}
    ed = await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    assert (await w.deliveries(ed))[0]["attempts"][0]["response_excerpt"] is None
    assert asked == ["127.0.0.1"] * 2


async def test_ten_tests_a_minute_for_each_organization(w: World, receiver: Receiver) -> None:
    for left in range(9, -1, -1):
        answer = await w.acme.post("/v1/webhooks/test", json={"url": receiver.url})
        assert (answer.status_code, answer.headers["ratelimit-policy"]) == (200, '"webhook-test";q=10;w=60')
        assert answer.headers["ratelimit"].startswith(f'"webhook-test";r={left};')
    answer = await w.acme.post("/v1/webhooks/test", json={"url": receiver.url})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    assert len(receiver.received) == 10
    assert (await w.globex.post("/v1/webhooks/test", json={"url": receiver.url})).status_code == 200
    w.clock.forward(seconds=6)
    await try_out(w, receiver.url)


async def test_with_a_key_the_answer_is_told_again_and_nothing_is_sent(w: World, receiver: Receiver) -> None:
    first = await try_out(w, receiver.url, headers=KEY, secret=SECRET)
    for _ in range(12):
        assert await try_out(w, receiver.url, headers=KEY, secret=SECRET) == first
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": "ftp://127.0.0.1/"}, "/url"),
        ({"url": "http://127.0.0.1:1/", "secret": "short"}, "/secret"),
        ({"url": "http://127.0.0.1:1/", "events": ["*"]}, "/events"),
    ],
)
async def test_what_is_wrong_with_a_test_is_named(w: World, body: Any, pointer: str) -> None:
    answer = await w.acme.post("/v1/webhooks/test", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_the_secret_of_a_test_is_never_logged_nor_kept(
    w: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="rundun")
    secret = "a secret that nobody may read"
    told = await try_out(w, receiver.url, headers=KEY, secret=secret)
    assert secret not in str(told)
    lines = " ".join(f"{record.getMessage()} {getattr(record, 'fields', '')}" for record in caplog.records)
    assert "webhook.test" in lines
    assert secret not in lines
    folder = w.settings.database.path.parent
    assert not [file for file in folder.iterdir() if file.is_file() and secret.encode() in file.read_bytes()]
