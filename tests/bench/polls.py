"""How long until a long poll has its event, with 500 of them waiting."""

import asyncio
import http.client
import tempfile
from pathlib import Path
from statistics import quantiles

import uvloop

from tests.bench.checklist import STEPS
from tests.bench.client import Call, Line, Reply, connect
from tests.bench.processes import rundun

WAITING = 500
ROUNDS = 20
TARGET_MS = 30.0


def measure() -> None:
    """Print how long a commit takes to reach those who wait for it: one among 500 who wait for others, and all 500."""
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name, rundun(Path(name)) as service:
        stranger = service.command("orgs", "create", "Globex").split()[0]
        other = service.command("keys", "create", "--org", stranger, "--name", "bench").strip()
        alone, together = uvloop.run(_measure(service.port, service.key, other))
    print(f"\nFrom a write's 200 to the answer of a long poll, {WAITING} waiting, ms:")
    for name, delays in (("one of them is meant", alone), ("all are meant", together)):
        cuts = quantiles(delays, n=100)
        verdict = "met" if cuts[98] <= TARGET_MS else "MISSED"
        print(f"  {name:<22} p50 {cuts[49]:.1f}   p99 {cuts[98]:.1f}   ≤ {TARGET_MS:g}: {verdict}")


async def _measure(port: int, key: str, other: str) -> tuple[list[float], list[float]]:
    writer = await connect(port)
    mine = {"authorization": f"Bearer {key}"}
    template = (await writer.call(Call("POST", "/v1/templates", {"name": "Polled", "steps": STEPS}, mine))).ok
    order = Call("POST", "/v1/runs", {"template_id": template.json["id"]}, mine)
    alone: list[float] = []
    strangers = [await connect(port) for _ in range(WAITING)]
    idle = [asyncio.create_task(line.call(_poll(other, ""))) for line in strangers]
    one = await connect(port)
    while _waiting(port) < WAITING:
        await asyncio.sleep(0.005)
    for _ in range(ROUNDS * 5):
        alone += await _round(port, writer, order, key, [one])
    assert not any(task.done() for task in idle), "nothing of theirs has happened"
    for task in idle:
        task.cancel()
    for line in strangers:
        line.close()
    lines = [await connect(port) for _ in range(WAITING)]
    together: list[float] = []
    for _ in range(ROUNDS):
        together += await _round(port, writer, order, key, lines)
    for line in [*lines, one, writer]:
        line.close()
    return alone, together


async def _round(port: int, writer: Line, order: Call, key: str, lines: list[Line]) -> list[float]:
    """Let everybody wait, write once, and see when each has it; in milliseconds after the write's answer."""
    headers = {"authorization": f"Bearer {key}"}
    run_id = (await writer.call(order)).ok.json["run_id"]
    after = ""
    while (page := (await writer.call(Call("GET", f"/v1/events?limit=100{after}", headers=headers))).ok.json)["data"]:
        after = f"&after={page['next_cursor']}"
    before = _waiting(port)
    polls = [asyncio.create_task(line.call(_poll(key, after))) for line in lines]
    while _waiting(port) < before + len(lines):
        await asyncio.sleep(0.005)
    answered = (await writer.call(Call("POST", f"/r/{run_id}/start", {}))).ok.at
    replies: list[Reply] = await asyncio.gather(*polls)
    assert all(reply.ok.json["data"][0]["run_id"] == run_id for reply in replies)
    return [(reply.at - answered) * 1000 for reply in replies]


def _poll(key: str, after: str) -> Call:
    return Call("GET", f"/v1/events?wait=30{after}", headers={"authorization": f"Bearer {key}"})


def _waiting(port: int) -> int:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    asked.request("GET", "/metrics")
    text = asked.getresponse().read().decode()
    asked.close()
    return int(text.partition("\nrundun_polls_waiting ")[2].split()[0])


if __name__ == "__main__":
    measure()
