"""Operators and their passwords in the console."""

import re

import pytest

from rundun import passwords
from rundun.actions import commands
from rundun.actions.organizations import operators
from rundun.errors import Problem
from rundun.store.organizations import operators as operator_rows
from rundun.store.sqlite.transaction import Tx
from tests.helpers.console.console import PASSWORD, Browser, field, operator
from tests.helpers.service import World

INVITE = "/settings/people/invitations"


async def test_a_member_is_invited_by_a_link_and_kept_from_keys_and_people(w: World) -> None:
    ann = await operator(w)
    await ann.get("/settings/people")
    invited = await ann.post("/settings/people/invitations", email=" Bob@Example.com ", role="member")
    link = re.search(r"http://rundun\.test/console(/join/[\w-]+)", invited.text)
    assert link and invited.status_code == 200
    assert link[1] not in (await ann.get("/settings/people")).text, "shown once"
    bob = Browser(w.browser())
    await bob.get(link[1])
    assert (await bob.post(link[1], name="Bob", password=PASSWORD)).status_code == 303
    assert (await bob.get("/settings")).headers["location"] == "/console/settings/account"
    for path in ("/settings/keys", "/settings/people"):
        assert (await bob.get(path)).status_code == 403
        assert f"/console{path}" not in (await bob.get("/settings/account")).text, "nor is he led there"
    page = (await ann.get("/settings/people")).text
    assert "bob@example.com" in page and "Invitations" not in page


async def test_an_invitation_is_taken_back(w: World) -> None:
    ann = await operator(w)
    await ann.get("/settings/people")
    page = (await ann.post(INVITE, email="bob@example.com", role="owner", old=PASSWORD)).text
    link = re.search(r"/console(/join/[\w-]+)", page)
    (invitation,) = await w.database.read(operator_rows.list_invitations, w.acme_id)
    assert link and invitation.role == "owner"
    place = f"/settings/people/invitations/{invitation.invitation_id}/remove"
    assert (await ann.post(place)).status_code == 303
    assert (await ann.post(place)).status_code == 404
    assert (await Browser(w.browser()).get(link[1])).status_code == 404
    wrong = await ann.post("/settings/people/invitations", email="nobody", role="member")
    assert (wrong.status_code, "no e-mail address" in wrong.text) == (422, True)


async def test_people_and_invitations_are_as_many_as_an_organization_may_have(w: World) -> None:
    def invite_100(tx: Tx) -> list[str]:
        return [operators.invite(tx, w.acme_id, f"invited-{number}@example.com", "member") for number in range(100)]

    ann = await operator(w)
    await ann.get("/settings/people")
    token, *_ = await w.database.write(invite_100)
    place = "/settings/people/invitations"
    refused = await ann.post(place, email="bob@example.com", role="member")
    assert (refused.status_code, "100 invitations can be open" in refused.text) == (422, True)
    again = await ann.post(place, email="invited-7@example.com", role="owner", old=PASSWORD)
    assert again.status_code == 200, "in place of the one before"
    assert await w.database.write(operators.create_setup_link, w.acme_id), "the administrator's way in"

    def add_499(tx: Tx) -> None:
        for number in range(499):
            operators.add(tx, w.acme_id, f"{number}@example.com", "Bob", "member", "no hash")

    await w.database.write(add_499)
    full = await ann.post(place, email="invited-7@example.com", role="owner", old=PASSWORD)
    assert (full.status_code, "There can be 500 people in a team" in full.text) == (422, True)
    bob = Browser(w.browser())
    await bob.get(f"/join/{token}")
    refused = await bob.post(f"/join/{token}", name="Bob", password=PASSWORD)
    assert (refused.status_code, "There can be 500 people in a team" in refused.text) == (422, True)
    add = commands.COMMANDS["operators add"]
    with pytest.raises(Problem, match="at most 500 operators"):
        await w.database.write(add, email="bob@example.com", org=w.acme_id, name="Bob", role="member", password="x")
    w.clock.forward(seconds=operators.INVITATION_TTL_MS / 1000)
    await w.database.write(operators.remove_by_email, "7@example.com")
    await ann.get("/settings/people")
    assert (await ann.post(place, email="bob@example.com", role="member")).status_code == 200


async def test_an_organization_keeps_an_owner(w: World) -> None:
    ann = await operator(w)
    (one,) = await w.database.read(operator_rows.list_of_org, w.acme_id)
    await ann.get("/settings/people")
    for answer in (
        await ann.post(f"/settings/people/{one.operator_id}/role", role="member"),
        await ann.post(f"/settings/people/{one.operator_id}/remove"),
    ):
        assert (answer.status_code, "keeps at least one owner" in answer.text) == (409, True)
    bob = await w.database.write(operators.add, w.acme_id, "bob@example.com", "Bob", "member", "")
    place = f"/settings/people/{bob.operator_id}"
    assert (await ann.post(f"{place}/role", role="owner", old=PASSWORD)).status_code == 303
    down = await ann.post(f"/settings/people/{one.operator_id}/role", role="member")
    assert down.headers["location"].startswith("/console/settings/account?")
    assert (await ann.get("/settings/people")).status_code == 403
    assert (await ann.post(f"{place}/remove")).status_code == 403, "she is a member now"
    assert {one.role for one in await w.database.read(operator_rows.list_of_org, w.acme_id)} == {"owner", "member"}


async def test_an_owner_is_made_with_the_password_only(w: World) -> None:
    ann = await operator(w)
    bob = await w.database.write(operators.add, w.acme_id, "bob@example.com", "Bob", "member", "")
    await ann.get("/settings/people")
    role = f"/settings/people/{bob.operator_id}/role"
    for place, named in ((INVITE, "eve@example.com"), (role, "Bob")):
        form = {"email": "eve@example.com", "role": "owner"}
        asked, guessed = await ann.post(place, **form), await ann.post(place, **form, old="a guess at it")
        assert (asked.status_code, named in asked.text, field(asked.text, "role")) == (200, True, "owner")
        assert (guessed.status_code, "That is not your password." in guessed.text) == (422, True)
    assert await w.database.read(operator_rows.list_invitations, w.acme_id) == []
    assert {one.role for one in await w.database.read(operator_rows.list_of_org, w.acme_id)} == {"owner", "member"}
    for place in (INVITE, role):
        for number in range(4 if place == INVITE else 5):
            await ann.post(place, role="owner", old=f"guess number {number}")
    assert (await ann.post(role, role="owner", old=PASSWORD)).status_code == 429, "all guesses are counted together"


async def test_who_is_removed_is_out_at_once(w: World) -> None:
    ann, bob = await operator(w), await operator(w, "member")
    (his,) = [one for one in await w.database.read(operator_rows.list_of_org, w.acme_id) if one.role == "member"]
    assert (await ann.post(f"/settings/people/{his.operator_id}/remove")).status_code == 303
    assert (await bob.get("")).status_code == 303
    assert (await ann.post(f"/settings/people/{his.operator_id}/remove")).status_code == 303, "again is no mistake"
    assert (await ann.post("/settings/people/u-nobody/remove")).status_code == 404


async def ann_with_a_password(w: World) -> Browser:
    kept = passwords.hash_password(PASSWORD)
    await w.database.write(operators.add, w.acme_id, "ann@example.com", "Ann", "member", kept)
    ann = Browser(w.browser())
    await ann.get("/sign-in")
    assert (await ann.post("/sign-in", email="ann@example.com", password=PASSWORD)).status_code == 303
    await ann.get("/settings/account")
    return ann


async def test_a_new_password_signs_out_all_other_browsers(w: World) -> None:
    ann, elsewhere = await ann_with_a_password(w), await ann_with_a_password_again(w)
    place = "/settings/account/password"
    wrong = await ann.post(place, old="wrong horse battery", password="another good one")
    assert (wrong.status_code, "That is not your password." in wrong.text) == (422, True)
    short = await ann.post(place, old=PASSWORD, password="short")
    assert (short.status_code, 'aria-invalid="true"' in short.text) == (422, True)
    assert (await elsewhere.get("")).status_code == 200
    assert (await ann.post(place, old=PASSWORD, password="another good one")).status_code == 303
    assert (await ann.get("")).status_code == 200
    assert (await elsewhere.get("")).status_code == 303
    (kept,) = await w.database.read(operator_rows.list_of_org, w.acme_id)
    assert passwords.verify(kept.password_hash, "another good one")


async def ann_with_a_password_again(w: World) -> Browser:
    elsewhere = Browser(w.browser())
    await elsewhere.get("/sign-in")
    await elsewhere.post("/sign-in", email="ann@example.com", password=PASSWORD)
    assert (await elsewhere.get("")).status_code == 200
    return elsewhere


async def test_guesses_of_the_old_password_are_throttled(w: World) -> None:
    ann = await ann_with_a_password(w)
    place = "/settings/account/password"
    codes = [
        (await ann.post(place, old=f"guess number {n}", password="another good one")).status_code for n in range(11)
    ]
    assert codes == [422] * 10 + [429]
    assert (await ann.post(place, old=PASSWORD, password="another good one")).status_code == 429
