"""Links that make the first owner: they end with it, and it says what the organization is called."""

import pytest

from rundun.actions import commands
from rundun.actions.organizations import operators
from rundun.actions.organizations.operators import SetUp
from rundun.core.actor import Actor
from rundun.errors import Invalid, NotFound
from rundun.store.organizations import changes as organization_changes, organizations as organization_rows
from rundun.store.sqlite.pagination import PageRequest
from tests.helpers.service import World

HERS = SetUp("Sunny Rentals", "Europe/Madrid")


async def is_good(w: World, token: str) -> bool:
    try:
        await w.database.read(operators.get_invitation, token)
    except NotFound:
        return False
    return True


async def profile(w: World) -> tuple[str, str]:
    stored = await w.database.read(organization_rows.get, w.acme_id)
    return stored.name, stored.time_zone


async def test_links_from_before_the_first_owner_end_with_it(w: World) -> None:
    links = [await w.database.write(operators.create_setup_link, w.acme_id) for _ in range(3)]
    invited = await w.database.write(operators.invite, w.acme_id, "bob@example.com", "member")
    await w.database.write(operators.add, w.acme_id, "mia@example.com", "Mia", "member", "hash")
    assert [await is_good(w, link) for link in links] == [True] * 3, "a member is no owner"
    await w.database.write(operators.join_and_sign_in, links[1], "ann@example.com", "Ann", "hash")
    assert [await is_good(w, link) for link in links] == [False] * 3
    assert await is_good(w, invited), "an invitation names whom it is for"
    later = await w.database.write(operators.create_setup_link, w.acme_id)
    await w.database.write(operators.add, w.acme_id, "eve@example.com", "Eve", "owner", "hash")
    assert await is_good(w, later), "the administrator's way in"


async def test_they_end_with_an_owner_who_was_added_at_the_command_line(w: World) -> None:
    link = await w.database.write(operators.create_setup_link, w.acme_id)
    add = commands.COMMANDS["operators add"]
    await w.database.write(add, w.acme_id, "ann@example.com", "Ann", "owner", "hash")
    assert not await is_good(w, link)


async def test_the_first_owner_sets_the_organization_up(w: World) -> None:
    link, before = await w.database.write(operators.create_setup_link, w.acme_id), await profile(w)
    with pytest.raises(Invalid) as refused:
        await w.database.write(
            operators.join_and_sign_in, link, "ann@example.com", "Ann", "hash", SetUp("", "Europe/Madrid")
        )
    assert refused.value.errors[0].pointer == "/organization"
    assert await is_good(w, link) and await profile(w) == before, "nothing was done by half"
    ann, _ = await w.database.write(operators.join_and_sign_in, link, "ann@example.com", "Ann", "hash", HERS)
    assert await profile(w) == ("Sunny Rentals", "Europe/Madrid")
    page = await w.database.read(organization_changes.page, w.acme_id, PageRequest(1))
    assert (page.items[0].what, page.items[0].actor) == (
        "organization_changed",
        Actor("operator", "Ann", ann.operator_id),
    )


async def test_nobody_after_them_does(w: World) -> None:
    before = await profile(w)
    await w.database.write(operators.add, w.acme_id, "eve@example.com", "Eve", "owner", "hash")
    link = await w.database.write(operators.create_setup_link, w.acme_id)
    await w.database.write(operators.join_and_sign_in, link, "ann@example.com", "Ann", "hash", HERS)
    member = await w.database.write(operators.invite, w.acme_id, "bob@example.com", "member")
    await w.database.write(operators.join_and_sign_in, member, "", "Bob", "hash", HERS)
    assert await profile(w) == before
