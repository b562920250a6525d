"""Links by which an operator sets a new password: once, for an hour, and for this organization's operators only."""

import pytest

from rundun.actions.organizations import operators, password_resets, second_factor
from rundun.core.actor import Actor
from rundun.errors import NotFound
from rundun.scheduler import clear_up
from rundun.store.organizations import organizations as organization_rows
from rundun.store.organizations.operators import Operator
from tests.helpers.console.second_factor import App
from tests.helpers.service import World

ANN = Actor("operator", "Ann", "u-ann")


async def bob_of(w: World) -> Operator:
    """An operator who has forgotten the password."""
    return await w.database.write(operators.add, w.acme_id, "bob@example.com", "Bob", "member", "old hash")


async def link(w: World, operator: Operator) -> str:
    made, token = await w.database.write(password_resets.create, operator.org_id, operator.operator_id, ANN)
    assert made.operator_id == operator.operator_id
    return token


async def is_good(w: World, token: str) -> bool:
    try:
        await w.database.read(password_resets.get_operator, token)
    except NotFound:
        return False
    return True


async def test_it_sets_the_password_once_and_ends_all_sessions(w: World) -> None:
    bob = await bob_of(w)
    session = await w.database.write(operators.begin_session, bob.operator_id)
    token = await link(w, bob)
    assert await w.database.read(operators.find_signed_in, session), "until it is used, nothing changes"
    operator, organization = await w.database.read(password_resets.get_operator, token)
    assert (operator.email, organization.org_id) == ("bob@example.com", w.acme_id)
    used = await w.database.write(password_resets.use, token, "new hash")
    assert used.operator_id == bob.operator_id
    assert (await w.database.read(operators.get_by_email, "bob@example.com")).password_hash == "new hash"
    assert await w.database.read(operators.find_signed_in, session) is None
    with pytest.raises(NotFound):
        await w.database.write(password_resets.use, token, "a third hash")
    assert (await w.database.read(operators.get_by_email, "bob@example.com")).password_hash == "new hash"


async def test_the_second_factor_stays(w: World) -> None:
    bob, secret = await bob_of(w), second_factor.new_secret()
    code = App(secret, w.clock).code()
    assert await w.database.write(second_factor.switch_on, bob.operator_id, secret, code, "")
    await w.database.write(password_resets.use, await link(w, bob), "new hash")
    assert (await w.database.read(operators.get_by_email, "bob@example.com")).has_second_factor


async def test_it_is_void_after_an_hour_and_is_deleted(w: World) -> None:
    token = await link(w, await bob_of(w))
    w.clock.forward(seconds=3599)
    assert await is_good(w, token)
    w.clock.forward(seconds=1)
    assert not await is_good(w, token)
    await clear_up(w.database)
    assert await w.database.read(lambda tx: tx.number("SELECT count(*) FROM password_resets")) == 0


async def test_what_makes_it_void(w: World) -> None:
    bob = await bob_of(w)
    first, second = await link(w, bob), await link(w, bob)
    assert (await is_good(w, first), await is_good(w, second)) == (False, True), "a newer one"
    await w.database.write(operators.change_password, bob.operator_id, "found it")
    assert not await is_good(w, second), "the password was changed"
    third = await link(w, bob)
    ann = await w.database.write(operators.add, w.acme_id, "ann@example.com", "Ann", "owner", "hash")
    await w.database.write(operators.change_password, ann.operator_id, "known to nobody")
    assert not await is_good(w, third), "who knew the password of an owner may have made it"
    third = await link(w, bob)
    joe = await w.database.write(operators.add, w.acme_id, "joe@example.com", "Joe", "member", "hash")
    await w.database.write(operators.change_password, joe.operator_id, "another")
    assert await is_good(w, third), "a member makes none"
    eve = await w.database.write(operators.add, w.acme_id, "eve@example.com", "Eve", "owner", "hash")
    await w.database.write(operators.put_role, w.acme_id, eve.operator_id, "member")
    assert not await is_good(w, third), "who has made it may not any more"
    fourth = await link(w, bob)
    await w.database.write(operators.remove, w.acme_id, bob.operator_id)
    assert not await is_good(w, fourth), "the operator was removed"
    with pytest.raises(NotFound):
        await link(w, bob)


async def test_it_is_made_for_the_organizations_own_operators_only(w: World) -> None:
    bob = await bob_of(w)
    other = next(one for one in await w.database.read(organization_rows.list_all) if one.org_id != w.acme_id)
    with pytest.raises(NotFound):
        await w.database.write(password_resets.create, other.org_id, bob.operator_id, ANN)
    assert await w.database.read(lambda tx: tx.number("SELECT count(*) FROM password_resets")) == 0
