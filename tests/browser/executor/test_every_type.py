"""The whole loop on real input: dispatch over HTTP, a phone that does every type of step, signed webhooks, the record.

Three processes: `python -m rundun serve`, a receiver, and Chromium; nothing is shared but HTTP.
"""

import asyncio
import base64
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms
from playwright.async_api import expect

from tests.browser.phone import chromium, phone
from tests.browser.pictures import file, heic, is_upright, qr, sideways_jpeg
from tests.helpers.every_type import TEMPLATE
from tests.helpers.patience import PATIENCE

ROOT = Path(__file__).parent.parent.parent.parent
SECRET = "a secret of Acme's, 2026"


@dataclass
class Acme:
    """An integrator: an address, a key, and a receiver that writes down what it gets."""

    client: httpx2.AsyncClient
    base: str
    receiver: Process
    hook: str

    async def call(self, method: str, path: str, **given: Any) -> Any:
        response = await self.client.request(method, path, **given)
        assert response.status_code in (200, 201), response.text
        return response.json()

    async def next_event(self) -> dict[str, Any]:
        """The next webhook, once an independent library has verified it, its body included."""
        assert self.receiver.stdout is not None
        line = json.loads(await asyncio.wait_for(self.receiver.stdout.readline(), PATIENCE))
        body = base64.b64decode(line["body"])
        verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.HMAC_SHA256,
            key_resolver=MappingKeyResolver(public_keys={"rundun-key": SECRET.encode()}, private_keys={}),
        )
        (result,) = verifier.verify(Message(self.hook, line["headers"]), body=body, max_age=None)
        assert result.body == body
        event: dict[str, Any] = json.loads(body)
        return event


@dataclass
class Message:
    """A request as the library wants it."""

    url: str
    headers: dict[str, str]
    method: str = "POST"


@asynccontextmanager
async def process(*arguments: str, **environment: str) -> AsyncIterator[Process]:
    one = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, env={**os.environ, **environment}, stdout=PIPE, stderr=DEVNULL,
        limit=2**24,
    )  # fmt: skip
    try:
        yield one
    finally:
        one.terminate()
        await one.communicate()


async def printed(one: Process, pattern: str) -> str:
    """What the process says where `pattern` has its group."""
    assert one.stdout is not None
    while line := (await asyncio.wait_for(one.stdout.readline(), PATIENCE)).decode():
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"the process ended without saying {pattern}")


@asynccontextmanager
async def acme(folder: Path) -> AsyncIterator[Acme]:
    database = str(folder / "rundun.db")
    async with (
        process("tests/helpers/network/browser_receiver.py") as receiver,
        process(
            "-m", "rundun", "serve", "--port", "0", "--database", database, RUNDUN_WEBHOOKS_ALLOW='["127.0.0.0/8"]'
        ) as server,
    ):
        port = await printed(receiver, r"^(\d+)$")
        key = await printed(server, r"(rdk_live_\w+)")
        base = await printed(server, r"(http://127\.0\.0\.1:\d+)/v1/runs")
        headers = {"authorization": f"Bearer {key}"}
        transport = httpx2.AsyncHTTPTransport(retries=6)  # the key is told just before the socket is listened on
        async with httpx2.AsyncClient(transport=transport, base_url=base, headers=headers, timeout=PATIENCE) as client:
            yield Acme(client, base, receiver, f"http://127.0.0.1:{port}/hook?team=a%20b")


@pytest.mark.browser
async def test_every_type_from_dispatch_to_delivery(tmp_path: Path) -> None:
    async with acme(tmp_path) as one, chromium() as browser:
        template = await one.call("POST", "/v1/templates", json=TEMPLATE)
        webhook = {"url": one.hook, "secret": SECRET}
        order = {"template_id": template["id"], "webhook": webhook, "executor_ref": "booking_12345"}
        dispatched = await one.call("POST", "/v1/runs", json=order)
        assert dispatched["link"] == f"{one.base}/r/{dispatched['run_id']}"
        async with phone(browser, one.base) as ed:
            await do_it_all(ed, dispatched["link"])
        events = await all_events(one, dispatched["run_id"])
        run = await one.call("GET", f"/v1/runs/{dispatched['run_id']}")
        check_record(run)
        check_events(events, run)
        await check_pictures(one, run)


async def do_it_all(ed: Any, link: str) -> None:
    """Ed opens the link, does every step, reviews, signs and finishes."""
    await ed.page.goto(link)
    await ed.page.get_by_label("Your name").fill("Ed")
    await ed.start()
    await ed.step("s-read").get_by_role("button", name="Got it").tap()
    await ed.pick("s-in", "No")
    await expect(ed.step("s-why")).to_be_visible()
    await ed.pick("s-in", "Yes")
    await expect(ed.step("s-why")).to_be_hidden()
    await ed.photograph("s-in", file("door.jpg", "image/jpeg", sideways_jpeg()), source="camera")
    await ed.is_done("s-read", "s-in")
    await expect(ed.step("s-in").locator(".status")).to_have_text("Position ±7\u00a0m")
    await ed.pick("s-way", "Back")
    await ed.pick("s-did", "Other")
    await ed.pick("s-did", "Clean")
    await expect(ed.step("s-other")).to_be_visible()
    await ed.fill("s-other", "Watered the plants")
    await ed.fill("s-meter", "1234,5")
    await ed.pick("s-grade", "4")
    await expect(ed.step("s-seen")).to_be_hidden()
    await ed.photograph(
        "s-pic", file("result.heic", "image/heic", heic()), file("again.jpg", "image/jpeg", sideways_jpeg())
    )
    await expect(ed.step("s-seen")).to_be_visible()
    for index in range(2):
        await expect(ed.step("s-pic").locator(".tile").nth(index)).to_have_attribute("state", "safe")
    await ed.fill("s-seen", "A clean kitchen")
    await (
        ed.step("s-key")
        .locator("input[type=file]")
        .last.set_input_files([file("label.png", "image/png", qr("KEY-0042"))])
    )
    await expect(ed.step("s-key").locator("input[type=text]")).to_have_value("KEY-0042")
    await ed.fill("s-left", "2026-07-01T09:30")
    await ed.sign(ed.step("s-sign").get_by_role("button", name="Sign", exact=True))
    await ed.is_done("s-way", "s-did", "s-other", "s-meter", "s-grade", "s-pic", "s-seen", "s-key", "s-left", "s-sign")
    await expect(ed.page.locator(".top .sending")).to_have_text("All safe")
    await expect(ed.page.locator(".done-count")).to_have_text("12 of 13 done")
    await ed.review()
    await ed.sign(ed.page.locator(".closing-signature").get_by_role("button", name="Sign"))
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()


async def all_events(one: Acme, run_id: str) -> list[dict[str, Any]]:
    """Every webhook of the run in order of `seq`; they may overtake each other on the way."""
    deliveries = await one.call("GET", f"/v1/runs/{run_id}/deliveries?limit=100")
    events = [await one.next_event() for _ in deliveries["data"]]
    return sorted(events, key=lambda event: event["seq"])


def check_record(run: dict[str, Any]) -> None:
    assert run["status"] == "completed"
    assert run["executor_ref"] == "booking_12345"
    assert run["identity"]["name"] == "Ed"
    assert run["progress"] == {"total": 13, "answered": 12, "skipped": 0, "unable": 0}
    assert run["signature"]["url"].endswith(".png")
    answers = run["answers"]
    assert "s-why" not in answers
    assert "s-tip" not in answers
    values = {step_id: answer["value"] for step_id, answer in answers.items()}
    assert values.pop("s-sign").endswith(".png")
    assert values == {
        "s-read": None,
        "s-in": True,
        "s-way": "o-back",
        "s-did": ["o-clean", "o-other"],
        "s-other": "Watered the plants",
        "s-meter": 1234.5,
        "s-grade": 4,
        "s-pic": None,
        "s-seen": "A clean kitchen",
        "s-key": "KEY-0042",
        "s-left": "2026-07-01T07:30:00Z",
    }
    assert answers["s-in"]["geo"] == {"lat": 51.5034, "lng": -0.1276, "accuracy": 7.0}
    assert all(answer["by"] == run["assigned_to"] and answer["answered_at"] for answer in answers.values())


def check_events(events: list[dict[str, Any]], run: dict[str, Any]) -> None:
    assert [event["seq"] for event in events] == sorted({event["seq"] for event in events})
    assert events[-1]["event"] == "run.completed"
    assert {event["event"] for event in events[:-1]} == {"step.completed"}
    assert all(event["run_id"] == run["run_id"] for event in events)
    assert all(event["data"]["executor_ref"] == "booking_12345" for event in events)
    last = {event["data"]["step_id"]: event["data"] for event in events[:-1]}
    assert set(last) == set(run["answers"])
    for step_id, data in last.items():
        assert data["answer"] == run["answers"][step_id]["value"]
        assert data["geo"] == run["answers"][step_id]["geo"]
        ids = [photo["photo_id"] for photo in run["answers"][step_id]["photos"]]
        assert [photo["photo_id"] for photo in data["photos"]] == ids
        assert all(base64.b64decode(photo["thumbnail"])[:2] == b"\xff\xd8" for photo in data["photos"])
    assert set(events[-1]["data"]["answers"]) == set(run["answers"])


async def check_pictures(one: Acme, run: dict[str, Any]) -> None:
    door, (first, second) = run["answers"]["s-in"]["photos"][0], run["answers"]["s-pic"]["photos"]
    assert door["source"] == "camera"
    assert first["original"]["content_type"] == "image/heic"  # what Chromium cannot decode travels as it is
    assert second["original"]["content_type"] == "image/jpeg"
    for photo in (door, first, second):
        for url in (photo["url"], photo["thumbnail_url"]):
            response = await one.client.get(url, headers={"authorization": ""})
            assert response.status_code == 200
            assert response.headers["content-type"] == "image/jpeg"
            assert is_upright(response.content), url
    original = await one.client.get(first["original"]["url"])
    assert original.content == heic()
    for url in (run["answers"]["s-sign"]["value"], run["signature"]["url"]):
        assert (await one.client.get(url)).content[:8] == b"\x89PNG\r\n\x1a\n"
