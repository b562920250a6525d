"""Pictures of templates at the console: uploaded in the editor, seen where templates and runs are read."""

import json
import re
from typing import Any

import httpx2

from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.pagination import PageRequest
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import pictures as picture_rows, templates as template_rows
from rundun.web import samples
from tests.helpers.console.console import Browser, operator, shown
from tests.helpers.files.storage import fill, used
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, World
from tests.web.console.templates.test_editor import keep, live, published, spots, typed


async def upload(who: Browser, data: bytes, csrf: str | None = None) -> httpx2.Response:
    """What the editor's script sends."""
    headers = {"x-csrf-token": who.csrf if csrf is None else csrf, "accept": "application/json"}
    return await who.client.post("/console/pictures", content=data, headers=headers)


def draft(*pictures: str) -> str:
    """A template whose step shows these."""
    return json.dumps({"name": "Check", "steps": [{**BOOLEAN, "pictures": pictures}]}, indent=1)


def seen(html: str) -> list[str]:
    """Addresses of the small pictures on a page, of which the large ones are linked."""
    links = re.findall(r'<a href="(/media/[^"]+)" target="_blank" rel="noopener"><img src="(/media/[^"]+)"', html)
    return [small for _, small in links]


async def test_a_picture_uploaded_in_the_editor_can_be_named_there_and_is_seen(w: World) -> None:
    ann = await operator(w, "member")
    assert (await upload(ann, images.jpeg(), csrf="x")).status_code == 403
    assert (await upload(ann, b"no picture")).json()["code"] == "unreadable_image"
    answer = await upload(ann, images.jpeg())
    assert answer.status_code == 200
    picture = answer.json()
    text = draft(picture["picture_id"])
    checked = await live(ann, text)
    assert checked["pictures"][picture["picture_id"]]["thumbnail_url"] == picture["thumbnail_url"]
    preview = checked["preview"].removeprefix("/console")
    state = state_of(await shown(ann, preview))
    assert state["step_pictures"] == {"s-ok": [picture["picture_id"]]}
    assert "pic-" not in await shown(ann, f"{preview}?at=start")
    saved = await published(ann, await keep(ann, text, "publish"))
    template_id = saved.headers["location"].split("/")[3].partition("?")[0]
    assert seen(await shown(ann, f"/templates/{template_id}?v=1")) == [picture["thumbnail_url"]]
    ed = await w.dispatch(template_id)
    page = await shown(ann, f"/runs/{ed.run_id}")
    assert seen(page) == [picture["thumbnail_url"]]
    assert 'alt="How it should look: All fine?, picture 1"' in page
    assert '<span class="small soft">How it should look</span>' in page
    plain = {"name": "Check", "steps": [BOOLEAN]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=plain)).status_code == 200
    changes = await shown(ann, f"/templates/{template_id}/changes")
    assert "<dt>Pictures</dt>" in changes
    assert seen(changes) == [picture["thumbnail_url"]] and "Removed:" in changes


def state_of(html: str) -> Any:
    """What a page of the executor knows."""
    found = re.search(r'<script type="application/json" id="state">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


async def test_a_picture_that_is_not_there_is_told_at_its_place(w: World) -> None:
    ann, olga = await operator(w), await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    theirs = (await upload(olga, images.png())).json()["picture_id"]
    mine = (await upload(ann, images.jpeg())).json()["picture_id"]
    text = draft(mine, theirs)
    for answer in (await keep(ann, text), await keep(ann, text, template_id=await w.template(BOOLEAN), made_from="1")):
        assert answer.status_code == 422
        assert spots(answer.text) == [(10, 5, "/steps/0/pictures/1")]
        assert typed(answer.text) == text
    told = (await live(ann, text))["faults"]
    assert [one["pointer"] for one in told] == ["/steps/0/pictures/1"]
    assert list((await live(ann, text))["pictures"]) == [mine]
    assert "upload it first" in told[0]["detail"]


async def test_who_begins_with_a_sample_gets_its_pictures(w: World) -> None:
    ann = await operator(w)
    before = await used(w)
    html = await shown(ann, "/templates/new?sample=vehicle_handover")
    assert await used(w) == before, "looking stores nothing"
    preview = (await live(ann, typed(html)))["preview"].removeprefix("/console")
    assert len(state_of(await shown(ann, preview))["pictures"]) == 4
    saved = await published(ann, await keep(ann, typed(html), "publish"))
    pictures = seen(await shown(ann, saved.headers["location"].removeprefix("/console").partition("?")[0] + "?v=1"))
    assert len(pictures) == 4
    small = [(await w.browser().get(one)).content for one in pictures]
    assert set(small) <= {picture.thumbnail for picture in samples.all_pictures().values()}
    await used(w)


async def test_a_sample_that_there_is_no_room_for_stays_in_the_editor(w: World) -> None:
    ann = await operator(w)
    await w.template(BOOLEAN)
    await fill(w, 1.0)
    html = await shown(ann, "/templates/new?sample=turnover")
    assert (await live(ann, typed(html)))["faults"] == []
    refused = await keep(ann, typed(html))
    assert (refused.status_code, typed(refused.text)) == (403, typed(html))
    assert "storage is used up" in refused.text


async def test_a_first_start_has_the_samples_with_their_pictures(w: World) -> None:
    def first(tx: Tx) -> list[int]:
        org_id = next(one.org_id for one in organization_rows.list_all(tx) if one.name == "My organization")
        heads = template_rows.page(tx, org_id, PageRequest(), include_archived=False).items
        assert not picture_rows.is_any_expired(tx)
        return sorted(len(template_rows.get_version(tx, head.template_id, 1).pictures) for head in heads)

    assert await w.database.read(first) == [3, 4]
