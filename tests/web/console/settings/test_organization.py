"""The profile, logo and usage of an organization in the console."""

import html
import io
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers
from PIL import Image

from rundun.actions.organizations import organizations
from rundun.core.organizations import colour
from rundun.store.organizations import organizations as organization_rows, quotas as quota_rows
from rundun.web.console.settings.organization import months_back
from tests.helpers.console.console import left_alone, operator
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.pictures.images import encoded, heic, jpeg, quadrants
from tests.helpers.service import BOOLEAN, World

PROFILE = {"name": "Acme & Co", "contact": "Call Ed", "time_zone": "Europe/Berlin", "colour": "#cc0000"}


async def test_the_organization_in_its_own_colours(w: World) -> None:
    ann, ed = await operator(w), await w.dispatch(await w.template(BOOLEAN))
    plain = (await ed.call("GET", "")).text
    assert "/brand/" not in plain and "<img" not in plain
    await ann.get("/settings/organization")
    saved = await ann.post("/settings/organization", **PROFILE, own_colour="yes")
    assert saved.headers["location"].endswith("organization_changed")
    page = (await ann.get("/settings/organization")).text
    for kept in ('value="Acme &amp; Co"', 'value="Call Ed"', 'value="#cc0000"', "checked"):
        assert kept in page
    assert '<option value="Europe/Berlin" selected>' in page
    assert "+01:00" in (await ann.get("/settings/history")).text, "times are shown in the zone"
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
        ({"colour": "red"}, "#1a7f37"),
        ({"colour": "#cc0000;}body{display:none"}, "#1a7f37"),
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
    form = {"content": b"csrf=" + ann.csrf.encode(), "headers": {"content-type": "application/x-www-form-urlencoded"}}
    form["headers"] |= {"x-csrf-token": ann.csrf, "accept": "application/json"}
    refused = await ann.client.post("/console/settings/organization/logo", **form)
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")
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


def test_contrast_is_wcags() -> None:
    assert colour.contrast(colour.WHITE, colour.BLACK) == 21
    assert colour.contrast((119, 119, 119), colour.WHITE) == pytest.approx(4.48, abs=0.005)
    assert colour.contrast((118, 118, 118), colour.WHITE) == pytest.approx(4.54, abs=0.005)


@given(integers(0, 0xFFFFFF))
@settings(max_examples=150)
def test_any_colour_becomes_readable(number: int) -> None:
    chosen = colour.parse(f"#{number:06x}")
    for grounds in (colour.LIGHT, colour.DARK):
        made = colour.accent(chosen, grounds)
        for other in (*grounds, made.tint, made.on_accent):
            assert colour.contrast(made.accent, other) >= colour.READABLE
    assert set(re.findall(r"#\w+", colour.stylesheet(chosen))) == set(
        re.findall(r"#[0-9a-f]{6}", colour.stylesheet(chosen))
    )


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert colour.accent((43, 79, 199), colour.LIGHT).accent == (43, 79, 199)
    assert colour.accent((43, 79, 199), colour.DARK).accent != (43, 79, 199)


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
    assert list(shown.items()) == [("January 2026", ["0", "1", "0"]), ("December 2025", ["1", "0", "1"])], (
        "no months from before there was anything"
    )
    w.clock.forward(hours=24 * 365)
    page = (await (await operator(w)).get("/settings/usage")).text
    assert re.findall(r'<th scope="row">([^<]+)</th>', page)[::12] == ["January 2027", "January 2026"]


def test_months_go_back_over_the_turn_of_the_year() -> None:
    assert [str(one) for one in months_back(date(2026, 2, 28), 4)] == [
        "2025-11-01",
        "2025-12-01",
        "2026-01-01",
        "2026-02-01",
    ]


async def test_where_there_are_several_organizations_the_administrator_gives_credits(w: World) -> None:
    ann = await operator(w)
    await w.database.write(organizations.add_credits, w.acme_id, 1)
    page = (await ann.get("/settings/usage")).text
    assert (
        "1 credit is left." in page
        and "Credits are given by the administrator." in page
        and "usage/credits" not in page
    )
    refused = await ann.post("/settings/usage/credits", unlimited="yes")
    assert (refused.status_code, "its administrator gives them credits" in refused.text) == (403, True)
    assert (await w.acme.get("/v1/organization")).json()["credits"] == 1


async def test_what_is_stored_is_shown_and_owners_are_told_when_it_is_much(w: World) -> None:
    ann, bob = await operator(w), await operator(w, "member")
    await w.dispatch(await w.template(BOOLEAN))
    assert re.search(r"[1-9][0-9.]* KiB are stored\.", (await ann.get("/settings/usage")).text)
    for share, said in ((0.5, ""), (0.85, "At least 80 % of the storage is used."), (1.0, "The storage is used up")):
        use = await w.database.read(quota_rows.get, w.acme_id)
        await w.database.write(quota_rows.put, w.acme_id, int(use.used / share))
        page = (await bob.get("/settings/usage")).text
        assert f"({round(share * 100)} %)" in page and said in page
        assert said in (await ann.get("")).text
        assert "storage" not in (await bob.get("")).text
    form = (await ann.get("/dispatch")).text
    template_id = re.findall(r'<option value="(t-[^"]+)"', form)[0]
    refused = await ann.post("/dispatch", template_id=template_id, once="x", expires_in_hours="2")
    assert refused.status_code == 403
    assert "Nothing was sent: your organization’s storage is used up." in refused.text


async def test_owners_give_credits_and_members_look(w: World) -> None:
    await left_alone(w)
    ann, bob = await operator(w), await operator(w, "member")
    await ann.get("/settings/usage")
    place = "/settings/usage/credits"
    assert "Credits: unlimited." in (await bob.get("/settings/usage")).text
    assert (await bob.post(place, amount="5")).status_code == 403
    for amount in ("20", "-5"):
        assert (await ann.post(place, amount=amount)).status_code == 303
    page = (await bob.get("/settings/usage")).text
    assert "15 credits are left." in page and place not in page
    for amount in ("", "x", "1e3", "²", "--1", "-16", "9" * 18, "99999999999999999"):
        assert (await ann.post(place, amount=amount)).status_code == 422, amount
    assert (await ann.post(place, unlimited="yes")).status_code == 303
    assert "Credits: unlimited." in (await ann.get("/settings/usage")).text
