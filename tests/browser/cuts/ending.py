"""How Ed finishes while everything around him fails."""

import asyncio

from tests.browser.phone import Phone


async def finishes_by_hand(ed: Phone) -> bool:
    """Tap through the review; False where the page ends by itself, which has kept that it was to finish."""

    async def taps() -> None:
        await ed.review()
        await ed.finish()

    ends = asyncio.ensure_future(ed.page.locator(".waiting, .end-mark.good").first.wait_for())
    by_hand = asyncio.ensure_future(taps())
    await asyncio.wait({ends, by_hand}, return_when=asyncio.FIRST_COMPLETED)
    is_by_hand = by_hand.done()
    for task in (ends, by_hand):
        task.cancel()
    await asyncio.gather(ends, by_hand, return_exceptions=True)
    if is_by_hand:
        by_hand.result()
    return is_by_hand
