"""Who may: every route, asked by somebody without a key, by another organization, and from another site."""

import gzip
import uuid
from typing import Any

import httpx2
import pytest

from rundun.actions.organizations import api_keys
from rundun.web.docs.openapi.document import ROUTES
from rundun.web.http.operation import ApiRoute
from tests.helpers.pictures import images
from tests.helpers.routes import CALLS
from tests.helpers.service import BOOLEAN, World

OPEN = {
    "/",
    "/v1/openapi.json",
    "/docs",
    "/docs/{path:path}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/problems/{code}",
    "/static/{digest}/{name:path}",
    "/static/{digest}/brand/{colour}.css",
    "/media/{token}",
    "/share/{token}",
    "/share/{token}/opened",
    "/share/{token}/report.pdf",
    "/share/{token}/{picture}",
    "/r/sw.js",
    "/favicon.ico",
    "/apple-touch-icon.png",
}
V1 = [(method, path) for method, path in CALLS if path.startswith("/v1/") and path not in OPEN]
R = [(method, path) for method, path in CALLS if path.startswith("/r/{")]


def fill(path: str, **ids: str) -> str:
    """A route's path with ids in it."""
    given = {"run_id": f"r-{uuid.uuid4()}", "template_id": f"t-{uuid.uuid4()}", "step_id": "s-ok",
             "photo_id": f"ph-{uuid.uuid4()}", "delivery_id": f"dlv-{uuid.uuid4()}",
             "picture_id": f"pic-{uuid.uuid4().hex * 2}", "draft_id": f"d-{uuid.uuid4()}",
             "share_id": f"shr-{uuid.uuid4()}"} | ids  # fmt: skip
    return path.format(**given)


def test_every_route_is_asked() -> None:
    assert {path for _, path in CALLS} - OPEN == {path for _, path in V1 + R}
    assert len(V1) >= 14
    assert len(R) >= 11


@pytest.mark.parametrize(("method", "path"), V1)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer rdk_live_short", f"Bearer rdk_live_{'x' * 32}", f"Basic rdk_live_{'x' * 32}"],
)
async def test_without_a_valid_key_all_is_the_same_401(
    shared: World, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    response = await shared.browser().request(method, fill(path), json={}, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    answer = response.json()
    del answer["request_id"]
    assert answer["code"] == "unauthorized"
    assert answer["detail"].startswith("Send “Authorization: Bearer")


BODIES: dict[str, Any] = {
    "/v1/runs/{run_id}/extend": {"expires_in_hours": 100},
    "/v1/templates/{template_id}": {"name": "Mine now", "steps": [BOOLEAN]},
}
OF_CLOSED = {"/v1/runs/{run_id}/again"}


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in V1 if "{" in p])
async def test_another_organization_finds_nothing(shared: World, method: str, path: str) -> None:
    template_id = await shared.template(BOOLEAN)
    ed = await shared.dispatch(template_id, webhook={"url": "http://127.0.0.1:1/", "events": ["run.started"]})
    await ed.start()
    if path in OF_CLOSED:
        await shared.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    await shared.deliver()
    before = await shared.run(ed)
    (delivery,) = await shared.deliveries(ed)
    picture_id = (await shared.acme.post("/v1/pictures", content=images.jpeg())).json()["picture_id"]
    draft_id = (await shared.acme.post("/v1/templates/drafts", json={})).json()["id"]
    share_id = (await shared.acme.post(f"/v1/runs/{ed.run_id}/shares", json={})).json()["share_id"]
    ids = {"run_id": ed.run_id, "template_id": template_id, "picture_id": picture_id, "draft_id": draft_id}
    ids["share_id"] = share_id
    url = fill(path, **ids, delivery_id=delivery["delivery_id"])
    response = await shared.globex.request(method, url, json=BODIES.get(path, {}) if method != "GET" else None)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    unknown = await shared.globex.request(method, fill(path), json=BODIES.get(path, {}) if method != "GET" else None)
    assert unknown.json()["detail"] == response.json()["detail"], "existing and unknown are never told apart"
    assert await shared.run(ed) == before
    assert await shared.deliveries(ed) == [delivery]
    assert (await shared.acme.get(f"/v1/templates/{template_id}")).json()["name"] == "Check"
    own = await shared.acme.request(method, url, json=BODIES.get(path, {}) if method != "GET" else None)
    assert own.status_code < 300, "the owner may"


ERASING = [(route.method, route.path) for route in ROUTES if "erasure_not_allowed" in route.codes()]
PERSON = {"person": {"executor_ref": "somebody"}}
AGAIN = {"idempotency-key": "again"}


def test_every_route_that_says_so_is_for_keys_that_may_erase() -> None:
    said = [route for route in ROUTES if "Only for keys that may erase." in route.operation.description]
    assert ERASING == [(route.method, route.path) for route in said] and len(ERASING) >= 3


@pytest.mark.parametrize(("method", "path"), ERASING)
async def test_a_leaked_key_destroys_nothing(shared: World, method: str, path: str) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN), executor_ref="somebody")
    _, key = await shared.database.write(api_keys.create, shared.acme_id, "leaked")
    digest = (await shared.acme.post("/v1/erasures", json=PERSON)).json()["digest"]
    body = {"/v1/erasures": {**PERSON, "digest": digest}, "/v1/erasures/archive": PERSON}.get(path)
    leaked = shared.browser(authorization=f"Bearer {key}")
    for sent in ({"json": body}, {"content": b"{"}):  # before anything of it is read
        refused = await leaked.request(method, fill(path, run_id=ed.run_id), headers=AGAIN, **sent)
        assert (refused.status_code, refused.json()["code"]) == (403, "erasure_not_allowed")
    assert (await shared.run(ed))["executor_ref"] == "somebody"


WRITING = [(method, path) for method, path in V1 if method != "GET"]


def test_every_write_says_that_not_every_key_may() -> None:
    said = [(route.method, route.path) for route in ROUTES if "write_not_allowed" in route.codes()]
    assert sorted(said) == sorted(WRITING) and len(WRITING) >= 17


@pytest.fixture(scope="module")
async def reader(shared: World) -> httpx2.AsyncClient:
    """A client with a key of Acme's that is read-only."""
    _, key = await shared.database.write(api_keys.create, shared.acme_id, "report", read_only=True)
    return shared.browser(authorization=f"Bearer {key}")


@pytest.mark.parametrize(("method", "path"), WRITING)
async def test_a_key_that_is_read_only_writes_nothing(
    shared: World, reader: httpx2.AsyncClient, method: str, path: str
) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN))
    before = await shared.run(ed)
    for sent in ({"json": BODIES.get(path, {})}, {"content": b"{"}):  # before anything of it is read
        refused = await reader.request(method, fill(path, run_id=ed.run_id), headers=AGAIN, **sent)
        assert (refused.status_code, refused.json()["code"]) == (403, "write_not_allowed")
    assert await shared.run(ed) == before


async def test_a_key_that_is_read_only_reads_all(shared: World, reader: httpx2.AsyncClient) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN))
    assert (await reader.get(f"/v1/runs/{ed.run_id}")).json() == await shared.run(ed)
    lists = [path for method, path in V1 if method == "GET" and "{" not in path and path != "/v1/answers"]
    assert len(lists) >= 4
    for path in lists:
        assert (await reader.get(path)).status_code == 200, path
    assert (await reader.head("/v1/organization")).status_code == 200


async def test_another_organizations_template_cannot_be_dispatched(shared: World) -> None:
    response = await shared.globex.post("/v1/runs", json={"template_id": await shared.template(BOOLEAN)})
    assert response.status_code == 404


async def test_lists_hold_only_ones_own(w: World) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": "http://127.0.0.1:1/", "events": ["run.started"]})
    await ed.start()
    lists = [path for method, path in V1 if method == "GET" and "{" not in path and path != "/v1/answers"]
    assert {"/v1/runs", "/v1/templates", "/v1/deliveries", "/v1/events"} <= set(lists)
    for path in set(lists) - {"/v1/organization", "/v1/openapi.json"}:
        assert (await w.globex.get(path)).json()["data"] == []
        assert len((await w.acme.get(path)).json()["data"]) == 1


@pytest.mark.parametrize(("method", "path"), R)
async def test_an_unknown_link_is_404(shared: World, method: str, path: str) -> None:
    for run_id in (f"r-{uuid.uuid4()}", "r-1", "x", "%00", "r-\N{SNOWMAN}"):
        body = {"content": images.png()} if "photo" in path or "sign" in path or "decode" in path else {"json": {}}
        if path.endswith("/steps/{step_id}"):
            body = {"json": {"value": True}}
        response = await shared.browser().request(
            method, fill(path, run_id=run_id), **({} if method == "GET" else body)
        )
        assert response.status_code == 404, response.text


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in R if m != "GET"])
@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://[x"}, {"sec-fetch-site": "cross-site"}],
)
async def test_another_site_cannot_write(shared: World, method: str, path: str, headers: dict[str, str]) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN))
    await ed.start()
    url = fill(path, run_id=ed.run_id)
    response = await ed.client.request(method, url, json={"value": True}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "cross_site")
    own = await ed.call("PUT", "/steps/s-ok", json={"value": True}, headers={"origin": "http://rundun.test"})
    assert own.status_code == 200


async def test_a_forged_device_cookie_is_none(shared: World) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN, execution={"scope": "first_device"}))
    started = await ed.start()
    cookie = started.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Path=/r/{ed.run_id}" in cookie
    value = cookie.split("=", 1)[1].split(";")[0]
    other = await shared.dispatch(await shared.template(BOOLEAN, execution={"scope": "first_device"}))
    await other.start()
    token, signature = value.rsplit(".", 1)
    other_letter = "a" if signature[0] != "a" else "b"
    for forged in (f"{token}.{other_letter}{signature[1:]}", token, "x.y"):
        response = await shared.browser(cookie=f"rundun_device={forged}").put(
            f"/r/{ed.run_id}/steps/s-ok", json={"value": True}
        )
        assert response.json()["code"] == "other_device"
    moved = await shared.browser(cookie=f"rundun_device={value}").put(
        f"/r/{other.run_id}/steps/s-ok", json={"value": True}
    )
    assert moved.json()["code"] == "other_device", "a cookie is good for its own run only"


JSON_PATHS = {"/v1/runs", "/v1/templates", "/r/{run_id}/start", "/r/{run_id}/steps/{step_id}", "/r/{run_id}/complete"}


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in CALLS if m in ("POST", "PUT") and p in JSON_PATHS])
async def test_json_must_say_that_it_is(shared: World, method: str, path: str) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN))
    url = fill(path, run_id=ed.run_id)
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = await shared.acme.request(method, url, content=b"{}", headers={"content-type": kind})
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    bad = await shared.acme.request(method, url, content=b"{", headers={"content-type": "application/json"})
    assert (bad.status_code, bad.json()["code"]) == (400, "malformed_json")
    large = await shared.acme.request(
        method, url, content=b" " * (1024 * 1024 + 1), headers={"content-type": "application/json"}
    )
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


TAKES_JSON = [route for route in ROUTES if "malformed_json" in route.codes()]


@pytest.mark.parametrize("route", TAKES_JSON, ids=lambda route: f"{route.method} {route.path}")
async def test_no_member_is_there_twice(shared: World, route: ApiRoute) -> None:
    ed = await shared.dispatch(await shared.template(BOOLEAN))
    await ed.start()
    url, kind = fill(route.path, run_id=ed.run_id, step_id="s-ok"), {"content-type": "application/json"}
    sent = b'{"name": "a", "n\\u0061me": "b", "steps": [{"id": 1, "id": 2}]}'
    refused = await shared.acme.request(route.method, url, content=sent, headers=kind | AGAIN)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert refused.json()["errors"] == [
        {"where": "body", "pointer": pointer, "code": "duplicate", "detail": "is there twice"}
        for pointer in ("/name", "/steps/0/id")
    ]
    assert "/name" in refused.json()["detail"]


async def test_a_compressed_body_is_refused_as_such(shared: World) -> None:
    body = gzip.compress(b'{"name": "Check", "steps": [{"type": "boolean", "label": "?"}]}')
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    response = await shared.acme.post("/v1/templates", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    plain = {**headers, "content-encoding": "identity"}
    assert (await shared.acme.post("/v1/templates", content=gzip.decompress(body), headers=plain)).status_code == 201


async def test_problems_have_pages_and_methods_have_names(shared: World) -> None:
    response = await shared.acme.patch("/v1/runs")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, POST"
    assert (await shared.acme.get("/v1/nothing")).json()["code"] == "not_found"
    page = await shared.browser().get(response.json()["type"])
    assert page.status_code == 200
    assert "method_not_allowed" in page.text
    assert (await shared.browser().get("/problems/none")).status_code == 404


@pytest.mark.parametrize("path", ["/v1/templates/drafts", "/v1/templates/check"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_an_address_of_its_own_is_no_id(shared: World, method: str, path: str) -> None:
    response = await shared.acme.request(method, path, json={} if method == "PUT" else None)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


async def test_the_request_id_is_echoed_or_made(shared: World) -> None:
    given = await shared.acme.get("/v1/runs", headers={"x-request-id": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    for bad in ("a b", "x" * 65, "é"):
        made = await shared.acme.get("/v1/runs", headers={"x-request-id": bad.encode()})
        assert made.headers["x-request-id"] not in ("", bad)


async def test_no_line_of_the_log_holds_a_secret(w: World, caplog: pytest.LogCaptureFixture) -> None:
    from rundun.logs import TextLines

    caplog.set_level("DEBUG", logger="rundun")
    key = w.acme.headers["authorization"].removeprefix("Bearer ")
    hook = {"url": "http://127.0.0.1:1/", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    ed = await w.dispatch(await w.template(BOOLEAN), webhook=hook)
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.call("GET", "")
    await w.acme.get(f"/v1/runs/{ed.run_id}")
    await w.acme.get(f"/v1/runs?cursor={ed.run_id}&key={key}")
    await w.deliver()
    lines = "\n".join(TextLines().format(record) for record in caplog.records)
    assert ed.run_id[2:10] in lines
    assert ed.run_id not in lines
    assert ed.run_id[11:] not in lines
    assert key not in lines
    assert hook["secret"] not in lines
    assert "event=step.completed" in lines
