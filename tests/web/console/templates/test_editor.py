"""The editor of templates at the console, without its script: what is wrong is said at its place, nothing typed is
lost, and the preview keeps and sends nothing.
"""

import asyncio
import json
import re
import uuid
from html import unescape
from typing import Any

import httpx2
import pytest

from rundun import paths
from rundun.actions.templates import drafts
from rundun.errors import NotFound
from rundun.store.organizations import quotas as quota_rows
from rundun.web.console.templates.preview import REPLACED
from rundun.web.pages.pages import CONTENT_SECURITY_POLICY
from rundun.web.pages.preview_cache import LIFETIME, MAX_EACH, PreviewCache
from tests.helpers.console.console import Browser, field, operator, shown, text_of
from tests.helpers.console.markup import NASTY, has_no_markup_of
from tests.helpers.service import BOOLEAN, World

GOOD = {"name": "Check", "steps": [BOOLEAN]}
WRONG = """{
  "name": "Check",
  "steps": [
    {"type": "boolean", "label": "Fine?"},
    {"type": "choise", "label": "Which?"},
    {"type": "text",
     "label": "",
     "hnt": "x"}
  ]
}"""


def typed(html: str) -> str:
    """What stands in the editor."""
    found = re.search(r'<textarea id="text"[^>]*>\n(.*?)</textarea>', html, re.DOTALL)
    assert found
    return unescape(found[1])


PATH = "/templates/drafts"


async def keep(who: Browser, text: str, do: str = "check", **place: str) -> httpx2.Response:
    """What the form sends: a new draft, or the one of its place."""
    return await who.post(PATH, text=text, do=do, **(place or {"once": str(uuid.uuid4())}))


async def published(who: Browser, kept: httpx2.Response) -> httpx2.Response:
    """The button on the page that a kept text leads to."""
    assert kept.status_code == 303, kept.text
    path = kept.headers["location"].removeprefix("/console")
    html = await shown(who, path)
    made_from = {"made_from": field(html, "made_from")} if 'name="made_from"' in html else {}
    return await who.post(path, revision=field(html, "revision"), **made_from)


async def test_what_there_is_no_room_for_stays_in_the_editor(w: World) -> None:
    template_id, ann = await w.template(BOOLEAN), await operator(w)
    draft_id = (await w.acme.post("/v1/templates/drafts", json=GOOD)).json()["id"]
    await w.database.write(quota_rows.put, w.acme_id, 1)
    mine = json.dumps({"name": "Mine", "steps": [BOOLEAN]})
    of_template, of_draft = {"template_id": template_id, "made_from": "1"}, {"draft": draft_id, "revision": "1"}
    for place in ({"once": "x"}, of_template, of_draft):
        refused = await keep(ann, mine, **place)
        assert (refused.status_code, typed(refused.text)) == (403, mine)
        assert 'id="refused">Not saved: your organization’s storage is used up.' in refused.text
        assert {name: field(refused.text, name) for name in place} == place
    assert (await live(ann, mine, **of_draft))["refused"].startswith("Not saved: your organization’s storage")
    whole = await ann.post(f"{PATH}/{draft_id}/publish", revision="1")
    assert whole.status_code == 403 and "Not published: your organization’s storage is used up." in whole.text


def spots(html: str) -> list[tuple[int, int, str]]:
    """The places that are told: line, column, pointer."""
    found = re.findall(r'data-line="(\d+)" data-column="(\d+)">[^<]*</a> (?:<code>([^<]*)</code>)?', html)
    return [(int(line), int(column), unescape(pointer)) for line, column, pointer in found]


async def live(who: Browser, text: str, outdated: Any = None, **place: str) -> Any:
    """What the editor's script is told: of a text that is only looked at, or that is kept in a place."""
    headers = {"x-csrf-token": who.csrf, "accept": "application/json"}
    query, sent = place or {"check": "true"}, {"text": text, "outdated": outdated}
    answer = await who.client.post(f"/console{PATH}/text", json=sent, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_problem_is_told_at_its_place_and_the_text_is_kept(w: World) -> None:
    ann = await operator(w, "member")
    assert json.loads(typed(await shown(ann, "/templates/new")))
    refused = await keep(ann, WRONG.replace("\n", "\r\n"))
    assert refused.status_code == 422
    assert typed(refused.text) == WRONG
    told = [(5, 6, "/steps/1/type"), (7, 6, "/steps/2/label"), (8, 6, "/steps/2/hnt")]
    assert spots(refused.text) == told
    assert "3 problems." in refused.text and refused.text.count("must be one of") == 1
    found = await live(ann, WRONG)
    assert [(one["line"], one["column"], one["pointer"]) for one in found["faults"]] == told
    assert (found["summary"], found["place"]) == ("3 problems.", None)
    assert found["left_out"] == "Not on the phone, as long as they have problems: “Which?”, “…”."
    assert "Fine?" in await shown(ann, found["preview"].removeprefix("/console"))
    assert (await w.acme.get("/v1/templates")).json()["data"] == []
    draft_id = field(refused.text, "draft")
    assert typed(await shown(ann, f"{PATH}/{draft_id}")) == WRONG
    page = await shown(ann, f"{PATH}/{draft_id}/publish")
    assert "can’t be published yet. 3 problems." in page and "<code>/steps/1/type</code>" in page
    assert (await ann.post(f"{PATH}/{draft_id}/publish", revision="1")).status_code == 422

    broken = await keep(ann, '{"name": "x",\n "steps": [}')
    assert (broken.status_code, spots(broken.text)) == (422, [(2, 12, "")])
    assert "This is not JSON: expected value." in broken.text and "Line 2, column 12" in broken.text
    too_large = json.dumps({**GOOD, "steps": [{**BOOLEAN, "id": f"s-{n}", "hint": "ä" * 2000} for n in range(300)]})
    assert "512 KiB" in (await live(ann, too_large))["faults"][0]["detail"]
    for text in ("", "null", "[]", "12", '"x"', "{}", "\ufeff{}", "[" * 1000):
        assert (await live(ann, text))["faults"], text
        assert (await live(ann, text, once="2"))["place"] is None or text == "{}"


async def test_a_new_template_is_made_once(w: World) -> None:
    ann = await operator(w, "member")
    html = await shown(ann, "/templates/new?sample=turnover")
    given = {"text": typed(html), "once": field(html, "once"), "do": "publish"}
    answers = await asyncio.gather(*(ann.post(PATH, **given) for _ in range(3)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    made = await published(ann, answers[0])
    assert made.headers["location"].endswith("template_published")
    (template,) = (await w.acme.get("/v1/templates")).json()["data"]
    assert template["name"] == json.loads(given["text"])["name"]
    assert "Drafts" not in await shown(ann, "/templates")
    page = answers[0].headers["location"].removeprefix("/console")
    assert (await ann.get(page)).status_code == 404
    assert (await ann.post(page, revision="1")).headers["location"] == made.headers["location"], "clicked twice"
    assert (await ann.post(page, revision="2")).status_code == 404
    # What the API answers can be pasted: what the server assigns is made anew.
    again = await published(ann, await keep(ann, json.dumps(template), "publish"))
    assert again.status_code == 303 and template["id"] not in again.headers["location"]
    assert typed(await shown(ann, "/templates/new?import=true")) == ""
    assert (await ann.get("/templates/new?sample=../../config")).status_code == 404


async def test_a_member_that_is_there_twice_is_told_at_its_place(w: World) -> None:
    ann = await operator(w)
    twice = """{
  "name": "Check", "name": "Other",
  "steps": [{"type": "text", "label": "What?",
    "l\\u0061bel": "Which?"}]
}"""
    refused = await keep(ann, twice)
    assert (refused.status_code, typed(refused.text)) == (422, twice)
    assert spots(refused.text) == [(2, 20, "/name"), (4, 5, "/steps/0/label")]
    assert "is there twice" in refused.text


async def test_two_who_write_lose_nothing(w: World) -> None:
    ann, bob = await operator(w, "member"), await operator(w, "member")
    template_id = await w.template(BOOLEAN)
    html, theirs = [await shown(who, f"/templates/{template_id}") for who in (ann, bob)]
    assert json.loads(typed(html)) == GOOD and field(html, "made_from") == "1"
    place = {name: field(theirs, name) for name in ("template_id", "made_from")}
    first = await live(bob, json.dumps({**GOOD, "name": "Bob's"}), **place)
    mine = json.dumps({**GOOD, "name": "Ann's"}, indent=1)

    told = await live(ann, mine, **place)  # both began with the version
    assert json.loads(told["newer"]["text"])["name"] == "Bob's" and told["place"] == first["place"]
    assert (
        told["newer"]["notice"]
        == "Ann has written here meanwhile. What you have typed is still here, and not saved yet."
    )
    refused = await keep(ann, mine, **place)
    assert (refused.status_code, typed(refused.text)) == (412, mine)
    assert "Ann has written here meanwhile." in refused.text and "Save mine instead" in refused.text
    draft_id = first["place"]["draft"]
    assert f'href="/console{PATH}/{draft_id}"' in refused.text
    stale = {"draft": draft_id, "revision": "0"}
    assert (await live(ann, mine, **stale))["newer"] and (await keep(ann, mine, **stale)).status_code == 412
    assert json.loads(typed(await shown(ann, f"/templates/{template_id}")))["name"] == "Bob's"
    assert (await ann.get(f"{PATH}/{draft_id}")).headers["location"] == f"/console/templates/{template_id}"
    kept = await live(ann, mine, **{name: field(refused.text, name) for name in ("draft", "revision")})
    assert (kept["newer"], kept["place"]["revision"]) == (None, "2")
    assert typed(await shown(bob, f"/templates/{template_id}")) == mine

    page = f"{PATH}/{draft_id}/publish"
    late = await bob.post(page, revision="1", made_from="1")
    assert late.status_code == 412 and "It has changed meanwhile." in late.text and "Ann&#39;s" in late.text
    assert (await w.acme.put(f"/v1/templates/{template_id}", json={**GOOD, "name": "Api's"})).is_success
    late = await bob.post(page, revision="2", made_from="1")
    assert late.status_code == 412 and "Version 2 was published since this draft was begun" in late.text
    assert "changes?before=1&after=2" in late.text
    done = await bob.post(page, revision=field(late.text, "revision"), made_from=field(late.text, "made_from"))
    assert done.headers["location"].endswith("template_published")
    versions = (await w.acme.get(f"/v1/templates/{template_id}/versions")).json()["data"]
    assert [one["name"] for one in versions] == ["Ann's", "Api's", "Check"]

    gone = await keep(ann, mine, draft=draft_id, revision="2")
    assert (gone.status_code, typed(gone.text)) == (404, mine) and "published or discarded meanwhile" in gone.text
    again = await keep(ann, mine, "publish", template_id=template_id, made_from="3")
    same = await published(ann, again)
    assert same.headers["location"].endswith("template_unchanged")


async def test_a_draft_takes_in_a_newer_version(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    text = json.dumps({**GOOD, "name": "Mine"})
    place = (await live(ann, text, template_id=template_id, made_from="1"))["place"]
    assert (await w.acme.put(f"/v1/templates/{template_id}", json={**GOOD, "name": "Api's"})).is_success
    for sent, stored in (("", "1"), ("2", "2"), ("1", "2"), ("9", "2")):
        place = (await live(ann, text, **{**place, "made_from": sent}))["place"]
        assert (place["made_from"], place["revision"]) == (stored, "1")
    late = await live(ann, text + " ", **{**place, "revision": "7", "made_from": "2"})
    assert late["newer"] and late["place"]["revision"] == "1"


@pytest.mark.parametrize("made_from", ["", "x", "9" * 50, "²", "-1"])
async def test_an_odd_version_publishes_nothing(w: World, made_from: str) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    kept = await keep(ann, json.dumps({**GOOD, "name": "New"}), "publish", template_id=template_id, made_from=made_from)
    refused = await ann.post(kept.headers["location"].removeprefix("/console"), revision="1", made_from=made_from)
    assert refused.status_code == 412
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["v"] == 1


async def test_publishing_says_what_changes_and_for_whom(w: World) -> None:
    ann = await operator(w)
    fields = [{"id": f"f-{name}", "label": name.title(), "kind": "text"} for name in ("unit", "floor", "date", "old")]
    template_id = await w.template(BOOLEAN, fields=fields)
    await w.dispatch(template_id)
    await (await w.dispatch(template_id)).start()
    await w.dispatch(await w.template(BOOLEAN))
    required = [{**fields[0], "required": True}, fields[1], {**fields[2], "kind": "date"}]
    new = {**GOOD, "fields": required, "steps": [{**BOOLEAN, "label": "All well?"}]}
    kept = await keep(ann, json.dumps(new), "publish", template_id=template_id, made_from="1")
    page = text_of(await shown(ann, kept.headers["location"].removeprefix("/console")))
    assert "2 open jobs go on with the version that they were sent with. Jobs sent from now on have version 2." in page
    assert "Old is not taken any more. f-old Unit is required from now on. f-unit Date takes another kind" in page
    assert "All fine?" in page and "All well?" in page and "Floor is" not in page
    assert (await w.acme.delete(f"/v1/templates/{template_id}")).is_success
    page = text_of(await shown(ann, kept.headers["location"].removeprefix("/console")))
    assert "This checklist is archived. Publishing the draft brings it back." in page
    assert "A draft: jobs are sent as before until you publish it." in await shown(ann, f"/templates/{template_id}")
    assert (await published(ann, kept)).status_code == 303
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["archived_at"] is None


async def test_a_copy_begins_as_a_draft_and_is_discarded(w: World) -> None:
    ann = await operator(w, "member")
    template_id = await w.template(BOOLEAN, name="N" * 200)
    copied = await ann.post(f"/templates/{template_id}/duplicate")
    path = copied.headers["location"].removeprefix("/console").partition("?")[0]
    assert json.loads(typed(await shown(ann, path))) == {"name": "N" * 193 + " (copy)", "steps": [BOOLEAN]}
    listed = text_of(await shown(ann, "/templates"))
    assert "Drafts" in listed and "(copy) New · Ann" in listed
    assert len((await w.acme.get("/v1/templates")).json()["data"]) == 1
    html = await shown(ann, path)
    assert (await live(ann, "{}", draft=path.rpartition("/")[2], revision="1"))["place"]["revision"] == "2"
    assert (
        (await ann.post(f"{path}/discard", revision=field(html, "revision")))
        .headers["location"]
        .endswith(f"{path}?flash=warning_draft_changed")
    )
    gone = await ann.post(f"{path}/discard", revision="2")
    assert gone.headers["location"].endswith("/console/templates?flash=draft_discarded")
    assert (await ann.get(path)).status_code == 404 and "Drafts" not in await shown(ann, "/templates")


@pytest.mark.parametrize("revision", ["2", '1", *, "', "", "²"])
async def test_only_what_was_shown_is_published(w: World, revision: str) -> None:
    ann = await operator(w)
    path = (await keep(ann, json.dumps(GOOD), "publish")).headers["location"].removeprefix("/console")
    refused = await ann.post(path, revision=revision)
    assert refused.status_code == 412 and "It has changed meanwhile." in refused.text
    assert (await w.acme.get("/v1/templates")).json()["data"] == []


async def test_two_new_ones_are_two(w: World) -> None:
    ann, bob = await operator(w), await operator(w)
    first, second = [await live(who, json.dumps({"name": name}), once="") for who, name in ((ann, "A"), (bob, "B"))]
    assert first["place"]["draft"] != second["place"]["draft"]
    again = await live(ann, json.dumps({"name": "C"}), once="")  # another page of hers, or an answer was lost
    assert json.loads(again["newer"]["text"]) == {"name": "A"} and again["place"] == first["place"]


async def test_one_too_many_stays_in_the_editor(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MAX_DRAFTS", 0)
    ann, text = await operator(w), json.dumps(GOOD)
    refused = await keep(ann, text)
    assert (refused.status_code, typed(refused.text)) == (422, text)
    assert "Not saved: there are 0 drafts already." in refused.text
    assert (await live(ann, text, once="1"))["refused"].startswith("Not saved: there are 0 drafts already.")


async def test_saving_shows_the_phone(w: World) -> None:
    ann = await operator(w, "member")
    template_id = await w.template(BOOLEAN)
    text = json.dumps({**GOOD, "name": "Looked at"})
    answer = await keep(ann, text, template_id=template_id, made_from="1")
    assert answer.status_code == 200 and "No problems." in answer.text
    preview = re.search(r'src="/console(/templates/preview/\w+)"', answer.text)
    assert preview and "Looked at" in await shown(ann, preview[1])
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["v"] == 1
    assert "frame-src 'self'" in answer.headers["content-security-policy"]


async def test_a_draft_is_found_under_its_template(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    kept = await live(ann, json.dumps({**GOOD, "name": "New"}), template_id=template_id, made_from="1")
    path = f"{PATH}/{kept['place']['draft']}"
    for flash, known in (("", ""), ("bogus", ""), ("warning_draft_changed", "?flash=warning_draft_changed")):
        assert (await ann.get(f"{path}?flash={flash}")).headers[
            "location"
        ] == f"/console/templates/{template_id}{known}"


# --- the preview


CHAIN = [
    {**BOOLEAN, "id": f"s-{n}", "label": f"Step {n}", "condition": {"when": {"step": f"s-{n - 1}", "op": "answered"}}}
    for n in range(1, 13)
]


@pytest.mark.parametrize(
    ("text", "steps", "left_out"),
    [
        ({"name": "", "steps": [BOOLEAN]}, ["s-ok"], 0),
        ({"name": "A", "a/b": 1, "~": 2, "settings": {"x": 1}, "steps": [BOOLEAN]}, ["s-ok"], 0),
        ({"name": "A", "steps": [{**BOOLEAN, "id": "s-0", "label": ""}, *CHAIN, BOOLEAN]}, ["s-ok"], 13),
        ({"name": "A", "sections": [7, {"steps": [BOOLEAN, 7]}, {"title": "B", "steps": []}]}, ["s-ok"], 1),
        ({"name": "A", "fields": [7], "steps": [BOOLEAN], "translations": {"es": {"s-no": {}}, "?": 1}}, ["s-ok"], 0),
        ({"name": "A", "steps": [{**BOOLEAN, "hint": 7}]}, None, 0),
        ({"name": "A", "steps": [BOOLEAN, *[{"x": n} for n in range(1100)]]}, None, 0),
        ({"name": "A", "steps": 7}, None, 0),
    ],
)
async def test_the_phone_shows_what_has_no_faults(w: World, text: Any, steps: list[str] | None, left_out: int) -> None:
    ann = await operator(w)
    found = await live(ann, json.dumps(text))
    assert found["faults"]
    if steps is None:
        assert (found["preview"], found["left_out"]) == ("", "")
        return
    page = await shown(ann, found["preview"].removeprefix("/console"))
    state = re.search(r'<script type="application/json" id="state">(.*?)</script>', page, re.DOTALL)
    assert state and re.findall(r'"id":"(s-[^"]*)"', state[1]) == steps
    assert found["left_out"].count("“") == min(left_out, 5) and found["left_out"].endswith("…." if left_out > 5 else "")


async def test_a_fault_is_told_at_its_row_in_words(w: World) -> None:
    ann = await operator(w)
    choice = {"id": "s-which", "type": "choice", "label": "Which?", "config": {"options": [{"id": "o-a", "label": ""}]}}
    late = {**BOOLEAN, "condition": {"when": {"step": "s-no", "op": "answered"}}}
    section = {"id": "g-a", "title": "", "steps": [choice, late, {"id": "s-x", "type": "text", "label": ""}]}
    text = {"name": 7, "sections": [section], "fields": [{"id": "f-a", "label": "A", "kind": "x"}]}
    found = await live(ann, json.dumps(text))
    assert [(one["id"], one["words"].partition(":")[0]) for one in found["faults"]] == [
        ("", "Name"),
        ("g-a", "Title"),
        ("s-which", "Options"),
        ("s-ok", "Ask only if"),
        ("s-x", "Question or task"),
        ("f-a", "Kind"),
    ]
    assert (
        "depends on" not in found["faults"][3]["words"] and "was deleted or comes later" in found["faults"][3]["words"]
    )


async def test_the_preview_is_the_executors_page_with_the_draft(w: World) -> None:
    ann = await operator(w, "member")
    draft = {**GOOD, "translations": {"es": {"": {"name": "Revisión"}}}}
    found = await live(ann, json.dumps(draft))
    assert found["languages"] == ["es"]
    address = found["preview"].removeprefix("/console")
    answer = await ann.get(f"{address}?lang=es")
    assert '<html lang="es"' in answer.text and "Revisión" in answer.text
    state = json.loads(re.search(r'id="state">(.*?)</script>', answer.text, re.DOTALL)[1])  # type: ignore[index]
    assert (state["run"]["run_id"], state["run"]["status"]) == ("r-preview", "in_progress")
    assert state["run"]["progress"]["total"] == 1
    start = await shown(ann, f"{address}?at=start&lang=nonsense!")
    assert '"status":"pending"' in start and "Check" in start
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy and "unsafe" not in policy
    assert (await w.browser().get("/r/r-preview")).status_code == 404
    # Nobody else may frame anything, and only the console this.
    assert "frame-ancestors 'none'" in CONTENT_SECURITY_POLICY
    run = await w.dispatch(await w.template(BOOLEAN))
    link = await w.browser().get(f"/r/{run.run_id}")
    assert "frame-ancestors 'none'" in link.headers["content-security-policy"] and 'type="importmap"' not in link.text


async def test_a_draft_is_its_authors_alone_and_for_a_while(w: World) -> None:
    ann, bob = await operator(w, "member"), await operator(w, "owner")
    address = (await live(ann, json.dumps(GOOD)))["preview"].removeprefix("/console")
    assert (await ann.get(address)).status_code == 200
    assert (await bob.get(address)).status_code == 404
    assert (await live(ann, json.dumps(GOOD, indent=3)))["preview"].endswith(address), "the same for the same content"
    w.clock.forward(seconds=LIFETIME / 1000)
    assert (await ann.get(address)).status_code == 404


def test_drafts_are_bounded() -> None:
    cache = PreviewCache(max_bytes=100)
    names = [cache.put("u-1", b"%d" % n, 0) for n in range(MAX_EACH + 2)]
    for name in names[:2]:
        with pytest.raises(NotFound):
            cache.get("u-1", name, 0)
    assert [cache.get("u-1", name, 0) for name in names[2:]] == [b"%d" % n for n in range(2, MAX_EACH + 2)]
    large = cache.put("u-2", b"x" * 99, 1)
    assert cache.get("u-2", large, 1) == b"x" * 99
    with pytest.raises(NotFound):
        cache.get("u-1", names[2], 1)
    larger = cache.put("u-3", b"y" * 1000, 1)
    assert cache.get("u-3", larger, 1) == b"y" * 1000, "the newest always"
    with pytest.raises(NotFound):
        cache.get("u-3", larger, 1 + LIFETIME)


@pytest.mark.parametrize(("name", "other"), REPLACED.items())
def test_what_the_preview_puts_in_place_offers_the_same(name: str, other: str) -> None:
    exported = r"export (?:async )?(?:function|class|const|let) (\w+)|export \{([^}]+)\}"

    def names(path: str) -> set[str]:
        found = re.findall(exported, (paths.static() / path).read_text())
        return {one.strip() for single, several in found for one in (single or several).split(",")}

    assert names(f"console/templates/{other}.js") == names(f"executor/{name}.js")


async def test_nothing_typed_becomes_markup_in_the_editor_and_its_preview(w: World) -> None:
    ann = await operator(w)
    for nasty in NASTY:
        steps = [{"id": "s-1", "type": "boolean", "label": nasty, "hint": nasty}]
        text = json.dumps({"name": nasty, "tags": [nasty], "steps": steps}, ensure_ascii=False)
        checked = await keep(ann, text)
        assert (checked.status_code, typed(checked.text)) == (200, text)
        has_no_markup_of(checked.text, nasty)
        address = (await live(ann, text))["preview"].removeprefix("/console")
        for query in ("", "?at=start"):
            has_no_markup_of(await shown(ann, address + query), nasty)
        wrong = json.dumps({"name": "x", nasty: 1, "steps": [{"type": nasty, "label": "L"}]}, ensure_ascii=False)
        refused = await keep(ann, wrong)
        assert (refused.status_code, typed(refused.text)) == (422, wrong)
        has_no_markup_of(refused.text, nasty)
        assert (await live(ann, wrong))["faults"]
        has_no_markup_of(await shown(ann, f"{PATH}/{field(refused.text, 'draft')}/publish"), nasty)
        has_no_markup_of(await shown(ann, f"{PATH}/{field(checked.text, 'draft')}/publish"), nasty)
        has_no_markup_of(await shown(ann, "/templates"), nasty)
        kept = await keep(ann, nasty)
        assert (kept.status_code, typed(kept.text)) == (422, nasty)
        has_no_markup_of(kept.text, nasty)


async def test_a_session_that_is_over_loses_nothing_to_the_script(w: World) -> None:
    ann = await operator(w)
    await ann.post("/sign-out")
    headers = {"x-csrf-token": ann.csrf, "content-type": "text/plain"}
    answer = await ann.client.post(f"/console{PATH}/text", content=b"{}", headers=headers)
    assert answer.status_code in (303, 403)
