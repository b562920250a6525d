"""One e-mail address in several organizations: nobody learns of it, nobody can take it, and its people choose."""

import re

import pytest

from rundun.actions import operators, organizations
from rundun.errors import Problem
from rundun.web.console import cookies
from tests.helpers.console import PASSWORD, PASSWORD_HASH, Browser, field, operator, text_of
from tests.helpers.second_factor import switched_on
from tests.helpers.service import World

ANN = "ann@example.com"
OTHER = "another good one"


async def globex(w: World) -> str:
    return (await w.database.write(organizations.create, "Globex Ltd")).org_id


async def at_sign_in(w: World) -> Browser:
    browser = Browser(w.browser())
    await browser.get("/sign-in")
    return browser


async def works_for(browser: Browser) -> str:
    page = await browser.get("")
    found = re.search(r'<div class="who">.*?<bdi>(.*?)</bdi>', page.text, re.DOTALL)
    return found[1] if found else "nobody"


async def test_inviting_tells_nothing_of_other_organizations_and_takes_no_address_from_them(w: World) -> None:
    owner = await operator(w)
    await w.database.write(operators.add, w.acme_id, ANN, "Ann", "member", PASSWORD_HASH)
    evil = await operator(w, "owner", await globex(w))
    said = {}
    for email in (ANN, "nobody@example.com"):
        await evil.get("/settings/people")
        invited = await evil.post("/settings/people/invitations", email=email, role="member")
        link = re.search(r"/console(/join/[\w-]+)", invited.text)
        assert invited.status_code == 200 and link
        said[email] = text_of(invited.text).replace(email, "…").replace(link[1], "…")
        squatter = Browser(w.browser())
        await squatter.get(link[1])
        assert (await squatter.post(link[1], name="Eve", password=OTHER)).status_code == 303
    await owner.get("/settings/people")
    mine = await owner.post("/settings/people/invitations", email="nobody@example.com", role="member")
    link = re.search(r"/console(/join/[\w-]+)", mine.text)
    assert mine.status_code == 200 and link, "Acme can still invite its own"
    nobody = Browser(w.browser())
    await nobody.get(link[1])
    assert (await nobody.post(link[1], name="Nobody", password=PASSWORD)).status_code == 303
    twice = await owner.post("/settings/people/invitations", email=ANN, role="member")
    assert (twice.status_code, "There is an operator" in twice.text) == (422, True), "her own people are no secret"
    for email, password, where in (
        (ANN, PASSWORD, "Acme"),
        (ANN, OTHER, "Globex Ltd"),
        ("nobody@example.com", PASSWORD, "Acme"),
    ):
        browser = await at_sign_in(w)
        assert (await browser.post("/sign-in", email=email, password=password)).status_code == 303
        assert (await works_for(browser)).startswith(where)
    wrong = await (await at_sign_in(w)).post("/sign-in", email=ANN, password="wrong horse battery")
    assert (wrong.status_code, "Globex" in wrong.text) == (422, False)


async def test_who_has_one_password_in_several_organizations_is_asked_which(w: World) -> None:
    other = await globex(w)
    for org_id in (w.acme_id, other):
        await w.database.write(operators.add, org_id, ANN, "Ann", "owner", PASSWORD_HASH)
    ann = await at_sign_in(w)
    asked = await ann.post("/sign-in", email=ANN, password=PASSWORD, next="/runs")
    assert (asked.status_code, "Which organization?" in asked.text) == (200, True)
    assert field(asked.text, "next") == "/runs"
    choices = {name: value for value, name in re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)<', asked.text)}
    assert {name.split()[0] for name in choices} == {"Acme", "Globex"}
    assert (await ann.client.get("/console")).status_code == 303, "not in yet"
    there = await ann.post("/sign-in", pending=choices["Globex Ltd"], next="/runs")
    assert there.headers["location"] == "/console/runs"
    assert await works_for(ann) == "Globex Ltd"
    app, _ = await switched_on(w, ann)
    await ann.post("/sign-out")
    await ann.get("/sign-in")
    w.clock.forward(seconds=30)
    for code in (None, app.code()):  # the browser is known at Globex, and asked again all the same
        asked = await ann.post("/sign-in", email=ANN, password=PASSWORD)
        choices = {name: value for value, name in re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)<', asked.text)}
        pending = choices["Globex Ltd"]
        page = await ann.post("/sign-in", pending=pending)
        assert "Your second factor" in page.text
        if code:
            assert (await ann.post("/sign-in", pending=pending, code=code)).status_code == 303
    assert await works_for(ann) == "Globex Ltd"
    await ann.post("/sign-out")
    await ann.get("/sign-in")
    asked = await ann.post("/sign-in", email=ANN, password=PASSWORD)
    choices = {name: value for value, name in re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)<', asked.text)}
    (acme,) = [name for name in choices if name.startswith("Acme")]
    assert (await ann.post("/sign-in", pending=choices[acme])).status_code == 303, "Acme's needs no code"
    assert await works_for(ann) == acme


async def test_a_namesake_elsewhere_has_no_better_chance_to_guess(w: World) -> None:
    """Who takes somebody's address in an organization of their own gets known browsers for that one only."""
    await w.database.write(operators.add, w.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)
    await w.database.write(operators.add, await globex(w), ANN, "Eve", "owner", "no hash")
    eve = await at_sign_in(w)
    (_, hers) = [one for one, _ in await w.database.read(operators.of_email, ANN)]
    token = await w.database.write(operators.begin_session, hers.operator_id)
    eve.client.cookies.set("rundun_session", token, domain="rundun.test", path="/console")
    await eve.get("/settings/account")
    await w.database.write(operators.change_password, hers.operator_id, PASSWORD_HASH, token)
    assert (await eve.post("/settings/account/password", old=PASSWORD, password=OTHER)).status_code == 303
    assert eve.client.cookies.get(cookies.KNOWN)
    await eve.post("/sign-out")
    await eve.get("/sign-in")
    codes = [(await eve.post("/sign-in", email=ANN, password=f"guess {number}")).status_code for number in range(11)]
    assert codes == [422] * 10 + [429]
    assert (await eve.post("/sign-in", email=ANN, password=PASSWORD)).status_code == 429


async def test_the_administrator_says_which(w: World) -> None:
    other = await globex(w)
    for org_id in (w.acme_id, other):
        await w.database.write(operators.add, org_id, ANN, "Ann", "owner", PASSWORD_HASH)
    with pytest.raises(Problem, match="say which with --org"):
        await w.database.write(operators.remove_by_email, ANN)
    await w.database.write(operators.remove_by_email, ANN, "Globex Ltd")
    with pytest.raises(Problem, match="no such operator"):
        await w.database.write(operators.remove_by_email, ANN, other)
    assert (await w.database.read(operators.get_by_email, ANN)).org_id == w.acme_id


async def test_so_many_namesakes_are_checked_and_no_more_the_oldest_first(w: World) -> None:
    for number in range(12):
        org_id = (await w.database.write(organizations.create, f"Org {number}")).org_id
        await w.database.write(operators.add, org_id, ANN, f"Ann {number}", "owner", "no hash")
        w.clock.forward(seconds=1)
    found = await w.database.read(operators.of_email, ANN)
    assert [(one.name, org.name) for one, org in found] == [(f"Ann {n}", f"Org {n}") for n in range(10)]
