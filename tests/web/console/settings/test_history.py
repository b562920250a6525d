"""The history of the organization, as its owners read it."""

import re
from html import unescape
from typing import get_args

import pytest

from rundun.actions.organizations import api_keys, operators, organizations
from rundun.core.actor import Actor
from rundun.core.organizations import change
from rundun.core.organizations.change import KINDS, OrganizationChange
from rundun.store.organizations import changes as organization_changes
from rundun.store.sqlite.transaction import Tx
from rundun.wording import change_text
from rundun.wording.console_words import ConsoleLanguage
from tests.helpers.console.console import PASSWORD, Browser, operator, shown, text_of
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.service import BOOLEAN, World

ANN = Actor("operator", "Ann", "u-ann")
ISOLATES = str.maketrans("", "", "\u2068\u2069")


async def lines(who: Browser, query: str = "") -> list[tuple[str, str]]:
    """Who has done what, as the page lists it."""
    html = await shown(who, f"/settings/history{query}")
    rows = re.findall(r'<span class="whose">(.*?)</span> <span class="what">(.*?)</span>', html)
    return [(text_of(name), unescape(what).translate(ISOLATES)) for name, what in rows]


async def test_each_change_is_a_line(w: World) -> None:
    ann = await operator(w)
    await ann.get("/settings/keys")
    await ann.post("/settings/keys", name="backend", rights="erase", old=PASSWORD)
    invited = await ann.post("/settings/people/invitations", email="bob@example.com", role="member")
    bob = Browser(w.browser())
    path = re.search(r"/console(/join/[\w-]+)", invited.text)
    assert path
    await bob.get(path[1])
    await bob.post(path[1], name="Bob", password=PASSWORD)
    template_id = await w.template(BOOLEAN)
    await ann.post(f"/templates/{template_id}/archive")
    assert (await w.acme.put(f"/v1/templates/{template_id}", json={"name": "Check", "steps": [BOOLEAN]})).is_success
    profile = {"name": "Sunny", "contact": "", "time_zone": "Europe/Madrid"}
    await ann.post("/settings/organization", **profile)
    await w.database.write(organizations.add_credits, w.acme_id, 1200)
    name = "Acme"
    found = await lines(ann)
    assert [(who, re.sub(r"Acme \w+", name, what)) for who, what in found[:7]] == [
        ("Administrator", "Changed the credits from no limit to 1,200"),
        ("Ann", "Changed the organization: name Acme → Sunny; time zone UTC → Europe/Madrid"),
        ("test API key", "Brought the checklist Check back"),
        ("Ann", "Archived the checklist Check"),
        ("Bob", "Joined the team as member"),
        ("Ann", "Invited bob@example.com as member"),
        ("Ann", "Created the API key backend, which may delete jobs"),
    ]


async def test_it_is_filtered_by_what_and_by_whom(w: World) -> None:
    ann = await operator(w)
    for number in range(2):
        await w.database.write(api_keys.create, w.acme_id, f"key {number}", actor=ANN)
        await w.database.write(operators.invite, w.acme_id, f"{number}@example.com", "member", ANN)
    await w.database.write(operators.create_setup_link, w.acme_id)
    assert [what for _, what in await lines(ann, "?kind=keys&by=u-ann")] == [
        "Created the API key key 1",
        "Created the API key key 0",
    ]
    assert {who for who, _ in await lines(ann, "?by=u-ann")} == {"Ann"}
    assert (await lines(ann, "?by=administrator&kind=people"))[0] == (
        "Administrator",
        "Created a set-up link for an owner",
    )
    page = text_of(await shown(ann, "/settings/history?kind=allowance"))
    assert "No changes match." in page
    html = await shown(ann, "/settings/history?by=u-ann")
    assert '<option value="u-ann" selected>Ann</option>' in html, "who is no operator any more"
    for odd in ("?kind=%00&by=x", "?before=9.9.9", "?before=0.0", f"?by={'x' * 5000}", "?kind=people&kind=keys"):
        assert (await ann.get(f"/settings/history{odd}")).status_code == 200, odd


async def test_it_goes_on_page_by_page(w: World) -> None:
    ann = await operator(w)

    def fill(tx: Tx) -> None:
        for number in range(120):
            organization_changes.add(tx, w.acme_id, "key_created", ANN, key=f"key {number}")

    await w.database.write(fill)
    found, query = [], "?by=u-ann"
    while query:
        found += await lines(ann, query)
        html = await shown(ann, f"/settings/history{query}")
        older = re.search(r'href="/console/settings/history(\?[^"]*before=[^"]+)"', html)
        query = unescape(older[1]) if older else ""
    assert [what for _, what in found] == [f"Created the API key key {number}" for number in range(119, -1, -1)]


async def test_it_is_the_owners_own(w: World) -> None:
    await w.database.write(api_keys.create, w.acme_id, "a secret name", actor=ANN)
    theirs = str((await w.globex.get("/v1/organization")).json()["id"])
    evil, bob = await operator(w, "owner", theirs), await operator(w, "member")
    assert "a secret name" not in await shown(evil, "/settings/history?by=u-ann")
    assert (await bob.get("/settings/history")).status_code == 403
    assert "/settings/history" not in await shown(bob, "/settings/account")


@pytest.mark.parametrize("nasty", [*NASTY_NAMES, "\u202egnp.exe", "x" * 200])
async def test_names_are_never_markup(w: World, nasty: str) -> None:
    ann = await operator(w)
    eve = Actor("operator", nasty, "u-eve")
    values = {"before": {"name": nasty}, "after": {"name": f"{nasty}!"}}

    def add(tx: Tx) -> None:
        organization_changes.add(tx, w.acme_id, "key_created", eve, key=nasty)
        organization_changes.add(tx, w.acme_id, "organization_changed", eve, **values)

    await w.database.write(add)
    for query in ("", "?by=u-eve"):
        assert is_text_only(await shown(ann, f"/settings/history{query}"), nasty)
    assert is_text_only(
        (await ann.client.get("/console/settings/history", params={"by": nasty[:100]})).text, nasty[:100]
    )


def test_each_word_has_a_sentence_and_a_kind() -> None:
    words = {word for kind in KINDS.values() for word in kind}
    assert (
        words
        == set(change_text.SENTENCES)
        == {word for literal in get_args(change.Word) for word in (get_args(literal) or (literal,))}
    )
    assert change_text.KINDS.keys() == KINDS.keys()
    unknown = OrganizationChange(1, 0, "from_a_newer_version", ANN, {})
    assert change_text.change_text(ConsoleLanguage("en"), unknown) == "from_a_newer_version"
