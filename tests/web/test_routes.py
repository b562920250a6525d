"""Finding the route of a request, and taking a body that is here already."""

import json
import re
from typing import Any

import httpx2
import pytest
from starlette.routing import Match

from rundun import paths
from rundun.web.http.body import IS_RECEIVED
from rundun.web.pages.static import Assets
from rundun.web.routes import MAX_PARTS, starlette_app
from tests.helpers.service import BOOLEAN, PUBLIC_URL, World

SITE = starlette_app(Assets(paths.static()), None)
PATHS = [
    (route, method, re.sub(r"\{[^}]+:path\}", tail, route.path))
    for route in SITE.routes
    for method in sorted(route.methods)
    for tail in (("", "a", "a/b.css", "a" + "/b" * 2 * MAX_PARTS) if ":path" in route.path else ("",))
]


@pytest.mark.parametrize(("route", "method", "path"), PATHS, ids=[f"{m} {p[:60]}" for _, m, p in PATHS])
def test_every_route_is_found_before_all_patterns_are_tried(route: Any, method: str, path: str) -> None:
    scope = {"type": "http", "method": method, "path": re.sub(r"\{[^}]+\}", "r-1", path), "headers": []}
    found = [one for one in SITE.router.candidates(scope) if one.matches(scope)[0] is Match.FULL]
    tried = [one for one in SITE.routes if one.matches(scope)[0] is Match.FULL]
    assert found == tried
    assert found[0] is route or (found[0].path, path) == ("/r/sw.js", "/r/{run_id}")


@pytest.mark.parametrize("path", ["*", "", "nowhere", "/", "//", "/v1", "/v1/runs/", "/r/a/b/c/d/e/f/g/h"])
async def test_what_is_nowhere_is_not_found(w: World, path: str) -> None:
    sent: list[Any] = []
    scope = {"type": "http", "method": "OPTIONS", "path": path, "headers": [], "query_string": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await w.app(scope, receive, send)
    assert sent[0]["status"] == (405 if path == "/" else 404)


def here(w: World) -> httpx2.AsyncClient:
    """A client whose bodies are in the server when a request begins."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await w.app({**scope, IS_RECEIVED: True}, receive, send)

    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=PUBLIC_URL)
    w.clients.append(client)
    return client


async def test_a_body_that_is_here_is_taken_without_a_look_at_the_run(w: World) -> None:
    ed, phone = await w.dispatch(await w.template(BOOLEAN)), here(w)
    assert (await phone.post(f"/r/{ed.run_id}/start", json={})).status_code == 200
    answered = await phone.put(f"/r/{ed.run_id}/steps/s-ok", json={"value": True})
    assert answered.json()["step"]["done"] is True
    large = json.dumps({"value": "x" * 256 * 1024})
    refused = await phone.put(f"/r/{ed.run_id}/steps/s-ok", content=large, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("is_here", [True, False])
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"value": 1, "skipped": true}', b"{}", b"x" * 300_000])
async def test_who_tries_links_hears_nothing_but_that_there_is_no_run(w: World, body: bytes, is_here: bool) -> None:
    phone = here(w) if is_here else w.browser()
    for method, path in (("PUT", "/steps/s-ok"), ("POST", "/start"), ("POST", "/complete"), ("POST", "/cancel")):
        asked = await phone.request(method, f"/r/r-none{path}", content=body, headers=JSON)
        assert (asked.status_code, asked.json()["detail"]) == (404, "There is no such run.")
