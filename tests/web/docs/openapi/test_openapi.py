"""The document says what the service does: the same routes, codes and schemas, in both directions."""

import gzip
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate as validate_openapi
from starlette.routing import Route

from rundun import paths
from rundun.actions.deliveries import alerts
from rundun.core.runs import event
from rundun.core.templates.rules import read_template
from rundun.core.validation import read
from rundun.store.organizations import quotas as quota_rows
from rundun.web.docs.openapi.document import EXAMPLES, ROUTES, document
from rundun.web.docs.openapi.events import ALERTS, DATA
from rundun.web.routes import starlette_app
from rundun.wording.problem_codes import PROBLEMS
from tests import examples as recorded
from tests.helpers.openapi import openapi_judge
from tests.helpers.openapi.openapi_schemas import SCHEMAS
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, Receiver, World, new_photo_id, pages, world

PAGES = {"/r/{run_id}", "/r/sw.js"}  # for people


NOWHERE = {
    "bad_request",  # of the console alone
    "method_not_allowed",
    "internal",
}  # told in the introduction, or never meant to happen


OPERATIONS = [route.operation for route in ROUTES]


def routes() -> set[str]:
    found = [route for route in starlette_app(pages().assets, None).routes if isinstance(route, Route)]
    return {
        f"{method} {route.path}"
        for route in found
        for method in (route.methods or set()) - {"HEAD"}
        if route.path.startswith(("/v1/", "/r/")) and route.path not in PAGES
    }


def test_it_is_openapi_3_1() -> None:
    validate_openapi(document())
    assert document()["openapi"].startswith("3.1.")


def test_every_route_is_in_it_and_the_reverse() -> None:
    described = {
        f"{method.upper()} {path}"
        for path, item in document()["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == routes()
    names = [one.name for one in OPERATIONS]
    assert len(set(names)) == len(names)


def test_every_code_is_in_it_and_no_other() -> None:
    named: set[str] = set()
    responses = document()["components"]["responses"]
    for path in document()["paths"].values():
        for operation in (item for method, item in path.items() if method != "parameters"):
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    problem = responses[response["$ref"].rpartition("/")[2]]["content"]["application/problem+json"]
                    for code in problem["examples"]:
                        assert PROBLEMS[code].status == problem["examples"][code]["value"]["status"] == int(status)
                        named.add(code)
    assert named == set(PROBLEMS) - NOWHERE
    introduction = document()["info"]["description"]
    assert "`about:blank`" in introduction and "`method_not_allowed`" in introduction


def test_every_event_is_in_it() -> None:
    assert set(document()["webhooks"]) == {*event.EVENTS, *event.ON_REQUEST, event.TEST, *ALERTS}


def test_every_operation_is_told_in_words_with_an_example() -> None:
    for operation in OPERATIONS:
        assert operation.summary and operation.description.endswith("."), operation.name
        if isinstance(operation.body, type | str):
            assert "request" in EXAMPLES[operation.name], operation.name


def media_of(part: Any) -> Iterator[dict[str, Any]]:
    """Every media type, header and parameter of the document that has examples."""
    if isinstance(part, dict):
        if isinstance(part.get("schema"), dict):
            yield part
        for value in part.values():
            yield from media_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from media_of(value)


def test_its_examples_are_as_it_says() -> None:
    seen = 0
    for part in media_of(openapi_judge.strict()):
        shown = [one["value"] for one in part.get("examples", {}).values()] if "examples" in part else []
        for example in [*shown, *([part["example"]] if "example" in part else [])]:
            openapi_judge.validate(part["schema"], example)
            seen += 1
    assert seen > 100
    for operation in OPERATIONS:
        if isinstance(operation.body, type):
            read(operation.body, EXAMPLES[operation.name]["request"])


async def test_its_examples_are_what_happens(tmp_path: Path) -> None:
    """What differs is written into the file by `python -m tests.examples`."""
    assert recorded.text(await recorded.record(tmp_path)) == recorded.FILE.read_text("utf-8")


def test_its_examples_of_templates_are_templates() -> None:
    for name in ("createTemplate", "reviseTemplate"):
        read_template(EXAMPLES[name]["request"], lambda prefix: prefix + "made")
    draft = {"$ref": SCHEMAS + "TemplateDraft"}
    for sample in paths.samples().glob("*.json"):
        openapi_judge.validate(draft, json.loads(sample.read_text("utf-8")))


async def test_it_is_served_without_a_key_and_only_when_it_has_changed(w: World) -> None:
    client = w.browser(**{"accept-encoding": "gzip"})
    response = await client.get("/v1/openapi.json")
    assert response.status_code == 200
    assert response.headers["content-encoding"] == "gzip"
    assert response.json() == document()
    tag = response.headers["etag"]
    assert (await client.get("/v1/openapi.json", headers={"if-none-match": tag})).status_code == 304
    plain = await client.get("/v1/openapi.json", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == document()
    assert len(gzip.compress(plain.content)) > 1000


DELIVERED = [
    BOOLEAN,
    {"id": "s-why", "type": "text", "label": "Why?", "required": False, "photo": {"max": 1}, "geo": True},
]


async def test_what_webhooks_receive_is_as_it_says(w: World, receiver: Receiver) -> None:
    template_id = await w.template(*DELIVERED, settings={"allow_skip": True}, execution={"identity_required": "name"})
    hook = {"url": receiver.url, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "events": ["*", *event.ON_REQUEST]}

    async def begun(name: str) -> Any:
        ed = await w.dispatch(template_id, webhook=hook, executor_ref=name)
        await ed.start(name="Ed")
        await ed.answer("s-ok", True)
        return ed

    completed, cancelled, expired = [await begun(name) for name in ("one", "two", "three")]
    photo_id = new_photo_id()
    await completed.photo("s-why", images.jpeg(), photo_id)
    await completed.answer("s-why", "so", photos=[photo_id], geo={"lat": 1.5, "lng": 2.5})
    await cancelled.put("s-why", {"skipped": True})
    patched = await w.acme.patch(
        f"/v1/runs/{cancelled.run_id}", json={"title": "Other", "due_at": "2026-01-02T00:00:00Z"}
    )
    assert patched.status_code == 200
    assert (await completed.complete()).status_code == 200
    tried = await w.acme.post("/v1/webhooks/test", json={"url": hook["url"], "secret": hook["secret"]})
    assert tried.json()["ok"]
    assert (await cancelled.call("POST", "/cancel", json={"reason": "rain"})).status_code == 200
    w.clock.forward(hours=100)
    await w.sweep()
    await w.deliver()
    assert (await w.run(expired))["status"] == "expired"
    erased = await begun("four")
    assert (await w.acme.delete(f"/v1/runs/{erased.run_id}")).status_code == 204
    await w.deliver()
    assert {one.json["event"] for one in receiver.received} == {*event.EVENTS, *event.ON_REQUEST, event.TEST}
    webhooks = openapi_judge.strict()["webhooks"]
    for one in receiver.received:
        said = webhooks[one.json["event"]]["post"]
        openapi_judge.validate(said["requestBody"]["content"]["application/json"]["schema"], one.json)
        for parameter in said["parameters"]:
            assert parameter["$ref"].rpartition("/")[2].lower() in one.headers
    entries = (await w.acme.get("/v1/events?limit=100")).json()["data"]
    assert {one["event"] for one in entries} == {*event.EVENTS, *event.ON_REQUEST}


def test_only_events_of_runs_are_said_to_be_tried_again_for_an_hour() -> None:
    told = {name: one["post"] for name, one in document()["webhooks"].items()}
    again = {name for name, post in told.items() if "10 minutes and an hour" in post["description"]}
    assert again == {name for name, post in told.items() if "410" in post["responses"]} == {*DATA}
    once = {name for name, post in told.items() if "again" not in post["responses"]["default"]["description"]}
    assert once == {event.TEST, alerts.TEST}


async def test_what_the_operator_is_alerted_with_is_as_it_says(tmp_path: Path) -> None:
    async with world(tmp_path, alerts__url="http://127.0.0.1:1/", webhooks__retry_delays_seconds=[]) as w:
        ed = await w.dispatch(
            await w.template(BOOLEAN), webhook={"url": "http://127.0.0.1:1/", "events": ["run.started"]}
        )
        await ed.start()
        await w.deliver()
        for quota in (0, 1):
            await w.database.write(quota_rows.put, w.acme_id, quota)
            alert = await w.database.read(partial(alerts.make_next_alert, for_all=False))
            said = openapi_judge.strict()["webhooks"][tuple(ALERTS)[quota]]["post"]["requestBody"]
            openapi_judge.validate(said["content"]["application/json"]["schema"], json.loads(alert.body))
        test = await w.database.read(alerts.test_alert)
        said = openapi_judge.strict()["webhooks"][test.name]["post"]["requestBody"]
        openapi_judge.validate(said["content"]["application/json"]["schema"], json.loads(test.body))


@pytest.mark.parametrize(
    ("status", "headers", "body", "complaint"),
    [
        (418, {}, b"", "not documented"),
        (200, {"x-request-id": "1"}, b"{}", "without ETag"),
        (200, {"x-request-id": "1", "etag": "x", "content-type": "text/html"}, b"{}", "as text/html"),
        (200, {"x-request-id": "1", "etag": "x", "content-type": "application/json"}, b"{}", "run_id"),
        (304, {"x-request-id": "1", "etag": "x"}, b"{}", "with a body"),
        (
            404,
            {"x-request-id": "1", "content-type": "application/problem+json"},
            json.dumps(
                {"type": "", "title": "", "status": 404, "detail": "", "code": "run_closed", "request_id": ""}
            ).encode(),
            "code",
        ),
    ],
)
def test_an_answer_that_is_not_documented_is_noticed(
    status: int, headers: dict[str, str], body: bytes, complaint: str
) -> None:
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        openapi_judge.check("GET", "/v1/runs/r-1", status, headers.items(), body)


def test_a_member_that_it_does_not_name_is_noticed() -> None:
    example = document()["paths"]["/v1/organization"]["get"]["responses"]["200"]["content"]["application/json"]
    openapi_judge.validate(example["schema"], example["examples"]["example"]["value"])
    with pytest.raises(AssertionError):
        openapi_judge.validate(example["schema"], {**example["examples"]["example"]["value"], "more": 1})
