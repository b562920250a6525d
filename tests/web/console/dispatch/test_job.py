"""Dispatch by hand: what the run is about, the chosen template's fields, values to confirm, and the message."""

import re
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

from rundun.actions.organizations import organizations
from rundun.web.console.dispatch.dispatch import _input_name
from rundun.wording.time_zone import Zone
from tests.helpers.console.console import Browser, field, operator, put_zone, shown, text_of
from tests.helpers.console.console_jobs import FIELDS, JOB, SECRET, STEPS, VALUES
from tests.helpers.console.markup import NASTY, NASTY_NAMES, has_no_markup_of, is_text_only
from tests.helpers.service import BOOLEAN, Receiver, World

TYPED = {f"field {name}": str(value) for name, value in VALUES.items()}
PREFILLED = {
    "prefill s-ok": "false",
    "prefill s-odo": "42150.5",
    "prefill s-fuel": "o-full",
    "prefill s-stars": "4",
    "prefill s-when": "2026-01-02T15:00",
    "prefill s-say": "one\r\ntwo",
}


async def typed(ann: Browser, template_id: str, **more: str) -> httpx2.Response:
    once = field(await shown(ann, f"/dispatch?template_id={template_id}"), "once")
    return await ann.post("/dispatch", **{"template_id": template_id, "once": once, **more})


async def run_of(w: World, answer: httpx2.Response) -> Any:
    assert answer.status_code == 303, text_of(answer.text)
    return (await w.acme.get(f"/v1/runs/{answer.headers['location'].rpartition('/')[2]}")).json()


def inputs(html: str) -> list[str]:
    """Names of all inputs, in order, but those of the webhook's events."""
    return [name for name in re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', html) if "event" not in name]


async def test_a_job_is_dispatched_as_the_api_would(w: World) -> None:
    await put_zone(w, "Europe/Madrid")
    ann = await operator(w, "member")
    template_id = await w.template(*STEPS, fields=FIELDS)
    about = {"title": f" {JOB['title']} ", "note": "note-line one\r\nThe key", "due_at": "2026-01-02T15:00"}
    run = await run_of(w, await typed(ann, template_id, **about, **TYPED, **PREFILLED))
    assert (run["title"], run["due_at"]) == (JOB["title"], "2026-01-02T14:00:00Z")
    assert run["note"] == "note-line one\nThe key"
    assert run["fields"] == VALUES
    assert run["prefill"] == {
        "s-ok": False,
        "s-odo": 42150.5,
        "s-fuel": "o-full",
        "s-stars": 4,
        "s-when": "2026-01-02T14:00:00Z",
        "s-say": "one\ntwo",
    }
    plain = await run_of(w, await typed(ann, template_id, **{"field f-unit": "Unit 1"}))
    assert (plain["title"], plain["note"], plain["due_at"], plain["prefill"]) == (None, None, None, {})
    assert plain["expires_at"] == "2026-01-04T00:00:00Z", "72 hours where nothing is said"


async def test_the_chosen_template_shows_its_fields_and_what_was_typed_is_kept(w: World) -> None:
    ann = await operator(w)
    flat, other = await w.template(*STEPS, fields=FIELDS), await w.template(BOOLEAN, name="Other")
    assert not [name for name in inputs(await shown(ann, "/dispatch")) if " " in name]
    html = await shown(ann, f"/dispatch?template_id={flat}")
    names = inputs(html)
    assert [name[6:] for name in names if name.startswith("field ")] == [each["id"] for each in FIELDS]
    assert [name[8:] for name in names if name.startswith("prefill ")] == [each["id"] for each in STEPS[:6]]
    assert "Unit (required)" in html and "Guests (required)" not in html
    for name, attributes in (
        ("f-phone", 'type="tel"'),
        ("f-out", 'type="date"'),
        ("f-guests", 'inputmode="decimal"'),
        ("f-door", 'autocomplete="off"'),
    ):
        (tag,) = re.findall(rf'<input id="f-{name}"[^>]*>', html)
        assert attributes in tag, tag
    given = {"template_id": other, "title": "Kept <b>", "choose": "1", "secret": "webhook-secret", **TYPED}
    answer = await ann.post("/dispatch", **given)
    assert answer.status_code == 200 and 'value="Kept &lt;b&gt;"' in answer.text and "location" not in answer.headers
    assert not [name for name in inputs(answer.text) if name.startswith("field ")]
    back = await ann.post("/dispatch", **{**given, "template_id": flat})
    assert f'name="field f-door" type="text" value="{SECRET}"' in back.text
    assert (await w.acme.get("/v1/runs")).json()["data"] == []
    run = await run_of(w, await typed(ann, other, **TYPED, **PREFILLED))
    assert run["fields"] == {} and run["prefill"] == {"s-ok": False}, "only what the chosen template asks for"


async def test_what_is_wrong_with_a_job_stands_at_its_input(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(*STEPS, fields=FIELDS)
    answer = await typed(ann, template_id, title="x" * 201, note="n" * 4001, due_at="soon", **TYPED)
    assert answer.status_code == 422
    for name in ("title", "note", "due_at"):
        assert f'id="w-{name}"' in answer.text, name
        assert f'aria-describedby="w-{name} h-{name}" aria-invalid="true"' in answer.text, name
    assert f'value="{SECRET}"' in answer.text and 'value="soon"' in answer.text
    pointers = ("/fields/f-unit", "/prefill/s-odo", "/prefill/s-many/0", "/due_at")
    assert [_input_name(pointer) for pointer in pointers] == ["f-unit", "s-odo", "s-many", "due_at"]
    assert [_input_name(pointer) for pointer in ("/webhook/events/3", "/webhook/url", "/fields")] == [
        "events",
        "url",
        "fields",
    ]
    said = re.findall(r'<p class="wrong"[^>]*>([^<]+)</p>', answer.text)
    assert len(said) == 3 and all(re.fullmatch(r"[A-Z].*[^.]\.", each) for each in said), said
    late = {"due_at": "2025-12-31T23:00", "executor_ref": "x" * 257, **TYPED, "field f-out": "soon"}
    await put_zone(w, "Europe/Madrid")
    refused = text_of((await typed(ann, template_id, **late)).text)
    assert "Is past: it is 1 Jan 2026, 01:00:00 +01:00." in refused
    assert "Must be a day of the calendar, YYYY-MM-DD." in refused
    assert "Has 257 characters, 256 are allowed." in refused, "all at once"
    spoken = await typed(ann, template_id, language="no language", **TYPED)
    assert 'aria-describedby="w-language h-language" aria-invalid="true"' in spoken.text
    nothing = await ann.post("/dispatch", template_id="", expires_in_hours="abc")
    assert 'id="w-template_id"' in nothing.text and 'id="w-expires_in_hours"' in nothing.text, "all at once"


async def test_numbers_are_taken_as_they_are_typed(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(*STEPS, fields=FIELDS)
    numbers = {"field f-unit": "1", "field f-guests": " 4,50 ", "prefill s-odo": "-18234,5"}
    run = await run_of(w, await typed(ann, template_id, **numbers))
    assert (run["fields"]["f-guests"], run["prefill"]["s-odo"]) == (4.5, -18234.5)
    numbers |= {"field f-guests": "two", "prefill s-odo": "18,234"}
    refused = await typed(ann, template_id, **numbers)
    assert refused.status_code == 422
    said = re.findall(r'<p class="wrong"[^>]*>([^<]+)</p>', refused.text)
    assert said == ["Must be a number, such as 3 or 2.5."] * 2, "where a comma could group, nothing is guessed"
    assert 'value="18,234"' in refused.text


async def test_the_message_names_the_job_and_can_be_changed(w: World) -> None:
    await put_zone(w, "Europe/Madrid")
    ann = await operator(w)
    template_id = await w.template(*STEPS, fields=FIELDS)
    ed = await w.dispatch(template_id, **JOB)
    html = await shown(ann, f"/dispatch/{ed.run_id}")
    (attributes, message) = re.findall(r'<textarea id="message"([^>]*)>\n(.*?)</textarea>', html, re.DOTALL)[0]
    said = unescape(message).split("\n")
    assert "readonly" not in attributes
    assert said[1] == JOB["title"] and said[2] == "To be done by: Fri, 2 Jan, 15:00", "as people there write"
    assert said[3].endswith(ed.run_id) and len(said) == 4
    shares = re.findall(r'href="([^"]*)" data-share="([^"]*)"', html)
    assert [unescape(address) for _, address in shares] == [
        "https://wa.me/?text=",
        "sms:?&body=",
        "mailto:?subject=Beach%20house%203%20%C2%B7%20check-out%2011%3A00&body=",
    ]
    for href, address in shares:
        assert unquote(unescape(href).removeprefix(unescape(address))) == unescape(message)
    for hidden in (SECRET, "office-price", "note-line", "+34 600", "Larios"):
        assert hidden not in html, hidden
    assert "Hay que hacerlo antes de: vie, 2 ene, 15:00" in await shown(ann, f"/dispatch/{ed.run_id}?lang=es")
    for lang in ("ar", "de", "fr", "pt"):
        translated = await shown(ann, f"/dispatch/{ed.run_id}?lang={lang}")
        due = translated.partition('id="message"')[2].split("\n")[3]
        assert re.search(r"\d.*\d", due) and not re.search(r"[\u00a0\u202f]", due), (
            f"{lang}: an SMS would have 70 characters"
        )
    others = (("America/New_York", "Fri, Jan 2, 2026, 9:00 AM"), ("UTC", "Fri, Jan 2, 2:00 PM UTC"))
    for zone, due in others:
        await put_zone(w, zone)
        said = unescape(await shown(ann, f"/dispatch/{ed.run_id}"))
        assert f"To be done by: {due}\n" in said, "with the year while it is another one there"
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    closed = await ann.get(f"/dispatch/{ed.run_id}")
    assert (closed.status_code, closed.headers["location"]) == (303, f"/console/runs/{ed.run_id}")


async def test_a_run_is_repeated_whose_field_asks_for_a_day_since_then(w: World) -> None:
    ann, when = await operator(w), {"id": "f-when", "label": "When", "kind": "text"}
    template_id = await w.template(BOOLEAN, fields=[when])
    ed = await w.dispatch(template_id, fields={"f-when": "soon"})
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    changed = {"name": "Check", "steps": [BOOLEAN], "fields": [{**when, "kind": "date"}]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=changed)).status_code == 200
    assert field(await shown(ann, f"/dispatch?again={ed.run_id}"), "field f-when") == "soon"


async def test_a_closed_run_is_repeated_without_its_secrets(w: World, receiver: Receiver) -> None:
    ann = await operator(w)
    hook = {"url": receiver.url, "secret": "a secret of sixteen", "events": ["run.completed"]}
    until = {"id": "f-until", "label": "Until", "kind": "date"}
    template_id = await w.template(*STEPS, fields=[*FIELDS, until])
    job = {**JOB, "fields": {**VALUES, "f-until": "2026-01-09"}}
    ed = await w.dispatch(template_id, **job, executor_ref="booking 7", language="es", webhook=hook)
    again = f"/console/dispatch?again={ed.run_id}"
    assert again not in await shown(ann, f"/runs/{ed.run_id}")
    assert (await ann.get(f"/dispatch?again={ed.run_id}")).status_code == 409, "not while it is open"
    w.clock.forward(hours=80)
    await w.sweep()
    assert again in await shown(ann, f"/runs/{ed.run_id}")
    html = await shown(ann, f"/dispatch?again={ed.run_id}")
    assert "Copied from a job that has ended" in html and SECRET not in html and "a secret of" not in html
    assert f'<option value="{template_id}" selected>' in html and '<option value="es" selected>' in html
    assert '<option value="previous" selected>127.0.0.1, as the job before</option>' in html
    kept = {"title": JOB["title"], "executor_ref": "booking 7", "due_at": "", "field f-door": ""}
    kept |= {f"field {name}": str(value) for name, value in VALUES.items() if name != "f-door"}
    kept |= {"field f-out": "", "field f-until": "2026-01-09"}  # a day that has passed, and one to come
    kept |= {"again": ed.run_id}
    assert {name: field(html, name) for name in kept} == kept
    assert "note-line one\nThe key is under the mat.</textarea>" in html
    fields = {**kept, "template_id": template_id, "field f-door": "0815", "webhook": "previous"}
    sent = await run_of(w, await ann.post("/dispatch", **fields))
    assert (sent["previous_run_id"], sent["title"], sent["fields"]["f-door"]) == (ed.run_id, JOB["title"], "0815")
    assert sent["webhook"] == {"url": receiver.url, "events": ["run.completed"], "signed": True}
    before, after = await shown(ann, f"/runs/{ed.run_id}"), await shown(ann, f"/runs/{sent['run_id']}")
    assert f'Repeated as</dt><dd><a href="/console/runs/{sent["run_id"]}">' in before
    assert f'Repeat of</dt><dd><a href="/console/runs/{ed.run_id}">' in after
    globex = await w.database.write(organizations.create, "Globex too")
    olga = await operator(w, "owner", globex.org_id)
    assert (await olga.get(f"/dispatch?again={ed.run_id}")).status_code == 404
    other = (await w.globex.get("/v1/organization")).json()["id"]
    stranger = await operator(w, "owner", other)
    theirs = (await w.globex.post("/v1/templates", json={"name": "Check", "steps": [BOOLEAN]})).json()["id"]
    refused = await stranger.post("/dispatch", template_id=theirs, again=ed.run_id, webhook="previous")
    assert refused.status_code == 404, "nor is its webhook anybody else's"


async def test_a_repeat_of_another_checklist_is_none_and_what_is_gone_is_named(w: World) -> None:
    ann = await operator(w)
    named = [{"id": f"f-{n}", "label": f"{NASTY_NAMES[0]} {n}", "kind": "text"} for n in range(2)]
    template_id, other = await w.template(BOOLEAN, fields=named), await w.template(BOOLEAN)
    hook = {"url": "http://127.0.0.1:9/before", "secret": "a secret of sixteen"}
    ed = await w.dispatch(template_id, fields={"f-0": "Flat 3", "f-1": "7412 KLM"}, webhook=hook)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    assert "does not ask for this any more" not in await shown(ann, f"/dispatch?again={ed.run_id}")
    await w.acme.put(f"/v1/templates/{template_id}", json={"name": "New", "steps": [BOOLEAN], "fields": named[:1]})
    html = await shown(ann, f"/dispatch?again={ed.run_id}")
    assert f"not copied: {NASTY_NAMES[0]} 1" in text_of(html) and "7412 KLM" not in html
    assert is_text_only(html, NASTY_NAMES[0])
    chosen = {"again": ed.run_id, "webhook": "previous", "template_id": other}
    shown_anew = (await ann.post("/dispatch", choose="1", **chosen)).text
    assert 'name="again"' not in shown_anew and "as the job before" not in shown_anew
    sent = await run_of(w, await ann.post("/dispatch", **chosen))
    assert (sent["previous_run_id"], sent["webhook"]) == (None, None)


async def test_the_form_of_the_largest_template_is_taken(w: World) -> None:
    ann = await operator(w)
    fields = [{"id": f"f-{n}", "label": f"F {n}", "kind": "text"} for n in range(30)]
    steps = [{"id": f"s-{n}", "type": "text", "label": f"S {n}"} for n in range(100)]
    template_id = await w.template(*steps, fields=fields)
    more = {f"field f-{n}": "ﷺ" * 500 for n in range(30)} | {f"prefill s-{n}": "x" for n in range(60)}
    run = await run_of(w, await typed(ann, template_id, note="ﷺ" * 4000, **more))
    assert len(run["fields"]) == 30 and len(run["prefill"]) == 60


async def test_nothing_typed_of_a_job_becomes_markup(w: World) -> None:
    ann = await operator(w)
    for nasty in NASTY:
        fields = [{"id": "f-a", "label": nasty, "kind": "text"}, {"id": "f-s", "label": nasty, "kind": "secret"}]
        steps = [
            {"id": "s-a", "type": "choice", "label": nasty, "config": {"options": [{"id": "o-a", "label": nasty}]}}
        ]
        template_id = await w.template(*steps, fields=fields)
        more = {"title": nasty, "note": nasty, "field f-a": nasty, "field f-s": nasty}
        chosen = await ann.post("/dispatch", template_id=template_id, choose="1", due_at=nasty, **more)
        has_no_markup_of(chosen.text, nasty)
        ed = await w.dispatch(template_id, title=nasty, note=nasty, fields={"f-a": nasty, "f-s": nasty})
        for path in (f"/dispatch/{ed.run_id}", f"/runs/{ed.run_id}", "/runs", f"/templates/{template_id}"):
            has_no_markup_of(await shown(ann, path), nasty)


@pytest.mark.parametrize(
    ("zone", "typed_time", "wire"),
    [
        ("Europe/Madrid", "2026-07-01T15:00", "2026-07-01T13:00:00Z"),
        ("Europe/Madrid", "2026-03-29T02:30:15", "2026-03-29T01:30:15Z"),  # the clocks go from 2 to 3
        ("Europe/Madrid", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),  # the first of two
        ("Asia/Kathmandu", "2026-01-01T00:00", "2025-12-31T18:15:00Z"),
        ("UTC", "2026-01-01T10:00:00+02:00", "2026-01-01T08:00:00Z"),
        ("UTC", "soon", "soon"),
        ("Asia/Kathmandu", "0001-01-01T00:00", "0001-01-01T00:00"),
    ],
)
def test_a_local_time_is_that_of_the_organization(zone: str, typed_time: str, wire: str) -> None:
    assert Zone(zone).parse_local(typed_time) == wire


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:8000", "Links begin with http://127.0.0.1:8000: only this computer can open them"),
        ("http://192.168.1.20", "Links begin with http://192.168.1.20: only phones in the same network"),
        ("https://check.example.com", None),
    ],
)
async def test_a_link_that_phones_can_not_open_is_told_of_where_it_is_sent(
    w: World, monkeypatch: pytest.MonkeyPatch, url: str, told: str | None
) -> None:
    ann, template_id = await operator(w, "member"), await w.template(BOOLEAN)
    ed = await w.dispatch(template_id)
    table = {"template_id": template_id, "table": "title\nFlat 7"}
    ready = re.findall(r'name="send" value="([0-9a-f]{64})"', (await ann.post("/dispatch/table", **table)).text)
    answer = await ann.post("/dispatch/table", **table, send=ready[0])
    sent = answer.headers["location"].removeprefix("/console")
    monkeypatch.setattr(w.database.env, "links", replace(w.database.env.links, public_url=url))
    pages = ("/dispatch", f"/dispatch/{ed.run_id}", "/dispatch/table", sent, f"/runs/{ed.run_id}")
    for path in pages:
        page = re.sub("[\u2068\u2069]", "", text_of(await shown(ann, path)))
        assert (told in page) if told else "Links begin with" not in page, path
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    assert "Links begin with" not in await shown(ann, f"/runs/{ed.run_id}"), "of a closed job nobody copies it"
