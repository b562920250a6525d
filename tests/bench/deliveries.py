"""How many deliveries a second one receiver gets, beside a bare loop that posts the same; and whether receivers that
are well feel those that are dead.
"""

import asyncio
import http.client
import json
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx2
import uvloop

from rundun.core.deliveries.signature import sign, standard_webhooks
from tests.bench.checklist import STEPS, VALUES
from tests.bench.client import Call, Reply, all_of, at_rate
from tests.bench.processes import Rundun, module, rundun

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
ROUNDS = 3
BACKLOG = 2000  # deliveries of one round
AT_ONCE = 4  # webhooks.per_destination, as it is
SECONDS = 8
WELLS, TO_WELLS = 40, 1600
HOLES, TO_HOLES = 40, 400
TARGET_RATIO, TARGET_MS = 0.5, 200.0


def measure() -> None:
    """Print both figures, each on a Rundun of its own."""
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folder = Path(name)
        (folder / "rate").mkdir()
        (folder / "isolation").mkdir()
        with (
            rundun(folder / "rate", "webhooks.retry_delays_seconds = []") as service,
            module("tests.bench.targets", "1", "0") as desk,
        ):
            _rate(Work(service, desk))
        with rundun(folder / "isolation") as service, module("tests.bench.targets", str(WELLS), str(HOLES)) as desk:
            _isolation(Work(service, desk))


class Work:
    """A Rundun with a checklist in it, and receivers."""

    def __init__(self, service: Rundun, desk: int) -> None:
        self.service = service
        self.desk = desk
        self.key = {"authorization": f"Bearer {service.key}"}
        (template,) = self.call([Call("POST", "/v1/templates", {"name": "Turnover", "steps": STEPS}, self.key)])
        self.template = template.json["id"]

    def call(self, calls: list[Call]) -> list[Reply]:
        """All of them, as fast as it goes."""
        return [reply.ok for reply in uvloop.run(all_of(self.service.port, calls))]

    def run(self, port: int, path: str) -> str:
        """A started run whose answers are told to a receiver."""
        webhook = {"url": f"http://127.0.0.1:{port}{path}", "secret": SECRET, "events": ["step.completed"]}
        order = {"template_id": self.template, "webhook": webhook, "expires_in_hours": None}
        (run,) = self.call([Call("POST", "/v1/runs", order, self.key)])
        self.call([Call("POST", f"/r/{run.json['run_id']}/start", {})])
        return str(run.json["run_id"])

    def ask(self, path: str) -> Any:
        """What the receivers say."""
        asked = http.client.HTTPConnection("127.0.0.1", self.desk, timeout=20)
        asked.request("GET", path)
        return json.loads(asked.getresponse().read())

    def arrived(self, count: int, seconds: float) -> list[Any]:
        """What has arrived, once it is so much."""
        until = time.monotonic() + seconds
        while len(arrived := self.ask("/arrived")) < count:
            assert time.monotonic() < until, f"{len(arrived)} of {count} have arrived"
            time.sleep(0.2)
        return list(arrived)

    def settle(self) -> None:
        """Wait until nothing is under way."""
        waiting = Call("GET", "/v1/deliveries?status=pending&limit=1", None, self.key)
        while self.call([waiting])[0].json["data"]:
            time.sleep(0.05)


def answers(run: str, count: int) -> list[Call]:
    """So many answers to a run, each of which changes something."""
    steps = list(VALUES)
    return [
        Call(
            "PUT",
            f"/r/{run}/steps/{steps[turn % len(steps)]}",
            {"value": VALUES[steps[turn % len(steps)]][turn // len(steps) % 2]},
        )
        for turn in range(count)
    ]


def _rate(work: Work) -> None:
    """Each round fails `BACKLOG` deliveries once and sends all of them again, before the bare loop does as much."""
    (port,) = work.ask("/")["wells"]
    runs = [work.run(port, "/later") for _ in range(BACKLOG // len(VALUES))]
    calls = [call for turn in zip(*(answers(run, len(VALUES) * ROUNDS) for run in runs), strict=True) for call in turn]
    rates, bare_rates, seen = [], [], 0
    for turn in range(ROUNDS):
        work.call(calls[turn * BACKLOG : (turn + 1) * BACKLOG])
        work.settle()
        (told,) = work.call([Call("POST", "/v1/deliveries/retry", {"status": "failed"}, work.key)])
        assert told.json["retried"] == BACKLOG, told.json
        arrived = work.arrived(seen + BACKLOG, 60)[seen:]
        assert len({(run, seq) for _, run, seq in arrived}) == BACKLOG, "each arrives once"
        work.settle()
        rates.append((BACKLOG - 1) / (arrived[-1][0] - arrived[0][0]))
        event = work.call([Call("GET", f"/v1/runs/{runs[0]}/events", None, work.key)])[0].json["data"][-1]
        assert event["event"] == "step.completed"
        body = json.dumps({"delivery_attempt": 2, **event}, separators=(",", ":")).encode()
        bare_rates.append(uvloop.run(_bare(f"http://127.0.0.1:{port}/bare", body)))
        seen += 2 * BACKLOG
    ratio = median(one / bare for one, bare in zip(rates, bare_rates, strict=True))
    verdict = "met" if ratio >= TARGET_RATIO else "MISSED"
    print(f"\nDeliveries a second to one receiver, {AT_ONCE} at a time: {median(rates):,.0f}")
    print(f"  a bare httpx2 loop: {median(bare_rates):,.0f}   ratio {ratio:.2f}   ≥ {TARGET_RATIO}: {verdict}")


async def _bare(url: str, body: bytes) -> float:
    """Posts a second: what is signed is the same, and so is how many are under way."""
    left = iter(range(BACKLOG))
    async with httpx2.AsyncClient(timeout=10) as client:

        async def work() -> None:
            for _ in left:
                now = int(time.time())
                headers = {
                    "content-type": "application/json",
                    **sign(SECRET, url, body, now),
                    **standard_webhooks(SECRET, "evt-1", now, body),
                }
                assert (await client.post(url, content=body, headers=headers)).status_code == 204

        began = time.monotonic()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return BACKLOG / (time.monotonic() - began)


def _isolation(work: Work) -> None:
    """Every fifth answer is for a black hole; none of them comes back within the time that is measured."""
    ports = work.ask("/")
    wells = [answers(work.run(port, "/"), TO_WELLS // WELLS) for port in ports["wells"]]
    holes = [answers(work.run(port, "/"), TO_HOLES // HOLES) for port in ports["holes"]]
    good = iter([one for turn in zip(*wells, strict=True) for one in turn])
    bad = iter([one for turn in zip(*holes, strict=True) for one in turn])
    share = (TO_WELLS + TO_HOLES) // TO_HOLES
    calls = [next(bad if turn % share == 0 else good) for turn in range(TO_WELLS + TO_HOLES)]
    replies = uvloop.run(at_rate(work.service.port, calls, len(calls) / SECONDS))
    answered: dict[str, list[float]] = {}  # of each run, the first answer has seq 2
    for call, reply in zip(calls, replies, strict=True):
        answered.setdefault(call.path.split("/")[2], []).append(reply.ok.at)
    arrived = work.arrived(TO_WELLS, 20)
    assert len({(run, seq) for _, run, seq in arrived}) == len(arrived) == TO_WELLS, "each arrives once"
    delays = sorted((at - answered[run][seq - 2]) * 1000 for at, run, seq in arrived)
    cuts = quantiles(delays, n=100)
    verdict = "met" if cuts[98] <= TARGET_MS else "MISSED"
    print(f"\nFrom an answer's 200 to {WELLS} receivers that are well, beside {HOLES} that are dead, ms:")
    print(f"  p50 {cuts[49]:.1f}   p99 {cuts[98]:.1f}   most {delays[-1]:.1f}   p99 ≤ {TARGET_MS:g}: {verdict}")


if __name__ == "__main__":
    measure()
