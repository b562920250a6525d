"""Deliveries sent again by hand, one by one and all that have failed."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from rundun.actions.deliveries import deliveries
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.deliveries.deliveries import FailedFilter
from rundun.store.sqlite.transaction import Tx
from tests.helpers.failing_deliveries import KEY, STANDARD, failing
from tests.helpers.service import NOON, Ed, Receiver, World, answering
from tests.helpers.webhooks import DELAYS, hooked, verify


async def send_again(w: World, delivery: Any, status: int = 202, **headers: str) -> Any:
    """Retry by hand; the answer."""
    url = f"/v1/deliveries/{delivery['delivery_id']}/retry"
    answer = await w.acme.post(url, json={}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


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


async def test_a_step_looks_at_its_own_deliveries_and_not_at_all(w: World) -> None:
    """Measured: a step takes about 10 ms on a slow machine; one that looked at all would be felt by everybody who
    waits for the writer.
    """
    ed = await hooked(w, "http://127.0.0.1:1/", events=["run.started"])
    await w.dispatcher.stop()
    await w.database.write(settled("failed", 5_000, ed))
    looks: list[int] = []

    def counted(tx: Tx) -> None:
        looks.append(0)

        def look() -> None:
            looks[-1] += 1

        tx.db.set_progress_handler(look, 1000)
        try:
            deliveries.retry_failed(tx, w.acme_id, FailedFilter(), deliveries.RetryProgress())
        finally:
            tx.db.set_progress_handler(None, 0)

    for _ in range(3):
        await w.database.write(counted)
    assert 0 < max(looks) < 100, "thousands of SQLite's instructions"
