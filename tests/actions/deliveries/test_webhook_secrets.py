"""How long secrets of webhooks are kept, and what is left of them afterwards."""

from pathlib import Path
from typing import Any

import pytest

from rundun.scheduler import DELETE_BATCH_SIZE, delete_secrets
from rundun.store.deliveries import webhook_secrets
from rundun.store.sqlite.transaction import Tx
from tests.helpers.service import Clock, Ed, Receiver, World, answering, world
from tests.helpers.webhooks import hooked, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DAYS = 24


async def closed(w: World, url: str, **more: Any) -> Ed:
    """A completed run with one signed event, which is sent."""
    ed = await hooked(w, url, secret=SECRET, events=["run.completed"], **more)
    await ed.answer("s-ok", True)
    await ed.complete()
    await w.deliver()
    return ed


async def signed(w: World, ed: Ed) -> bool:
    return bool((await w.run(ed))["webhook"]["signed"])


async def test_a_secret_is_forgotten_so_many_days_after_the_run_was_closed(w: World, receiver: Receiver) -> None:
    ed = await closed(w, receiver.url)
    still_open = await hooked(w, receiver.url, secret=SECRET)
    w.clock.forward(hours=30 * DAYS, seconds=-1)
    assert await delete_secrets(w.database, 30) == 0
    assert await signed(w, ed)
    before = (await w.acme.get(f"/v1/runs/{ed.run_id}")).headers["etag"]
    w.clock.forward(seconds=1)
    assert await delete_secrets(w.database, 0) == 0, "zero is for ever"
    assert await delete_secrets(w.database, 30) == 1
    assert await delete_secrets(w.database, 30) == 0
    assert not await signed(w, ed)
    assert await signed(w, still_open)
    after = await w.acme.get(f"/v1/runs/{ed.run_id}", headers={"if-none-match": before})
    assert after.status_code == 200, "it has changed"


async def test_what_is_sent_by_hand_later_goes_unsigned(w: World, receiver: Receiver) -> None:
    ed = await closed(w, receiver.url)
    verify(receiver.url, receiver.received[0], SECRET)
    w.clock.forward(hours=30 * DAYS)
    await delete_secrets(w.database, 30)
    (delivery,) = await w.deliveries(ed)
    await w.acme.post(f"/v1/deliveries/{delivery['delivery_id']}/retry", json={})
    await w.deliver()
    again = receiver.received[1]
    assert "content-digest" in again.headers
    assert not {"signature", "signature-input", "webhook-signature"} & again.headers.keys()
    assert (await w.deliveries(ed))[0]["status"] == "delivered"


async def test_the_secret_of_a_webhook_that_names_the_erasure_signs_it_whenever_that_comes(
    w: World, receiver: Receiver
) -> None:
    ed = await hooked(w, receiver.url, secret=SECRET, events=["run.erased"])
    await ed.answer("s-ok", True)
    await ed.complete()
    w.clock.forward(hours=31 * DAYS)
    assert await delete_secrets(w.database, 30) == 0
    assert await signed(w, ed)
    assert (await w.acme.delete(f"/v1/runs/{ed.run_id}")).status_code == 204
    await w.deliver()
    verify(receiver.url, receiver.received[-1], SECRET)


async def test_it_is_kept_for_as_long_as_something_may_have_to_be_signed(tmp_path: Path) -> None:
    delays = [3600, 3600 * 24 * 3]
    async with (
        world(tmp_path, webhooks__retry_delays_seconds=delays) as w,
        Receiver(answering("500 Oops")).listening() as receiver,
    ):
        ed = await closed(w, receiver.url)
        for hours in (1.1, 3 * DAYS):
            w.clock.forward(hours=hours)
            assert await delete_secrets(w.database, 1) == 0, "it is being tried still"
            await w.deliver()
        assert (await w.deliveries(ed))[0]["status"] == "pending"
        w.clock.forward(hours=8)
        await w.deliver()
        assert (await w.deliveries(ed))[0]["status"] == "failed"
        verify(receiver.url, receiver.received[-1], SECRET)
        w.clock.forward(hours=23)
        assert await delete_secrets(w.database, 1) == 0
        w.clock.forward(hours=1)
        assert await delete_secrets(w.database, 1) == 1


async def test_nothing_of_it_is_left_in_the_file(tmp_path: Path, receiver: Receiver) -> None:
    clock = Clock()
    async with world(tmp_path, clock) as w:
        for _ in range(20):
            await closed(w, receiver.url)
        open_one = await hooked(w, receiver.url, secret="a secret that is kept")
        await open_one.answer("s-ok", True)
        await w.deliver()
    file = tmp_path / "rundun.db"
    assert file.read_bytes().count(SECRET.encode()) >= 20
    clock.forward(hours=2 * DAYS)
    async with world(tmp_path, clock) as w:
        assert await delete_secrets(w.database, 1) == 20
        pragma = "PRAGMA secure_delete"
        assert await w.database.write(lambda tx: tx.db.execute(pragma).fetchone()[0]) == 1
    assert SECRET.encode() not in file.read_bytes()
    assert b"a secret that is kept" in file.read_bytes()
    assert not (tmp_path / "rundun.db-wal").exists()


async def test_many_are_forgotten_in_small_steps(w: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    ed = await closed(w, receiver.url)

    def copy(tx: Tx) -> None:
        columns = [row["name"] for row in tx.db.execute("PRAGMA table_info(runs)").fetchall()]
        kept = [name for name in columns if name not in ("number", "id")]
        for _ in range(2 * DELETE_BATCH_SIZE):
            tx.db.execute(
                f"INSERT INTO runs (id, {', '.join(kept)}) SELECT ?, {', '.join(kept)} FROM runs WHERE id = ?",
                (tx.new_id("r"), ed.run_id),
            )

    await w.database.write(copy)
    steps: list[int] = []
    forget = webhook_secrets.remove_old

    def counted(*args: Any) -> int:
        steps.append(forget(*args))
        return steps[-1]

    monkeypatch.setattr(webhook_secrets, "remove_old", counted)
    w.clock.forward(hours=2 * DAYS)
    assert await delete_secrets(w.database, 1) == 2 * DELETE_BATCH_SIZE + 1
    assert steps == [DELETE_BATCH_SIZE, DELETE_BATCH_SIZE, 1]


async def test_what_is_old_is_found_by_an_index(w: World) -> None:
    def plan(tx: Tx) -> list[str]:
        seen: list[str] = []
        tx.db.set_trace_callback(seen.append)
        webhook_secrets.is_any_old(tx, 5)
        tx.db.set_trace_callback(None)
        return [step["detail"] for step in tx.db.execute(f"EXPLAIN QUERY PLAN {seen[0]}").fetchall()]

    steps = await w.database.read(plan)
    assert "SEARCH r USING INDEX runs_with_secret (closed_at>? AND closed_at<?)" in steps
    assert [one for one in steps if "deliveries_of_run (run_id=?)" in one]
