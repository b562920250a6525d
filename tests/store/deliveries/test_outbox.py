"""The outbox: what a claim takes and costs, how slots are given back, and what never stops the dispatcher."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

import pytest

from rundun.core.deliveries.slots import DeliverySlots
from rundun.core.runs import event
from rundun.store.deliveries import outbox
from rundun.store.deliveries.outbox import WINDOW, Claim, claim, list_next_due
from rundun.store.sqlite.transaction import Tx
from rundun.webhooks import dispatcher
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, Ed, Receiver, World, answering

LATER = 1000  # milliseconds
PHOTO = {"id": "s-p", "type": "photo", "label": "Show it"}


async def waiting(w: World, due: Mapping[str, int], later: int = 0) -> None:
    """Deliveries that wait: so many `due` to each destination, and `later` others that have one row each."""
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": "http://127.0.0.1:1/"})
    await w.dispatcher.stop()
    await ed.start()
    await ed.answer("s-ok", True)

    def fill(tx: Tx) -> None:
        event, run_id = tx.db.execute("SELECT event, run_id FROM deliveries").fetchone()
        tx.db.execute("DELETE FROM deliveries")
        wanted = [(name, tx.now - 5) for name, count in due.items() for _ in range(count)]
        wanted += [(f"later {number:05}", tx.now + LATER) for number in range(later)]
        tx.db.executemany(
            "INSERT INTO deliveries (id, event, run_id, org_id, destination, status, next_attempt_at, created_at) "
            f"VALUES (?, {event}, '{run_id}', 'org-1', ?, 'pending', ?, 0)",
            [(f"dlv-{number}", name, at) for number, (name, at) in enumerate(wanted)],
        )

    await w.database.write(fill)


async def claimed(w: World, slots: DeliverySlots[str], held: Set[int] = frozenset()) -> tuple[Claim, int]:
    """What is claimed, and what it cost in hundreds of steps of SQLite's machine."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def look(tx: Tx) -> Claim:
        tx.db.set_progress_handler(count, 100)
        try:
            return claim(tx, slots, held)
        finally:
            tx.db.set_progress_handler(None, 0)

    return await w.database.write(look), steps


def slots_for(*known: str, **limits: int) -> DeliverySlots[str]:
    """Slots, and destinations that have answered before."""
    slots: DeliverySlots[str] = DeliverySlots(**limits)
    for key in known:
        slots.take(key)
        slots.give_back(key, ok=True, unreachable=False)
    return slots


def by_destination(claims: Claim) -> dict[str, int]:
    return dict(Counter(one.destination for one in claims.taken))


async def test_a_claim_does_not_look_at_those_who_wait_for_later(w: World) -> None:
    await waiting(w, {}, later=3000)
    claims, steps = await claimed(w, DeliverySlots())
    assert (claims.taken, claims.more) == ([], False)
    assert steps <= 1


async def test_a_claim_costs_by_what_is_due(w: World) -> None:
    await waiting(w, {"a": 6, "b": 1}, later=3000)
    claims, steps = await claimed(w, slots_for("a"))
    assert (by_destination(claims), claims.more) == ({"a": 4, "b": 1}, True)
    assert steps <= 10
    held = {one.number for one in claims.taken}
    again, _ = await claimed(w, slots_for("a"), held)
    assert (by_destination(again), again.more) == ({"a": 2}, False)
    assert not held & {one.number for one in again.taken}


async def test_a_long_queue_hides_nobody(w: World) -> None:
    """More is due to one destination, and has been for longer, than a claim looks at in order."""
    await waiting(w, {"hole": WINDOW + 50, "well": 2, "spring": 1}, later=5)
    claims, _ = await claimed(w, slots_for("hole", concurrency=4))
    assert by_destination(claims) == {"hole": 2, "well": 1, "spring": 1}
    assert claims.more
    assert claims.taken[0].destination == "hole", "who waits longest comes first"
    held = {one.number for one in claims.taken}
    again, _ = await claimed(w, slots_for("hole", "well", concurrency=4), held)
    assert by_destination(again) == {"hole": 3, "well": 1}, "what is under way hides nobody either"
    assert not held & {one.number for one in again.taken}


async def test_many_long_queues_to_the_dead_cost_little(w: World) -> None:
    """Forty that don't answer, each with its slot taken and a queue behind it, and one that is well."""
    holes = {f"hole {number:02}": 20 for number in range(40)}
    await waiting(w, {**holes, "well": 3})
    slots = slots_for("well")
    first, _ = await claimed(w, slots)
    assert by_destination(first) == {**dict.fromkeys(holes, 1), "well": 3}
    held: set[int] = set()
    for one in first.taken:
        if one.destination != "well":
            slots.take(one.destination)
            held.add(one.number)
    again, steps = await claimed(w, slots, held)
    assert by_destination(again) == {"well": 3}
    assert again.more
    assert steps <= 40, "those without a free slot are not asked"


async def test_what_is_under_way_to_the_webhook_before_takes_no_place_of_the_new_one(w: World) -> None:
    await waiting(w, {"old": 4, "well": WINDOW + 50, "new": 2})
    slots = slots_for("old", "well", "new")
    first, _ = await claimed(w, slots)
    held = {one.number for one in first.taken if one.destination == "old"}
    assert len(held) == 4
    for _ in held:
        slots.take("old")
    await w.database.write(
        lambda tx: [tx.db.execute("UPDATE deliveries SET destination = 'new' WHERE destination = 'old'")]
    )
    again, _ = await claimed(w, slots, held)
    assert by_destination(again) == {"well": 4, "new": 2}


async def test_one_delivery_is_one_claim(w: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a delivery asks for more only if more was due."""
    claims = []

    def counted(tx: Tx, *args: Any) -> Claim:
        claims.append(claim(tx, *args))
        return claims[-1]

    monkeypatch.setattr(outbox, "claim", counted)
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url, "events": ["run.started"]})
    await ed.start()
    async with asyncio.timeout(PATIENCE):
        while not receiver.received:
            await w.database.write(lambda tx: None)
    await w.dispatcher.idle()
    for _ in range(3):
        await w.database.write(lambda tx: None)
    assert [len(one.taken) for one in claims] == [1]
    assert receiver.events() == ["run.started"]


async def test_a_queue_to_one_destination_is_worked_off_without_a_tick(w: World, receiver: Receiver) -> None:
    """Four at a time: each that ends lets the next one start."""
    go_on, started = asyncio.Event(), 0
    post = w.dispatcher._post

    async def held_up(*args: Any) -> Any:
        nonlocal started
        started += 1
        await go_on.wait()
        return await post(*args)

    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    await ed.answer("s-ok", False)
    await w.deliver()  # so that it is known to answer
    receiver.received.clear()
    w.dispatcher._post = held_up
    for number in range(11):
        await ed.answer("s-ok", number % 2 == 0)
    try:
        async with asyncio.timeout(PATIENCE):
            while started < 4:
                await w.database.write(lambda tx: None)
        assert started == 4
    finally:
        go_on.set()
    async with asyncio.timeout(PATIENCE):
        while len(receiver.received) < 11:
            await w.dispatcher.idle()
            await w.database.read(lambda tx: None)
    await w.dispatcher.idle()
    assert {one["status"] for one in await w.deliveries(ed)} == {"delivered"}


async def test_a_retry_goes_out_when_it_is_due_and_not_with_the_tick_after(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("500 Oh")
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    await ed.answer("s-ok", True)
    await w.deliver()
    assert len(receiver.received) == 1
    due = await w.database.read(lambda tx: tx.db.execute("SELECT next_attempt_at FROM deliveries").fetchone()[0])
    w.clock.now = due - 50
    await w.dispatcher.tick()
    assert await w.dispatcher.send_due() == 0
    w.clock.now = due
    async with asyncio.timeout(PATIENCE):
        while len(receiver.received) < 2:
            await w.database.read(lambda tx: None)
    await w.dispatcher.idle()


async def test_alarms_are_few_however_many_retries_there_are(w: World) -> None:
    await waiting(w, {"due": 3}, later=2000)
    await w.database.write(
        lambda tx: tx.db.execute("UPDATE deliveries SET next_attempt_at = next_attempt_at + number % 900")
    )
    alarms = await w.database.read(list_next_due, 1500, 20)
    assert sorted(alarms) == list(range(1000, 1501, 20))


async def backlog(w: World, receiver: Receiver, count: int) -> Ed:
    """So many deliveries that are due, to a receiver that is known to answer."""
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    await ed.answer("s-ok", False)
    await w.deliver()
    receiver.received.clear()
    w.dispatcher._stopping = True
    for number in range(count):
        await ed.answer("s-ok", number % 2 == 0)
    w.dispatcher._stopping = False
    if w.dispatcher._loop and w.dispatcher._loop.done():
        w.dispatcher._loop = asyncio.create_task(w.dispatcher._run())
    return ed


async def test_a_destination_that_stops_answering_has_one_slot(w: World, receiver: Receiver) -> None:
    await backlog(w, receiver, 12)
    post, most = w.dispatcher._post, 0

    async def gone(*args: Any) -> Any:
        nonlocal most
        result = await post(*args)
        most = max(most, w.dispatcher._slots.busy)
        return replace(result, ok=False, error="gone", unreachable=True)

    w.dispatcher._post = gone
    w.dispatcher.wake()
    async with asyncio.timeout(PATIENCE):
        while len(receiver.received) < 12:
            if len(receiver.received) > 4:
                assert w.dispatcher._slots.busy <= 1, "a suspect has one slot"
            await w.database.read(lambda tx: None)
    await w.dispatcher.idle()
    assert most == 4
    assert not w.dispatcher._claimed


async def test_a_stop_leaves_what_was_not_begun(w: World, receiver: Receiver) -> None:
    """That is still pending in the file, where the next start finds it."""
    ed = await backlog(w, receiver, 12)
    post = w.dispatcher._post

    async def stopping(*args: Any) -> Any:
        w.dispatcher._stopping = True
        return await post(*args)

    w.dispatcher._post = stopping
    assert await w.dispatcher.send_due() == 4
    await w.dispatcher.idle()
    assert len(receiver.received) == 4
    statuses = Counter(one["status"] for one in await w.deliveries(ed))
    assert statuses == {"delivered": 5, "pending": 8}


async def test_when_too_many_outcomes_wait_to_be_written_nothing_more_is_sent(
    w: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it goes on as soon as they are written."""
    monkeypatch.setattr(dispatcher, "MAX_UNWRITTEN", 2)
    go_on = asyncio.Event()
    write = w.dispatcher._write

    async def slowly(outcome: Any) -> None:
        await go_on.wait()
        await write(outcome)

    w.dispatcher._write = slowly  # type: ignore[method-assign]
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    for number in range(11):
        await ed.answer("s-ok", number % 2 == 0)
    try:
        async with asyncio.timeout(PATIENCE):
            while not w.dispatcher._too_many_unwritten:
                await w.database.read(lambda tx: None)
        assert 3 <= len(receiver.received) < 11
    finally:
        go_on.set()
    async with asyncio.timeout(PATIENCE):
        while len(receiver.received) < 11:
            await w.dispatcher.idle()
            await w.database.read(lambda tx: None)
    await w.dispatcher.idle()
    assert {one["status"] for one in await w.deliveries(ed)} == {"delivered"}


async def test_thumbnails_are_read_beside_the_writer(w: World, receiver: Receiver) -> None:
    seen: list[str] = []
    await w.database.write(lambda tx: tx.db.set_trace_callback(seen.append))
    ed = await w.dispatch(await w.template(PHOTO), webhook={"url": receiver.url})
    await ed.start()
    assert (await ed.photo("s-p", images.jpeg())).status_code == 201
    seen.clear()
    await ed.answer("s-p")
    await w.deliver()
    assert receiver.received[0].json["data"]["photos"][0]["thumbnail"]
    assert [one for one in seen if "deliveries" in one]
    assert [one for one in seen if "chunks" in one] == []


async def test_a_request_that_cannot_be_made_is_a_failed_attempt(
    w: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It gives its slot back, says so in the log, keeps to the schedule, and is sent once it can be made."""

    def spoilt(*_: Any) -> bytes:
        raise ZeroDivisionError("spoilt")

    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    with monkeypatch.context() as patched:
        patched.setattr(event, "body", spoilt)
        for value in (True, False, True, False, True):
            await ed.answer("s-ok", value)
        await w.deliver()
    made = await w.deliveries(ed)
    assert [one["status"] for one in made] == ["pending"] * 5, "all five got one of the four slots"
    assert {one["attempts"][0]["error"] for one in made} == {
        "The request could not be made; the service's log says why."
    }
    assert [one.getMessage() for one in caplog.records].count("delivery.not_made") == 5
    w.clock.forward(seconds=34)
    await w.deliver()
    assert {one["status"] for one in await w.deliveries(ed)} == {"delivered"}
    assert len(receiver.received) == 5
