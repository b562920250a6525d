"""Versions of a template: what makes a new one, and what the server assigns."""

from tests.helpers.service import BOOLEAN, World
from tests.helpers.templates import step


async def test_the_server_assigns_what_it_assigns(w: World) -> None:
    mine = {"name": "Check", "steps": [BOOLEAN]}
    response = await w.acme.post("/v1/templates", json=mine)
    kept = response.json()
    assert response.status_code == 201
    assert kept == {
        "id": kept["id"],
        "v": 1,
        "org_id": w.acme_id,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "archived_at": None,
        "warnings": [],
        **mine,
    }
    assert response.headers["etag"] == f'"{kept["id"]}.1"'
    w.clock.forward(hours=1)
    path = f"/v1/templates/{kept['id']}"
    assert (await w.acme.put(path, json={**kept, "name": "Other"})).json() == {
        **kept,
        "name": "Other",
        "v": 2,
        "updated_at": "2026-01-01T01:00:00Z",
        "warnings": [],
    }
    changed = {"id": "t-x", "v": 1, "org_id": 5, "created_at": None, "updated_at": "", "name": ""}
    refused = await w.acme.put(path, json={**mine, **changed})
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        *((f"/{name}", "read_only") for name in ("id", "v", "org_id", "created_at", "updated_at")),
        ("/name", "too_short"),
    ]
    refused = await w.acme.post("/v1/templates", json={**mine, "id": kept["id"], "org_id": w.acme_id})
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/id", "read_only"),
        ("/org_id", "read_only"),
    ]


async def test_an_unchanged_template_is_no_new_version(w: World) -> None:
    template_id = await w.template(BOOLEAN, step("number", config={"min": 1.0}))
    path = f"/v1/templates/{template_id}"
    kept = (await w.acme.get(path)).json()
    w.clock.forward(hours=1)
    assert (await w.acme.put(path, json=kept)).json() == {**kept, "warnings": []}
    assert (await w.acme.put(path, json={**kept, "name": " Check "})).json()["v"] == 1
    assert len((await w.acme.get(f"{path}/versions")).json()["data"]) == 1
    assert (await w.acme.put(path, json={**kept, "description": None})).json()["v"] == 2


async def test_a_version_in_between_is_noticed(w: World) -> None:
    path = f"/v1/templates/{await w.template(BOOLEAN)}"
    first = await w.acme.get(path)
    tag = first.headers["etag"]
    changed = {**first.json(), "name": "Mine"}
    assert (await w.acme.put(path, json=changed, headers={"if-match": tag})).status_code == 200
    late = await w.acme.put(path, json={**first.json(), "v": 2, "name": "Yours"}, headers={"if-match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "version_mismatch")
    for good in ("*", f'"x", {tag[:-2]}2"'):
        assert (
            await w.acme.put(path, json={"name": "Mine", "steps": [BOOLEAN]}, headers={"if-match": good})
        ).status_code == 200


async def test_what_is_sent_again_without_ids_is_no_new_version(w: World) -> None:
    options = [{"label": "Gas"}, {"id": "o-oil", "label": "Oil"}]
    steps = [{"type": "choice", "label": "Fuel?", "config": {"options": options}}, BOOLEAN]
    mine = {"name": "Check", "sections": [{"title": "Cellar", "steps": steps}]}
    kept = (await w.acme.post("/v1/templates", json=mine)).json()
    path = f"/v1/templates/{kept['id']}"
    assert (await w.acme.put(path, json=mine)).json() == kept, "with the ids that were made the first time"
    named = kept["sections"][0]["steps"]
    moved = {**mine, "sections": [{"title": "Cellar", "steps": [named[1], named[0]]}]}
    assert (await w.acme.put(path, json=moved)).json()["v"] == 2
    other = {**mine, "sections": [{"title": "Cellar", "steps": [steps[0], {**BOOLEAN, "id": "s-other"}]}]}
    assert (await w.acme.put(path, json=other)).json()["v"] == 3
    assert (await w.acme.put(path, json={**other, "tags": ["new"]})).json()["v"] == 4
    assert (await w.acme.put(path, json={**other, "tags": ["new"]})).json()["v"] == 4


async def test_an_archived_template_comes_back_as_it_is(w: World) -> None:
    path = f"/v1/templates/{await w.template(BOOLEAN)}"
    await w.acme.delete(path)
    gone = (await w.acme.get(path)).json()
    back = await w.acme.put(path, json=gone)
    assert (back.json()["v"], back.json()["archived_at"]) == (1, None)
    assert {**(await w.acme.get(path)).json(), "warnings": []} == back.json()
    assert (await w.acme.post("/v1/runs", json={"template_id": gone["id"]})).status_code == 201


async def test_the_entity_tag_says_that_a_template_is_archived(w: World) -> None:
    path = f"/v1/templates/{await w.template(BOOLEAN)}"
    plain = (await w.acme.get(path)).headers["etag"]
    await w.acme.delete(path)
    gone = await w.acme.get(path, headers={"if-none-match": plain})
    assert (gone.status_code, gone.json()["archived_at"]) == (200, "2026-01-01T00:00:00Z")
    archived = gone.headers["etag"]
    assert (await w.acme.get(path, headers={"if-none-match": archived})).status_code == 304

    async def put(name: str, tag: str) -> int:
        body = {"name": name, "steps": [BOOLEAN]}
        return (await w.acme.put(path, json=body, headers={"if-match": tag})).status_code

    assert await put("Check", archived) == 200, "which brings it back"
    assert await put("Late", archived) == 412
    await w.acme.delete(path)
    assert await put("Two", plain) == 200, "the version is the one that was got"
