"""One e-mail address in several organizations: nobody learns of it, nobody can take it, and its people choose."""

import re

import pytest

from rundun import passwords
from rundun.actions.organizations import operators, organizations
from rundun.errors import Problem
from rundun.web.console import cookies
from tests.helpers.console.console import PASSWORD, PASSWORD_HASH, Browser, field, hashed, left_alone, operator, text_of
from tests.helpers.console.second_factor import switched_on
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
    assert (twice.status_code, "Somebody of your team has that address" in twice.text) == (422, True), (
        "her own people are no secret"
    )
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
        assert "Two-step verification" in page.text
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


async def eve_has_her_address(w: World) -> str:
    """Ann is of Acme, and Eve has put Ann's address into her own organization; returns Eve's operator."""
    await w.database.write(operators.add, w.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)
    hers = await w.database.write(operators.add, await globex(w), ANN, "Eve", "owner", hashed(OTHER))
    return hers.operator_id


async def test_a_namesake_elsewhere_has_no_better_chance_to_guess(w: World) -> None:
    """Who takes somebody's address in an organization of their own gets known browsers for that one only."""
    await eve_has_her_address(w)
    eve = await at_sign_in(w)
    assert (await eve.post("/sign-in", email=ANN, password=OTHER)).status_code == 303
    assert eve.client.cookies.get(cookies.KNOWN)
    await eve.get("")
    await eve.post("/sign-out")
    await eve.get("/sign-in")
    codes = [(await eve.post("/sign-in", email=ANN, password=f"guess {number}")).status_code for number in range(11)]
    assert codes == [422] * 10 + [429]
    assert (await eve.post("/sign-in", email=ANN, password=PASSWORD)).status_code == 429
    eve.client.cookies.delete(cookies.KNOWN)
    assert (await eve.post("/sign-in", email=ANN, password=PASSWORD)).status_code == 422, "not tried any more"


async def test_what_fits_a_namesake_is_a_wrong_guess_at_all_others(w: World) -> None:
    hers = await eve_has_her_address(w)
    known = await at_sign_in(w)
    assert (await known.post("/sign-in", email=ANN, password=PASSWORD)).status_code == 303

    async def guesses(password: str, address: str) -> str:
        await w.database.write(operators.change_password, hers, hashed(password))
        eve = Browser(w.browser(address))
        await eve.get("/sign-in")
        answer = await eve.post("/sign-in", email=ANN, password=password)
        assert answer.status_code == 303, "it is Eve's password, and Ann's is not known to be it"
        return await works_for(eve)

    for of_address in range(10):
        for number in range(10):
            assert await guesses(f"guess {number}", f"192.0.2.{of_address}") == "Globex Ltd"
        if of_address == 0:
            assert await guesses(PASSWORD, "192.0.2.0") == "Globex Ltd", "ten from an address"
    assert await guesses(PASSWORD, "198.51.100.7") == "Globex Ltd", "a hundred in all"
    await w.database.write(operators.change_password, hers, hashed(OTHER))
    await known.get("")
    await known.post("/sign-out")
    await known.get("/sign-in")
    assert (await known.post("/sign-in", email=ANN, password=PASSWORD)).status_code == 303
    w.clock.forward(seconds=900)
    assert (await (await at_sign_in(w)).post("/sign-in", email=ANN, password=PASSWORD)).status_code == 303


async def test_two_passwords_in_two_organizations_are_right_however_often(w: World) -> None:
    await eve_has_her_address(w)
    ann = await at_sign_in(w)
    for _ in range(15):
        for password, where in ((OTHER, "Globex Ltd"), (PASSWORD, "Acme")):
            assert (await ann.post("/sign-in", email=ANN, password=password)).status_code == 303
            assert (await works_for(ann)).startswith(where)
            await ann.post("/sign-out")
            await ann.get("/sign-in")
        w.clock.forward(seconds=90)
    for _ in range(15):
        assert (await (await at_sign_in(w)).post("/sign-in", email=ANN, password=OTHER)).status_code == 303


async def test_no_answer_tells_that_an_address_is_in_another_organization(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by how many passwords are checked, of which each takes its time, nor by what is left of a limit."""
    await eve_has_her_address(w)
    (_, elsewhere) = [org for _, org in await w.database.read(operators.list_candidates, ANN)]
    await w.database.write(operators.add, elsewhere.org_id, "only@example.com", "Eve", "owner", hashed(OTHER))
    checked: list[bool] = []
    verify = passwords.verify

    def counted(stored: str | None, password: str) -> bool:
        checked.append(stored is None)
        return verify(stored, password)

    monkeypatch.setattr(passwords, "verify", counted)
    answers: dict[str, list[object]] = {ANN: [], "only@example.com": [], "nobody@example.com": []}
    for email, seen in answers.items():
        for password, count in ((OTHER, 12), ("wrong horse battery", 12)):
            for number in range(count):
                eve = await at_sign_in(w)
                checked.clear()
                said = await eve.post("/sign-in", email=email, password=password)
                seen.append((said.status_code, len(checked), said.headers.get("ratelimit"), number))
        w.clock.forward(seconds=900)
        eve = await at_sign_in(w)
        await eve.post("/sign-in", email=email, password=OTHER)
        for address in ("192.0.2.1", "192.0.2.2"):  # the browser is known at her own organization
            known = Browser(w.browser(address))
            known.client.cookies.set(
                cookies.KNOWN, eve.client.cookies.get(cookies.KNOWN, ""), domain="rundun.test", path="/console"
            )
            await known.get("/sign-in")
            for number in range(7):
                checked.clear()
                said = await known.post("/sign-in", email=email, password="wrong horse battery")
                seen.append((said.status_code, len(checked), said.headers.get("ratelimit"), number))
        w.clock.forward(seconds=900)
    assert answers[ANN] == answers["only@example.com"]
    assert {checks for status, checks, *_ in answers[ANN] if status != 429} == {2}
    assert {checks for status, checks, *_ in answers["nobody@example.com"] if status != 429} == {2}


async def test_a_service_of_one_organization_checks_one_password(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await left_alone(w)
    await w.database.write(operators.add, w.acme_id, ANN, "Ann", "owner", PASSWORD_HASH)
    checked: list[str | None] = []
    verify = passwords.verify

    def counted(stored: str | None, password: str) -> bool:
        checked.append(stored)
        return verify(stored, password)

    monkeypatch.setattr(passwords, "verify", counted)
    for email, password in ((ANN, PASSWORD), (ANN, OTHER), ("nobody@example.com", OTHER)):
        await (await at_sign_in(w)).post("/sign-in", email=email, password=password)
    assert checked == [PASSWORD_HASH, PASSWORD_HASH, None]


async def test_the_administrator_says_which(w: World) -> None:
    other = await globex(w)
    for org_id in (w.acme_id, other):
        await w.database.write(operators.add, org_id, ANN, "Ann", "owner", PASSWORD_HASH)
    with pytest.raises(Problem, match="say which with --org"):
        await w.database.write(operators.remove_by_email, ANN)
    await w.database.write(operators.remove_by_email, ANN, "Globex Ltd")
    with pytest.raises(Problem, match="There is no operator"):
        await w.database.write(operators.remove_by_email, ANN, other)
    assert (await w.database.read(operators.get_by_email, ANN)).org_id == w.acme_id


async def test_so_many_namesakes_are_checked_and_no_more_the_oldest_first(w: World) -> None:
    for number in range(12):
        org_id = (await w.database.write(organizations.create, f"Org {number}")).org_id
        await w.database.write(operators.add, org_id, ANN, f"Ann {number}", "owner", "no hash")
        w.clock.forward(seconds=1)
    found = await w.database.read(operators.list_candidates, ANN)
    assert [(one.name, org.name) for one, org in found] == [(f"Ann {n}", f"Org {n}") for n in range(10)]
