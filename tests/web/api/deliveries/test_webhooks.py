"""From a fact to a receiver: retries, deadlines, redirects, 410, Retry-After, and what a crash leaves behind."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from rundun.actions.deliveries.deliveries import retry_wait_seconds
from rundun.errors import Problem
from tests.helpers.patience import PATIENCE
from tests.helpers.service import Clock, Ed, Received, Receiver, World, answering, world
from tests.helpers.webhooks import DELAYS, SECRET, hooked, verify


async def test_events_arrive_signed_and_in_the_envelope(w: World, receiver: Receiver) -> None:
    ed = await hooked(w, receiver.url, secret=SECRET)
    await ed.answer("s-ok", True)
    await ed.complete()
    await w.deliver()
    assert sorted(receiver.events()) == ["run.completed", "step.completed"]
    for one in receiver.received:
        verify(receiver.url, one)
        assert "webhook-id" not in one.headers
        assert list(one.json) == [
            "event_id", "delivery_attempt", "event", "run_id", "template_id", "template_v", "seq", "ts",
            "identity", "data",
        ]  # fmt: skip
        assert one.json["delivery_attempt"] == 1
        assert next(iter(one.json["data"])) == "executor_ref"
    by_seq = sorted(receiver.received, key=lambda one: one.json["seq"])
    assert [one.json["seq"] for one in by_seq] == [2, 3], "run.started had seq 1 and was not asked for"
    assert [one["status"] for one in await w.deliveries(ed)] == ["delivered", "delivered"]


async def test_without_a_secret_there_is_only_the_digest(w: World, receiver: Receiver) -> None:
    ed = await hooked(w, receiver.url)
    await ed.answer("s-ok", True)
    await w.deliver()
    assert "content-digest" in receiver.received[0].headers
    assert "signature" not in receiver.received[0].headers


async def test_a_standard_webhooks_secret_gets_both_schemes(w: World, receiver: Receiver) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    ed = await hooked(w, receiver.url, secret=secret)
    await ed.answer("s-ok", True)
    await w.deliver()
    one = receiver.received[0]
    verify(receiver.url, one, secret)
    assert one.headers["webhook-id"] == one.json["event_id"]
    w_now = w.clock.now // 1000
    assert one.headers["webhook-timestamp"] == str(w_now)
    # The library judges by the wall clock, so only its signature function is asked, not its tolerance.
    signed = Webhook(secret).sign(one.json["event_id"], datetime.fromtimestamp(w_now, UTC), one.body.decode())
    assert one.headers["webhook-signature"] == signed


async def test_only_the_events_that_were_named_are_sent(w: World, receiver: Receiver) -> None:
    ed = await hooked(w, receiver.url, events=["run.started", "run.completed"])
    await ed.answer("s-ok", True)
    await ed.complete()
    await w.deliver()
    assert sorted(receiver.events()) == ["run.completed", "run.started"]


async def test_retries_keep_the_schedule_and_the_event_id(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("500 Oops")
    ed = await hooked(w, receiver.url, secret=SECRET)
    await ed.answer("s-ok", True)
    await w.deliver()
    assert len(receiver.received) == 1
    for number, delay in enumerate(DELAYS, start=2):
        w.clock.forward(seconds=delay - 1)
        await w.deliver()
        assert len(receiver.received) == number - 1, "too early"
        w.clock.forward(seconds=1 + delay * 0.1)
        await w.deliver()
        assert len(receiver.received) == number
    w.clock.forward(hours=1000)
    await w.deliver()
    assert len(receiver.received) == 5, "five attempts, then no more"
    assert {one.json["event_id"] for one in receiver.received} == {receiver.received[0].json["event_id"]}
    assert [one.json["delivery_attempt"] for one in receiver.received] == [1, 2, 3, 4, 5]
    assert len({one.headers["signature-input"] for one in receiver.received}) == 5
    for one in receiver.received:
        verify(receiver.url, one)
    delivery = (await w.deliveries(ed))[0]
    assert (delivery["status"], delivery["next_attempt_at"]) == ("failed", None)
    assert [one["status"] for one in delivery["attempts"]] == [500] * 5
    assert [one["number"] for one in delivery["attempts"]] == [1, 2, 3, 4, 5]
    assert (await w.acme.get("/v1/organization")).json()["deliveries_failed"] == 1


async def test_a_retry_that_succeeds_ends_it(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("503 Later")
    ed = await hooked(w, receiver.url)
    await ed.answer("s-ok", True)
    await w.deliver()
    pending = (await w.deliveries(ed))[0]
    assert pending["status"] == "pending"
    assert "2026-01-01T00:00:30Z" <= pending["next_attempt_at"] <= "2026-01-01T00:00:33Z"
    receiver.answer = answering("200 OK")
    w.clock.forward(seconds=33)
    await w.deliver()
    assert (await w.deliveries(ed))[0]["status"] == "delivered"
    w.clock.forward(hours=10)
    await w.deliver()
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("asked", "least", "most"), [("1", 30, 33), ("45", 45, 45), ("100000", 60, 60), ("soon", 30, 33)]
)
async def test_retry_after_is_honoured_between_one_and_two_delays(
    w: World, receiver: Receiver, asked: str, least: int, most: int
) -> None:
    receiver.answer = answering("429 Slow down", f"Retry-After: {asked}")
    ed = await hooked(w, receiver.url)
    await ed.answer("s-ok", True)
    await w.deliver()

    def next_at(tx: Any) -> int:
        return int(tx.db.execute("SELECT next_attempt_at FROM deliveries").fetchone()[0])

    assert least * 1000 <= await w.database.read(next_at) - w.clock.now <= most * 1000


def test_the_wait_is_jittered_by_at_most_a_tenth() -> None:
    waits = [retry_wait_seconds(600, None) for _ in range(500)]
    assert 600 <= min(waits) < 606
    assert 654 < max(waits) <= 660


async def test_redirects_are_failures_and_never_followed(w: World, receiver: Receiver) -> None:
    async with Receiver().listening() as elsewhere:
        receiver.answer = answering("307 Temporary Redirect", f"Location: {elsewhere.url}")
        ed = await hooked(w, receiver.url)
        await ed.answer("s-ok", True)
        await w.deliver()
        assert elsewhere.received == []
    attempt = (await w.deliveries(ed))[0]["attempts"][0]
    assert attempt["status"] == 307
    assert "redirect" in attempt["error"].lower()


async def test_gone_fails_at_once_and_later_events_get_one_attempt(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("410 Gone")
    ed = await hooked(w, receiver.url)
    await ed.answer("s-ok", True)
    await w.deliver()
    assert (await w.deliveries(ed))[0]["status"] == "failed"
    receiver.answer = answering("500 Oops")
    await ed.answer("s-ok", False)
    await w.deliver()
    second = (await w.deliveries(ed))[1]
    assert (second["status"], len(second["attempts"])) == ("failed", 1)
    w.clock.forward(hours=100)
    await w.deliver()
    assert len(receiver.received) == 2
    other = await hooked(w, receiver.url)
    await other.answer("s-ok", True)
    await w.deliver()
    assert (await w.deliveries(other))[0]["status"] == "pending", "another run starts afresh"


async def test_a_deadline_bounds_the_whole_attempt(tmp_path: Path) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not writer.is_closing():
            writer.write(b"x")
            try:
                await asyncio.wait_for(reader.read(100_000), 0.02)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with world(tmp_path, webhooks__timeout_seconds=0.2) as w:
        ed = await hooked(w, url)
        await ed.answer("s-ok", True)
        async with asyncio.timeout(PATIENCE):
            await w.deliver()
        attempt = (await w.deliveries(ed))[0]["attempts"][0]
        assert attempt["status"] is None
        assert 200 <= attempt["duration_ms"] < 3000
    server.close()


async def test_a_dead_destination_is_logged_without_an_answer(w: World) -> None:
    ed = await hooked(w, "http://127.0.0.1:1/")
    await ed.answer("s-ok", True)
    await w.deliver()
    attempt = (await w.deliveries(ed))[0]["attempts"][0]
    assert (attempt["status"], attempt["trigger"], attempt["url"]) == (None, "automatic", "http://127.0.0.1:1/")
    assert attempt["error"]


async def test_a_forbidden_address_is_refused_when_it_is_dialled(tmp_path: Path) -> None:
    """Dispatched while it was allowed; the setting has changed since."""
    clock = Clock()
    async with Receiver().listening() as receiver:
        async with world(tmp_path, clock) as w:
            ed = await hooked(w, receiver.url)
        async with world(tmp_path, clock, webhooks__allow=[]) as w:
            stranger = Ed(w, ed.run_id)
            await stranger.answer("s-ok", True)
            await w.deliver()

            def log(tx: Any) -> Any:
                return tx.db.execute("SELECT error FROM attempts").fetchone()[0]

            assert "under [webhooks]" in await w.database.read(log)
        assert receiver.received == []


async def test_what_was_being_sent_at_a_crash_is_sent_after_the_start(tmp_path: Path) -> None:
    clock = Clock()
    async with Receiver().listening() as receiver:
        async with world(tmp_path, clock) as w:
            ed = await hooked(w, receiver.url)
            await ed.answer("s-ok", True)
            await w.deliver()

            def crash(tx: Any) -> None:
                tx.db.execute("UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = 0")
                tx.db.execute("DELETE FROM attempts")

            await w.database.write(crash)
            receiver.received.clear()
        async with world(tmp_path, clock) as w:
            await w.deliver()
        assert receiver.events() == ["step.completed"]


async def test_a_commit_wakes_the_dispatcher_without_a_tick(w: World) -> None:
    arrived = asyncio.Event()

    def answer(received: Received) -> bytes:
        arrived.set()
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    async with Receiver(answer).listening() as receiver:
        ed = await hooked(w, receiver.url)
        await ed.answer("s-ok", True)
        async with asyncio.timeout(PATIENCE):
            await arrived.wait()
        await w.dispatcher.idle()


async def test_one_black_hole_does_not_delay_another_destination(tmp_path: Path) -> None:
    hold = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    black_hole = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    arrived = asyncio.Event()

    def answer(received: Received) -> bytes:
        arrived.set()
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    async with (
        world(tmp_path, webhooks__concurrency=8, webhooks__timeout_seconds=2 * PATIENCE) as w,
        Receiver(answer).listening() as receiver,
    ):
        for _ in range(8):
            ed = await hooked(w, black_hole)
            await ed.answer("s-ok", True)
        healthy = await hooked(w, receiver.url)
        await healthy.answer("s-ok", True)
        async with asyncio.timeout(PATIENCE):
            await arrived.wait()
        hold.set()
    server.close()


async def test_limits_are_counted_by_organization_and_origin_as_dispatched(w: World) -> None:
    """Written once, at the dispatch: an event only copies it."""
    ed = await hooked(w, "HTTP://127.0.0.1:080/a?b=c", events=["run.started"])

    def destinations(tx: Any) -> list[str]:
        query = (
            "SELECT webhook_destination FROM runs WHERE id = :run "
            "UNION ALL SELECT destination FROM deliveries WHERE run_id = :run"
        )
        return [row[0] for row in tx.db.execute(query, {"run": ed.run_id}).fetchall()]

    assert await w.database.read(destinations) == [f"{w.acme_id} http://127.0.0.1:80"] * 2


async def test_deliveries_page_and_show_their_attempts(w: World, receiver: Receiver) -> None:
    ed = await hooked(w, receiver.url)
    for value in (True, False, True):
        await ed.answer("s-ok", value)
    await w.deliver()
    first = (await w.acme.get(f"/v1/runs/{ed.run_id}/deliveries?limit=2")).json()
    assert [one["seq"] for one in first["data"]] == [4, 3]
    assert first["has_more"] is True
    cursor = first["next_cursor"]
    second = (await w.acme.get(f"/v1/runs/{ed.run_id}/deliveries?limit=2&cursor={cursor}")).json()
    assert [one["seq"] for one in second["data"]] == [2]
    assert second["has_more"] is False
    assert first["data"][0]["attempts"][0]["status"] == 204
    assert json.loads(receiver.received[-1].body)["event_id"] == first["data"][0]["event_id"]


async def test_an_outcome_that_could_not_be_written_is_written_later_and_not_sent_for_again(
    w: World, receiver: Receiver
) -> None:
    def full(tx: Any) -> None:
        tx.db.execute(
            "CREATE TEMP TRIGGER full BEFORE INSERT ON attempts BEGIN SELECT raise(ROLLBACK, 'disk full'); END"
        )

    ed = await hooked(w, receiver.url)
    await w.database.write(full)
    await ed.answer("s-ok", True)
    await w.deliver()
    assert len(receiver.received) == 1
    assert (await w.deliveries(ed))[0]["attempts"] == []
    await w.deliver()
    with pytest.raises(Problem):
        await w.dispatcher.tick()
    await w.database.write(lambda tx: tx.db.execute("DROP TRIGGER temp.full") and None)
    await w.dispatcher.tick()
    await w.deliver()
    (delivery,) = await w.deliveries(ed)
    assert (delivery["status"], len(delivery["attempts"])) == ("delivered", 1)
    assert len(receiver.received) == 1, "what has arrived is not sent again because the disk was full"
