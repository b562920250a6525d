"""A webhook that is tried out: POST /v1/webhooks/test."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from rundun.webhooks import client
from tests.helpers.failing_deliveries import KEY, STANDARD
from tests.helpers.service import NOON, Received, Receiver, World, world
from tests.helpers.webhooks import SECRET, hooked, verify


async def try_out(w: World, url: str, status: int = 200, headers: Any = None, **more: Any) -> Any:
    answer = await w.acme.post("/v1/webhooks/test", json={"url": url, **more}, headers=headers or {})
    assert answer.status_code == status, answer.text
    return answer.json()


def saying(text: bytes, status: str = "200 OK") -> Callable[[Received], bytes]:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n".encode()
    return lambda received: head + text


async def test_a_webhook_is_tried_out(w: World, receiver: Receiver) -> None:
    receiver.answer = saying(b"thank you")
    told = await try_out(w, receiver.url.replace("http", "HTTP"), secret=STANDARD)
    (request,) = receiver.received
    assert request.json == {
        "event_id": told["event_id"], "delivery_attempt": 1, "event": "webhook.test", "run_id": None,
        "template_id": None, "template_v": None, "seq": None, "ts": "2026-01-01T00:00:00Z",
        "identity": {"mode": "anonymous", "user_id": None},
        "data": {"executor_ref": None, "job": {"title": None, "due_at": None}},
    }  # fmt: skip
    assert re.fullmatch(r"evt-[0-9a-f-]{36}", told["event_id"])
    verify(receiver.url, request, STANDARD)
    signed = Webhook(STANDARD).sign(told["event_id"], datetime.fromtimestamp(NOON // 1000, UTC), request.body.decode())
    assert request.headers["webhook-signature"] == signed
    assert isinstance(told.pop("duration_ms"), int)
    sent = told.pop("request")
    assert (sent["method"], sent["url"], sent["body"].encode()) == ("POST", receiver.url, request.body)
    arrived = {name: value for name, value in request.headers.items() if name != "content-length"}
    assert {name.lower(): value for name, value in sent["headers"].items()} == arrived
    assert told == {
        "ok": True, "status": 200, "error": None, "event_id": request.json["event_id"],
        "response": {"excerpt": "thank you"},
    }  # fmt: skip
    assert (await w.acme.get("/v1/deliveries")).json()["data"] == []
    assert (await w.acme.get("/v1/events")).json()["data"] == []


async def test_a_test_that_goes_wrong_says_how(w: World, receiver: Receiver) -> None:
    receiver.answer = saying(b"nobody here", "500 Oops")
    told = await try_out(w, receiver.url)
    assert (told["ok"], told["status"], told["error"]) == (False, 500, "The answer was 500.")
    assert told["response"] == {"excerpt": "nobody here"}
    assert "Signature" not in told["request"]["headers"]
    assert told["request"]["headers"]["Content-Digest"] == receiver.received[0].headers["content-digest"]
    told = await try_out(w, "http://127.0.0.1:1/")
    assert (told["ok"], told["status"], told["response"]) == (False, None, {"excerpt": None})
    assert told["error"] == "The connection failed: Connection refused."


async def test_a_test_goes_nowhere_it_must_not(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, webhooks__allow=[]) as w:
        for host in ("127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"):
            problem = await try_out(w, receiver.url.replace("127.0.0.1", host), status=422)
            assert problem["code"] == "address_not_allowed"
            assert problem["errors"][0]["pointer"] == "/url"
            assert 'set allow = ["127.0.0.1/32"] under [webhooks] in' in problem["detail"]
    assert receiver.received == []


async def test_an_answer_from_a_private_network_is_shown_nowhere(
    w: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing here is private and allowed at once, so this machine is called what it stands for."""
    asked: list[str] = []

    def may_be_read(address: str, *, allow: Any) -> bool:
        asked.append(address)
        return False

    monkeypatch.setattr(client, "may_be_read", may_be_read)
    receiver.answer = saying(b"inside")
    assert (await try_out(w, receiver.url))["response"] == {"excerpt": None}
    ed = await hooked(w, receiver.url, events=["run.started"])
    await w.deliver()
    assert (await w.deliveries(ed))[0]["attempts"][0]["response_excerpt"] is None
    assert asked == ["127.0.0.1"] * 2


async def test_ten_tests_a_minute_for_each_organization(w: World, receiver: Receiver) -> None:
    for left in range(9, -1, -1):
        answer = await w.acme.post("/v1/webhooks/test", json={"url": receiver.url})
        assert (answer.status_code, answer.headers["ratelimit-policy"]) == (200, '"webhook-test";q=10;w=60')
        assert answer.headers["ratelimit"].startswith(f'"webhook-test";r={left};')
    answer = await w.acme.post("/v1/webhooks/test", json={"url": receiver.url})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    assert len(receiver.received) == 10
    assert (await w.globex.post("/v1/webhooks/test", json={"url": receiver.url})).status_code == 200
    w.clock.forward(seconds=6)
    await try_out(w, receiver.url)


async def test_with_a_key_the_answer_is_told_again_and_nothing_is_sent(w: World, receiver: Receiver) -> None:
    first = await try_out(w, receiver.url, headers=KEY, secret=SECRET)
    for _ in range(12):
        assert await try_out(w, receiver.url, headers=KEY, secret=SECRET) == first
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": "ftp://127.0.0.1/"}, "/url"),
        ({"url": "http://127.0.0.1:1/", "secret": "short"}, "/secret"),
        ({"url": "http://127.0.0.1:1/", "events": ["*"]}, "/events"),
    ],
)
async def test_what_is_wrong_with_a_test_is_named(w: World, body: Any, pointer: str) -> None:
    answer = await w.acme.post("/v1/webhooks/test", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_the_secret_of_a_test_is_never_logged_nor_kept(
    w: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="rundun")
    secret = "a secret that nobody may read"
    told = await try_out(w, receiver.url, headers=KEY, secret=secret)
    assert secret not in str(told)
    lines = " ".join(f"{record.getMessage()} {getattr(record, 'fields', '')}" for record in caplog.records)
    assert "webhook.test" in lines
    assert secret not in lines
    folder = w.settings.database.path.parent
    assert not [file for file in folder.iterdir() if file.is_file() and secret.encode() in file.read_bytes()]
