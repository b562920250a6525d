"""The second factor: a code counts once, a wrong one tells nothing, and no way in goes round it."""

import asyncio
import logging
import re
from typing import Any

import pytest

from rundun import passwords
from rundun.actions import commands
from rundun.actions.organizations import operators
from rundun.errors import Problem
from rundun.store.organizations import operators as operator_rows
from rundun.web.console import cookies
from rundun.web.console.settings.second_factor import SETUP_TTL_MS
from rundun.web.console.sign_in import pending as pending_sign_in
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH, Browser, field
from tests.helpers.console.second_factor import App, recovery_codes_of, secret_of, switched_on
from tests.helpers.service import World

ANN = "ann@example.com"
PLACE = "/settings/account/second-factor"


async def ann_at(w: World) -> Browser:
    """Ann, who has signed in with her password."""
    if not await w.database.read(operator_rows.list_of_org, w.acme_id):
        await w.database.write(operators.add, w.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)
    ann = Browser(w.browser())
    await ann.get("/sign-in")
    assert (await ann.post("/sign-in", email=ANN, password=PASSWORD)).status_code == 303
    await ann.get("/settings/account")
    return ann


async def half_in(w: World, next_path: str = "") -> tuple[Browser, str]:
    """A browser that has given Ann's password and is asked for a code, and the field that says so."""
    browser = Browser(w.browser())
    await browser.get("/sign-in")
    page = await browser.post("/sign-in", email=ANN, password=PASSWORD, next=next_path)
    assert (page.status_code, "Two-step verification" in page.text) == (200, True)
    assert not [one for one in page.headers.get_list("set-cookie") if "session" in one], "it is no session"
    assert (await browser.client.get("/console")).status_code == 303
    return browser, field(page.text, "pending")


async def test_from_switching_on_to_switching_off(w: World) -> None:
    ann, elsewhere = await ann_at(w), await ann_at(w)
    app, codes = await switched_on(w, ann)
    assert len(set(codes)) == 10 and all(re.fullmatch(r"[a-z2-7]{4}( [a-z2-7]{4}){3}", one) for one in codes)
    assert (await ann.get("")).status_code == 200
    assert (await elsewhere.get("")).status_code == 303, "all other sessions are over"
    account = (await ann.get("/settings/account")).text
    assert "10 recovery codes left" in account and app.secret not in account.replace(" ", "")
    assert codes[0] not in account

    browser, pending = await half_in(w, "/runs?status=pending")
    reused = await browser.post("/sign-in", pending=pending, code=app.code())
    assert reused.status_code == 422, "it has switched the factor on"
    w.clock.forward(seconds=30)
    shown = f"{app.code()[:3]} {app.code()[3:]}"
    there = await browser.post("/sign-in", pending=pending, code=shown, next="/runs?status=pending")
    assert (there.status_code, there.headers["location"]) == (303, "/console/runs?status=pending")
    assert (await browser.get("")).status_code == 200

    again, pending = await half_in(w)
    for code in (app.code(), app.code(-1)):
        refused = await again.post("/sign-in", pending=pending, code=code)
        assert (refused.status_code, "has been used" in refused.text) == (422, True)
    assert (await again.post("/sign-in", pending=pending, code=codes[3].upper())).status_code == 303
    third, pending = await half_in(w)
    assert (await third.post("/sign-in", pending=pending, code=codes[3])).status_code == 422, "good once"

    await ann.get("/settings/account")
    w.clock.forward(seconds=30)
    assert (await ann.post(f"{PLACE}/off", password=PASSWORD, code=codes[3])).status_code == 422
    renewed = await ann.post(f"{PLACE}/recovery-codes", password=PASSWORD, code=app.code())
    assert not set(recovery_codes_of(renewed.text)) & set(codes)
    assert (await ann.post(f"{PLACE}/off", password=PASSWORD, code=codes[4])).status_code == 422
    off = await ann.post(f"{PLACE}/off", password=PASSWORD, code=recovery_codes_of(renewed.text)[0])
    assert off.status_code == 303
    await ann_at(w)  # the password is enough again


async def test_a_form_sent_after_the_session_had_ended_is_kept_through_both_steps(w: World) -> None:
    ann = await ann_at(w)
    app, _ = await switched_on(w, ann)
    await ann.get("/settings/keys")
    ann.client.cookies.delete(cookies.SESSION)
    asked = await ann.post("/settings/keys", name="booking backend")
    for given in ({"email": ANN, "password": PASSWORD}, {"code": app.code(1)}):
        onward = {name: field(asked.text, name) for name in ("csrf", "next", "then")}
        if "code" in given:
            onward["pending"] = field(asked.text, "pending")
        asked = await ann.post("/sign-in", **{**onward, **given})
        assert asked.status_code == 200, asked.text
    assert 'action="/console/settings/keys"' in asked.text and "booking backend" in asked.text
    assert (await ann.post("/settings/keys", csrf=field(asked.text, "csrf"), name="booking")).status_code == 200


async def test_a_phone_may_be_a_step_behind_or_ahead_and_a_code_counts_once_for_all_browsers(w: World) -> None:
    app, _ = await switched_on(w, await ann_at(w))
    w.clock.forward(seconds=90)
    for steps in (-1, 0, 1):
        browsers = [await half_in(w) for _ in range(3)]
        code = app.code(steps)
        answers = await asyncio.gather(*(one.post("/sign-in", pending=state, code=code) for one, state in browsers))
        assert sorted(one.status_code for one in answers) == [303, 422, 422]
    browser, pending = await half_in(w)
    w.clock.forward(seconds=60)
    assert (await browser.post("/sign-in", pending=pending, code=app.code(-2))).status_code == 422
    assert (await browser.post("/sign-in", pending=pending, code=app.code(2))).status_code == 422


async def test_it_is_switched_on_with_the_password_and_a_code_only(w: World) -> None:
    ann = await ann_at(w)
    wrong = await ann.post(PLACE, password="wrong horse battery")
    assert (wrong.status_code, "That is not your password." in wrong.text) == (422, True)
    assert "otpauth" not in wrong.text and "<svg" not in wrong.text
    page = (await ann.post(PLACE, password=PASSWORD)).text
    app, setup = App(secret_of(page), w.clock), field(page, "setup")
    for code in (app.wrong(), "", "12345", "x" * 10_000):
        again = await ann.post(f"{PLACE}/on", setup=setup, code=code)
        assert (again.status_code, secret_of(again.text)) == (422, app.secret)
    other = await ann_at(w)
    for browser, brought in ((other, setup), (ann, ""), (ann, f"{setup}x"), (ann, f"x{setup}"), (ann, "é" * 500)):
        refused = await browser.post(f"{PLACE}/on", setup=brought, code=app.code())
        assert (refused.status_code, "<svg" in refused.text) == (422, False), brought
    assert not (await w.database.read(operators.get_by_email, ANN)).has_second_factor
    w.clock.forward(seconds=SETUP_TTL_MS / 1000)
    assert "took too long" in (await ann.post(f"{PLACE}/on", setup=setup, code=app.code())).text
    for place in (f"{PLACE}/off", f"{PLACE}/recovery-codes"):
        assert (await ann.post(place, password=PASSWORD, code=app.code())).status_code == 422, "there is none"
    await switched_on(w, ann)
    w.clock.forward(seconds=60)
    for place, more in ((PLACE, {"password": PASSWORD}), (f"{PLACE}/on", {"setup": setup, "code": app.code()})):
        again = await ann.post(place, **more)  # as when the page with the recovery codes is loaded again
        assert again.headers["location"] == "/console/settings/account?flash=second_factor_is_on"
    refused = await ann.post(f"{PLACE}/off", password="wrong horse battery", code=app.code())
    assert (refused.status_code, "That is not your password." in refused.text) == (422, True)
    assert (await ann.post(f"{PLACE}/off", password=PASSWORD)).status_code == 422


async def test_half_signed_in_is_this_browser_for_five_minutes(w: World) -> None:
    app, codes = await switched_on(w, await ann_at(w))
    w.clock.forward(seconds=30)
    browser, pending = await half_in(w)
    other = Browser(w.browser())
    await other.get("/sign-in")
    for wrong in (pending, "", "x", f"{pending}x", "u-1.2.3", "\0.1", "é.1.x"):
        refused = await other.post("/sign-in", pending=wrong, code=app.code())
        assert (refused.status_code, "Sign in again" in refused.text) == (422, True), wrong
    w.clock.forward(seconds=pending_sign_in.TTL_MS / 1000 - 1)
    late = await browser.post("/sign-in", pending=pending, code=app.wrong())
    assert field(late.text, "pending") == pending, "a wrong code gives no more time"
    w.clock.forward(seconds=1)
    assert "Sign in again" in (await browser.post("/sign-in", pending=pending, code=app.code())).text
    browser, pending = await half_in(w)
    w.database.env.generation = 1
    assert "Sign in again" in (await browser.post("/sign-in", pending=pending, code=codes[0])).text, "after a restore"
    w.database.env.generation = 0
    assert (await browser.post("/sign-in", pending=pending)).status_code == 200, "asked once more"
    assert (await browser.post("/sign-in", pending=pending, code=codes[0])).status_code == 303


async def test_a_new_password_does_not_go_round_it(w: World) -> None:
    ann = await ann_at(w)
    app, codes = await switched_on(w, ann)
    browser, pending = await half_in(w)
    changed = passwords.hash_password("another good one")
    await w.database.write(commands.COMMANDS["operators password"], email=ANN, password=changed)
    w.clock.forward(seconds=30)
    refused = await browser.post("/sign-in", pending=pending, code=app.code())
    assert "Sign in again" in refused.text, "what was half way in with the old one is out"
    again = Browser(w.browser())
    await again.get("/sign-in")
    asked = await again.post("/sign-in", email=ANN, password="another good one")
    assert "Two-step verification" in asked.text
    there = await again.post("/sign-in", pending=field(asked.text, "pending"), code=app.code())
    assert there.status_code == 303
    await again.get("/settings/account")
    answer = await again.post("/settings/account/password", old="another good one", password=PASSWORD)
    assert answer.status_code == 303
    await half_in(w)
    # Nor does a link: it makes somebody else, or nobody.
    setup = await w.database.write(operators.create_setup_link, w.acme_id)
    eve = Browser(w.browser())
    await eve.get(f"/join/{setup}")
    assert (await eve.post(f"/join/{setup}", email=ANN, name="Eve", password=PASSWORD)).status_code == 422
    await half_in(w)
    assert len(codes) == 10


async def test_whoever_checked_the_password_just_before_it_was_switched_on_is_not_in(w: World) -> None:
    ann = await ann_at(w)
    (before,) = await w.database.read(operator_rows.list_of_org, w.acme_id)
    await switched_on(w, ann)
    with pytest.raises(Problem):
        await w.database.write(operators.sign_in, before.operator_id, before.password_hash)


async def test_guesses_of_a_code_are_limited_for_an_operator(w: World) -> None:
    ann = await ann_at(w)
    app, codes = await switched_on(w, ann)
    w.clock.forward(seconds=60)
    statuses = []
    for _ in range(4):
        browser, pending = await half_in(w)
        statuses += [(await browser.post("/sign-in", pending=pending, code=app.wrong())).status_code for _ in range(3)]
    assert statuses == [422] * 10 + [429] * 2
    refused = await browser.post("/sign-in", pending=pending, code=codes[0])
    assert (refused.status_code, "Try again in 6 minutes." in refused.text) == (429, True)
    assert refused.headers["retry-after"] == "360"
    await ann.get("/settings/account")
    for place in (f"{PLACE}/off", f"{PLACE}/recovery-codes"):
        statuses = [(await ann.post(place, password=PASSWORD, code=app.wrong())).status_code for _ in range(6)]
        assert statuses == ([422] * 6 if place.endswith("off") else [422] * 4 + [429] * 2)
    w.clock.forward(seconds=360)
    browser, pending = await half_in(w)
    assert (await browser.post("/sign-in", pending=pending, code=codes[0])).status_code == 303


async def test_no_new_known_browsers_are_had_by_changing_the_password(w: World) -> None:
    """Somebody has a session and the password: each known browser would be ten more guesses at the code."""
    ann = await ann_at(w)
    await switched_on(w, ann)
    known = ann.client.cookies.get(cookies.KNOWN) or ""
    ann.client.cookies.delete(cookies.KNOWN)
    statuses = []
    for _ in range(2):
        await ann.get("/settings/account")
        assert (await ann.post("/settings/account/password", old=PASSWORD, password=PASSWORD)).status_code == 303
        assert ann.client.cookies.get(cookies.KNOWN) is None
        statuses += [(await ann.post(f"{PLACE}/off", password=PASSWORD, code="x")).status_code for _ in range(6)]
    assert statuses == [422] * 10 + [429] * 2
    ann.client.cookies.set(cookies.KNOWN, known, domain="rundun.test", path="/console")
    assert (await ann.post(f"{PLACE}/off", password=PASSWORD, code="x")).status_code == 429, "of the password before"


async def test_a_known_browser_stays_known_and_the_same_through_a_change_of_the_password(w: World) -> None:
    ann = await ann_at(w)
    await switched_on(w, ann)
    statuses = []
    for _ in range(2):
        await ann.get("/settings/account")
        assert (await ann.post("/settings/account/password", old=PASSWORD, password=PASSWORD)).status_code == 303
        statuses += [(await ann.post(f"{PLACE}/off", password=PASSWORD, code="x")).status_code for _ in range(6)]
    assert statuses == [422] * 10 + [429] * 2


async def test_guesses_of_a_code_are_limited_for_all_known_browsers_of_an_operator(w: World) -> None:
    app, _ = await switched_on(w, await ann_at(w))
    statuses = []
    for _ in range(4):
        browser, pending = await half_in(w)
        w.clock.forward(seconds=30)
        assert (await browser.post("/sign-in", pending=pending, code=app.code())).status_code == 303
        await browser.get("/settings/account")
        place = f"{PLACE}/recovery-codes"
        statuses += [(await browser.post(place, password=PASSWORD, code="x")).status_code for _ in range(9)]
    assert statuses == [422] * 30 + [429] * 6


async def test_who_lost_both_is_helped_at_the_command_line(w: World) -> None:
    ann = await ann_at(w)
    off = commands.COMMANDS["operators second-factor"]
    with pytest.raises(Problem, match="has no second factor"):
        await w.database.write(off, email=ANN)
    await switched_on(w, ann)
    people = (await ann.get("/settings/people")).text
    assert re.search(r'data-label="Two-step verification">On<', people)
    await w.database.write(off, email=f" {ANN.upper()} ")
    assert (await ann.get("")).status_code == 303, "signed out everywhere"
    ann = await ann_at(w)
    assert re.search(r'data-label="Two-step verification">Off<', (await ann.get("/settings/people")).text)


async def test_nothing_secret_is_logged_or_stored_but_the_secret(w: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        app, codes = await switched_on(w, await ann_at(w))
        browser, pending = await half_in(w)
        await browser.post("/sign-in", pending=pending, code=codes[0])

    def everything(tx: Any) -> str:
        return "\n".join(tx.db.iterdump())

    dump = await w.database.read(everything)
    assert dump.count(app.secret) == 1
    for code in codes:
        assert code not in dump and code.replace(" ", "") not in dump
    for secret in (app.secret, codes[0], codes[0].replace(" ", ""), app.code(), pending):
        assert secret not in caplog.text
