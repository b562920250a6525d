"""The first five minutes: the front page, setting up, what comes next; and what strangers and lost people are told."""

import html
import re

import pytest

from rundun.actions.organizations import operators, organizations
from rundun.errors import FieldError, Problem
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.transaction import Tx
from rundun.wording import refusals
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.problem_codes import PROBLEMS
from tests.helpers.console.console import PASSWORD, Browser, field, left_alone, operator, shown, text_of
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.pictures.images import png
from tests.helpers.service import World

NEW = {"email": "ann@example.com", "name": "Ann", "password": PASSWORD}


async def test_the_front_page_leads_to_the_console(w: World) -> None:
    page = (await w.browser().get("/")).text
    assert re.search(r'<a[^>]* href="/console">sign in</a>', page)
    assert 'http-equiv="refresh"' not in page, "whoever cut a link short is led nowhere else"


async def test_the_first_owner_says_what_the_organization_is_called(w: World) -> None:
    def unnamed(tx: Tx) -> None:
        tx.db.execute("UPDATE organizations SET name = ? WHERE id = ?", (organizations.UNNAMED, w.acme_id))

    await w.database.write(unnamed)
    token = await w.database.write(operators.create_setup_link, w.acme_id)
    ann = Browser(w.browser())
    page = await shown(ann, f"/join/{token}")
    assert field(page, "organization") == "", "the name that it has is none"
    assert '<option value="UTC" selected>' in page and "time_zone.js" in page
    for wrong, said in (
        ({"organization": " "}, "A name has 1 to 200 characters"),
        ({"time_zone": "Mars/Olympus"}, "no such time zone"),
        ({"password": "short"}, "at least 10 characters"),
        ({"email": "nobody"}, "no e-mail address"),
    ):
        typed = {**NEW, "organization": "Sunny Rentals", "time_zone": "Europe/Madrid", **wrong}
        refused = await ann.post(f"/join/{token}", **typed)
        assert (refused.status_code, said in text_of(refused.text)) == (422, True), said
        assert "time_zone.js" not in refused.text, "what was chosen stays"
        if "organization" not in wrong:
            assert field(refused.text, "organization") == "Sunny Rentals"
    joined = await ann.post(f"/join/{token}", **NEW, organization="Sunny Rentals", time_zone="Europe/Madrid")
    assert (joined.status_code, joined.headers["location"]) == (303, "/console")
    stored = await w.database.read(organization_rows.get, w.acme_id)
    assert (stored.name, stored.time_zone) == ("Sunny Rentals", "Europe/Madrid")


async def test_who_comes_later_is_not_asked(w: World) -> None:
    await operator(w)
    before = await w.database.read(organization_rows.get, w.acme_id)
    for token in (
        await w.database.write(operators.create_setup_link, w.acme_id),
        await w.database.write(operators.invite, w.acme_id, "bob@example.com", "member"),
    ):
        browser = Browser(w.browser())
        page = await shown(browser, f"/join/{token}")
        assert 'name="organization"' not in page and "You will work for Acme" in page
        given = {
            **NEW,
            "email": f"{token[:5].strip('-_')}x@example.com",
            "organization": "Mine",
            "time_zone": "Asia/Tokyo",
        }
        assert (await browser.post(f"/join/{token}", **given)).status_code == 303
    assert await w.database.read(organization_rows.get, w.acme_id) == before


async def test_the_other_set_up_links_are_dead_then(w: World) -> None:
    links = [await w.database.write(operators.create_setup_link, w.acme_id) for _ in range(2)]
    ann = Browser(w.browser())
    await ann.get(f"/join/{links[0]}")
    assert (await ann.post(f"/join/{links[0]}", **NEW)).status_code == 303
    assert (await ann.get(f"/join/{links[1]}")).status_code == 404
    assert "Whoever opens it" not in await shown(ann, "/settings/people")


@pytest.mark.parametrize("nasty", NASTY_NAMES)
async def test_what_is_typed_at_setting_up_is_never_markup(w: World, nasty: str) -> None:
    token = await w.database.write(operators.create_setup_link, w.acme_id)
    ann = Browser(w.browser())
    await ann.get(f"/join/{token}")
    refused = await ann.post(f"/join/{token}", **{**NEW, "email": nasty}, organization=nasty, time_zone=nasty)
    assert refused.status_code == 422 and is_text_only(refused.text, nasty)


async def test_signing_in_says_whose_it_is_where_there_is_one_organization(w: World) -> None:
    stranger = Browser(w.browser())
    page = await shown(stranger, "/sign-in")
    assert "Acme" not in page and "Globex" not in page
    await left_alone(w)
    await w.database.write(organizations.put_logo, w.acme_id, png())
    page = await shown(stranger, "/sign-in")
    assert "Acme" in text_of(page) and re.search(r'<img src="/media/[^"]+" alt=""', page)
    assert "python" not in page and "Ask an owner" in page
    await stranger.get("/sign-in")
    refused = await stranger.post("/sign-in", email="a@example.com", password="no password of hers")
    assert "Acme" in text_of(refused.text)


async def test_what_is_not_there_is_told_within_the_console(w: World) -> None:
    ann = await operator(w)
    for path in ("/nowhere", "/runs/r-none", "/templates/t-none", "/settings/nothing"):
        lost = await ann.get(path, headers={"accept": "text/html"})
        assert (lost.status_code, "There is nothing here" in text_of(lost.text)) == (404, True), path
        assert 'href="/console/runs' in lost.text, "with the way to what there is"
        assert (await ann.get(path, headers={"accept": "application/json"})).json()["code"] == "not_found"
    assert (await Browser(w.browser()).get("/nowhere")).headers["location"].startswith("/console/sign-in")


def test_every_code_has_a_sentence_of_the_consoles_own() -> None:
    ours = {"unauthorized", "write_not_allowed", "erasure_not_allowed", "cursor_gone"}  # of keys and of the feed
    phones = {"other_device", "not_started", "steps_missing", "answer_changed", "photo_conflict", "skip_not_allowed"}
    phones |= {"too_many_photos", "photo_deleted", "digest_mismatch"}
    assert {code for code, one in PROBLEMS.items() if not one.console} == ours | phones
    english = ConsoleLanguage("en")
    odd = Problem(
        "invalid", "detail", [FieldError("/steps/0/x", "too_long", "of the API"), FieldError("", "required", "")]
    )
    assert refusals.reason(english, odd) == "That is too long. This is needed."
    assert refusals.field_reasons(english, odd) == {"steps/0/x": "That is too long.", "": "This is needed."}
    assert "of the API" not in refusals.reason(english, Problem("wrong_status", "of the API"))


async def test_a_refusal_has_no_words_of_the_api(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template({"id": "s-ok", "type": "boolean", "label": "OK?"}))
    await ann.get(f"/runs/{ed.run_id}")
    await ann.post(f"/runs/{ed.run_id}/cancel", reason="")
    again = await ann.post(f"/runs/{ed.run_id}/cancel", reason="")
    assert again.status_code == 409
    assert "wrong_status" not in again.text and "This run is cancelled" not in html.unescape(again.text)
