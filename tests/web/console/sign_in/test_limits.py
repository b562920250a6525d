"""Guessing at sign-in: whoever guesses elsewhere locks no browser out that the operator has signed in with before."""

import asyncio
import threading
from typing import Any

import pytest
from starlette.requests import Request

from rundun import passwords
from rundun.actions.organizations import operators
from rundun.store.organizations import operators as operator_rows
from rundun.web.console import cookies
from rundun.web.console.sign_in import limits
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH, Browser, field
from tests.helpers.console.second_factor import switched_on
from tests.helpers.patience import PATIENCE
from tests.helpers.service import World

ANN = "ann@example.com"


async def ann_joined(w: World) -> None:
    await w.database.write(operators.add, w.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)


async def at_sign_in(w: World, address: str = "127.0.0.1") -> Browser:
    """A browser that has never been here."""
    browser = Browser(w.browser(address))
    await browser.get("/sign-in")
    return browser


async def signs_in(browser: Browser, password: str = PASSWORD) -> int:
    if browser.client.cookies.get("rundun_session"):
        await browser.get("")
        await browser.post("/sign-out")
    await browser.get("/sign-in")
    return (await browser.post("/sign-in", email=ANN, password=password)).status_code


async def guessed_from_everywhere(w: World) -> None:
    """As many guesses at Ann's password as there may be, from many addresses."""
    guessers = [await at_sign_in(w, f"192.0.2.{number}") for number in range(11)]
    for guesser in guessers[:10]:
        assert [await signs_in(guesser, f"guess number {number}") for number in range(10)] == [422] * 10
    assert await signs_in(guessers[10], "one more") == 429


async def test_guesses_from_everywhere_do_not_lock_out_a_known_browser(w: World) -> None:
    await ann_joined(w)
    known = await at_sign_in(w)
    assert await signs_in(known) == 303
    await guessed_from_everywhere(w)
    assert await signs_in(await at_sign_in(w, "198.51.100.1")) == 429, "the right password, from a new browser"
    assert await signs_in(known) == 303
    assert [await signs_in(known, "wrong horse battery") for _ in range(11)] == [422] * 10 + [429], "its own allowance"
    w.clock.forward(seconds=90)
    assert await signs_in(known) == 303


async def test_what_is_right_does_not_count(w: World) -> None:
    await ann_joined(w)
    for _ in range(25):
        assert await signs_in(await at_sign_in(w)) == 303
    browsers = [await at_sign_in(w, f"192.0.2.{number}") for number in range(110)]
    answers = [await signs_in(browser) for browser in browsers]
    assert set(answers) == {303}

    def count(tx: Any) -> int:
        return tx.number("SELECT count(*) FROM sessions")

    assert await w.database.read(count) == operator_rows.MAX_SESSIONS


async def test_a_known_browser_is_known_for_its_operator_only(w: World) -> None:
    await ann_joined(w)
    eve = await at_sign_in(w)
    await w.database.write(operators.add, w.acme_id, "eve@example.com", "Eve", "member", PASSWORD_HASH)
    assert (await eve.post("/sign-in", email="eve@example.com", password=PASSWORD)).status_code == 303
    await guessed_from_everywhere(w)
    assert await signs_in(eve, "guess") == 429
    cookie = eve.client.cookies.get(cookies.KNOWN) or ""
    for forged in ("x", "", cookie + "x", "x" * 4000):
        eve.client.cookies.set(cookies.KNOWN, forged, domain="rundun.test", path="/console")
        assert await signs_in(eve) == 429


async def test_who_knew_the_old_password_has_no_known_browsers_for_the_new_one(w: World) -> None:
    await ann_joined(w)
    eve, ann = await at_sign_in(w), await at_sign_in(w)
    assert [await signs_in(one) for one in (eve, ann)] == [303, 303]
    await ann.get("/settings/account")
    changed = await ann.post("/settings/account/password", old=PASSWORD, password="another good one")
    assert changed.status_code == 303
    request = Request({"type": "http", "client": ("192.0.2.9", 1)})
    for _ in range(100):
        w.service.rate_limiter.count(request, limits.ALL_GUESSES, ANN)  # each would take half a second
    assert await signs_in(eve, "guess") == 429
    assert await signs_in(ann, "another good one") == 303


async def test_codes_are_guessed_at_within_an_allowance_of_its_own_too(w: World) -> None:
    await ann_joined(w)
    eve, ann = await at_sign_in(w), await at_sign_in(w)  # Eve has found out the password
    assert [await signs_in(one) for one in (eve, ann)] == [303, 303]
    app, _ = await switched_on(w, ann)
    w.clock.forward(seconds=60)

    async def gives(browser: Browser, code: str) -> int:
        await browser.get("/sign-in")
        page = await browser.post("/sign-in", email=ANN, password=PASSWORD)
        return (await browser.post("/sign-in", pending=field(page.text, "pending"), code=code)).status_code

    assert [await gives(eve, app.wrong()) for _ in range(11)] == [422] * 10 + [429]
    assert await gives(await at_sign_in(w), app.code()) == 429
    assert (await ann.post("/sign-out")).status_code == 303
    assert await gives(ann, app.code()) == 303


async def test_askers_of_passwords_take_turns_and_the_known_do_not_wait_behind_the_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "MAX_OF_ASKER", 3)
    monkeypatch.setattr(passwords, "MAX_WAITING", 6)
    check, stored = passwords.queue_check, PASSWORD_HASH

    def turns(asker: str, count: int, kind: Any = "unknown") -> list[Any]:
        return [check(stored, PASSWORD, passwords.Turn(asker, kind)) for _ in range(count)]

    go_on = threading.Event()
    busy = [asyncio.ensure_future(passwords._pool.run("", {}, go_on.wait, PATIENCE)) for _ in range(passwords.AT_ONCE)]
    await asyncio.sleep(0)
    asked = turns("192.0.2.1", 4) + turns("192.0.2.2", 4) + turns("192.0.2.3", 1) + turns("ann", 4, "known")
    waiting = [asyncio.ensure_future(one) for one in asked]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*busy)
    outcomes = [
        "ok" if one is True else type(one).__name__ for one in await asyncio.gather(*waiting, return_exceptions=True)
    ]
    assert outcomes == ["ok"] * 3 + ["Busy"] + ["ok"] * 3 + ["Busy"] * 2 + ["ok"] * 3 + ["Busy"]
