"""The history of an organization: who has changed what, and for how long that is known."""

from collections.abc import Sequence
from typing import Any

import pytest

from rundun.actions import commands, signing_key
from rundun.actions.erasure import replay, retention
from rundun.actions.organizations import api_keys, operators, organizations, password_resets, second_factor
from rundun.actions.templates import templates
from rundun.core.actor import Actor
from rundun.core.erasure.retention import FOREVER, Retention, TemplateRetention
from rundun.core.organizations.change import KINDS, OrganizationChange
from rundun.scheduler import clear_up
from rundun.store.organizations import changes as organization_changes, organizations as organization_rows
from rundun.store.sqlite.pagination import PageRequest
from rundun.store.sqlite.transaction import JournalEntry, Tx
from tests.helpers.console.second_factor import App
from tests.helpers.files.storage import used
from tests.helpers.pictures.images import png
from tests.helpers.service import BOOLEAN, World

ANN = Actor("operator", "Ann", "u-ann")
ADMIN = Actor("administrator", None, "administrator")
Told = tuple[str, Actor, dict[str, Any]]


def seen(changes: Sequence[OrganizationChange]) -> list[Told]:
    """What was changed, by whom and how, the oldest first."""
    return [(one.what, one.actor, dict(one.details)) for one in changes[::-1]]


async def history(w: World, org_id: str | None = None, **filters: Any) -> list[OrganizationChange]:
    page = await w.database.read(organization_changes.page, org_id or w.acme_id, PageRequest(100), **filters)
    assert page.next_before is None
    return page.items


async def since(w: World, before: int) -> list[Told]:
    return seen([one for one in await history(w) if one.number > before])


async def globex_id(w: World) -> str:
    everyone = await w.database.read(organization_rows.list_all)
    return next(one.org_id for one in everyone if one.org_id != w.acme_id)


async def newest(w: World) -> int:
    return max((one.number for one in await history(w)), default=0)


async def test_keys_are_in_it_and_again_says_nothing(w: World) -> None:
    before = await newest(w)
    key, _ = await w.database.write(api_keys.create, w.acme_id, "backend", may_erase=True, actor=ANN)
    await w.database.write(api_keys.revoke_of_org, w.acme_id, key.key_id, ANN)
    await w.database.write(api_keys.revoke, key.key_id)
    assert await since(w, before) == [
        ("key_created", ANN, {"key": "backend", "may_erase": True, "read_only": False}),
        ("key_revoked", ANN, {"key": "backend"}),
    ]


async def test_people_are_in_it(w: World) -> None:
    before = await newest(w)
    token = await w.database.write(operators.invite, w.acme_id, "Bob@example.com", "member", ANN)
    bob, _ = await w.database.write(operators.join_and_sign_in, token, "", "Bob", "hash")
    await w.database.write(operators.put_role, w.acme_id, bob.operator_id, "owner", ANN)
    await w.database.write(operators.put_role, w.acme_id, bob.operator_id, "owner", ANN)
    await w.database.write(operators.invite, w.acme_id, "eve@example.com", "member", ANN)
    _, invitations = await w.database.read(operators.list_team, w.acme_id)
    await w.database.write(operators.withdraw_invitation, w.acme_id, invitations[0].invitation_id, ANN)
    await w.database.write(operators.create_setup_link, w.acme_id)
    _, link = await w.database.write(password_resets.create, w.acme_id, bob.operator_id, ANN)
    await w.database.write(password_resets.use, link, "another hash")
    await w.database.write(commands.COMMANDS["operators password"], "bob@example.com", "hash")
    secret = second_factor.new_secret()
    code = App(secret, w.clock).code()
    assert await w.database.write(second_factor.switch_on, bob.operator_id, secret, code, "")
    await w.database.write(second_factor.switch_off_by_email, "bob@example.com")
    await w.database.write(operators.remove_by_email, "bob@example.com")
    he = Actor("operator", "Bob", bob.operator_id)
    assert await since(w, before) == [
        ("operator_invited", ANN, {"email": "bob@example.com", "role": "member"}),
        ("operator_joined", he, {"role": "member"}),
        ("role_changed", ANN, {"operator": "Bob", "before": "member", "after": "owner"}),
        ("operator_invited", ANN, {"email": "eve@example.com", "role": "member"}),
        ("invitation_withdrawn", ANN, {"email": "eve@example.com"}),
        ("setup_link_created", ADMIN, {}),
        ("password_link_created", ANN, {"operator": "Bob"}),
        ("password_set", he, {"operator": "Bob"}),
        ("password_set", ADMIN, {"operator": "Bob"}),
        ("second_factor_on", he, {"operator": "Bob"}),
        ("second_factor_off", ADMIN, {"operator": "Bob"}),
        ("operator_removed", ADMIN, {"operator": "Bob", "email": "bob@example.com"}),
    ]


async def test_settings_are_in_it_where_they_are_others_than_before(w: World) -> None:
    before, name = await newest(w), (await w.database.read(organization_rows.get, w.acme_id)).name
    profile = ("Acme & Sons", "+49 1", "Europe/Madrid", "#aa0055")
    for _ in range(2):
        await w.database.write(organizations.put_profile, w.acme_id, *profile, ANN)
    await w.database.write(organizations.set_contact, w.acme_id, "")
    await w.database.write(organizations.put_logo, w.acme_id, png(), ANN)
    for _ in range(2):
        await w.database.write(organizations.put_logo, w.acme_id, None, ANN)
    new = Retention(photos_days=30)
    for _ in range(2):
        await w.database.write(retention.put, w.acme_id, new, ANN)
    for amount in (0, 5, None):
        await w.database.write(organizations.add_credits, w.acme_id, amount, ANN)
    await w.database.write(organizations.set_quota, w.acme_id, 1)
    await w.database.write(signing_key.rotate)
    told = await since(w, before)
    assert [what for what, _, _ in told] == [
        "organization_changed",
        "organization_changed",
        "logo_changed",
        "logo_removed",
        "retention_changed",
        "credits_changed",
        "credits_changed",
        "credits_changed",
        "quota_changed",
        "signing_key_rotated",
    ]
    assert told[0][1:] == (
        ANN,
        {
            "before": {"name": name, "contact": None, "time_zone": "UTC", "colour": None},
            "after": dict(zip(("name", "contact", "time_zone", "colour"), profile, strict=True)),
        },
    )
    assert told[1][1:] == (ADMIN, {"before": {"contact": "+49 1"}, "after": {"contact": None}})
    assert (told[4][2]["before"]["photos_days"], told[4][2]["after"]["photos_days"]) == (None, 30)
    assert [(one["before"], one["after"]) for _, _, one in told[5:8]] == [(None, 0), (0, 5), (5, None)]
    assert told[8][2] == {"before": None, "after": 1024 * 1024}
    assert (await history(w, await globex_id(w)))[0].what == "signing_key_rotated"
    await used(w)


async def test_checklists_are_in_it(w: World) -> None:
    template_id, before = await w.template(BOOLEAN), await newest(w)
    for _ in range(2):
        assert (await w.acme.delete(f"/v1/templates/{template_id}")).status_code == 204
    assert (await w.acme.put(f"/v1/templates/{template_id}", json={"name": "Check", "steps": [BOOLEAN]})).is_success
    await w.database.write(templates.archive, w.acme_id, template_id, ANN)
    await w.database.write(templates.unarchive, w.acme_id, template_id, ANN)
    await w.database.write(templates.archive, w.acme_id, template_id, ANN)
    new = {"name": "Another", "steps": [BOOLEAN]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=new)).is_success
    own = TemplateRetention(photos_days=FOREVER)
    await w.database.write(retention.put_of_template, w.acme_id, template_id, own, ANN)
    told = await since(w, before)
    assert [(what, actor.by, one["template"]) for what, actor, one in told] == [
        ("template_archived", "integrator", "Check"),
        ("template_brought_back", "integrator", "Check"),
        ("template_archived", "operator", "Check"),
        ("template_brought_back", "operator", "Check"),
        ("template_archived", "operator", "Check"),
        ("template_brought_back", "integrator", "Check"),
        ("template_retention_changed", "operator", "Another"),
    ]
    assert {one["template_id"] for _, _, one in told} == {template_id}
    assert (told[0][1].name, (told[0][1].actor_id or "")[:4]) == ("test", "key-")


async def test_what_a_restore_ends_again_is_the_administrators(w: World) -> None:
    key, _ = await w.database.write(api_keys.create, w.acme_id, "leaked")
    bob = await w.database.write(operators.add, w.acme_id, "bob@example.com", "Bob", "member", "hash")
    before = await newest(w)
    entries = [JournalEntry("key", key.key_id, 1), JournalEntry("operator", bob.operator_id, 1)]
    await w.database.write(replay.replay_erasures, entries)
    assert [(what, actor.by) for what, actor, _ in await since(w, before)] == [
        ("key_revoked", "administrator"),
        ("operator_removed", "administrator"),
    ]


async def test_it_is_read_page_by_page_by_kind_and_by_person(w: World) -> None:
    for number in range(3):
        await w.database.write(api_keys.create, w.acme_id, f"key {number}", actor=ANN)
        await w.database.write(operators.invite, w.acme_id, f"{number}@example.com", "member", ANN)
        await w.database.write(operators.create_setup_link, w.acme_id)
    everything = await history(w)
    assert [one.number for one in everything] == sorted((one.number for one in everything), reverse=True)
    found, request = [], PageRequest(2)
    while True:
        page = await w.database.read(organization_changes.page, w.acme_id, request)
        found += page.items
        if page.next_before is None:
            break
        request = PageRequest(2, page.next_before)
    assert found == everything
    by_kind = [one for kind in KINDS.values() for one in await history(w, words=kind)]
    assert sorted(by_kind, key=lambda one: -one.number) == everything, "each is of one kind"
    hers = await history(w, actor_id="u-ann")
    assert hers == [one for one in everything if one.actor == ANN] and len(hers) == 6
    assert len(await history(w, actor_id="administrator", words=KINDS["people"])) == 3
    assert not await history(w, await globex_id(w), actor_id="u-ann"), "another organization's history"


async def test_it_is_kept_for_two_years(w: World) -> None:
    await w.database.write(api_keys.create, w.acme_id, "old", actor=ANN)
    w.clock.forward(hours=24 * 729)
    await w.database.write(api_keys.create, w.acme_id, "new", actor=ANN)
    await clear_up(w.database)
    assert [one.details["key"] for one in await history(w, actor_id="u-ann")] == ["new", "old"]
    w.clock.forward(hours=24)
    await clear_up(w.database)
    assert [one.details["key"] for one in await history(w, actor_id="u-ann")] == ["new"]
    await used(w)


async def test_what_is_refused_is_not_in_it(w: World) -> None:
    before = await newest(w)
    with pytest.raises(ZeroDivisionError):

        def fail(tx: Tx) -> None:
            api_keys.create(tx, w.acme_id, "never")
            raise ZeroDivisionError

        await w.database.write(fail)
    assert await newest(w) == before
