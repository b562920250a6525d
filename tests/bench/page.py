"""The executor's page on a slow phone: how much it weighs, how many requests it takes, and when it can be used."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
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
# Notes when the page can be used: whoever asks from outside hears of it late.
USABLE = """(ready) => {
  window.usable = new Promise((done) => {
    const look = () => {
      if (document.querySelector(ready)?.checkVisibility()) done(performance.timeOrigin + performance.now());
      else requestAnimationFrame(look);
    };
    look();
  });
}"""
EVIDENCE: list[dict[str, Any]] = [
    {"id": "s-read", "type": "instruction", "label": "Read this", "config": {"body": "Ring first."}},
    {"id": "s-pic", "type": "photo", "label": "The result", "config": {"min": 1, "max": 4}},
    {"id": "s-sign", "type": "signature", "label": "Sign"},
]
JOB: dict[str, Any] = {  # of the sample, which has slots, flags and pictures
    "title": "Van 3 · hand-over 11:00",
    "note": "Keys are in the box at the gate.\nBring the charging cable.",
    "fields": {
        "f-vehicle": "Van 3",
        "f-branch": "Marienplatz 1, 80331 München",
        "f-desk": "+49 89 123456",
        "f-keys": "4711",
        "f-return": "2100-02-03",
        "f-contract": "C-2041",
    },
    "prefill": {"s-odo": 42150, "s-plate": "M AB 123"},
}
ROW = "{:<46} {:>9} {:>9} {:>12}   {}"


async def _opened(browser: Browser, url: str, ready: str) -> tuple[int, int, float]:
    """(requests, bytes on the wire, ms until the page can be used) for a phone that has never been here."""
    context = await browser.new_context(**OPTIONS)
    try:
        page: Page = await context.new_page()
        chrome = await context.new_cdp_session(page)
        await chrome.send("Network.enable")
        asked: dict[str, float] = {}  # request id → seconds since 1970
        arrived: list[tuple[float, int]] = []  # seconds since 1970, bytes
        clocks: list[float] = []  # by how much 1970 lies before the browser's own zero

        def ask(event: dict[str, Any]) -> None:
            if event["request"]["url"].startswith("http") and event["type"] != "Image":  # usable without pictures
                asked.setdefault(event["requestId"], event["wallTime"])
                clocks.append(event["wallTime"] - event["timestamp"])

        def arrive(event: dict[str, Any]) -> None:
            if event["requestId"] in asked:
                arrived.append((event["timestamp"] + clocks[0], int(event["encodedDataLength"])))

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
        await page.add_init_script(f"({USABLE})({json.dumps(ready)})")
        await page.goto(url, wait_until="commit")
        usable = await page.evaluate("window.usable") / 1000
        until = [size for at, size in arrived if at <= usable]
        return len(until), sum(until), (usable - min(asked.values())) * 1000
    finally:
        await context.close()


async def _measured(base: str, key: str) -> list[tuple[str, list[tuple[int, int, float]]]]:
    async with (
        httpx2.AsyncClient(base_url=base, headers={"authorization": f"Bearer {key}"}) as acme,
        chromium() as browser,
    ):
        made = await acme.post("/v1/templates", json={"name": "Turnover", "steps": [*STEPS, *EVIDENCE]})
        listed = (await acme.get("/v1/templates")).json()["data"]
        sample = next(one["id"] for one in listed if one["name"] == "Vehicle hand-over")
        found = []
        due_at = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        orders = {
            "": {"template_id": made.json()["id"]},
            "with a job, ": {"template_id": sample, "due_at": due_at, **JOB},
        }
        for name, order in orders.items():
            runs = [(await acme.post("/v1/runs", json=order)).raise_for_status().json()["run_id"] for _ in range(2)]
            (await acme.post(f"/r/{runs[1]}/start", json={"name": "Ed"})).raise_for_status()
            for what, run_id, ready in (
                ("a new run, until Start", runs[0], ".start button:not([disabled])"),
                ("a run under way, until its steps", runs[1], ".list .step"),
            ):
                url = f"{base}/r/{run_id}"
                found.append((name + what, [await _opened(browser, url, ready) for _ in range(ROUNDS)]))
        return found


def measure(port: int, key: str) -> None:
    """Print the table; every type of step is in the first checklist, all that a job may have in the other."""
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
