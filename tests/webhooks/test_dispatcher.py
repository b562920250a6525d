"""The dispatcher waits for what is under way."""

import asyncio
from typing import Any

from tests.helpers.patience import PATIENCE
from tests.helpers.service import BOOLEAN, Receiver, World


async def test_waiting_for_deliveries_ends_also_right_after_the_last_one(w: World, receiver: Receiver) -> None:
    """In the moment between the end of its task and the callback that takes it off the list."""
    ended = asyncio.Event()
    write = w.dispatcher._write

    async def last_step(outcome: Any) -> None:
        await write(outcome)
        ended.set()

    w.dispatcher._write = last_step  # type: ignore[method-assign]
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url, "events": ["run.started"]})
    await ed.start()
    async with asyncio.timeout(PATIENCE):
        await ended.wait()
    assert [task.done() for task in w.dispatcher._under_way] == [True]
    await w.dispatcher.idle()
    assert not w.dispatcher._under_way
