"""Deliveries that have failed, and how they are sent again."""

from typing import Any

from tests.helpers.service import Ed, Receiver, World, answering
from tests.helpers.webhooks import DELAYS, hooked

STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


KEY = {"idempotency-key": "again-1"}


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
