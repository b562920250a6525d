"""The relay that /docs shows, run as it stands between a real service and doubles of the chats."""

import asyncio
import json
import os
import re
import runpy
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rundun import paths
from rundun.core.deliveries import signature
from tests.bench.processes import free_port
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import is_listening
from tests.helpers.service import BOOLEAN, Clock, Ed, Received, Receiver, World, world

RELAY = paths.templates() / "docs" / "samples" / "relay.py"
SECRET = "at least 12 characters"
TITLE = "Unit <3> & *garden* [here](https://evil.example)"
NAME = "Ed\u202e @everyone <!channel>"
TOLD = f"{TITLE} is done (Ed @everyone <!channel>) · 1 flagged"
CHATS = ("SLACK", "TEAMS", "DISCORD")


class Relay:
    """A relay's process, its address, and what chats were told, in the order they were."""

    def __init__(self, port: int) -> None:
        self.hook = f"http://127.0.0.1:{port}/rundun"
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def chat(self, name: str, status: str = "200 OK") -> Callable[[Received], bytes]:
        """How a chat answers."""

        def answer(received: Received) -> bytes:
            self.told.put_nowait((name, received.json))
            return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()

        return answer

    async def next(self) -> dict[str, Any]:
        """What all three are told next."""
        return dict([await asyncio.wait_for(self.told.get(), PATIENCE) for _ in CHATS])


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    """A world at the time it is: a relay refuses what was signed long ago."""
    async with world(tmp_path, Clock(int(time.time() * 1000))) as one:
        yield one


@pytest.fixture
async def chats() -> AsyncIterator[dict[str, Receiver]]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(Receiver().listening()) for name in CHATS}


@pytest.fixture
async def relay(chats: dict[str, Receiver]) -> AsyncIterator[Relay]:
    port = free_port()
    one = Relay(port)
    for name, chat in chats.items():
        chat.answer = one.chat(name)
    named = {name: chat.url for name, chat in chats.items()}
    environment = {**os.environ, **named, "HOOK": one.hook, "SECRET": SECRET, "PORT": str(port)}
    process = await asyncio.create_subprocess_exec(sys.executable, str(RELAY), env=environment)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(is_listening, f"http://127.0.0.1:{port}"):
                assert process.returncode is None
        yield one
    finally:
        process.kill()
        await process.wait()


async def ended(w: World, relay: Relay, title: str) -> Ed:
    """A run that is done, and delivered."""
    body = {"name": "Check", "execution": {"identity_required": "name"}, "steps": [BOOLEAN]}
    template = (await w.acme.post("/v1/templates", json=body)).json()
    ed = await w.dispatch(template["id"], title=title, webhook={"url": relay.hook, "secret": SECRET})
    assert (await ed.start(name=NAME)).status_code == 200
    assert (await ed.put("s-ok", {"unable": {"reason": "It is locked."}})).status_code == 200
    assert (await ed.complete()).status_code == 200
    await w.deliver()
    assert [one["status"] for one in await w.deliveries(ed)] == ["delivered"] * 2
    return ed


async def test_three_chats_are_told_and_nasty_text_stays_text(w: World, relay: Relay) -> None:
    await ended(w, relay, TITLE)
    told = await relay.next()
    slack = told["SLACK"]["text"]
    assert told["SLACK"] == {"text": slack, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    assert not set(slack) & {"<", ">"}
    assert slack.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == TOLD
    (card,) = told["TEAMS"]["attachments"]
    assert (told["TEAMS"]["type"], card["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    text = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": TOLD}]}
    assert card["content"] == {"type": "AdaptiveCard", "version": "1.4", "body": [text]}
    discord = told["DISCORD"]["content"]
    assert told["DISCORD"] == {"content": discord, "allowed_mentions": {"parse": []}, "flags": 4}
    assert re.sub(r"\\(.)", r"\1", discord) == TOLD
    assert not re.search(r"(?<!\\)[*_~`|>\[\]()<#]", discord)


async def test_what_is_forged_repeated_or_not_taken_harms_nothing(
    w: World, relay: Relay, chats: dict[str, Receiver]
) -> None:
    ed = await ended(w, relay, "First")
    first = await relay.next()
    assert "First" in first["SLACK"]["text"]
    event = [one for one in await w.events(ed) if one["event"] == "run.completed"][-1]
    body = json.dumps({**event, "event_id": "evt-other"}).replace("First", "Other").encode()
    now = int(time.time())
    right = signature.sign(SECRET, relay.hook, body, now)
    forgeries = [
        signature.sign("another secret", relay.hook, body, now),
        signature.sign(SECRET, relay.hook + "/elsewhere", body, now),
        signature.sign(SECRET, relay.hook, body + b" ", now),
        signature.sign(SECRET, relay.hook, body, now - 600),
        {**right, "Signature": "sig1=:é:"},
        {},
    ]
    async with httpx2.AsyncClient(timeout=PATIENCE) as stranger:
        for forged in forgeries:
            headers = {name: value.encode() for name, value in forged.items()}
            assert (await stranger.post(relay.hook, content=body, headers=headers)).status_code == 401
        assert (await stranger.post(relay.hook, content=body, headers=right)).status_code == 204
    assert all("Other" in str(one) for one in (await relay.next()).values()), "once: as it was signed"
    for delivery in await w.deliveries(ed):
        path = f"/v1/deliveries/{delivery['delivery_id']}/retry"
        assert (await w.acme.post(path, json={})).status_code == 202
    await w.deliver()
    chats["SLACK"].answer = relay.chat("SLACK", "500 Oops")
    chats["TEAMS"].answer = lambda received: relay.chat("TEAMS")(received) and b"garbage\r\n\r\n"
    await ended(w, relay, "Second")
    second = await relay.next()
    assert all("Second" in str(one) for one in second.values()), "neither what was forged, nor the first again"
    assert relay.told.empty()
    await ended(w, relay, "Third")
    assert all("Third" in str(one) for one in (await relay.next()).values()), "whatever a chat answered before"


async def test_what_is_not_signed_is_refused_before_it_is_read(relay: Relay) -> None:
    now, most = int(time.time()), 2**21
    signed = signature.sign(SECRET, relay.hook, b"{}", now)["Signature-Input"]
    stale = signature.sign(SECRET, relay.hook, b"{}", now - 600)["Signature-Input"]
    for header, length in (("X: y", 9), (f"Signature-Input: {stale}", 9), (f"Signature-Input: {signed}", most + 1)):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(relay.hook.split(":")[2].split("/")[0]))
        writer.write(f"POST /rundun HTTP/1.1\r\n{header}\r\nContent-Length: {length}\r\n\r\n".encode())
        assert (await asyncio.wait_for(reader.readline(), PATIENCE)).split()[1] == b"401"
        writer.close()


@pytest.mark.parametrize("begun", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nX: y\r\n", b"body"])
async def test_what_comes_too_slowly_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1/rundun")
    monkeypatch.setenv("SECRET", SECRET)
    relay = runpy.run_path(str(RELAY))
    relay["Hook"].handle.__globals__["SECONDS"] = 0.2
    if begun == b"body":
        signed = signature.sign(SECRET, "http://127.0.0.1/rundun", b"{}", int(time.time()))
        head = f"POST / HTTP/1.1\r\nSignature-Input: {signed['Signature-Input']}\r\nContent-Length: 9\r\n\r\n{{"
        begun = head.encode()
    with ThreadingHTTPServer(("127.0.0.1", 0), relay["Hook"]) as server:
        serving = asyncio.create_task(asyncio.to_thread(server.serve_forever, 0.01))
        try:
            reader, writer = await asyncio.open_connection(*server.server_address)
            writer.write(begun)
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        finally:
            writer.close()
            await asyncio.to_thread(server.shutdown)
            await serving


@pytest.mark.parametrize("secret", ["", "too short"])
def test_without_a_secret_it_does_not_start(secret: str) -> None:
    environment = {**os.environ, "HOOK": "http://127.0.0.1/rundun", "SECRET": secret, "PORT": "0"}
    command = [sys.executable, str(RELAY)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert (ended.returncode, ended.stderr) == (1, "SECRET has at least 12 characters, as `webhook.secret` has.\n")
