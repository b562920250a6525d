"""The editor of templates at the console, without its script: what is wrong is said at its place, nothing typed is
lost, and the preview keeps and sends nothing.
"""

import asyncio
import json
import re
from html import unescape
from typing import Any

import pytest

from rundun import paths
from rundun.errors import NotFound
from rundun.store.organizations import quotas as quota_rows
from rundun.web.console.templates.preview import REPLACED
from rundun.web.pages.pages import CONTENT_SECURITY_POLICY
from rundun.web.pages.preview_cache import LIFETIME, MAX_EACH, PreviewCache
from tests.helpers.console.console import Browser, field, operator, shown
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


async def test_what_there_is_no_room_for_stays_in_the_editor(w: World) -> None:
    template_id, ann = await w.template(BOOLEAN), await operator(w)
    await w.database.write(quota_rows.put, w.acme_id, 1)
    mine = json.dumps({"name": "Mine", "steps": [BOOLEAN]})
    for path, more in (("new", {"once": "x"}), (f"{template_id}/edit", {"made_from": "1"})):
        refused = await ann.post(f"/templates/{path}", text=mine, **more)
        assert (refused.status_code, typed(refused.text)) == (403, mine)
        assert '<p class="notice bad" role="alert">Not saved: your organization’s storage is used up.' in refused.text
        assert "Line 1, column 1" not in refused.text  # where the script's check would wipe it away


def spots(html: str) -> list[tuple[int, int, str]]:
    """The places that are told: line, column, pointer."""
    found = re.findall(r'data-line="(\d+)" data-column="(\d+)">[^<]*</a> (?:<code>([^<]*)</code>)?', html)
    return [(int(line), int(column), unescape(pointer)) for line, column, pointer in found]


async def live(who: Browser, text: str) -> Any:
    """What the editor's script is told."""
    headers = {"x-csrf-token": who.csrf, "content-type": "text/plain", "accept": "application/json"}
    answer = await who.client.post("/console/templates/check", content=text.encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_problem_is_told_at_its_place_and_the_text_is_kept(w: World) -> None:
    ann = await operator(w, "member")
    assert json.loads(typed(await shown(ann, "/templates/new")))
    refused = await ann.post("/templates/new", text=WRONG.replace("\n", "\r\n"), once="1", do="save")
    assert refused.status_code == 422
    assert typed(refused.text) == WRONG
    told = [(5, 6, "/steps/1/type"), (7, 6, "/steps/2/label"), (8, 6, "/steps/2/hnt")]
    assert spots(refused.text) == told
    assert "3 problems." in refused.text and refused.text.count("must be one of") == 1
    found = await live(ann, WRONG)
    assert [(one["line"], one["column"], one["pointer"]) for one in found["faults"]] == told
    assert (found["summary"], found["preview"]) == ("3 problems.", "")
    assert (await w.acme.get("/v1/templates")).json()["data"] == []

    broken = await ann.post("/templates/new", text='{"name": "x",\n "steps": [}', once="1", do="save")
    assert (broken.status_code, spots(broken.text)) == (422, [(2, 12, "")])
    assert "This is not JSON: expected value." in broken.text and "Line 2, column 12" in broken.text
    too_large = json.dumps({**GOOD, "steps": [{**BOOLEAN, "id": f"s-{n}", "hint": "ä" * 2000} for n in range(300)]})
    assert "512 KiB" in (await live(ann, too_large))["faults"][0]["detail"]
    for text in ("", "null", "[]", "12", '"x"', "{}", "\ufeff{}", "[" * 1000):
        assert (await live(ann, text))["faults"], text


async def test_a_new_template_is_saved_once(w: World) -> None:
    ann = await operator(w, "member")
    html = await shown(ann, "/templates/new?sample=turnover")
    given = {"text": typed(html), "once": field(html, "once"), "do": "save"}
    answers = await asyncio.gather(*(ann.post("/templates/new", **given) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    (made,) = (await w.acme.get("/v1/templates")).json()["data"]
    assert made["name"] == json.loads(given["text"])["name"]
    # What the API answers can be pasted: what the server assigns is made anew.
    again = await ann.post("/templates/new", text=json.dumps(made), once="2", do="save")
    assert again.status_code == 303 and made["id"] not in again.headers["location"]
    assert typed(await shown(ann, "/templates/new?import=true")) == ""
    assert (await ann.get("/templates/new?sample=../../config")).status_code == 404


async def test_a_member_that_is_there_twice_is_told_at_its_place(w: World) -> None:
    ann = await operator(w)
    twice = """{
  "name": "Check", "name": "Other",
  "steps": [{"type": "text", "label": "What?",
    "l\\u0061bel": "Which?"}]
}"""
    refused = await ann.post("/templates/new", text=twice, once="1", do="save")
    assert (refused.status_code, typed(refused.text)) == (422, twice)
    assert spots(refused.text) == [(2, 20, "/name"), (4, 5, "/steps/0/label")]
    assert "is there twice" in refused.text


async def test_a_version_is_saved_and_a_change_in_between_is_told(w: World) -> None:
    ann, bob = await operator(w, "member"), await operator(w, "member")
    template_id = await w.template(BOOLEAN)
    path = f"/templates/{template_id}/edit"
    html = await shown(ann, path)
    assert json.loads(typed(html)) == GOOD and field(html, "made_from") == "1"
    mine = json.dumps({**GOOD, "name": "Ann's"}, indent=1)
    theirs = await shown(bob, path)
    saved = await bob.post(
        path, text=json.dumps({**GOOD, "name": "Bob's"}), made_from=field(theirs, "made_from"), do="save"
    )
    assert saved.headers["location"].endswith("template_saved")

    refused = await ann.post(path, text=mine, made_from="1", do="save")
    assert (refused.status_code, typed(refused.text)) == (412, mine)
    assert "Somebody saved version 2" in refused.text and "changes?before=1&amp;after=2" in refused.text.replace(
        "&after", "&amp;after"
    )
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["name"] == "Bob's"
    again = await ann.post(path, text=mine, made_from=field(refused.text, "made_from"), do="save")
    assert again.status_code == 303
    assert [one["name"] for one in (await w.acme.get(f"/v1/templates/{template_id}/versions")).json()["data"]] == [
        "Ann's",
        "Bob's",
        "Check",
    ]
    same = await ann.post(path, text=mine, made_from="3", do="save")
    assert same.headers["location"].endswith("template_unchanged")
    for made_from in ("", "x", "9" * 50, "²", "-1"):
        refused = await ann.post(path, text=mine, made_from=made_from, do="save")
        assert (refused.status_code, typed(refused.text)) == (412, mine)
    other_id = await ann.post(path, text=json.dumps({**GOOD, "id": "t-x", "v": 3}), made_from="3", do="save")
    assert (other_id.status_code, [one[2] for one in spots(other_id.text)]) == (422, ["/id"])


async def test_checking_by_the_button_saves_nothing_and_shows_the_phone(w: World) -> None:
    ann = await operator(w, "member")
    template_id = await w.template(BOOLEAN)
    text = json.dumps({**GOOD, "name": "Looked at"})
    answer = await ann.post(f"/templates/{template_id}/edit", text=text, made_from="1", do="check")
    assert answer.status_code == 200 and "No problems." in answer.text
    preview = re.search(r'src="/console(/templates/preview/\w+)"', answer.text)
    assert preview and "Looked at" in await shown(ann, preview[1])
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["v"] == 1
    assert "frame-src 'self'" in answer.headers["content-security-policy"]


# --- the preview


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
    drafts = PreviewCache(max_bytes=100)
    names = [drafts.put("u-1", b"%d" % n, 0) for n in range(MAX_EACH + 2)]
    for name in names[:2]:
        with pytest.raises(NotFound):
            drafts.get("u-1", name, 0)
    assert [drafts.get("u-1", name, 0) for name in names[2:]] == [b"%d" % n for n in range(2, MAX_EACH + 2)]
    large = drafts.put("u-2", b"x" * 99, 1)
    assert drafts.get("u-2", large, 1) == b"x" * 99
    with pytest.raises(NotFound):
        drafts.get("u-1", names[2], 1)
    larger = drafts.put("u-3", b"y" * 1000, 1)
    assert drafts.get("u-3", larger, 1) == b"y" * 1000, "the newest always"
    with pytest.raises(NotFound):
        drafts.get("u-3", larger, 1 + LIFETIME)


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
        checked = await ann.post("/templates/new", text=text, once=nasty, do="check")
        assert (checked.status_code, typed(checked.text)) == (200, text)
        has_no_markup_of(checked.text, nasty)
        address = (await live(ann, text))["preview"].removeprefix("/console")
        for query in ("", "?at=start"):
            has_no_markup_of(await shown(ann, address + query), nasty)
        wrong = json.dumps({"name": "x", nasty: 1, "steps": [{"type": nasty, "label": "L"}]}, ensure_ascii=False)
        refused = await ann.post("/templates/new", text=wrong, once="1", do="save")
        assert (refused.status_code, typed(refused.text)) == (422, wrong)
        has_no_markup_of(refused.text, nasty)
        assert (await live(ann, wrong))["faults"]
        kept = await ann.post("/templates/new", text=nasty, once="1", do="save")
        assert (kept.status_code, typed(kept.text)) == (422, nasty)
        has_no_markup_of(kept.text, nasty)


async def test_a_session_that_is_over_loses_nothing_to_the_script(w: World) -> None:
    ann = await operator(w)
    await ann.post("/sign-out")
    headers = {"x-csrf-token": ann.csrf, "content-type": "text/plain"}
    answer = await ann.client.post("/console/templates/check", content=b"{}", headers=headers)
    assert answer.status_code in (303, 403)
