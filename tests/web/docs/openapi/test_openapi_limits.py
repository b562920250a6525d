"""The document draws the line between right and wrong where the service does."""

import base64
import copy
import re
import sys
import unicodedata
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given, strategies as some

from rundun.core import request_bodies
from rundun.core.templates.rules import read_template
from rundun.core.validation import StrictModel, read
from rundun.errors import Problem
from rundun.web.docs.openapi.document import EXAMPLES, document
from rundun.web.executor import bodies
from rundun.web.http import query_params
from tests.helpers.openapi import openapi_judge
from tests.helpers.openapi.openapi_schemas import SCHEMAS, hook, parameter
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, World


def dispatch(**more: Any) -> Any:
    return {"template_id": "t-3c1a9a52-5f0e-4f7c-8c35-6a0c3a7d1e90", **more}


LIMITS: list[tuple[type[StrictModel], Any, Any]] = [
    # the furthest that is right, and one step further
    (request_bodies.DispatchBody, dispatch(executor_ref="x" * 256), dispatch(executor_ref="x" * 257)),
    (request_bodies.DispatchBody, dispatch(executor_ref="a\nb"), dispatch(executor_ref="a\0b")),
    (request_bodies.DispatchBody, dispatch(title="\x01"), dispatch(title="a\0b")),
    (request_bodies.RepeatBody, {"executor_ref": ""}, {"executor_ref": "\0"}),
    (request_bodies.PersonBody, {"executor_ref": "a"}, {"executor_ref": "a\0"}),
    (request_bodies.DispatchBody, dispatch(expires_in_hours=8760), dispatch(expires_in_hours=8761)),
    (request_bodies.DispatchBody, dispatch(expires_in_hours=0.1), dispatch(expires_in_hours=0)),
    (request_bodies.DispatchBody, dispatch(language="pt-BR"), dispatch(language="pt_BR")),
    (request_bodies.DispatchBody, dispatch(), {}),
    (request_bodies.DispatchBody, dispatch(), dispatch(webhok=None)),
    (request_bodies.WebhookBody, hook(secret="x" * 12), hook(secret="x" * 11)),
    (request_bodies.WebhookBody, hook(secret="x" * 256), hook(secret="x" * 257)),
    (request_bodies.WebhookBody, hook(secret="pässword 1234 ✓"), hook(secret="password\n1234")),
    (
        request_bodies.WebhookBody,
        hook(secret="日本語の長い合言葉です一"),
        hook(secret="password\N{NO-BREAK SPACE}1234"),
    ),
    (request_bodies.WebhookBody, hook(url="HTTPS://a"), hook(url="ftp://a")),
    (request_bodies.WebhookBody, hook(url="http://a/" + "x" * 2000), hook(url="http://a/" + "x" * 2048)),
    (request_bodies.WebhookBody, hook(events=["run.started"]), hook(events=["run.lost"])),
    (request_bodies.WebhookBody, hook(events=["*"] * 20), hook(events=["*"] * 21)),
    (request_bodies.WebhookBody, hook(events=["*"]), hook(events=[])),
    (request_bodies.RunPatch, {"webhook": None}, {"webhook": []}),
    (request_bodies.RunPatch, {}, {"prefill": {}}),
    (request_bodies.RunPatch, {"executor_ref": None}, {"executor_ref": "\0"}),
    (request_bodies.RunPatch, {"title": "x" * 200}, {"title": "two\nlines"}),
    (request_bodies.RunPatch, {"fields": {"f-a": None}}, {"fields": None}),
    (request_bodies.WebhookPatch, {}, {"url": None}),
    (request_bodies.WebhookPatch, {"secret": None, "events": None}, {"gone": False}),
    (request_bodies.CancelBody, {"reason": "x" * 2000}, {"reason": "x" * 2001}),
    (request_bodies.CancelBody, {"reason": None}, {"reason": ""}),
    (request_bodies.ExtendBody, {"expires_in_hours": None}, {}),
    (request_bodies.RepeatBody, {}, {"template_id": "t-3c1a9a52-5f0e-4f7c-8c35-6a0c3a7d1e90"}),
    (request_bodies.RepeatBody, {"language": None, "webhook": None, "due_at": None}, {"fields": None}),
    (request_bodies.RepeatBody, {"webhook": {"secret": None}, "prefill": {}}, {"webhook": {"url": None}}),
    (bodies.StartBody, {"email": "ed@example.com"}, {"email": "ed@example"}),
    (bodies.StartBody, {"phone": "+34 600"}, {"phone": "+3"}),
    (bodies.StartBody, {"client_time": "2026-01-31T09:00:00Z"}, {"client_time": "31 January"}),
    (bodies.GeoBody, {"lat": 90, "lng": -180}, {"lat": 90.1, "lng": -180}),
    (bodies.GeoBody, {"lat": 1, "lng": 2, "accuracy": 1e8}, {"lat": 1, "lng": 2, "accuracy": 1.1e8}),
    (bodies.AnswerBody, {"value": True, "photos": []}, {"value": True, "photos": ["ph-1"]}),
    (bodies.AnswerBody, {"answer_id": "2f1e0d9c-8b7a-4655-9443-322110ffeedd"}, {"answer_id": "1"}),
    (request_bodies.EmptyBody, {}, {"x": 1}),
]


@pytest.mark.parametrize(("model", "right", "wrong"), LIMITS)
def test_it_draws_the_line_where_the_reader_does(model: type[StrictModel], right: Any, wrong: Any) -> None:
    schema = {"$ref": SCHEMAS + model.__name__}
    openapi_judge.validate(schema, right)
    read(model, right)
    with pytest.raises(Problem):
        read(model, wrong)
    with pytest.raises(AssertionError):
        openapi_judge.validate(schema, wrong)


def test_a_secret_that_it_forbids_is_refused() -> None:
    """It can't name all that is: which characters are assigned is for Unicode to say."""
    schema = document()["components"]["schemas"]["WebhookBody"]["properties"]["secret"]["anyOf"][0]
    pattern = re.compile(schema["pattern"])
    refused = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
    for one in (chr(code) for code in range(sys.maxunicode + 1) if chr(code) != "\n"):
        allowed, kind = pattern.search(one) is not None, unicodedata.category(one)
        assert allowed or not one.isprintable(), hex(ord(one))
        assert one.isprintable() == (kind not in refused or one == " ")
        assert not allowed or kind in {"Cf", "Cn", "Co", "Cs"} or kind not in refused or one == " "


@given(some.integers(0, 10**15 - 1), some.integers(0, 10**15 - 1))
def test_a_cursor_that_is_given_out_is_one_that_it_allows_and_that_is_taken(first: int, second: int) -> None:
    given_out = {"cursor": query_params.list_cursor(first, second)}
    assert query_params.CURSOR_PATTERN == parameter("GET", "/v1/runs", "cursor")["pattern"]
    openapi_judge.validate(parameter("GET", "/v1/runs", "cursor"), given_out["cursor"])
    assert read(query_params.ListQuery, given_out).cursor == (first, second)
    after = {"after": query_params.event_cursor(first)}
    openapi_judge.validate(parameter("GET", "/v1/events", "after"), after["after"])
    assert read(query_params.EventsQuery, after).after == first


@given(
    some.from_regex(query_params.CURSOR_PATTERN, fullmatch=True),
    some.from_regex(query_params.EVENT_CURSOR_PATTERN, fullmatch=True),
)
def test_a_cursor_that_it_allows_is_taken(cursor: str, after: str) -> None:
    openapi_judge.validate(parameter("GET", "/v1/runs", "cursor"), cursor)
    openapi_judge.validate(parameter("GET", "/v1/events", "after"), after)
    assert max(read(query_params.ListQuery, {"cursor": cursor}).cursor) < 2**63
    assert read(query_params.EventsQuery, {"after": after}).after < 2**63


def test_only_what_is_written_as_a_cursor_is_taken_for_one() -> None:
    too_long = 10**17
    assert not refused(query_params.ListQuery, cursor="MS4x")
    for text in (
        "",
        ".",
        "1.",
        ".1",
        "1",
        "1.2.3",
        "1,2",
        "-1.2",
        "+1.2",
        "1 .2",
        "1_0.2",
        "٣.1",
        f"{too_long}.1",
        "evt 1",
    ):
        assert refused(query_params.ListQuery, cursor=text_cursor(text)), text
    for text in ("", "evt", "evt ", "evt -1", "evt  1", "evt 1.2", "evt ٣", f"evt {too_long}", "Evt 1", "1.2"):
        assert refused(query_params.EventsQuery, after=text_cursor(text)), text
    for cursor in ("MS4x=", "MS4x\n", " MS4x", "MS 4x", "MS4", "MS4y/", "MS4y+", "MS4xMB", "é", "x"):
        assert refused(query_params.ListQuery, cursor=cursor), cursor


def text_cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def refused(model: type[StrictModel], **given: str) -> bool:
    try:
        read(model, given)
    except Problem:
        return True
    return False


QUERIES: list[tuple[str, str, type[StrictModel], str, Any, Any]] = [
    ("GET", "/r/{run_id}/state", query_params.StateQuery, "since", 10**15 - 1, 10**15),
    ("GET", "/r/{run_id}/state", query_params.StateQuery, "since", 0, -1),
    ("GET", "/v1/runs", query_params.RunsQuery, "limit", 100, 101),
    ("GET", "/v1/runs", query_params.RunsQuery, "cursor", "MC4x", "MC4"),
    ("GET", "/v1/events", query_params.EventsQuery, "after", "ZXZ0IDA", "ZXZ0IA"),
    ("GET", "/v1/events", query_params.EventsQuery, "wait", 30, 31),
]


@pytest.mark.parametrize(("method", "path", "model", "name", "right", "wrong"), QUERIES)
def test_it_draws_the_line_of_queries_where_the_reader_does(
    method: str, path: str, model: type[StrictModel], name: str, right: Any, wrong: Any
) -> None:
    schema = parameter(method, path, name)
    openapi_judge.validate(schema, right)
    read(model, {name: str(right)})
    with pytest.raises(Problem):
        read(model, {name: str(wrong)})
    with pytest.raises(AssertionError):
        openapi_judge.validate(schema, wrong)


async def test_a_position_comes_as_a_whole(w: World) -> None:
    path = "/r/{run_id}/steps/{step_id}/photos/{photo_id}"
    ed = await w.dispatch(await w.template({**BOOLEAN, "photo": {"max": 9}}))
    await ed.start()
    for where, is_right in (
        ({"lat": 1.5, "lng": 2.5}, True),
        ({"lat": 1.5, "lng": 2.5, "accuracy": 3}, True),
        ({"lat": 1.5}, False),
        ({"lng": 1.5}, False),
        ({"accuracy": 3}, False),
        ({"lat": 91, "lng": 2.5}, False),
    ):
        response = await ed.photo("s-ok", images.jpeg(), params=where)
        assert response.status_code == (201 if is_right else 422), where
        with nullcontext() if is_right else pytest.raises(AssertionError):
            openapi_judge.validate(parameter("PUT", path, "geo"), where)


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        ("/name", "x" * 201),
        ("/sections/0/title", ""),
        ("/sections/0/steps/0/label", "x" * 501),
        ("/sections/0/steps/0/photo/max", 11),
        ("/sections/0/steps/0/photo", True),
        ("/sections/0/steps/0/type", "essay"),
        ("/sections/0/steps/1/condition/when/op", "is"),
        ("/sections/0/steps/2/config/unit", "x" * 41),
        ("/sections/0/steps/2/config/decimals", 7),
        ("/sections/0/steps/2/config/step", 1),
        ("/settings/allow_skip", 1),
        ("/execution/identity_required", "passport"),
        ("/translations", {"english": {}, "not a tag": {}}),
    ],
)
def test_it_draws_the_line_of_templates_where_the_reader_does(where: str, wrong: Any) -> None:
    changed = copy.deepcopy(EXAMPLES["createTemplate"]["request"])
    *way, last = where.split("/")[1:]
    holder = changed
    for name in way:
        holder = holder[int(name)] if isinstance(holder, list) else holder[name]
    holder[last] = wrong
    with pytest.raises(Problem):
        read_template(changed, lambda prefix: prefix + "made")
    with pytest.raises(AssertionError):
        openapi_judge.validate({"$ref": SCHEMAS + "TemplateDraft"}, changed)
