"""Templates and dispatch by hand at the console, by their forms and pages."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any
from urllib.parse import unquote

import httpx2

from rundun.actions import office
from tests.test_console import Browser, operator
from tests.world import BOOLEAN, World

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</textarea><b>x",
    "</script><b>x",
    "{{ 7*7 }}${7*7}",
    "=1+1|cmd",
    "\u202egnp.exe",
    "a&lt;b&amp;",
]


def field(html: str, name: str) -> str:
    """The value of an input on a page."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', html)
    assert found, name
    return unescape(found[1])


def has_no_markup_of(html: str, nasty: str) -> None:
    """What was typed stands there as text, and nowhere as it is."""
    if any(mark in nasty for mark in "<>\"'"):
        assert nasty not in html, nasty


async def shown(who: Browser, path: str, **more: Any) -> str:
    """A page that is there."""
    answer = await who.get(path, **more)
    assert answer.status_code == 200, answer.text
    return answer.text


# --- dispatch by hand


async def dispatched(who: Browser, **fields: str) -> httpx2.Response:
    """The form as a browser sends it, with these fields typed over."""
    html = await shown(who, f"/dispatch?template_id={fields.get('template_id', '')}")
    ticked = {f"event {name}": "on" for name in re.findall(r'name="event ([a-z.]+)" checked', html)}
    given = {"once": field(html, "once"), "expires_in_hours": field(html, "expires_in_hours"), **ticked}
    return await who.post("/dispatch", **{**given, **fields})


async def test_a_run_is_dispatched_as_the_api_would(w: World) -> None:
    template_id = await w.template(BOOLEAN, translations={"es": {"": {"name": "Revisión"}}})
    ann = await operator(w, "member")
    url = "http://127.0.0.1:9/hook?a=%20b"
    answer = await dispatched(
        ann,
        template_id=template_id,
        executor_ref="booking 7",
        expires_in_hours="1.5",
        language="es",
        url=url,
        secret="0123456789abcdef",
    )
    assert answer.status_code == 303
    run_id = answer.headers["location"].rpartition("/")[2]
    run = (await w.acme.get(f"/v1/runs/{run_id}")).json()
    assert (run["executor_ref"], run["language"], run["template_id"]) == ("booking 7", "es", template_id)
    assert run["expires_at"] == "2026-01-01T01:30:00Z"
    assert run["webhook"]["signed"] and len(run["webhook"]["events"]) == 5

    html = await shown(ann, f"/dispatch/{run_id}")
    assert f'value="{run["link"]}"' in html and f"/console/runs/{run_id}" in html
    message = unescape(re.search(r'<textarea id="message"[^>]*>\n(.*?)</textarea>', html, re.S)[1])  # type: ignore[index]
    assert "«Revisión»" in message and message.endswith(run["link"]), "in the run's language"
    (whatsapp,) = re.findall(r'href="https://wa.me/\?text=([^"]*)"', html)
    (sms,) = re.findall(r'href="sms:\?&amp;body=([^"]*)"', html)
    assert unquote(unescape(whatsapp)) == unquote(unescape(sms)) == message
    assert "style=" not in html and "<svg" in html
    english = await shown(ann, f"/dispatch/{run_id}?lang=en")
    assert "please do the checklist “Check”" in english
    assert "phones will refuse to share their position" in english


async def test_never_expires_and_no_webhook(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN)
    answer = await dispatched(ann, template_id=template_id, never="on", expires_in_hours="")
    run = (await w.acme.get(f"/v1/runs/{answer.headers['location'].rpartition('/')[2]}")).json()
    assert (run["expires_at"], run["webhook"], run["language"]) == (None, None, None)


async def test_a_form_sent_twice_makes_one_run_and_a_changed_one_another(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN)
    html = await shown(ann, f"/dispatch?template_id={template_id}")
    given = {"once": field(html, "once"), "expires_in_hours": "72", "template_id": template_id}
    answers = await asyncio.gather(*(ann.post("/dispatch", **given) for _ in range(5)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await ann.post("/dispatch", **given)).headers["location"] == answers[0].headers["location"]
    other = await ann.post("/dispatch", **{**given, "executor_ref": "another"})
    assert other.headers["location"] != answers[0].headers["location"]
    assert len((await w.acme.get("/v1/runs")).json()["data"]) == 2


async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN)
    answer = await dispatched(
        ann,
        template_id=template_id,
        executor_ref="x" * 257,
        expires_in_hours="soon",
        url="ftp://example.com/",
        secret="short",
    )
    assert answer.status_code == 422
    for name in ("executor_ref", "expires_in_hours", "url", "secret"):
        assert f'id="w-{name}"' in answer.text, name
    assert 'value="soon"' in answer.text and 'value="ftp://example.com/"' in answer.text
    assert "<details" in answer.text and 'card" open' in answer.text
    for hours in ("0", "-1", "8761", "1e3", "nan", "", "72,5"):
        answer = await dispatched(ann, template_id=template_id, expires_in_hours=hours)
        assert (answer.status_code, 'id="w-expires_in_hours"' in answer.text) == (422, True), hours
    secret_alone = await dispatched(ann, template_id=template_id, secret="0123456789abcdef")
    assert (secret_alone.status_code, 'id="w-url"' in secret_alone.text) == (422, True)
    forbidden = await dispatched(ann, template_id=template_id, url="http://169.254.169.254/latest")
    assert (forbidden.status_code, 'id="w-url"' in forbidden.text) == (422, True)
    assert (await w.acme.get("/v1/runs")).json()["data"] == []


async def test_no_credits_an_archived_and_an_unknown_template_are_told(w: World) -> None:
    ann = await operator(w)
    template_id, gone = await w.template(BOOLEAN), await w.template(BOOLEAN)
    await w.acme.delete(f"/v1/templates/{gone}")
    answer = await dispatched(ann, template_id=gone)
    assert (answer.status_code, "is archived" in answer.text) == (409, True)
    answer = await dispatched(ann, template_id="t-nowhere")
    assert (answer.status_code, "no such template" in answer.text) == (404, True)
    await w.database.write(office.add_credits, w.acme_id, 1)
    assert (await dispatched(ann, template_id=template_id)).status_code == 303
    answer = await dispatched(ann, template_id=template_id, executor_ref="kept")
    assert (answer.status_code, "no credits left" in answer.text) == (402, True)
    assert 'value="kept"' in answer.text


async def test_nothing_typed_becomes_markup_where_runs_are_dispatched(w: World) -> None:
    ann = await operator(w)
    for nasty in NASTY:
        template_id = await w.template(BOOLEAN, name=nasty, translations={"es": {"": {"name": nasty}}})
        answer = await dispatched(ann, template_id=template_id, executor_ref=nasty, language="es")
        has_no_markup_of(await shown(ann, answer.headers["location"].removeprefix("/console")), nasty)
        refused = await ann.post(
            "/dispatch", template_id=nasty, executor_ref=nasty, language=nasty, url=nasty
        )
        assert refused.status_code == 422
        has_no_markup_of(refused.text, nasty)
