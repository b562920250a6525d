"""The executor's page on a slow phone: how much it weighs, how many requests it takes, and when it can be used."""

import asyncio
import time
from statistics import median
from typing import Any

import httpx2
from playwright.async_api import Browser, Page

from tests.bench.checklist import STEPS
from tests.browser.phone import OPTIONS, chromium

ROUNDS = 5
BITS_PER_SECOND = 1_600_000
ROUND_TRIP_MS = 150
CPU_SLOWDOWN = 4
MAX_REQUESTS, MAX_BYTES, GOAL_MS = 14, 60_000, 2000
EVIDENCE: list[dict[str, Any]] = [
    {"id": "s-read", "type": "instruction", "label": "Read this", "config": {"body": "Ring first."}},
    {"id": "s-pic", "type": "photo", "label": "The result", "config": {"min": 1, "max": 4}},
    {"id": "s-sign", "type": "signature", "label": "Sign"},
]
ROW = "{:<34} {:>9} {:>9} {:>12}   {}"


async def _opened(browser: Browser, url: str, ready: str) -> tuple[int, int, float]:
    """(requests, bytes on the wire, ms until the page can be used) for a phone that has never been here."""
    context = await browser.new_context(**OPTIONS)
    try:
        page: Page = await context.new_page()
        chrome = await context.new_cdp_session(page)
        await chrome.send("Network.enable")
        asked: set[str] = set()
        arrived: list[int] = []

        def ask(event: dict[str, Any]) -> None:
            if event["request"]["url"].startswith("http"):  # the icon is in the page itself
                asked.add(event["requestId"])

        def arrive(event: dict[str, Any]) -> None:
            if event["requestId"] in asked:
                arrived.append(int(event["encodedDataLength"]))

        chrome.on("Network.requestWillBeSent", ask)
        chrome.on("Network.loadingFinished", arrive)
        await chrome.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": ROUND_TRIP_MS,
                "downloadThroughput": BITS_PER_SECOND / 8,
                "uploadThroughput": BITS_PER_SECOND / 8,
            },
        )
        await chrome.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
        began = time.monotonic()
        await page.goto(url, wait_until="commit")
        await page.wait_for_selector(ready)
        took = (time.monotonic() - began) * 1000
        return len(arrived), sum(arrived), took
    finally:
        await context.close()


async def _measured(base: str, key: str) -> list[tuple[str, list[tuple[int, int, float]]]]:
    async with (
        httpx2.AsyncClient(base_url=base, headers={"authorization": f"Bearer {key}"}) as acme,
        chromium() as browser,
    ):
        template = await acme.post("/v1/templates", json={"name": "Turnover", "steps": [*STEPS, *EVIDENCE]})
        runs = []
        for _ in range(2):
            run = await acme.post("/v1/runs", json={"template_id": template.json()["id"]})
            runs.append(run.json()["run_id"])
        (await acme.post(f"/r/{runs[1]}/start", json={})).raise_for_status()
        found = []
        for name, run_id, ready in (
            ("a new run, until Start", runs[0], ".start button:not([disabled])"),
            ("a run under way, until its steps", runs[1], ".list .step"),
        ):
            url = f"{base}/r/{run_id}"
            found.append((name, [await _opened(browser, url, ready) for _ in range(ROUNDS)]))
        return found


def measure(port: int, key: str) -> None:
    """Print the table; every type of step is in the checklist."""
    print(
        f"\nThe executor's page at {BITS_PER_SECOND / 1e6:g} Mbit/s, {ROUND_TRIP_MS} ms round trip, "
        f"{CPU_SLOWDOWN}× slower processor; medians of {ROUNDS}:"
    )
    print(ROW.format("", "requests", "kB", "usable, ms", "target"))
    for name, rounds in asyncio.run(_measured(f"http://127.0.0.1:{port}", key)):
        requests, size, took = (median(column) for column in zip(*rounds, strict=True))
        verdicts = [
            f"≤ {MAX_REQUESTS} requests: {'met' if requests <= MAX_REQUESTS else 'MISSED'}",
            f"≤ {MAX_BYTES / 1000:g} kB: {'met' if size <= MAX_BYTES else 'MISSED'}",
            f"≤ {GOAL_MS} ms: {'met' if took <= GOAL_MS else 'MISSED'}",
        ]
        print(ROW.format(name, f"{requests:.0f}", f"{size / 1000:.1f}", f"{took:,.0f}", ", ".join(verdicts)))
