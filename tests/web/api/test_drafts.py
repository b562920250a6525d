"""Drafts of templates: kept whole with their mistakes, written in turn, gone without a trace."""

import json
from typing import Any

import httpx2
import pytest

from rundun.actions.templates import drafts
from rundun.core import times
from rundun.store.organizations import quotas as quota_rows
from rundun.store.templates import pictures as picture_rows
from tests.helpers.canaries import bytes_on_disk, overwrite
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, World

PATH = "/v1/templates/drafts"
JSON = {"content-type": "application/json"}
WRONG: dict[str, Any] = {"name": "", "steps": [{**BOOLEAN, "type": "boolaen"}], "id ": 1.0, "extra": [None, "\u0645"]}


async def begun(w: World, text: Any) -> httpx2.Response:
    response = await w.acme.post(PATH, content=text if isinstance(text, str) else json.dumps(text), headers=JSON)
    assert response.status_code == 201, response.text
    return response


async def test_it_is_kept_as_typed_with_its_mistakes(w: World) -> None:
    typed = '{ "name": "",\n  "steps": [], "big": 12345678901234567890123, "float": 1.50 }'
    answer = await begun(w, typed)
    draft = answer.json()
    assert answer.headers["location"] == f"{PATH}/{draft['id']}" and draft["id"].startswith("d-")
    assert "template" not in draft
    assert (draft["template_id"], draft["made_from"], draft["revision"]) == (None, None, 1)
    assert draft["updated_by"] == {"by": "integrator", "name": "test"}
    refused = (await w.acme.post("/v1/templates", content=typed, headers=JSON)).json()
    assert draft["errors"] == refused["errors"] != []
    read = await w.acme.get(f"{PATH}/{draft['id']}")
    assert read.text == f'{answer.text[:-1]},"template":{typed}}}' and read.headers["etag"] == answer.headers["etag"]


async def test_nothing_is_dispatched_from_it(w: World) -> None:
    draft = (await begun(w, {"name": "Whole", "steps": [BOOLEAN]})).json()
    assert draft["errors"] == []
    refused = await w.acme.post("/v1/runs", json={"template_id": draft["id"]})
    assert refused.status_code == 404
    assert (await w.acme.get(f"/v1/templates/{draft['id']}")).status_code == 404
    assert (await w.acme.get("/v1/templates")).json()["data"] == []


async def test_who_is_late_gets_the_newer_one(w: World) -> None:
    first = await begun(w, WRONG)
    path, tag = first.headers["location"], first.headers["etag"]
    second = await w.acme.put(path, json={"name": "Second"}, headers={"if-match": tag})
    assert (second.status_code, second.json()["revision"]) == (200, 2)
    late = await w.acme.put(path, json={"name": "Late"}, headers={"if-match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "version_mismatch")
    assert late.json()["draft"] == {**second.json(), "template": {"name": "Second"}} == (await w.acme.get(path)).json()
    same = await w.acme.put(path, json={"name": "Second"}, headers={"if-match": tag})
    assert same.json() == second.json(), "what changes nothing is no revision, and may come again"
    assert (await w.acme.delete(path, headers={"if-match": tag})).status_code == 412
    assert (await w.acme.put(path, json={"name": "Third"})).json()["revision"] == 3
    assert (await w.acme.put(path, json=[], headers={"if-match": "*"})).json()["errors"][0]["pointer"] == ""


async def test_a_template_has_one_draft(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    assert (await w.acme.put(f"/v1/templates/{template_id}", json={"name": "B", "steps": [BOOLEAN]})).is_success
    old = (await w.acme.get(f"/v1/templates/{template_id}?v=1")).json()
    draft = (await begun(w, old)).json()
    assert (draft["template_id"], draft["made_from"], draft["errors"]) == (template_id, 1, [])
    again = await w.acme.post(PATH, json={"id": template_id})
    assert (again.status_code, again.json()["code"], again.json()["draft_id"]) == (409, "draft_exists", draft["id"])
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["v"] == 2, "the template stays as it is"
    assert (await w.acme.delete(f"{PATH}/{draft['id']}")).status_code == 204
    assert (await w.acme.get(f"{PATH}/{draft['id']}")).status_code == 404
    assert (await begun(w, {"id": template_id, "v": "x"})).json()["made_from"] == 2
    assert (await begun(w, {"id": template_id, "v": "x"})).json()["revision"] == 1, "an equal one is that one"


@pytest.mark.parametrize("template_id", ["t-1", 5, ["t"]])
async def test_an_unknown_template_is_named(w: World, template_id: Any) -> None:
    refused = await w.acme.post(PATH, json={"id": template_id})
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/id", "unknown_reference")]


async def test_a_repeated_request_begins_one(w: World) -> None:
    headers = {"idempotency-key": "one"}
    first, second = [await w.acme.post(PATH, json=WRONG, headers=headers) for _ in range(2)]
    assert first.text == second.text and second.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("body", [b"\xff", b'{"name": "\xe9"}', b"{", b""])
async def test_what_is_no_json_is_refused(w: World, body: bytes) -> None:
    path, headers = "/v1/templates/drafts", {"content-type": "application/json"}
    draft_id = (await w.acme.post(path, json={})).json()["id"]
    for answer in (
        await w.acme.post(path, content=body, headers=headers),
        await w.acme.put(f"{path}/{draft_id}", content=body, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


async def test_there_are_limits(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MAX_DRAFTS", 1)
    path = (await begun(w, WRONG)).headers["location"]
    full = await w.acme.post(PATH, json=WRONG)
    assert full.status_code == 422 and "1 drafts already" in full.json()["detail"]
    large = await w.acme.put(path, json={"name": "x" * 524_288})
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


async def test_it_counts_for_the_quota(w: World) -> None:
    before = (await w.database.read(quota_rows.get, w.acme_id)).used
    path = (await begun(w, {"name": "مرحبا", "note": "x" * 1000})).headers["location"]
    assert (await w.acme.put(path, json={"name": "Short", "note": "x" * 3000})).is_success
    use = await w.database.read(quota_rows.get, w.acme_id)
    assert 3500 < use.used - before < 4500
    await w.database.write(quota_rows.put, w.acme_id, 1)
    longer = {"name": "Short", "note": "x" * 3001}
    for refused in (await w.acme.put(path, json=longer), await w.acme.post(PATH, json={})):
        assert (refused.status_code, refused.json()["code"]) == (403, "quota_exceeded")
    assert (await w.acme.put(path, json={"name": "Shorter"})).is_success
    assert (await w.acme.get(path)).json()["template"]["name"] == "Shorter"
    assert (await w.acme.delete(path)).is_success
    assert (await w.database.read(quota_rows.get, w.acme_id)).used == before


async def test_its_pictures_stay_and_a_week_longer(w: World) -> None:
    picture_id = (await w.acme.post("/v1/pictures", content=images.jpeg())).json()["picture_id"]
    text = json.dumps({"steps": [{**BOOLEAN, "pictures": [picture_id]}]}).replace("pic-", "pic\\u002d")
    path = (await begun(w, text)).headers["location"]
    for _ in range(3):
        w.clock.forward(hours=24 * 6)
        await w.database.write(picture_rows.remove_expired, 100)
        assert (await w.acme.get(f"/v1/pictures/{picture_id}")).is_success
    assert (await w.acme.delete(path)).is_success
    until = times.parse((await w.acme.get(f"/v1/pictures/{picture_id}")).json()["expires_at"])
    assert until == w.clock() + 7 * times.DAY


async def test_a_discarded_one_leaves_no_trace(w: World) -> None:
    text = {"name": "canaryname", "steps": [{**BOOLEAN, "label": "canarylabel " * 900}]}
    begin = {"json": text, "headers": {"idempotency-key": "one"}}
    path = (await w.acme.post(PATH, **begin)).headers["location"]
    for number in range(30):
        assert (await w.acme.put(path, json={**text, "tags": ["x" * 7 * number]})).is_success
    assert (await w.acme.delete(path)).is_success
    await overwrite(w)
    assert b"canary" not in await bytes_on_disk(w)
    assert "canary" not in (await w.acme.post(PATH, **begin)).text
