"""Lists, filters, entity tags, and templates in versions."""

import pytest

from tests.helpers.paging import walk
from tests.helpers.service import BOOLEAN, World
from tests.helpers.templates import read_later


async def test_runs_page_newest_first_while_new_ones_come(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    ids = []
    for number in range(7):
        ids.append((await w.dispatch(template_id)).run_id)
        w.clock.forward(seconds=number % 2)
    first = (await w.acme.get("/v1/runs?limit=3")).json()
    assert [one["run_id"] for one in first["data"]] == ids[:-4:-1]
    await w.dispatch(template_id)
    second = (await w.acme.get(f"/v1/runs?limit=3&cursor={first['next_cursor']}")).json()
    assert [one["run_id"] for one in second["data"]] == ids[3:0:-1]
    assert "template" not in first["data"][0]
    assert "answers" not in first["data"][0]
    assert [one["run_id"] for one in await walk(w, "/v1/runs", 2)][1:] == ids[::-1]


async def test_runs_filter(w: World) -> None:
    one, two = await w.template(BOOLEAN), await w.template(BOOLEAN)
    a = await w.dispatch(one, executor_ref="a")
    w.clock.forward(hours=1)
    b = await w.dispatch(two, executor_ref="b")
    await b.start()
    w.clock.forward(hours=1)
    c = await w.dispatch(one, executor_ref="a")
    for query, expected in (
        ("status=pending", [c, a]),
        ("status=in_progress", [b]),
        (f"template_id={one}", [c, a]),
        ("executor_ref=a", [c, a]),
        ("executor_ref=b&status=pending", []),
        ("created_after=2026-01-01T00:00:00Z", [c, b]),
        ("created_before=2026-01-01T02:00:00Z", [b, a]),
        ("created_after=2026-01-01T00:30:00Z&created_before=2026-01-01T01:30:00Z", [b]),
        ("created_after=2026-01-01T02:30:00%2B02:00", [c, b]),
    ):
        found = await walk(w, f"/v1/runs?{query}", 1)
        assert [run["run_id"] for run in found] == [ed.run_id for ed in expected], query


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "cursor=%21", "cursor=eA", "status=done", "created_after=now", "colour=red"],
)
async def test_bad_filters_are_named(w: World, query: str) -> None:
    response = await w.acme.get(f"/v1/runs?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/" + query.partition("=")[0]


async def test_all_bad_parameters_are_named_at_once(w: World) -> None:
    response = await w.acme.get("/v1/runs?limit=0&cursor=zz&status=done&x=1")
    assert {one["pointer"] for one in response.json()["errors"]} == {"/limit", "/cursor", "/status", "/x"}


async def test_filters_mean_what_was_stored(w: World) -> None:
    decomposed = "cafe\u0301 "
    ed = await w.dispatch(await w.template(BOOLEAN), executor_ref=decomposed)
    w.clock.now += 999
    found = await w.acme.get("/v1/runs", params={"executor_ref": decomposed})
    assert [one["run_id"] for one in found.json()["data"]] == [ed.run_id]
    own = (await w.run(ed))["created_at"]
    assert (await w.acme.get("/v1/runs", params={"created_after": own})).json()["data"] == []
    later = await w.dispatch(await w.template(BOOLEAN))
    assert (await w.run(later))["created_at"] == own, "the same second, some milliseconds later"
    assert (await w.acme.get("/v1/runs", params={"created_after": own})).json()["data"] == []


async def test_what_a_list_shows_can_be_put_back(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    await w.template(BOOLEAN)
    listed = (await w.acme.get("/v1/templates")).json()["data"][1]
    assert listed == (await w.acme.get(f"/v1/templates/{template_id}")).json()
    assert read_later((await w.acme.put(f"/v1/templates/{template_id}", json=listed)).json()) == listed


async def test_a_template_round_trips_and_gets_versions(w: World) -> None:
    sent = {"name": "Check", "sections": [{"title": "Kitchen", "steps": [{"type": "boolean", "label": "Clean?"}]}]}
    created = await w.acme.post("/v1/templates", json=sent)
    assert created.status_code == 201
    template = created.json()
    assert template["v"] == 1
    assert template["org_id"] == w.acme_id
    section = template["sections"][0]
    assert section["id"].startswith("g-")
    assert section["steps"][0]["id"].startswith("s-")
    got = await w.acme.get(f"/v1/templates/{template['id']}")
    assert got.json() == read_later(template)
    assert created.headers["location"] == f"/v1/templates/{template['id']}"
    assert got.headers["etag"] == created.headers["etag"]
    same = await w.acme.get(f"/v1/templates/{template['id']}", headers={"if-none-match": got.headers["etag"]})
    assert same.status_code == 304
    unchanged = await w.acme.put(f"/v1/templates/{template['id']}", json=template)
    assert (unchanged.status_code, unchanged.json()["v"]) == (200, 1)
    w.clock.forward(hours=1)
    changed = await w.acme.put(f"/v1/templates/{template['id']}", json={**template, "name": "Better"})
    assert changed.json()["v"] == 2
    assert changed.json()["created_at"] == template["created_at"]
    assert changed.json()["updated_at"] == "2026-01-01T01:00:00Z"
    assert changed.headers["etag"] != got.headers["etag"]
    old = await w.acme.get(f"/v1/templates/{template['id']}?v=1")
    assert old.json() == read_later(template)
    assert (await w.acme.get(f"/v1/templates/{template['id']}?v=3")).status_code == 404
    versions = await walk(w, f"/v1/templates/{template['id']}/versions", 1)
    assert [one["v"] for one in versions] == [2, 1]


async def test_if_match_guards_against_a_change_in_between(w: World) -> None:
    template_id = await w.template(BOOLEAN)
    tag = (await w.acme.get(f"/v1/templates/{template_id}")).headers["etag"]
    body = {"name": "Two", "steps": [BOOLEAN]}
    url = f"/v1/templates/{template_id}"
    assert (await w.acme.put(url, json=body, headers={"if-match": tag})).status_code == 200
    current = (await w.acme.get(url)).headers["etag"]
    for mismatch in (tag, f"W/{current}"):
        stale = await w.acme.put(url, json={**body, "name": "Three"}, headers={"if-match": mismatch})
        assert (stale.status_code, stale.json()["code"]) == (412, "version_mismatch")
    assert (await w.acme.put(url, json={**body, "name": "Three"}, headers={"if-match": "*"})).status_code == 200


async def test_what_the_server_assigns_cannot_be_changed(w: World) -> None:
    template = (await w.acme.get(f"/v1/templates/{await w.template(BOOLEAN)}")).json()
    response = await w.acme.put(f"/v1/templates/{template['id']}", json={**template, "v": 7, "org_id": "org-1"})
    assert {(one["pointer"], one["code"]) for one in response.json()["errors"]} == {
        ("/v", "read_only"),
        ("/org_id", "read_only"),
    }
    assert (await w.acme.post("/v1/templates", json=template)).status_code == 422


async def test_archived_templates_hide_and_come_back(w: World) -> None:
    kept, gone = await w.template(BOOLEAN), await w.template(BOOLEAN)
    assert (await w.acme.delete(f"/v1/templates/{gone}")).status_code == 204
    assert (await w.acme.delete(f"/v1/templates/{gone}")).status_code == 204
    assert [one["id"] for one in await walk(w, "/v1/templates", 1)] == [kept]
    everything = await walk(w, "/v1/templates?include_archived=true", 1)
    assert [(one["id"], one["archived_at"] is None) for one in everything] == [(gone, False), (kept, True)]
    assert (await w.acme.get(f"/v1/templates/{gone}")).status_code == 200
    assert (await w.acme.put(f"/v1/templates/{gone}", json={"name": "New", "steps": [BOOLEAN]})).json()["v"] == 2
    assert (await w.acme.post("/v1/runs", json={"template_id": gone})).status_code == 201


async def test_a_run_has_an_entity_tag(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    tag = (await w.acme.get(f"/v1/runs/{ed.run_id}")).headers["etag"]
    url = f"/v1/runs/{ed.run_id}"
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        assert (await w.acme.get(url, headers={"if-none-match": given})).status_code == 304
    await ed.start()
    assert (await w.acme.get(url, headers={"if-none-match": tag})).status_code == 200
