"""The code that /docs shows to verify a delivery, run as it stands."""

import asyncio
import base64
import json
import re
import runpy
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from http_message_signatures import InvalidSignature
from playwright.async_api import Page

from rundun import paths
from rundun.core.deliveries import signature
from tests.browser.phone import chromium
from tests.helpers.service import BOOLEAN, Received, Receiver, World

SECRET, URL = "at least 12 characters", "https://hooks.example.com/rundun"

SAMPLES = paths.templates() / "docs" / "samples"


def test_the_vector_is_right() -> None:
    lines = (SAMPLES / "vector.txt").read_text("utf-8").splitlines()
    given = dict(re.split(r" {2,}", line, maxsplit=1) for line in lines)
    made = signature.sign(given["secret"], given["URL"], given["body"].encode(), int(given["created"]))
    assert made["Content-Digest"] == given["Content-Digest"]
    assert made["Signature-Input"] == given["Signature-Input"]
    assert made["Signature"] == given["Signature"]


def signed(body: bytes, **other: Any) -> dict[str, str]:
    """Headers of a request, made now unless another time is given."""
    given = {"secret": SECRET, "url": URL, "created": int(time.time()), **other}
    return signature.sign(given["secret"], given["url"], body, given["created"])


def forgeries() -> list[tuple[dict[str, str], bytes]]:
    body = b'{"event":"run.completed","seq":9}'
    right = signed(body)
    return [
        (signed(body, secret="another secret"), body),
        (signed(body, url=URL + "/elsewhere"), body),
        (right, body + b" "),
        (signed(body, created=int(time.time()) - 600), body),
        (signed(body, created=int(time.time()) + 600), body),
        (signed(body, secret=None), body),
        ({}, body),
        ({**right, "Signature": "sig1=::"}, body),
        ({**right, "Signature": "sig1=:é:"}, body),
        ({**right, "Signature-Input": right["Signature-Input"].replace('"@method" ', "")}, body),
    ]


async def delivered(w: World, receiver: Receiver, secret: str) -> tuple[str, Received]:
    """A real delivery and the URL it went to."""
    ed = await w.dispatch(
        await w.template(BOOLEAN), webhook={"url": receiver.url, "secret": secret, "events": ["run.started"]}
    )
    await ed.start()
    await w.deliver()
    return receiver.url, receiver.received[0]


@pytest.mark.parametrize("name", ["verify_library.py", "verify_standard_library.py"])
async def test_python_verifies_a_real_delivery_and_no_forgery(
    w: World, receiver: Receiver, name: str, tmp_path: Path
) -> None:
    w.clock.now = int(time.time() * 1000)
    url, one = await delivered(w, receiver, SECRET)
    here = tmp_path / name
    here.write_text((SAMPLES / name).read_text("utf-8").replace(URL, url))
    assert runpy.run_path(str(here))["receive"](one.headers, one.body) == one.json
    receive = runpy.run_path(str(SAMPLES / name))["receive"]
    for headers, body in forgeries():
        with pytest.raises((InvalidSignature, ValueError)):
            receive(headers, body)


TRIES = """async ([url, tries]) => {
  const { receive } = await import(url);
  const told = [];
  for (const [headers, body] of tries) {
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    told.push(await receive(headers, bytes).then((event) => event.event, () => null));
  }
  return told;
}"""


def as_javascript_has_it(tries: list[tuple[dict[str, str], bytes]]) -> list[Any]:
    return [
        [{name.lower(): value for name, value in headers.items()}, base64.b64encode(body).decode()]
        for headers, body in tries
    ]


async def all_tries(w: World, receiver: Receiver) -> tuple[str, list[Any]]:
    """The snippet for a real delivery's URL, and what it is tried with: that delivery, then forgeries of it."""
    w.clock.now = int(time.time() * 1000)
    url, one = await delivered(w, receiver, SECRET)
    code = (SAMPLES / "verify.mjs").read_text("utf-8")
    assert URL in code and SECRET in code
    wrong = [
        ({**one.headers, "signature": one.headers["signature"].replace(":", ":A", 1)}, one.body),
        (one.headers, one.body + b" "),
        (signature.sign(SECRET, url, one.body, int(time.time()) - 600), one.body),
        (signature.sign("another secret", url, one.body, int(time.time())), one.body),
        (signature.sign(SECRET, url + "/", one.body, int(time.time())), one.body),
        ({}, one.body),
    ]
    return code.replace(URL, url), as_javascript_has_it([(one.headers, one.body), *wrong])


@pytest.mark.browser
async def test_javascript_verifies_a_real_delivery_and_no_forgery(w: World, receiver: Receiver) -> None:
    code, tries = await all_tries(w, receiver)
    async with chromium() as browser:
        page: Page = await browser.new_page()

        async def serve(route: Any) -> None:
            is_module = route.request.url.endswith(".mjs")
            kind = "text/javascript" if is_module else "text/html"
            await route.fulfill(body=code if is_module else "<title>x</title>", content_type=kind)

        await page.route("http://127.0.0.1/**", serve)  # a secure context, where Web Crypto is
        await page.goto("http://127.0.0.1/")
        told = await page.evaluate(TRIES, ["/verify.mjs", tries])
    assert told == ["run.started"] + [None] * (len(tries) - 1)


@pytest.mark.soak
async def test_node_verifies_a_real_delivery_and_no_forgery(w: World, receiver: Receiver, tmp_path: Path) -> None:
    code, tries = await all_tries(w, receiver)
    (tmp_path / "verify.mjs").write_text(code)
    runner = f"const run = {TRIES};\nconsole.log(JSON.stringify(await run(['./verify.mjs', {json.dumps(tries)}])));"
    (tmp_path / "run.mjs").write_text(runner)
    node = shutil.which("node")
    assert node, "make soak needs Node 20 or newer"
    told = await asyncio.to_thread(
        subprocess.run, [node, "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == ["run.started"] + [None] * (len(tries) - 1)
