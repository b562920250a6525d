"""Templates and dispatch by hand at the console, by their forms and pages."""

import asyncio
import re
from html import unescape
from typing import Any, get_args
from urllib.parse import unquote

import httpx2
import pytest
from hypothesis import given
from pydantic_core import from_json

from rundun import paths
from rundun.actions.organizations import organizations
from rundun.core.templates import steps, template
from rundun.core.templates.condition import When
from rundun.core.templates.diff import parts
from rundun.core.templates.rules import as_json, read_template
from rundun.core.validation import StrictModel
from rundun.web.console.dispatch import dispatch
from rundun.wording.template_text import template_text
from rundun.wording.template_words import COMPARISONS, FIELDS, JOINTS, TYPES
from tests.helpers.console.console import Browser, field, operator, shown
from tests.helpers.console.markup import NASTY, has_no_markup_of
from tests.helpers.service import BOOLEAN, World, pages
from tests.helpers.strategies.strategies import steps_of, templates
from tests.helpers.templates import get_sample_pictures
from tests.web.console.templates.test_editor import typed

ENGLISH = pages().console_words.language(["en"])
JSON = {"content-type": "application/json"}


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
    assert "phones will refuse" not in english, "nobody here can change that"


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
    for hours in ("0", "-1", "8761", "1e3", "nan", "72,5"):
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
    assert (answer.status_code, 'id="w-template_id"' in answer.text) == (422, True)
    await w.database.write(organizations.add_credits, w.acme_id, 1)
    assert (await dispatched(ann, template_id=template_id)).status_code == 303
    answer = await dispatched(ann, template_id=template_id, executor_ref="kept")
    assert (answer.status_code, "too few credits left" in answer.text) == (402, True)
    assert 'value="kept"' in answer.text


async def test_an_old_template_among_many_can_be_asked_for(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "MAX_TEMPLATES", 2)
    ann = await operator(w)
    old, *_ = [await w.template(BOOLEAN, name=f"Number {n}") for n in range(4)]
    html = await shown(ann, "/dispatch")
    assert old not in html and "Number 3" in html and "Choose…" in html
    html = await shown(ann, f"/dispatch?template_id={old}")
    assert f'<option value="{old}" selected>Number 0</option>' in html
    await w.acme.delete(f"/v1/templates/{old}")
    assert old not in (await shown(ann, f"/dispatch?template_id={old}"))


async def test_nothing_typed_becomes_markup_where_runs_are_dispatched(w: World) -> None:
    ann = await operator(w)
    for nasty in NASTY:
        template_id = await w.template(BOOLEAN, name=nasty, translations={"es": {"": {"name": nasty}}})
        answer = await dispatched(ann, template_id=template_id, executor_ref=nasty, language="es")
        has_no_markup_of(await shown(ann, answer.headers["location"].removeprefix("/console")), nasty)
        refused = await ann.post("/dispatch", template_id=nasty, executor_ref=nasty, language=nasty, url=nasty)
        assert refused.status_code == 422
        has_no_markup_of(refused.text, nasty)


# --- the list, a template to be read, what changed


async def test_the_list_shows_what_there_is_and_hides_the_archived(w: World) -> None:
    ann = await operator(w, "member")
    assert "No checklists yet" in await shown(ann, "/templates")
    kept = await w.template(BOOLEAN, name="Kept", tags=["red"])
    gone = await w.template(BOOLEAN, name="Gone")
    await w.acme.delete(f"/v1/templates/{gone}")
    html = await shown(ann, "/templates")
    assert f"/console/templates/{kept}" in html and "red" in html and gone not in html
    html = await shown(ann, "/templates?include_archived=true")
    assert gone in html and f"/console/dispatch?template_id={gone}" not in html
    for n in range(26):
        await w.template(BOOLEAN, name=f"Number {n}")
    first = await shown(ann, "/templates")
    following = unescape(re.search(r'href="/console(/templates\?cursor=[^"]+)"', first)[1])  # type: ignore[index]
    second = await shown(ann, following)
    assert kept in second and kept not in first and "Number 25" in first
    stranger = await shown(
        await operator(w, "owner", (await w.globex.get("/v1/organization")).json()["id"]), "/templates"
    )
    assert kept not in stranger


async def test_archived_brought_back_duplicated_exported(w: World) -> None:
    ann = await operator(w, "member")
    name = "Größe/../”x\r\n: y" + "ä" * 180
    template_id = await w.template(BOOLEAN, name=name, description="First")
    html = await shown(ann, f"/templates/{template_id}")
    assert "All fine?" in html and "Archive" in html
    assert (await ann.post(f"/templates/{template_id}/archive")).status_code == 303
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["archived_at"]
    assert "Bring back" in await shown(ann, f"/templates/{template_id}")
    assert (await ann.post(f"/templates/{template_id}/bring-back")).status_code == 303
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["archived_at"] is None

    copied = await ann.post(f"/templates/{template_id}/duplicate")
    copy = from_json(typed(await shown(ann, copied.headers["location"].removeprefix("/console"))))
    assert copy["steps"][0]["label"] == "All fine?"
    assert copy["name"].endswith("ä (copy)") and len(copy["name"]) == 200

    original = (await w.acme.get(f"/v1/templates/{template_id}")).json()
    file = await ann.get(f"/templates/{template_id}/export")
    assert file.json() == {key: value for key, value in original.items() if key in file.json()}
    assert set(original) - set(file.json()) == {"id", "v", "org_id", "created_at", "updated_at", "archived_at"}
    disposition = file.headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[\w-]{1,80}\.json\"; filename\*=UTF-8''[\w%.-]+", disposition, re.ASCII
    )
    assert (await w.acme.post("/v1/templates", json=file.json())).status_code == 201, "what is exported is imported"


async def test_what_changed_between_two_versions_is_told(w: World) -> None:
    ann = await operator(w, "member")
    steps = [{**BOOLEAN, "hint": "Old hint"}, {"id": "s-2", "type": "text", "label": "Second"}]
    template_id = await w.template(*steps)
    newer = {
        "name": "Check",
        "steps": [{"id": "s-3", "type": "number", "label": "Third"}, {**BOOLEAN, "hint": "New hint"}],
    }
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=newer)).status_code == 200
    last = {**newer, "name": "Renamed"}
    await w.acme.put(f"/v1/templates/{template_id}", json=last)
    html = await shown(ann, f"/templates/{template_id}/changes?before=1&after=2")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    assert "Removed Step · Second" in text and "Added Step · Third" in text
    assert "Changed Step · All fine?" in text and "Was Old hint → Is now New hint" in text
    assert "3 changes." in text
    text = re.sub(r"<[^>]+>", " ", await shown(ann, f"/templates/{template_id}/changes"))
    assert "Renamed" in text and "1 change." in text and "Second" not in text
    assert (await ann.get(f"/templates/{template_id}/changes?before=1&after=9")).status_code == 404
    assert "version 1" in await shown(ann, f"/templates/{template_id}?v=1")


def test_every_field_type_and_operator_has_a_word() -> None:
    fields: set[str] = set()
    kinds: set[str] = set()
    for name, model in {**vars(template), **vars(steps)}.items():
        if not (isinstance(model, type) and issubclass(model, StrictModel)) or name in (
            "Shape",
            "PhotoRule",
            "Flag",
            "JobField",
        ):
            continue
        fields |= set(model.model_fields)
        kinds |= set(get_args(model.model_fields["type"].annotation)) if name.endswith("Step") else set()
    fields -= {"id", "steps", "sections", "settings", "execution", "config", "options", "fields"}
    assert len(kinds) == 11 and len(fields) > 30
    operators = get_args(When.model_fields["op"].annotation)
    assert fields - set(FIELDS) == kinds - set(TYPES) == set(operators) - set(COMPARISONS) == set()
    assert {"and", "or"} == set(JOINTS)


@given(templates())
def test_any_template_can_be_told_in_words(written: Any) -> None:
    made = iter(range(10_000))
    body = from_json(as_json(read_template(written, lambda prefix: f"{prefix}made{next(made)}")))
    tell = template_text(ENGLISH, parts(body))
    for thing in parts(body).values():
        for name, value in thing.fields.items():
            assert tell.field(name) and isinstance(tell.value(name, value), str), name
    for step in steps_of(body):
        assert all(word for word, _ in tell.details(step))
        if flag := step.get("flag"):
            said = tell.flag(flag, step["id"])
            assert "the answer" in said and flag.get("tell", "") in said
        for condition in filter(None, [step.get("condition")]):
            labels = [thing.label for thing in parts(body).values() if thing.kind == "step"]
            assert any(label in tell.condition(condition) for label in labels)


def test_conditions_are_told_with_their_labels() -> None:
    steps = [
        {"id": "s-1", "type": "boolean", "label": "Clean?"},
        {"id": "s-2", "type": "choice", "label": "Which?", "config": {"options": [{"id": "o-1", "label": "Red"}]}},
    ]
    tell = template_text(ENGLISH, parts({"name": "T", "steps": steps}))
    first, second = (
        {"when": {"step": "s-1", "op": "eq", "value": False}},
        {"when": {"step": "s-2", "op": "neq", "value": "o-1"}},
    )
    third = {"when": {"step": "s-gone", "op": "answered"}}
    assert tell.condition(first) == "“Clean?” is “No”"
    nested = {"op": "or", "rules": [first, {"op": "and", "rules": [second, third]}]}
    assert tell.condition(nested) == "“Clean?” is “No” or (“Which?” is not “Red” and “s-gone” is answered)"


async def test_a_template_that_says_everything_can_be_read(w: World) -> None:
    ann = await operator(w)
    await get_sample_pictures(w)
    for path in paths.samples().glob("*.json"):
        template_id = (await w.acme.post("/v1/templates", content=path.read_bytes(), headers=JSON)).json()["id"]
        html = unescape(await shown(ann, f"/templates/{template_id}"))
        for label in re.findall(r'"label": "([^"]+)"', path.read_text().partition('"translations"')[0]):
            assert label in html, label


async def test_nothing_typed_becomes_markup_where_templates_are_read(w: World) -> None:
    ann = await operator(w)
    for nasty in NASTY:
        option = {"id": "o-1", "label": nasty}
        steps = [
            {"id": "s-1", "type": "choice", "label": nasty, "hint": nasty, "config": {"options": [option]}},
            {"id": "s-2", "type": "number", "label": nasty, "config": {"unit": nasty[:40]},
             "condition": {"when": {"step": "s-1", "op": "eq", "value": "o-1"}}},
        ]  # fmt: skip
        section = {"id": "g-1", "title": nasty, "description": nasty, "steps": steps}
        written = {"name": nasty, "description": nasty, "tags": [nasty], "sections": [section]}
        made = await w.acme.post("/v1/templates", json=written)
        template_id = made.json()["id"]
        plain = {"name": "Plain", "steps": [BOOLEAN]}
        assert (await w.acme.put(f"/v1/templates/{template_id}", json=plain)).status_code == 200
        written["translations"] = {"es": {"s-1": {"label": nasty}}}
        assert (await w.acme.put(f"/v1/templates/{template_id}", json=written)).status_code == 200
        for path in ("", f"/{template_id}", f"/{template_id}/changes", f"/{template_id}/changes?before=1&after=3"):
            has_no_markup_of(await shown(ann, f"/templates{path}"), nasty)
