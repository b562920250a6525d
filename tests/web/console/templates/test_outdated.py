"""Which translations the console knows to be outdated, whoever changes the texts."""

import json
import re
from html import unescape
from typing import Any

from rundun.core.templates.outdated import digest
from tests.helpers.console.console import Browser, operator, shown
from tests.helpers.files.storage import used
from tests.helpers.service import BOOLEAN, World
from tests.web.console.templates.test_editor import PATH, keep, live, published

SPANISH = {"translations": {"es": {"s-ok": {"label": "¿Todo bien?"}}}}
FIRST = {"name": "Check", "steps": [BOOLEAN], **SPANISH}
CHANGED = {"name": "Check", "steps": [{**BOOLEAN, "label": "All good?"}], **SPANISH}
STALE = {"es": {"s-ok": {"label": digest("All fine?")}}}


async def outdated(who: Browser, path: str) -> Any:
    """What the editor's script begins with."""
    return read_outdated(await shown(who, path))


def read_outdated(html: str) -> Any:
    found = re.search(r'id="editor-data">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(unescape(found[1]))["outdated"]


async def test_a_version_by_the_api_confirms_the_translations_it_changes(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN, **SPANISH)
    path = f"/v1/templates/{template_id}"
    assert await outdated(ann, f"/templates/{template_id}") == {}
    assert (await w.acme.put(path, json=CHANGED)).is_success
    assert await outdated(ann, f"/templates/{template_id}") == STALE
    assert "outdated" not in (await w.acme.get(path)).json()
    assert (await w.acme.put(path, json=CHANGED)).json()["v"] == 2
    assert await outdated(ann, f"/templates/{template_id}") == STALE, "the same again confirms nothing"
    rewritten = {**CHANGED, "translations": {"es": {"s-ok": {"label": "¿Bien?"}}}}
    assert (await w.acme.put(path, json=rewritten)).is_success
    assert await outdated(ann, f"/templates/{template_id}") == {}


async def test_so_does_a_draft_by_the_api_and_a_form_without_the_script(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN, **SPANISH)
    draft = (await w.acme.post("/v1/templates/drafts", json={**CHANGED, "id": template_id})).json()
    assert await outdated(ann, f"/templates/{template_id}") == STALE
    place = {"draft": draft["id"], "revision": "1"}
    assert (await keep(ann, json.dumps({**CHANGED, "name": "Other"}), **place)).status_code == 200
    assert await outdated(ann, f"/templates/{template_id}") == STALE
    body = {**CHANGED, "translations": {"es": {"s-ok": {"label": "¿Bien?"}}}}
    assert (await w.acme.put(f"/v1/templates/drafts/{draft['id']}", json=body)).is_success
    assert await outdated(ann, f"/templates/{template_id}") == {}


async def test_what_is_confirmed_is_kept_with_a_version_that_stays_as_it_is(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN, **SPANISH)
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=CHANGED)).is_success
    copy = (await ann.post(f"/templates/{template_id}/duplicate")).headers["location"].removeprefix("/console")
    assert await outdated(ann, copy.partition("?")[0]) == STALE
    text = json.dumps(CHANGED)
    begun = await live(ann, text, STALE_AS_SENT, template_id=template_id, made_from="2")
    page = f"{PATH}/{begun['place']['draft']}/publish"
    assert "Translations that are out of date" in await shown(ann, page)
    confirmed = await live(ann, text, {}, **begun["place"])
    assert confirmed["place"]["revision"] == "2", "it is a change though the text is the same"
    late = await live(ann, text, STALE_AS_SENT, **begun["place"])
    assert late["newer"]["outdated"] == {}
    said = await shown(ann, page)
    assert "Translations that are out of date" not in said and "so version 2 stays." in said
    done = await ann.post(page, revision="2", made_from="2")
    assert done.headers["location"].endswith("template_unchanged")
    assert await outdated(ann, f"/templates/{template_id}") == {}


async def test_two_who_confirm_at_once_lose_nothing(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN, **SPANISH)
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=CHANGED)).is_success
    place = {"template_id": template_id, "made_from": "2"}
    first = await live(ann, json.dumps(CHANGED), STALE_AS_SENT, **place)
    assert first["outdated"] == STALE
    second = await live(ann, json.dumps(CHANGED), {}, **place)
    assert (second["place"], second["newer"]["outdated"]) == (first["place"], STALE)
    once = {"once": "1"}
    await live(ann, json.dumps(CHANGED), STALE_AS_SENT, **once)
    assert (await live(ann, json.dumps(CHANGED), {}, **once))["newer"]["outdated"] == STALE


async def test_a_text_that_is_not_stored_is_shown_with_its_own(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN, **SPANISH)
    place = (await live(ann, json.dumps(FIRST), {}, template_id=template_id, made_from="1"))["place"]
    stale = await keep(ann, json.dumps(CHANGED), **{**place, "revision": "9"})
    gone = await keep(ann, json.dumps(CHANGED), **{**place, "draft": "d-gone"})
    assert (stale.status_code, gone.status_code) == (412, 404)
    assert [read_outdated(one.text) for one in (stale, gone)] == [STALE, STALE]


STALE_AS_SENT = {"es": {"s-ok": {"label": {"text": "All fine?"}}, "s-gone": 5}, "de": []}


async def test_a_new_checklist_and_a_new_version_have_those_of_their_draft(w: World) -> None:
    ann = await operator(w)
    begun = await live(ann, json.dumps(CHANGED), STALE_AS_SENT, once="1")
    kept = await keep(ann, json.dumps(CHANGED), "publish", **begun["place"])
    made = (await published(ann, kept)).headers["location"].removeprefix("/console").partition("?")[0]
    assert await outdated(ann, made) == STALE
    template_id = made.rpartition("/")[2]
    renamed = json.dumps({**CHANGED, "name": "Other"})
    begun = await live(ann, renamed, STALE_AS_SENT, template_id=template_id, made_from="1")
    await published(ann, await keep(ann, renamed, "publish", **begun["place"]))
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["v"] == 2
    assert await outdated(ann, made) == STALE


async def test_they_count_toward_the_quota(w: World) -> None:
    ann, before = await operator(w), await used(w)
    place = (await live(ann, json.dumps(CHANGED), {}, once="1"))["place"]
    without = await used(w) - before
    place = (await live(ann, json.dumps(CHANGED), STALE_AS_SENT, **place))["place"]
    size = len(json.dumps(STALE, separators=(",", ":")))
    assert await used(w) - before == without + size
    await published(ann, await keep(ann, json.dumps(CHANGED), "publish", **place))
    assert await used(w) > before + size
