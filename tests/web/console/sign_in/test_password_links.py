"""An owner makes a link by which a colleague sets a new password."""

import logging
import re
from pathlib import Path

import pytest
from starlette.requests import Request

from rundun.actions.organizations import operators
from rundun.logs import redact
from rundun.store.organizations.operators import Operator, Role
from rundun.web.console import cookies
from rundun.web.console.settings.people import INVITED
from rundun.web.console.sign_in.limits import ALL_GUESSES
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH, Browser, field, operator, shown, text_of
from tests.helpers.console.second_factor import switched_on
from tests.helpers.service import World, world

NEW = "a new and better one"


async def bob_of(w: World, role: Role = "member") -> Operator:
    """A colleague who has forgotten the password."""
    return await w.database.write(operators.add, w.acme_id, "bob@example.com", "Bob", role, PASSWORD_HASH)


async def link_for(ann: Browser, bob: Operator) -> str:
    """The path of a link that Ann makes."""
    await ann.get("/settings/people")
    made = await ann.post(f"/settings/people/{bob.operator_id}/password-link", old=PASSWORD)
    found = re.search(r"http://rundun\.test/console(/reset/[\w-]+)", made.text)
    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store") and found
    return found[1]


async def sign_in(w: World, password: str) -> int:
    browser = Browser(w.browser())
    await browser.get("/sign-in")
    return (await browser.post("/sign-in", email="bob@example.com", password=password)).status_code


async def test_it_is_shown_once_and_sets_the_password_once(w: World) -> None:
    ann, bob = await operator(w), await bob_of(w)
    place = f"/settings/people/{bob.operator_id}/password-link"
    asked = await ann.post(place)
    assert asked.status_code == 200 and "/reset/" not in asked.text and "Bob" in text_of(asked.text)
    wrong = await ann.post(place, old="not hers")
    assert (wrong.status_code, "/reset/" in wrong.text) == (422, False)
    path = await link_for(ann, bob)
    assert path not in await shown(ann, "/settings/people")
    browser = Browser(w.browser())
    for _ in range(2):  # a preview uses nothing up
        page = text_of(await shown(browser, path))
        assert "bob@example.com" in page and "Choose a new password for Acme" in page
    short = await browser.post(path, password="short")
    assert (short.status_code, "at least 10 characters" in short.text) == (422, True)
    done = await browser.post(path, password=NEW)
    assert (done.status_code, done.headers["location"].partition("?")[0]) == (303, "/console/sign-in")
    assert (await sign_in(w, PASSWORD), await sign_in(w, NEW)) == (422, 303)
    assert (await browser.get(path)).status_code == 404
    assert (await browser.post(path, password="yet another one")).status_code == 404
    assert await sign_in(w, NEW) == 303


@pytest.mark.parametrize("has_second_factor", [False, True])
async def test_the_browser_that_used_it_is_known_from_then_on(w: World, has_second_factor: bool) -> None:
    ann, bob = await operator(w), await bob_of(w)
    if has_second_factor:
        browser = Browser(w.browser())
        await browser.get("/sign-in")
        await browser.post("/sign-in", email="bob@example.com", password=PASSWORD)
        app, _ = await switched_on(w, browser)
        w.clock.forward(seconds=60)
    guesser = Request({"type": "http", "client": ("192.0.2.9", 1)})
    for _ in range(100):
        w.service.rate_limiter.count(guesser, ALL_GUESSES, "bob@example.com")
    assert await sign_in(w, PASSWORD) == 429, "somebody has locked him out"
    path, used, onlooker = await link_for(ann, bob), Browser(w.browser()), Browser(w.browser())
    for browser in (used, onlooker):
        await browser.get(path)
    assert (await used.post(path, password="short")).status_code == 422
    assert cookies.KNOWN not in used.client.cookies
    assert (await used.post(path, password=NEW)).status_code == 303
    assert (await onlooker.post(path, password="yet another one")).status_code == 404
    assert cookies.KNOWN not in onlooker.client.cookies
    await used.get("/sign-in")
    page = await used.post("/sign-in", email="bob@example.com", password=NEW)
    if has_second_factor:
        assert page.status_code == 200, "the second factor stays"
        page = await used.post("/sign-in", pending=field(page.text, "pending"), code=app.code())
    assert page.status_code == 303
    assert await sign_in(w, NEW) == 429, "from anywhere else"


async def test_who_is_removed_has_none(w: World) -> None:
    ann, bob = await operator(w), await bob_of(w)
    path = await link_for(ann, bob)
    await ann.post(f"/settings/people/{bob.operator_id}/remove")
    browser = Browser(w.browser())
    await browser.get("/sign-in")
    assert (await browser.get(path)).status_code == 404
    assert (await browser.post(path, password=NEW)).status_code == 404
    gone = await ann.post(f"/settings/people/{bob.operator_id}/password-link", old=PASSWORD)
    assert gone.status_code == 404


async def test_a_member_makes_none_and_another_organizations_owner_finds_nobody(w: World) -> None:
    bob = await bob_of(w)
    member, evil = await operator(w, "member"), await operator(w, "owner", await globex_id(w))
    place = f"/settings/people/{bob.operator_id}/password-link"
    assert (await member.post(place, old=PASSWORD)).status_code == 403
    for given in ({}, {"old": PASSWORD}):
        refused = await evil.post(place, **given)
        assert refused.status_code == 404 and "Bob" not in refused.text
    assert await w.database.read(lambda tx: tx.number("SELECT count(*) FROM password_resets")) == 0
    assert (await evil.client.get(f"/console{place}")).status_code == 404, "a link, a preview, makes none"


async def globex_id(w: World) -> str:
    answer = await w.globex.get("/v1/organization")
    return str(answer.json()["id"])


async def test_the_token_is_neither_stored_nor_logged(w: World, caplog: pytest.LogCaptureFixture) -> None:
    ann, bob = await operator(w), await bob_of(w)
    with caplog.at_level(logging.INFO):
        path = await link_for(ann, bob)
        token = path.rpartition("/")[2]
        browser = Browser(w.browser())
        await browser.get(path)
        dump = await w.database.read(lambda tx: "\n".join(tx.db.iterdump()))
        await browser.post(path, password=NEW)
        await browser.get(path)
    assert token not in dump
    logged = "".join(f"{record.getMessage()} {getattr(record, 'fields', '')}" for record in caplog.records)
    assert "/console/reset/" in logged and token not in redact(logged), "as the log's lines have it"


async def test_links_are_as_many_as_invitations(w: World) -> None:
    ann, bob = await operator(w), await bob_of(w)
    await link_for(ann, bob)
    for _ in range(INVITED.quota - 1):
        assert w.service.rate_limiter.take(INVITED, w.acme_id)
    refused = await ann.post(f"/settings/people/{bob.operator_id}/password-link", old=PASSWORD)
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)


async def test_who_guesses_is_stopped(tmp_path: Path) -> None:
    async with world(tmp_path, limits__failures_per_minute=3) as w:
        guesser = Browser(w.browser())
        codes = [(await guesser.get(f"/reset/{number}")).status_code for number in range(4)]
        assert codes == [404, 404, 404, 429]
