"""The page that a phone keeps for the time without network is Rundun's own, and stands in for whatever else comes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, YES_NO
from tests.browser.phone import PAGE_IS_KEPT, Phone, phone
from tests.helpers.network.faulty_network import Depot

PORTAL = b"<!doctype html><title>Hotel</title><h1>Welcome to our Wi-Fi</h1>"
Answer = Callable[[str, bytes, bytes], bytes | tuple[bytes, bytes]]


@asynccontextmanager
async def at_work(browser: Browser, acme: Depot) -> AsyncIterator[tuple[Phone, str]]:
    """Ed, who has started a run, and whose phone keeps its page."""
    run_id = await acme.dispatched(YES_NO, COUNT)
    async with phone(browser, acme.base, service_workers="allow") as ed:
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        await ed.is_kept_as_page(run_id)
        yield ed, run_id


def said(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {length or len(body)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def instead(answer: bytes, passes: int = 0) -> Answer:
    """Answer so where the run's page is asked for, after so many times; all else passes."""

    def lie(target: str, head: bytes, body: bytes) -> bytes | tuple[bytes, bytes]:
        nonlocal passes
        if target.startswith("/r/r-") and target.count("/") == 2:
            passes -= 1
            if passes < 0:
                return answer
        return head, body

    return lie


def lies(acme: Depot, lie: Answer | None) -> None:
    """From the next connection on."""
    acme.line.down()
    acme.line.lie = lie
    acme.line.up()


NOT_OURS = {
    "a portal": said("200 OK", PORTAL),
    "a wrong digest": said("200 OK", PORTAL, f"Unencoded-Digest: sha-256=:{'A' * 43}=:"),
    "another's 404": said("404 Not Found", PORTAL),
    "a gateway": said("502 Bad Gateway", PORTAL),
    "511": said("511 Network Authentication Required", PORTAL),
    "a page cut short": said("200 OK", PORTAL, length=9000),
    "a page that is nearly empty": said("200 OK", b"x"),
}


async def test_the_kept_page_stands_in_for_what_is_not_ours(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme) as (ed, _):
        for what, answer in NOT_OURS.items():
            lies(acme, instead(answer))
            await ed.page.reload()
            await expect(ed.page.locator(".list"), what).to_be_visible()
        lies(acme, instead(said("502 Bad Gateway", b"")))
        await ed.page.reload()
        await ed.pick("s-ok", "Yes")
        await ed.is_safe("s-ok")
        ed.trouble.clear()


@pytest.mark.long
async def test_a_way_to_a_portal_is_followed(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme) as (ed, run_id):

        def portal(target: str, head: bytes, body: bytes) -> Any:
            return said("200 OK", PORTAL) if target == "/portal" else said("302 Found", b"", "Location: /portal")

        lies(acme, portal)
        await ed.page.reload()
        await expect(ed.page.get_by_role("heading", name="Welcome to our Wi-Fi")).to_be_visible()
        lies(acme, None)
        await ed.open(run_id)
        await expect(ed.page.locator(".list")).to_be_visible()
        ed.trouble.clear()


async def test_a_portals_page_is_not_kept(browser: Browser, acme: Depot) -> None:
    async with phone(browser, acme.base, service_workers="allow") as ed:
        run_id = await acme.dispatched(YES_NO)
        asked: list[str] = []
        lie = instead(said("200 OK", PORTAL), passes=1)  # the page itself passes; then the worker asks for it

        def noted(target: str, head: bytes, body: bytes) -> bytes | tuple[bytes, bytes]:
            told = lie(target, head, body)
            asked.extend(["portal"] if isinstance(told, bytes) else [])
            return told

        lies(acme, noted)
        await ed.open(run_id)
        await ed.start()
        await ed.until(lambda: asked == ["portal"])
        await ed.page.reload()  # through the worker, which has nothing else
        await expect(ed.page.get_by_role("heading", name="Welcome to our Wi-Fi")).to_be_visible()
        assert not await ed.page.evaluate(PAGE_IS_KEPT, run_id)
        lies(acme, None)
        await ed.page.reload()
        await expect(ed.page.locator(".list")).to_be_visible()
        await ed.is_kept_as_page(run_id)
        ed.trouble.clear()


@pytest.mark.long
async def test_the_end_of_a_run_is_shown_in_place_of_the_kept_page(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme) as (ed, run_id):
        await ed.page.goto("about:blank")
        assert (await acme.client.post(f"/v1/runs/{run_id}/cancel", json={})).status_code == 200
        await ed.open(run_id)
        await expect(ed.page.locator("main.end")).to_be_visible()
