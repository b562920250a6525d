"""A template's own translations, read alike by the page and the server, and which language is chosen."""

import asyncio
import json
import re
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from rundun.core import languages
from rundun.core.templates import rules
from rundun.wording.problem_codes import PROBLEMS
from tests.browser.checklists import COUNT, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.helpers.modules import CASES, module
from tests.helpers.service import World

GIVEN = json.loads((CASES / "translations.json").read_text())
SPANISH = {"": {"name": "Revisión"}, "s-ok": {"label": "¿Todo bien?"}, "s-count": {"label": "¿Cuántos?"}}


def without_translations(template: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in template.items() if key != "translations"}


def test_the_server_reads_the_shared_translations() -> None:
    for tag, available, closest in GIVEN["chains"]:
        assert languages.fallbacks(tag, available) == closest, tag
    for case in GIVEN["templates"]:
        before = json.dumps(case["template"])
        said = languages.translate(case["template"], case["tag"])
        assert without_translations(said) == case["says"], case["about"]
        assert json.dumps(case["template"]) == before, "the template itself stays as it is"
        rules.read_template(case["template"], lambda prefix: f"{prefix}made")


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("de", ["de"]),
        ("de-AT, de;q=0.9, en;q=0.5", ["de-AT", "de", "en"]),
        ("en;q=0.2,ar;q=0.9,es", ["es", "ar", "en"]),
        ("fr;q=0, es", ["es"]),
        ("*", []),
        (" es ; q=0.5 , *;q=0.1", ["es"]),
        ("es;q=2, fr;q=abc, de;q=0.1", ["de"]),
        ("", []),
        (",,;;q=1, <script>, es" + ",x" * 5000, ["es"]),
    ],
)
def test_accept_language(header: str, tags: list[str]) -> None:
    assert languages.accepted_tags(header) == tags


@pytest.mark.parametrize(
    ("query", "of_run", "header", "tag", "direction"),
    [
        ("", None, "", "en", "ltr"),
        ("", None, "xx, vo", "en", "ltr"),
        ("", None, "vo, ar-EG;q=0.8, de;q=0.3", "ar-EG", "rtl"),
        ("", "fr", "de", "fr", "ltr"),
        ("?lang=pt-BR", "fr", "de", "pt-BR", "ltr"),
        ("?lang=AR", "fr", "de", "ar", "rtl"),
        ("?lang=ar", "fr", "de, ar-EG", "ar-EG", "rtl"),
        ("?lang=vo", "fr", "de", "fr", "ltr"),
        ("?lang=<b>", "fr", "de", "fr", "ltr"),
        ("?lang=es-ZZZZZZZZ-1", None, "de", "es", "ltr"),
        ("?lang=es-419", None, "", "es-419", "ltr"),
    ],
)
async def test_the_language_of_every_page(
    w: World, query: str, of_run: str | None, header: str, tag: str, direction: str
) -> None:
    more = {"language": of_run} if of_run else {}
    run = await w.dispatch(await w.template(YES_NO), **more)
    client = w.browser(**{"accept-language": header})
    words = f'<html lang="{tag}" dir="{direction}">'
    assert words in (await client.get(f"/r/{run.run_id}{query}")).text
    assert (await w.acme.post(f"/v1/runs/{run.run_id}/cancel", json={})).status_code == 200
    closed = await client.get(f"/r/{run.run_id}{query}")
    assert closed.status_code == 410
    assert words in closed.text


async def test_an_unknown_run_is_told_in_the_browser_s_language(w: World) -> None:
    client = w.browser(**{"accept-language": "de"})
    response = await client.get("/r/r-00000000-0000-4000-8000-000000000000")
    assert response.status_code == 404
    assert "Dieser Link funktioniert nicht" in response.text


async def test_template_and_page_speak_spanish_and_the_state_stays_as_it_was_written(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT, translations={"es": SPANISH})
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=es-MX")
    await expect(ed.page.get_by_role("heading", name="Revisión")).to_be_visible()
    await ed.page.get_by_role("button", name="Empezar").tap()
    await expect(ed.step("s-ok").get_by_role("heading")).to_have_text("¿Todo bien?")
    state = (await w.browser().get(f"/r/{run_id}/state")).json()
    assert state["template"]["steps"][0]["label"] == "All fine?"
    assert "translations" in state["template"]
    await ed.pick("s-ok", "Sí")
    await ed.fill("s-count", "0,5")
    await expect(ed.step("s-count").locator(".wrong")).to_have_text("Debe ser al menos 1.")
    await ed.fill("s-count", "1,5")
    await ed.is_done("s-ok", "s-count")
    assert (await record(w, run_id))["language"] == "es-MX"
    await ed.open(run_id)  # without ?lang=: the run remembers what was chosen at the start
    await expect(ed.step("s-ok").get_by_role("heading")).to_have_text("¿Todo bien?")


async def test_texts_that_nobody_translated_say_that_their_language_is_not_known(w: World, ed: Phone) -> None:
    """An empty `lang`, and a direction of their own; what is translated speaks the page's language or names its own."""
    arabic = {"": {"name": "فحص"}, "s-ok": {"label": "هل كل شيء بخير؟"}}
    run_id = await dispatched(
        w, {**YES_NO, "hint": "Look."}, COUNT, description="It is.", translations={"ar": arabic, "vo": SPANISH}
    )
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=ar")
    title = ed.page.locator("h1")
    await expect(title).to_have_attribute("dir", "auto")
    await expect(title).to_have_attribute("lang", "")  # the description is not translated
    await ed.page.locator(".start form button").tap()
    ok, count = (ed.step(step).locator("h3") for step in ("s-ok", "s-count"))
    await expect(count).to_have_attribute("lang", "")
    await expect(count).to_have_css("direction", "ltr")
    await expect(ok).to_have_css("direction", "rtl")
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=vo")
    await expect(count).to_have_attribute("lang", "vo")
    await expect(ok).to_have_attribute("lang", "")  # the hint is not translated
    await expect(ed.step("s-ok").locator(".pick-label").first).not_to_have_attribute("lang", re.compile(""))
    run_id = await dispatched(w, YES_NO, translations={"es": {"": {"name": "Revisión"}, "s-ok": {"label": "¿Bien?"}}})
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=es-MX")
    await expect(ed.page.locator("h1")).to_have_text("Revisión")
    await expect(ed.page.locator("h1")).not_to_have_attribute("lang", re.compile(""))


async def test_the_language_chosen_after_the_start_stays_the_one_of_this_phone(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    await ed.page.get_by_role("button", name="About this checklist").tap()
    async with ed.page.expect_navigation():
        await ed.page.get_by_label("Language").select_option("ar")
    html = ed.page.locator("html")
    await expect(html).to_have_attribute("dir", "rtl")
    await ed.open(run_id)  # from the link
    await expect(html).to_have_attribute("lang", "ar")
    await ed.pick("s-ok", "نعم")
    await ed.is_done("s-ok")
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=de")  # asked for by the address, but not chosen
    await expect(html).to_have_attribute("lang", "de")
    await ed.open(run_id)
    await expect(html).to_have_attribute("lang", "ar")
    other = await dispatched(w, YES_NO)
    await ed.open(other)
    await expect(html).to_have_attribute("lang", "en-GB")
    await ed.open(run_id)
    await expect(html).to_have_attribute("lang", "ar")
    await ed.page.locator(".form:not(.review) .bottom button").last.tap()
    await ed.page.locator(".review .bottom button").last.tap()
    await expect(ed.page.locator(".end-mark.good")).to_be_visible()
    await ed.until_kept_is(run_id, [])
    assert await ed.page.evaluate("Object.keys(localStorage)") == []


async def test_a_language_chosen_before_the_scripts_are_there_counts(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    chosen = asyncio.Event()

    async def late(route: Route) -> None:
        await chosen.wait()
        await route.continue_()

    await ed.page.route("**/start.js", late)
    await ed.page.goto(f"{ed.base}/r/{run_id}", wait_until="commit")
    await ed.page.get_by_label("Language").select_option("ar")
    chosen.set()
    await expect(ed.page.locator("html")).to_have_attribute("dir", "rtl")


async def test_the_language_is_switched_on_the_page_and_nothing_is_lost(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT, translations={"es": SPANISH})
    await ed.open(run_id)
    await ed.page.get_by_label("Language").select_option("ar")
    await expect(ed.page.locator("html")).to_have_attribute("dir", "rtl")
    await ed.page.get_by_role("button", name="ابدأ").tap()
    await ed.pick("s-ok", "نعم")
    field = ed.step("s-count").locator("input")
    await field.fill("١٢٫٥")
    await ed.page.get_by_role("button", name="حول هذه القائمة").tap()
    await ed.page.get_by_label("اللغة").select_option("es")
    await expect(ed.step("s-ok").get_by_role("heading")).to_have_text("¿Todo bien?")
    await expect(ed.page.locator("html")).to_have_attribute("dir", "ltr")
    await ed.is_done("s-ok", "s-count")
    assert (await record(w, run_id))["answers"]["s-count"]["value"] == 12.5
    await expect(field).to_have_value("12,5")


async def test_dates_and_numbers_are_written_as_the_phone_s_region_does(w: World, browser: Browser, base: str) -> None:
    big = {**COUNT, "config": {"max": 1234567.5}}
    run_id = await dispatched(w, big, {"id": "s-day", "type": "datetime", "label": "Day"})
    async with phone(browser, base, locale="de-CH") as olga:
        await olga.open(run_id)
        await expect(olga.page.locator("time")).to_have_text("04.01.2026, 01:00")  # she is in Berlin
        await olga.page.get_by_role("button", name="Starten").tap()
        await expect(olga.step("s-count").locator(".count")).to_have_text(
            re.compile("^Bis 1['’]234['’]567[.]5$")  # the apostrophe differs between versions of CLDR
        )
        await olga.fill("s-count", "1’234.5")
        await olga.fill("s-day", "2026-07-01")
        await olga.is_done("s-count", "s-day")
        await olga.page.get_by_role("button", name="Prüfen").tap()
        await expect(olga.page.locator(".line-answer").last).to_have_text("01.07.2026")
    assert (await record(w, run_id))["answers"]["s-count"]["value"] == 1234.5


async def refuse(answer: dict[str, Any], route: Route) -> None:
    await route.fulfill(**answer)


async def test_what_the_server_refuses_is_said_in_the_page_s_language(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=fr")
    await ed.page.get_by_role("button", name="Commencer").tap()
    for code, place, says in (
        ("invalid", "out_of_range", "Non enregistré\u00a0: C’est hors des limites."),
        ("skip_not_allowed", None, "Non enregistré\u00a0: Cette étape ne peut pas être passée."),
        (
            "invalid",
            "quite_new",
            re.compile("^Non enregistré\u00a0: Quelque chose s’est mal passé [(].?invalid.?[)][.]"),
        ),
        ("quite_new", None, re.compile("^Non enregistré\u00a0: Quelque chose s’est mal passé [(].?quite_new.?[)][.]")),
    ):
        problem = {"status": 422, "code": code, "detail": "No."}
        if place:
            problem["errors"] = [{"pointer": "/value", "code": place, "detail": "is odd"}]
        answer = {"status": 422, "content_type": "application/problem+json", "body": json.dumps(problem)}
        await ed.page.route("**/r/*/steps/s-count", partial(refuse, answer))
        await ed.fill("s-count", f"{len(code)}")
        await expect(ed.step("s-count").locator(".status > span")).to_have_text(says)
        await ed.page.unroute("**/r/*/steps/s-count")
        await ed.step("s-count").get_by_role("button", name="Réessayer").tap()
        await ed.is_done("s-count")
        await ed.fill("s-count", "3")
        await ed.is_done("s-count")


async def test_every_code_has_a_sentence_in_the_page_s_language(w: World, ed: Phone) -> None:
    """Whatever the server answers, nobody is shown its English, nor a bare word of ours."""
    run_id = await dispatched(w, YES_NO)
    script = f"""async (codes) => {{
      const {{ refusedText }} = await import('{module("dom")}');
      return codes.map((code) => refusedText({{ code, status: 400, members: {{ detail: "In English." }} }}));
    }}"""
    codes = [*PROBLEMS, "rate_limited"]
    for tag in ("ar", "de", "en", "es", "fr", "pt"):
        await ed.page.goto(f"{ed.base}/r/{run_id}?lang={tag}")
        await expect(ed.page.locator(".start form button")).to_be_enabled()
        for code, said in zip(codes, await ed.page.evaluate(script, codes), strict=True):
            assert "problem_" not in said, (tag, code)
            assert tag == "en" or "English" not in said, (tag, code)
