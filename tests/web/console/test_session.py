"""Who comes into the console: signing in, links that invite, and for every door the signed-out, the member, the other
organization, another site, and a form without its token.
"""

import re
import uuid
from typing import Any

import pytest
from starlette.routing import Route

from rundun import passwords
from rundun.actions.organizations import api_keys, operators, organizations
from rundun.actions.runs import sent_tables
from rundun.core.runs.run import DispatchRequest
from rundun.store.organizations import operators as operator_rows
from rundun.web.console import cookies
from rundun.web.console.session import ConsoleRoute
from rundun.web.routes import starlette_app
from tests.helpers.console.console import PASSWORD, Browser, operator
from tests.helpers.service import BOOLEAN, HOUR, World, pages

SITE = starlette_app(pages().assets, None)
DOORS = [route for route in SITE.routes if isinstance(route, ConsoleRoute)]
CALLS = [(door, method) for door in DOORS for method in sorted(door.methods - {"HEAD"})]
NAMES = [f"{method} {door.path}" for door, method in CALLS]


def test_every_way_into_the_console_is_a_door() -> None:
    ways = [route for route in SITE.routes if isinstance(route, Route) and route.path.startswith("/console")]
    assert ways == DOORS
    assert {door.access for door in DOORS} <= {"anyone", "member", "owner"}
    open_to_anyone = {door.path for door in DOORS if door.access == "anyone"}
    assert open_to_anyone == {"/console/sign-in", "/console/join/{token}", "/console/reset/{token}"}


def fill(path: str, **ids: str) -> str:
    """A door's path with ids in it."""
    given = {name: f"x-{uuid.uuid4()}" for name in re.findall(r"\{(\w+)", path)} | ids
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: given[found[1]], path)


async def ids_of(w: World) -> dict[str, str]:
    """Things of Acme's that paths can name, made once for each world: an organization has no hundreds of keys."""
    if "ids" not in vars(w):
        vars(w)["ids"] = await made_ids(w)
    ids: dict[str, str] = vars(w)["ids"]
    return ids


async def made_ids(w: World) -> dict[str, str]:
    template_id = await w.template(BOOLEAN)
    ed = await w.dispatch(template_id)
    ids = {"template_id": template_id, "run_id": ed.run_id}
    key = (await w.database.write(api_keys.create, w.acme_id, "backend"))[0]
    bob = await w.database.write(
        operators.add, w.acme_id, f"bob-{uuid.uuid4().hex[:8]}@example.com", "Bob", "member", ""
    )
    await w.database.write(operators.invite, w.acme_id, f"eve-{uuid.uuid4().hex[:8]}@example.com", "member")
    invitation = (await w.database.read(operator_rows.list_invitations, w.acme_id))[-1]
    ids |= {"key_id": key.key_id, "operator_id": bob.operator_id}
    jobs = [DispatchRequest(template_id)]
    table, _ = await w.database.write(sent_tables.accept, w.acme_id, 1, jobs, b"")
    ids |= {"invitation_id": invitation.invitation_id, "number": str(table.number)}
    return ids


GUARDED = [(door, method) for door, method in CALLS if door.access != "anyone"]


@pytest.mark.parametrize(("door", "method"), GUARDED, ids=[f"{m} {d.path}" for d, m in GUARDED])
async def test_the_signed_out_are_sent_to_sign_in(shared: World, door: ConsoleRoute, method: str) -> None:
    browser = shared.browser()
    for session in ("", "made-up", "x" * 5000):
        answer = await browser.request(method, fill(door.path), headers={"cookie": f"{cookies.SESSION}={session}"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize(
    ("door", "method"),
    [one for one in CALLS if one[0].access == "owner"],
    ids=[f"{m} {d.path}" for d, m in CALLS if d.access == "owner"],
)
async def test_members_are_kept_out_where_only_owners_may(shared: World, door: ConsoleRoute, method: str) -> None:
    member = await operator(shared, "member")
    path = fill(door.path, **await ids_of(shared)).removeprefix("/console")
    answer = await (member.get(path) if method == "GET" else member.post(path))
    assert answer.status_code == 403
    assert "Only an owner" in answer.text


POSTS = [door for door, method in CALLS if method == "POST"]


@pytest.mark.parametrize("door", POSTS, ids=[door.path for door in POSTS])
async def test_a_form_without_its_token_changes_nothing(shared: World, door: ConsoleRoute) -> None:
    owner = await operator(shared)
    path = fill(door.path, **await ids_of(shared))
    kept = owner.csrf
    for form in ({}, {"csrf": ""}, {"csrf": "x" * 40}, {"csrf": (await operator(shared)).csrf}):
        answer = await owner.client.post(path, data=form)
        assert answer.status_code == 403, form
    assert (await owner.client.post(path, json={})).status_code == 403
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = await owner.client.post(path, data={"csrf": kept}, headers=headers)
        assert answer.status_code == 403, headers


OWNED = [one for one in GUARDED if "{" in one[0].path]


@pytest.mark.parametrize(("door", "method"), OWNED, ids=[f"{m} {d.path}" for d, m in OWNED])
async def test_another_organization_finds_nothing(shared: World, door: ConsoleRoute, method: str) -> None:
    globex = await shared.database.write(organizations.create, f"Globex {uuid.uuid4().hex[:6]}")
    stranger = await operator(shared, "owner", globex.org_id)
    path = fill(door.path, **await ids_of(shared)).removeprefix("/console")
    answer = await (stranger.get(path) if method == "GET" else stranger.post(path))
    assert answer.status_code == 404
    unknown = fill(door.path).removeprefix("/console")
    answer = await (stranger.get(unknown) if method == "GET" else stranger.post(unknown))
    assert answer.status_code == 404


# --- signing in and out


async def test_from_the_setup_link_to_signing_in_again(w: World) -> None:
    token = await w.database.write(operators.create_setup_link, w.acme_id)
    ann = Browser(w.browser())
    for _ in range(2):  # a preview uses nothing up
        assert "You are the first" in (await ann.get(f"/join/{token}")).text
    for wrong in ("no address", "a@b", "zoe$(id>x)@e.com", "a`id`@e.com", "a;b@e.com", "a|b@e.com", "a\u202eb@e.com"):
        refused = await ann.post(f"/join/{token}", email=wrong, name="Ann", password=PASSWORD)
        assert (refused.status_code, "no e-mail address" in refused.text) == (422, True), wrong
    refused = await ann.post(f"/join/{token}", email="ann@example.com", name="Ann", password="short")
    assert (refused.status_code, "at least 10" in refused.text) == (422, True)
    joined = await ann.post(f"/join/{token}", email="Ann@Example.com", name="Ann", password=PASSWORD)
    assert (joined.status_code, joined.headers["location"]) == (303, "/console")
    cookie = next(one for one in joined.headers.get_list("set-cookie") if one.startswith(cookies.SESSION))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/console" in cookie
    assert (await ann.get("")).status_code == 200
    assert (await Browser(w.browser()).get(f"/join/{token}")).status_code == 404, "good once"
    assert (await ann.post("/sign-out")).status_code == 303
    assert (await ann.get("")).status_code == 303

    again = Browser(w.browser())
    await again.get("/sign-in?next=/runs?status=pending")
    wrong = await again.post("/sign-in", email="ann@example.com", password="wrong horse battery")
    assert (wrong.status_code, "the password is wrong" in wrong.text) == (422, True)
    nobody = await again.post("/sign-in", email="nobody@example.com", password=PASSWORD)
    assert (nobody.status_code, "the password is wrong" in nobody.text) == (422, True)
    there = await again.post("/sign-in", email=" ANN@example.com", password=PASSWORD, next="/runs?status=pending")
    assert (there.status_code, there.headers["location"]) == (303, "/console/runs?status=pending")
    assert (await again.get("")).status_code == 200


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\r\nx: y"])
async def test_signing_in_leads_nowhere_else(w: World, path: str) -> None:
    kept = passwords.hash_password(PASSWORD)
    await w.database.write(operators.add, w.acme_id, "ann@example.com", "Ann", "owner", kept)
    ann = Browser(w.browser())
    await ann.get("/sign-in")
    there = await ann.post("/sign-in", email="ann@example.com", password=PASSWORD, next=path)
    assert there.headers["location"] == "/console"


async def test_guesses_are_throttled_by_address_of_mail(w: World) -> None:
    guesser = Browser(w.browser())
    await guesser.get("/sign-in")
    codes = [
        (await guesser.post("/sign-in", email="ann@example.com", password=f"guess number {i}")).status_code
        for i in range(12)
    ]
    assert codes == [422] * 10 + [429] * 2
    assert (await guesser.post("/sign-in", email="bob@example.com", password=PASSWORD)).status_code == 422
    w.clock.forward(seconds=90)
    assert (await guesser.post("/sign-in", email="ann@example.com", password=PASSWORD)).status_code == 422


async def test_links_and_sessions_run_out(w: World) -> None:
    setup = await w.database.write(operators.create_setup_link, w.acme_id)
    invitation = await w.database.write(operators.invite, w.acme_id, "ann@example.com", "member")
    browser, ann = Browser(w.browser()), await operator(w)
    w.clock.forward(seconds=operators.SETUP_TTL_MS // 1000)
    assert (await browser.get(f"/join/{setup}")).status_code == 404
    assert (await browser.get(f"/join/{invitation}")).status_code == 200
    w.clock.forward(hours=operators.INVITATION_TTL_MS / HOUR)
    assert (await browser.get(f"/join/{invitation}")).status_code == 404
    assert (await ann.get("")).status_code == 200


DAYS = 24


async def test_a_session_ends_after_14_idle_days_and_after_30_in_all(w: World) -> None:
    ann, bob, eve = [await operator(w) for _ in range(3)]
    w.clock.forward(hours=13 * DAYS)
    for one in (ann, bob):
        assert (await one.get("")).status_code == 200
    await w.service.session_use.store_used()
    w.clock.forward(hours=1 * DAYS)
    assert (await eve.get("")).status_code == 303, "14 idle days"
    w.clock.forward(hours=12 * DAYS)
    assert (await ann.get("")).status_code == 200
    await w.service.session_use.store_used()
    w.clock.forward(hours=1 * DAYS)
    assert (await bob.get("")).status_code == 303, "14 idle days, after it was used once"
    w.clock.forward(hours=2 * DAYS)
    assert (await ann.get("")).status_code == 200
    await w.service.session_use.store_used()
    w.clock.forward(hours=1 * DAYS)
    assert (await ann.get("")).status_code == 303, "30 days, however much it was used"


async def test_pages_write_nothing_and_a_session_is_stored_at_most_once_an_hour(w: World) -> None:
    ann = await operator(w)

    def used(tx: Any) -> list[int]:
        return [row["used_at"] for row in tx.db.execute("SELECT used_at FROM sessions")]

    begun, kept = w.clock.now, []
    for _ in range(4):
        w.clock.forward(hours=0.6)
        before = await w.database.read(used)
        await ann.get("")
        assert await w.database.read(used) == before, "a page writes nothing"
        await w.service.session_use.store_used()
        kept += await w.database.read(used)
    assert [(at - begun) / HOUR for at in kept] == pytest.approx([0, 1.2, 1.2, 2.4])


async def test_signing_out_everywhere_ends_every_session(w: World) -> None:
    ann = await operator(w)
    (made,) = await w.database.read(operator_rows.list_of_org, w.acme_id)
    elsewhere = Browser(w.browser())
    token = await w.database.write(operators.begin_session, made.operator_id)
    elsewhere.client.cookies.set(cookies.SESSION, token, domain="rundun.test", path="/console")
    assert (await elsewhere.get("")).status_code == 200
    assert (await ann.post("/sign-out-everywhere")).status_code == 303
    assert (await elsewhere.get("")).status_code == 303
    assert (await ann.get("")).status_code == 303


async def test_only_hashes_are_kept(w: World) -> None:
    token = await w.database.write(operators.create_setup_link, w.acme_id)
    ann = Browser(w.browser())
    await ann.get(f"/join/{token}")
    await ann.post(f"/join/{token}", email="ann@example.com", name="Ann", password=PASSWORD)
    session = ann.client.cookies.get(cookies.SESSION)
    again = await w.database.write(operators.invite, w.acme_id, "bob@example.com", "member")

    def everything(tx: Any) -> str:
        return "\n".join(tx.db.iterdump())

    dump = await w.database.read(everything)
    assert "$argon2id$" in dump
    for secret in (PASSWORD, session, token, again):
        assert secret and secret not in dump
