"""PATCH /v1/runs/{run_id} while an attempt is under way: that one ends as it began."""

import asyncio
from typing import Any

import pytest

from rundun.actions.runs.patches import REMOVED
from tests.helpers.service import Ed, Receiver, World, answering
from tests.helpers.webhooks import hooked
from tests.web.api.runs.test_run_patches import patch, retried


async def under_way(w: World, receiver: Receiver) -> tuple[Ed, asyncio.Event]:
    """A run whose first delivery is under way: it is answered once the event is set."""
    arrived, go_on = asyncio.Event(), asyncio.Event()
    post = w.dispatcher._post

    async def slowly(*args: Any) -> Any:
        arrived.set()
        await go_on.wait()
        return await post(*args)

    w.dispatcher._post = slowly
    ed = await hooked(w, receiver.url, events=["run.started"])
    await arrived.wait()
    w.dispatcher._post = post
    return ed, go_on


@pytest.mark.parametrize("status", ["500 Oops", "410 Gone"])
async def test_what_is_under_way_ends_as_it_began_and_the_next_is_new(
    w: World, receiver: Receiver, status: str
) -> None:
    receiver.answer = answering(status)
    ed, go_on = await under_way(w, receiver)
    async with Receiver().listening() as other:
        await patch(w, ed, {"url": other.url})
        go_on.set()
        await w.deliver()
        (delivery,) = await w.deliveries(ed)
        assert (delivery["status"], len(receiver.received)) == ("pending", 1)
        await retried(w)
        (delivery,) = await w.deliveries(ed)
    assert (delivery["status"], len(other.received)) == ("delivered", 1)
    assert [one["url"] for one in delivery["attempts"]] == [receiver.url, other.url]


@pytest.mark.parametrize(("status", "ends"), [("204 No Content", "delivered"), ("500 Oops", "failed")])
async def test_what_is_under_way_as_the_webhook_goes_ends_as_it_ends(
    w: World, receiver: Receiver, status: str, ends: str
) -> None:
    receiver.answer = answering(status)
    ed, go_on = await under_way(w, receiver)
    await patch(w, ed, None)
    assert (await w.deliveries(ed))[0]["status"] == "failed"
    go_on.set()
    await w.deliver()
    (delivery,) = await w.deliveries(ed)
    assert (delivery["status"], delivery["next_attempt_at"]) == (ends, None)
    assert [one["error"] for one in delivery["attempts"]] == [
        REMOVED, None if ends == "delivered" else "The answer was 500."
    ]  # fmt: skip
    w.clock.forward(hours=9)
    await w.deliver()
    assert len(receiver.received) == 1


async def test_one_that_is_ended_twice_while_it_is_under_way_is_written_all_the_same(
    w: World, receiver: Receiver
) -> None:
    ed, go_on = await under_way(w, receiver)
    (delivery,) = await w.deliveries(ed)
    await patch(w, ed, None)
    await patch(w, ed, {"url": receiver.url})
    await w.acme.post(f"/v1/deliveries/{delivery['delivery_id']}/retry", json={})
    await patch(w, ed, None)
    go_on.set()
    await w.deliver()
    (delivery,) = await w.deliveries(ed)
    assert delivery["status"] == "delivered"
    assert [(one["number"], one["error"]) for one in delivery["attempts"]] == [(1, REMOVED), (2, REMOVED), (3, None)]
