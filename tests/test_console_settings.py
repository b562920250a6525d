"""The console's settings: keys, people, one's own password, and that nothing anybody typed is markup."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from rundun import passwords
from rundun.actions import office, people
from rundun.store import keys, operators
from tests.test_console import PASSWORD, Browser, operator
from tests.world import World

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</textarea></select><svg/onload=alert(1)>",
    "&lt;b&gt; &amp;amp; \N{HEBREW LETTER ALEF}",
)


def is_text_only(page: str, nasty: str) -> bool:
    """What somebody typed stands there, and only as text."""
    return html.escape(nasty).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page and not any(
        mark in page for mark in ("<script>alert", "<img src=x", "<svg/onload", "' onmouseover='")
    )


def client_with(w: World, key: str) -> Any:
    return w.browser(authorization=f"Bearer {key}")


# ---- keys


async def test_a_key_is_shown_once_works_and_dies(w: World) -> None:
    ann = await operator(w)
    assert "rdk_live_" not in (await ann.get("/settings/keys")).text
    made = await ann.post("/settings/keys", name=" booking backend ")
    assert made.status_code == 200
    key = re.search(r"rdk_live_[A-Za-z0-9]{32}", made.text)
    assert key and f"Authorization: Bearer {key[0]}" in html.unescape(made.text)
    again = (await ann.get("/settings/keys")).text
    assert "booking backend" in again
    assert key[0] not in again, "shown once"
    backend = client_with(w, key[0])
    assert (await backend.get("/v1/organization")).json()["id"] == w.acme_id
    kept = {one.name: one for one in await w.database.read(keys.of_organization, w.acme_id)}
    gone = await ann.post(f"/settings/keys/{kept['booking backend'].key_id}/revoke")
    assert (gone.status_code, gone.headers["location"]) == (
        303,
        "/console/settings/keys?told=told_key_revoked",
    )
    assert (await backend.get("/v1/organization")).status_code == 401
    page = (await ann.get("/settings/keys?told=told_key_revoked")).text
    assert "The key is revoked." in page
    folded = page[page.index('<details class="folded">') :]
    assert "1 revoked key" in folded and "booking backend" in folded


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\x07b"])
async def test_a_key_without_a_name_is_not_made(w: World, name: str) -> None:
    ann = await operator(w)
    before = await w.database.read(keys.of_organization, w.acme_id)
    refused = await ann.post("/settings/keys", name=name)
    assert (refused.status_code, "1 to 200 printable" in refused.text) == (422, True)
    assert await w.database.read(keys.of_organization, w.acme_id) == before


async def test_last_use_is_noted_in_memory_and_kept_by_the_clock(w: World) -> None:
    key, secret = await w.database.write(office.create_key, w.acme_id, "noted")
    seen: list[str] = []
    await w.database.write(lambda tx: tx.db.set_trace_callback(seen.append))

    async def kept() -> int | None:
        return (await w.database.read(keys.get_of_org, w.acme_id, key.key_id)).used_at

    backend, ann = client_with(w, secret), await operator(w)
    seen.clear()
    for _ in range(50):
        w.clock.forward(seconds=1)
        assert (await backend.get("/v1/organization")).status_code == 200
    assert [one for one in seen if "used_at" in one] == [], "no request writes"
    assert await kept() is None
    assert "00:00 +00:00" in (await ann.get("/settings/keys")).text, "what is noted is shown at once"
    await w.service.keys.keep_used()
    assert await kept() == w.clock.now
    assert len([one for one in seen if "SET used_at" in one]) == 1
    seen.clear()
    await w.service.keys.keep_used()
    assert seen == [], "nothing new, nothing written"
    refused = client_with(w, "rdk_live_" + "x" * 32)
    assert (await refused.get("/v1/organization")).status_code == 401
    assert w.service.keys.used == {}


# ---- people


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
    assert (await bob.get("/settings")).status_code == 200
    for path in ("/settings/keys", "/settings/people"):
        assert (await bob.get(path)).status_code == 403
        assert f"/console{path}" not in (await bob.get("/settings")).text, "nor is he led there"
    page = (await ann.get("/settings/people")).text
    assert "bob@example.com" in page and "Invitations" not in page


async def test_an_invitation_is_taken_back(w: World) -> None:
    ann = await operator(w)
    await ann.get("/settings/people")
    page = (await ann.post("/settings/people/invitations", email="bob@example.com", role="owner")).text
    link = re.search(r"/console(/join/[\w-]+)", page)
    (invitation,) = await w.database.read(operators.invitations_of, w.acme_id)
    assert link and invitation.role == "owner"
    place = f"/settings/people/invitations/{invitation.invitation_id}/remove"
    assert (await ann.post(place)).status_code == 303
    assert (await ann.post(place)).status_code == 404
    assert (await Browser(w.browser()).get(link[1])).status_code == 404
    wrong = await ann.post("/settings/people/invitations", email="nobody", role="member")
    assert (wrong.status_code, "no e-mail address" in wrong.text) == (422, True)


async def test_an_organization_keeps_an_owner(w: World) -> None:
    ann = await operator(w)
    (one,) = await w.database.read(operators.of_organization, w.acme_id)
    await ann.get("/settings/people")
    for answer in (
        await ann.post(f"/settings/people/{one.operator_id}/role", role="member"),
        await ann.post(f"/settings/people/{one.operator_id}/remove"),
    ):
        assert (answer.status_code, "keeps at least one owner" in answer.text) == (409, True)
    bob = await w.database.write(people.add, w.acme_id, "bob@example.com", "Bob", "member", "")
    place = f"/settings/people/{bob.operator_id}"
    assert (await ann.post(f"{place}/role", role="owner")).status_code == 303
    down = await ann.post(f"/settings/people/{one.operator_id}/role", role="member")
    assert down.headers["location"].startswith("/console/settings?")
    assert (await ann.get("/settings/people")).status_code == 403
    assert (await ann.post(f"{place}/remove")).status_code == 403, "she is a member now"
    assert {one.role for one in await w.database.read(operators.of_organization, w.acme_id)} == {
        "owner",
        "member",
    }


async def test_who_is_removed_is_out_at_once(w: World) -> None:
    ann, bob = await operator(w), await operator(w, "member")
    (his,) = [
        one for one in await w.database.read(operators.of_organization, w.acme_id) if one.role == "member"
    ]
    assert (await ann.post(f"/settings/people/{his.operator_id}/remove")).status_code == 303
    assert (await bob.get("")).status_code == 303
    assert (await ann.post(f"/settings/people/{his.operator_id}/remove")).status_code == 404


# ---- one's own password


async def ann_with_a_password(w: World) -> Browser:
    kept = passwords.hashed(PASSWORD)
    await w.database.write(people.add, w.acme_id, "ann@example.com", "Ann", "member", kept)
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
    (kept,) = await w.database.read(operators.of_organization, w.acme_id)
    assert passwords.is_right(kept.password, "another good one")


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
        (await ann.post(place, old=f"guess number {n}", password="another good one")).status_code
        for n in range(11)
    ]
    assert codes == [422] * 10 + [429]
    assert (await ann.post(place, old=PASSWORD, password="another good one")).status_code == 429


# ---- what anybody typed


@pytest.mark.parametrize("nasty", NASTY)
async def test_what_is_typed_is_never_markup(w: World, nasty: str) -> None:
    ann = await operator(w)
    await ann.get("/settings/keys")
    assert is_text_only((await ann.post("/settings/keys", name=nasty)).text, nasty)
    assert is_text_only((await ann.get("/settings/keys")).text, nasty)
    assert is_text_only((await ann.post("/settings/keys", name=nasty + "x" * 200)).text, nasty)
    await w.database.write(people.add, w.acme_id, "eve@example.com", nasty, "member", "")
    assert is_text_only((await ann.get("/settings/people")).text, nasty)
    refused = await ann.post("/settings/people/invitations", email=nasty, role=nasty)
    assert refused.status_code == 422 and is_text_only(refused.text, nasty)
