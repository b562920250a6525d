"""The console's settings: keys, people, one's own password, and that nothing anybody typed is markup."""

import html
import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers
from PIL import Image

from rundun import passwords
from rundun.actions import api_keys, operators
from rundun.core import colour
from rundun.store import api_keys as key_rows
from rundun.store import operators as operator_rows
from rundun.store import organizations as organization_rows
from rundun.web.console.settings.organization import months_back
from tests.helpers.console import PASSWORD, Browser, operator, text_of
from tests.helpers.images import encoded, heic, jpeg, quadrants
from tests.helpers.markup import NASTY_NAMES, is_text_only
from tests.helpers.service import BOOLEAN, Received, Receiver, World, answering, world


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
    kept = {one.name: one for one in await w.database.read(key_rows.list_of_org, w.acme_id)}
    gone = await ann.post(f"/settings/keys/{kept['booking backend'].key_id}/revoke")
    assert (gone.status_code, gone.headers["location"]) == (303, "/console/settings/keys?flash=told_key_revoked")
    assert (await backend.get("/v1/organization")).status_code == 401
    page = (await ann.get("/settings/keys?flash=told_key_revoked")).text
    assert "The key is revoked." in page
    folded = page[page.index('<details class="folded">') :]
    assert "1 revoked key" in folded and "booking backend" in folded


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\x07b"])
async def test_a_key_without_a_name_is_not_made(w: World, name: str) -> None:
    ann = await operator(w)
    before = await w.database.read(key_rows.list_of_org, w.acme_id)
    refused = await ann.post("/settings/keys", name=name)
    assert (refused.status_code, "1 to 200 printable" in refused.text) == (422, True)
    assert await w.database.read(key_rows.list_of_org, w.acme_id) == before


async def test_last_use_is_noted_in_memory_and_kept_by_the_clock(w: World) -> None:
    key, secret = await w.database.write(api_keys.create, w.acme_id, "noted")
    seen: list[str] = []
    await w.database.write(lambda tx: tx.db.set_trace_callback(seen.append))

    async def kept() -> int | None:
        return (await w.database.read(key_rows.get_of_org, w.acme_id, key.key_id)).used_at

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


async def test_last_use_outlives_the_service(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        key, secret = await w.database.write(api_keys.create, w.acme_id, "noted")
        w.clock.forward(seconds=7)
        assert (await client_with(w, secret).get("/v1/organization")).status_code == 200
        at = w.clock.now
    async with world(tmp_path) as again:
        assert (await again.database.read(key_rows.get_of_org, w.acme_id, key.key_id)).used_at == at


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
    (invitation,) = await w.database.read(operator_rows.invitations_of, w.acme_id)
    assert link and invitation.role == "owner"
    place = f"/settings/people/invitations/{invitation.invitation_id}/remove"
    assert (await ann.post(place)).status_code == 303
    assert (await ann.post(place)).status_code == 404
    assert (await Browser(w.browser()).get(link[1])).status_code == 404
    wrong = await ann.post("/settings/people/invitations", email="nobody", role="member")
    assert (wrong.status_code, "no e-mail address" in wrong.text) == (422, True)


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
    assert (await ann.post(f"{place}/role", role="owner")).status_code == 303
    down = await ann.post(f"/settings/people/{one.operator_id}/role", role="member")
    assert down.headers["location"].startswith("/console/settings?")
    assert (await ann.get("/settings/people")).status_code == 403
    assert (await ann.post(f"{place}/remove")).status_code == 403, "she is a member now"
    assert {one.role for one in await w.database.read(operator_rows.list_of_org, w.acme_id)} == {"owner", "member"}


async def test_who_is_removed_is_out_at_once(w: World) -> None:
    ann, bob = await operator(w), await operator(w, "member")
    (his,) = [one for one in await w.database.read(operator_rows.list_of_org, w.acme_id) if one.role == "member"]
    assert (await ann.post(f"/settings/people/{his.operator_id}/remove")).status_code == 303
    assert (await bob.get("")).status_code == 303
    assert (await ann.post(f"/settings/people/{his.operator_id}/remove")).status_code == 404


# ---- one's own password


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
    assert passwords.verify(kept.password, "another good one")


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


# ---- what anybody typed


@pytest.mark.parametrize("nasty", NASTY_NAMES)
async def test_what_is_typed_is_never_markup(w: World, nasty: str) -> None:
    ann = await operator(w)
    await ann.get("/settings/keys")
    assert is_text_only((await ann.post("/settings/keys", name=nasty)).text, nasty)
    assert is_text_only((await ann.get("/settings/keys")).text, nasty)
    assert is_text_only((await ann.post("/settings/keys", name=nasty + "x" * 200)).text, nasty)
    await w.database.write(operators.add, w.acme_id, "eve@example.com", nasty, "member", "")
    assert is_text_only((await ann.get("/settings/people")).text, nasty)
    refused = await ann.post("/settings/people/invitations", email=nasty, role=nasty)
    assert refused.status_code == 422 and is_text_only(refused.text, nasty)


# ---- the organization, and how executors see it


PROFILE = {"name": "Acme & Co", "contact": "Call Ed", "time_zone": "Europe/Berlin", "colour": "#cc0000"}


async def test_the_organization_in_its_own_colours(w: World) -> None:
    ann, ed = await operator(w), await w.dispatch(await w.template(BOOLEAN))
    plain = (await ed.call("GET", "")).text
    assert "/brand/" not in plain and "<img" not in plain
    await ann.get("/settings/organization")
    saved = await ann.post("/settings/organization", **PROFILE, own_colour="yes")
    assert saved.headers["location"].endswith("told_organization_changed")
    page = (await ann.get("/settings/organization")).text
    for kept in ('value="Acme &amp; Co"', 'value="Call Ed"', 'value="#cc0000"', "checked"):
        assert kept in page
    assert '<option value="Europe/Berlin" selected>' in page
    assert "+01:00" in (await ann.get("")).text, "times are shown in the zone"
    shown = (await ed.call("GET", "")).text
    (path,) = re.findall(r'href="(/static/\w+/brand/cc0000\.css)"', shown)
    state = await w.browser().get(path)
    assert state.headers["content-type"].startswith("text/css")
    assert "immutable" in state.headers["cache-control"]
    assert "--accent: #cc0000;" in state.text
    assert "style=" not in shown and "<style" not in shown
    await ed.start()
    await ed.call("POST", "/cancel", json={"reason": "No time"})
    closed = await ed.call("GET", "")
    assert closed.status_code == 410 and path in closed.text
    assert (await ann.post("/settings/organization", **PROFILE)).status_code == 303
    assert "/brand/" not in (await ed.call("GET", "")).text, "without the tick it is ours again"


@pytest.mark.parametrize("name", ["red", "cc000", "cc00000", "CC 000", "..%2fx", "cc0000;}"])
async def test_no_other_stylesheet_is_made(w: World, name: str) -> None:
    assert (await w.browser().get(f"/static/{w.service.pages.assets.digest}/brand/{name}.css")).status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "1 to 200"),
        ({"name": "x" * 201}, "1 to 200"),
        ({"contact": "x" * 501}, "at most 500"),
        ({"colour": "red"}, "#rrggbb"),
        ({"colour": "#cc0000;}body{display:none"}, "#rrggbb"),
        ({"time_zone": "Mars/Olympus"}, "no such time zone"),
    ],
)
async def test_a_wrong_organization_is_refused_with_all_its_places(w: World, change: Any, said: str) -> None:
    ann = await operator(w)
    await ann.get("/settings/organization")
    before = await w.database.read(organization_rows.get, w.acme_id)
    refused = await ann.post("/settings/organization", **{**PROFILE, "own_colour": "yes", **change})
    assert (refused.status_code, said in html.unescape(refused.text)) == (422, True)
    assert await w.database.read(organization_rows.get, w.acme_id) == before
    strange = await ann.post("/settings/organization", **PROFILE, visit="x", status="1", wrong="y", given="z")
    assert strange.status_code == 303, "fields that nobody asked for do no harm"


async def test_a_logo_is_made_small_shown_and_taken_away(w: World) -> None:
    ann, ed = await operator(w), await w.dispatch(await w.template(BOOLEAN))
    await ann.get("/settings/organization")

    async def send(picture: bytes) -> Any:
        headers = {"x-csrf-token": ann.csrf, "accept": "application/json"}
        return await ann.client.post("/console/settings/organization/logo", content=picture, headers=headers)

    transparent = Image.new("RGBA", (1200, 300), (255, 0, 0, 0))
    for picture in (encoded(transparent, "PNG"), jpeg(800, 200), encoded(quadrants(800, 200), "WEBP")):
        assert (await send(picture)).status_code == 204
        page = (await ed.call("GET", "")).text
        (path,) = re.findall(r'<img class="logo" src="(/media/[^"]+\.png)" alt="Acme \w+">', page)
        got = await w.browser().get(path)
        assert (got.status_code, got.headers["content-type"]) == (200, "image/png")
        small = Image.open(io.BytesIO(got.content))
        assert small.size == (512, 128)
        assert small.info == {}
        if picture[:4] == b"\x89PNG":
            assert small.mode == "RGBA" and small.getpixel((5, 5))[3] == 0
            first = path
    assert (await w.browser().get(first)).status_code == 404, "the one before is erased"
    for wrong, status in (
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 422),
        (heic(), 422),
        (b"", 422),
        (encoded(transparent, "PNG")[:200], 422),
        (b"\x89PNG" + bytes(256 * 1024), 413),
    ):
        refused = await send(wrong)
        assert (refused.status_code, bool(refused.json()["detail"])) == (status, True)
    assert path in (await ed.call("GET", "")).text, "what was there stays"
    assert (await ann.post("/settings/organization/logo/remove")).status_code == 303
    assert "<img" not in (await ed.call("GET", "")).text
    assert (await w.browser().get(path)).status_code == 404


@pytest.mark.parametrize("nasty", NASTY_NAMES)
async def test_the_organization_is_never_markup(w: World, nasty: str) -> None:
    ann, ed = await operator(w), await w.dispatch(await w.template(BOOLEAN))
    await ann.get("/settings/organization")
    fields = {**PROFILE, "name": nasty, "contact": nasty}
    assert (await ann.post("/settings/organization", **fields)).status_code == 303
    for page in (
        (await ann.get("/settings/organization")).text,
        (await ann.get("")).text,
        (await ed.call("GET", "")).text,
    ):
        assert is_text_only(page, nasty)
    refused = await ann.post("/settings/organization", **{**fields, "contact": nasty + "x" * 500})
    assert refused.status_code == 422 and is_text_only(refused.text, nasty)


# ---- colours


def test_contrast_is_wcags() -> None:
    assert colour.contrast(colour.WHITE, colour.BLACK) == 21
    assert colour.contrast((119, 119, 119), colour.WHITE) == pytest.approx(4.48, abs=0.005)
    assert colour.contrast((118, 118, 118), colour.WHITE) == pytest.approx(4.54, abs=0.005)


@given(integers(0, 0xFFFFFF))
@settings(max_examples=400)
def test_any_colour_becomes_readable(number: int) -> None:
    chosen = colour.parse(f"#{number:06x}")
    for grounds in (colour.LIGHT, colour.DARK):
        made = colour.accent(chosen, grounds)
        for other in (*grounds, made.soft, made.ink):
            assert colour.contrast(made.accent, other) >= colour.READABLE
    assert set(re.findall(r"#\w+", colour.stylesheet(chosen))) == set(
        re.findall(r"#[0-9a-f]{6}", colour.stylesheet(chosen))
    )


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert colour.accent((43, 79, 199), colour.LIGHT).accent == (43, 79, 199)
    assert colour.accent((43, 79, 199), colour.DARK).accent != (43, 79, 199)


# ---- usage and credits


async def test_usage_by_month_in_the_organizations_zone(w: World) -> None:
    ann = await operator(w)
    await ann.get("/settings/organization")
    await ann.post("/settings/organization", **{**PROFILE, "time_zone": "America/Los_Angeles"})
    template_id = await w.template(BOOLEAN, {"id": "s-pic", "type": "photo", "label": "Photo"})
    ed = await w.dispatch(template_id)  # at midnight UTC: in Los Angeles it is still December
    await ed.start()
    await ed.photo("s-pic", jpeg())
    w.clock.forward(hours=9)
    await ed.answer("s-ok", True)
    await ed.answer("s-pic")
    assert (await ed.complete()).status_code == 200
    page = (await ann.get("/settings/usage")).text
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', page))
    shown = {month: re.findall(r">(\d+)<", cells) for month, cells in rows.items()}
    assert list(shown.items())[:3] == [
        ("January 2026", ["0", "1", "0"]),
        ("December 2025", ["1", "0", "1"]),
        ("November 2025", ["0", "0", "0"]),
    ]
    assert len(shown) == 13 and list(shown)[-1] == "January 2025"


def test_months_go_back_over_the_turn_of_the_year() -> None:
    assert [str(one) for one in months_back(date(2026, 2, 28), 4)] == [
        "2025-11-01",
        "2025-12-01",
        "2026-01-01",
        "2026-02-01",
    ]


async def test_owners_give_credits_and_members_look(w: World) -> None:
    ann, bob = await operator(w), await operator(w, "member")
    await ann.get("/settings/usage")
    place = "/settings/usage/credits"
    assert "Any number of runs" in (await bob.get("/settings/usage")).text
    assert (await bob.post(place, amount="5")).status_code == 403
    for amount in ("20", "-5"):
        assert (await ann.post(place, amount=amount)).status_code == 303
    page = (await bob.get("/settings/usage")).text
    assert "15 credits are left." in page and place not in page
    for amount in ("", "x", "1e3", "²", "--1", "-16", "9" * 18, "99999999999999999"):
        assert (await ann.post(place, amount=amount)).status_code == 422, amount
    assert (await ann.post(place, unlimited="yes")).status_code == 303
    assert "Any number of runs" in (await ann.get("/settings/usage")).text


# ---- webhooks


async def test_a_webhook_is_tried_out(w: World, receiver: Receiver) -> None:
    bob = await operator(w, "member")
    await bob.get("/settings/webhooks")
    nasty = NASTY_NAMES[0] + NASTY_NAMES[1]

    def answer(one: Received) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(nasty), nasty.encode())

    receiver.answer = answer
    secret = "whsec_0123456789abcdef"
    tried = await bob.post("/settings/webhooks/test", url=receiver.url, secret=secret)
    assert tried.status_code == 200
    (got,) = receiver.received
    page = html.unescape(tried.text)
    assert got.headers["signature"] in page and got.headers["signature-input"] in page
    assert got.body.decode() in page and secret not in page
    assert "It arrived: the answer was 200" in page
    assert is_text_only(tried.text, nasty)
    receiver.answer = answering("500 Oops")
    assert "The answer was 500." in (await bob.post("/settings/webhooks/test", url=receiver.url)).text
    for url, said in (
        ("ftp://127.0.0.1/", "http"),
        (NASTY_NAMES[1], "must"),
        ("http://169.254.169.254/", "link-local"),
    ):
        refused = await bob.post("/settings/webhooks/test", url=url)
        assert (refused.status_code, said in refused.text) == (422, True), refused.text
        assert is_text_only(refused.text, url)
    short = await bob.post("/settings/webhooks/test", url=receiver.url, secret="short")
    assert (short.status_code, "12" in short.text) == (422, True)
    codes = [(await bob.post("/settings/webhooks/test", url=receiver.url)).status_code for _ in range(9)]
    assert codes[-1] == 429 and len(receiver.received) <= 10


async def test_what_failed_is_sent_again_one_by_one_and_all_at_once(w: World, receiver: Receiver) -> None:
    bob = await operator(w, "member")
    assert "Nothing has failed." in (await bob.get("/settings/webhooks")).text
    receiver.answer = answering("410 <script>alert(1)</script>")
    template_id = await w.template(BOOLEAN)
    for number in range(27):
        more = {"executor_ref": "booking_26"} if number == 26 else {}
        ed = await w.dispatch(template_id, webhook={"url": receiver.url}, **more)
        await ed.start()
        await ed.answer("s-ok", True)
        w.clock.forward(seconds=1)
    await w.deliver()
    page = (await bob.get("/settings/webhooks")).text
    assert page.count('class="card delivery"') == 25
    assert "The answer was 410." in page and "<script>alert" not in page and "under way" not in page
    summaries = [text_of(one) for one in re.findall(r"<summary id=.*?</summary>", page, re.DOTALL)]
    host = receiver.url.split("/")[2]
    assert summaries[0].startswith(f"Failed step.completed booking_26 {host} The answer was 410. "), summaries[0]
    assert len(set(summaries)) == 25, "each says which run it is of"
    (older,) = re.findall(r"/settings/webhooks\?before=[\d.]+", page)
    assert (await bob.get(older)).text.count('class="card delivery"') == 2
    assert (await bob.get("/settings/webhooks?before=nonsense")).status_code == 200
    first = re.search(r"/settings/webhooks/dlv-[0-9a-f-]+/retry", page)
    assert first
    receiver.answer = answering("204 No Content")
    assert (await bob.post(first[0])).status_code == 303
    await w.deliver()
    assert (await w.deliveries(ed))[0]["status"] == "delivered"
    all_again = await bob.post("/settings/webhooks/retry")
    assert all_again.headers["location"].endswith("told_all_sent_again")
    await w.deliver()
    assert "Nothing has failed." in (await bob.get("/settings/webhooks")).text


async def test_what_is_still_to_be_sent_is_told(w: World, receiver: Receiver) -> None:
    bob = await operator(w, "member")
    receiver.answer = answering("503 Busy")
    template_id = await w.template(BOOLEAN)
    for _ in range(2):
        ed = await w.dispatch(template_id, webhook={"url": receiver.url})
        await ed.start()
        await ed.answer("s-ok", True)
    await w.deliver()
    page = text_of((await bob.get("/settings/webhooks")).text)
    found = re.search(r"2 deliveries are under way. The next attempt is made at 1 Jan 2026, (\S+)", page)
    assert found and found[1] > "00:00:00" and "What fails is listed here." in page
    assert "Nothing has failed." not in page
    w.clock.forward(hours=1)
    page = text_of((await bob.get("/settings/webhooks")).text)
    assert "2 deliveries are under way. The next attempt is made now." in page
