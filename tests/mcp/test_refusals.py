"""What an assistant is told when the service refuses, is away, or is none; and that nothing is done twice."""

import asyncio
import json
import socket
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.helpers.assistants import in_this_process, key_of
from tests.helpers.network import certificate_authority
from tests.helpers.service import BOOLEAN, PUBLIC_URL, Receiver, World, answering

KEY = "rdk_live_" + "k" * 32
VAN = {"name": "Van", "steps": [{"type": "boolean", "label": "Any damage?"}]}
PROBLEM = (
    b"HTTP/1.1 503 Away\r\nContent-Type: application/problem+json\r\nRetry-After: 7\r\nContent-Length: %d\r\n\r\n%s"
)


async def test_a_wrong_key_is_told(shared: World) -> None:
    async with in_this_process(PUBLIC_URL, KEY, httpx2.ASGITransport(app=shared.app)) as assistant:
        problem = await assistant.refused("list_runs")
    assert problem["code"] == "unauthorized" and KEY not in json.dumps(problem)


async def test_a_service_that_is_away_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    async with in_this_process(url, KEY) as assistant:
        problem = await assistant.refused("create_template", template=VAN)
    assert problem["code"] == "unavailable"
    assert problem["detail"].startswith(f"{url} can't be reached, so nothing was done: ")


async def test_a_certificate_of_nobody_known_is_refused(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = certificate_authority.made_in(tmp_path)
    server = await asyncio.start_server(receiver._serve, "127.0.0.1", 0, ssl=authority.context("127.0.0.1"))
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        async with in_this_process(url, KEY) as assistant:
            assert "CERTIFICATE_VERIFY_FAILED" in (await assistant.refused("list_runs"))["detail"]
        assert receiver.received == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
        async with in_this_process(url.replace("https", "HTTPS"), KEY) as assistant:
            assert "no JSON" in (await assistant.refused("list_runs"))["detail"]


async def test_without_an_entity_tag_nothing_is_replaced(receiver: Receiver) -> None:
    receiver.answer = lambda _: b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"v": 1}\n'
    template_id = "t-00000000-0000-4000-8000-000000000001"
    async with in_this_process(receiver.url.removesuffix("/hook"), KEY) as assistant:
        problem = await assistant.refused("revise_template", template_id=template_id, v=1, template=VAN)
    assert "ETag" in problem["detail"] and [one.body for one in receiver.received] == [b""], "it was read, no more"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (answering("308 Moved", "Location: http://127.0.0.1:1/v1/runs"), "a redirect, and the key isn't sent there"),
        (answering("502 Bad Gateway"), "What answered 502 is no Rundun"),
        (answering("404 Not Found"), "What answered 404 is no Rundun"),
        (answering("200 OK"), "it sent no JSON"),
        (
            lambda _: b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a": 1}\n',
            "this version of `rundun mcp` can't read",
        ),
        (lambda _: b"no HTTP at all\r\n\r\n", "gave no complete answer"),
    ],
)
async def test_what_is_no_rundun_is_told(
    receiver: Receiver, answer: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answer = answer  # type: ignore[assignment]
    async with in_this_process(receiver.url.removesuffix("/hook"), KEY) as assistant:
        problem = await assistant.refused("list_runs")
    assert said in problem["detail"] and problem["code"] == "unavailable"
    (request,) = receiver.received
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps(problem) + "".join(capsys.readouterr())


async def test_how_long_to_wait_is_told(receiver: Receiver) -> None:
    body = b'{"code": "unavailable", "detail": "The disk is full."}'
    receiver.answer = lambda _: PROBLEM % (len(body), body)
    async with in_this_process(receiver.url.removesuffix("/hook"), KEY) as assistant:
        problem = await assistant.refused("list_runs")
    assert problem["detail"] == "The disk is full. Wait 7 seconds before the next call."


@pytest.mark.parametrize("proxy", ["http_proxy", "all_proxy"])
async def test_no_proxy_of_the_environment_is_given_the_key(
    shared: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv(proxy, "http://127.0.0.1:1")
    async with in_this_process(receiver.url.removesuffix("/hook"), KEY) as assistant:
        assert "no JSON" in (await assistant.refused("list_runs"))["detail"]


class LosesAnswers(httpx2.ASGITransport):
    """A network on which the answers to the next `count` writes get lost."""

    count = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if request.method == "POST" and self.count:
            self.count -= 1
            raise httpx2.ReadTimeout("lost", request=request)
        return response


async def test_what_got_no_answer_is_done_once_when_it_is_called_again(w: World) -> None:
    network = LosesAnswers(app=w.app)
    async with in_this_process(PUBLIC_URL, key_of(w), network) as assistant:
        network.count = 2
        problem = await assistant.refused("create_template", template=VAN)
        assert "gave no answer in time" in problem["detail"] and "does it once at most" in problem["detail"]
        await assistant.refused("create_template", template=VAN)
        made = await assistant.call("create_template", template=VAN)
        assert [one["template_id"] for one in (await assistant.call("list_templates"))["data"]] == [made["template_id"]]
        other = await assistant.call("create_template", template=VAN)
        assert other["template_id"] != made["template_id"], "and a call after that is another one"

        network.count = 1
        run = {"template_id": made["template_id"]}
        await assistant.refused("dispatch_run", **run)
        dispatched = await assistant.call("dispatch_run", **run)
        assert [one["run"] for one in (await assistant.call("list_runs"))["data"]] == [dispatched["run"]]


async def test_two_calls_at_once_are_two(w: World) -> None:
    run = {"template_id": await w.template(BOOLEAN)}
    async with in_this_process(PUBLIC_URL, key_of(w), httpx2.ASGITransport(app=w.app)) as assistant:
        one, other = await asyncio.gather(*(assistant.call("dispatch_run", **run) for _ in range(2)))
        assert one["run"] != other["run"]
        assert {each["run"] for each in (await assistant.call("list_runs"))["data"]} == {one["run"], other["run"]}


async def test_arguments_are_checked_before_anything_is_asked(receiver: Receiver) -> None:
    async with in_this_process(receiver.url.removesuffix("/hook"), KEY) as assistant:
        for tool, arguments in [
            ("get_template", {"template_id": "../organization"}),
            ("get_run", {"run": "r-1234567"}),
            ("list_runs", {"limit": 26, "cursor": "a&status=x"}),
            ("check_template", {"template": "[not json"}),
            ("check_template", {"template": [1]}),
            ("retry_delivery", {"delivery_id": "dlv-x/../.."}),
        ]:
            problem = await assistant.refused(tool, **arguments)
            assert problem["code"] == "invalid"
            assert [one["pointer"] for one in problem["errors"]] == [f"/{name}" for name in arguments]
    assert receiver.received == []
