"""What one organization feels of another's attacks: its GET of a run, its answers, photos, phones' pages and
deliveries, without and with each of those that a security audit found. `python -m tests.bench.fair exports checks`
measures some of them.
"""

import asyncio
import base64
import hashlib
import json
import math
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import uvloop

from tests.bench import console, reading_attackers
from tests.bench.attackers import ATTACKS
from tests.bench.checklist import STEPS, VALUES
from tests.bench.client import Call, Line, all_of, connect
from tests.bench.means import Means
from tests.bench.photos import STEP, photo
from tests.bench.processes import Rundun, module, rundun

SECONDS = 12
RUNS = 200_000  # of the first attacker
PER_SECOND = {"GET": 10, "answer": 10, "photo": 2, "page": 2}
TARGET_RATIO, TARGET_MS = 5.0, 300.0
SETTLE = 3  # seconds an attack has before it is measured


def measure(attacks: Sequence[str] = tuple(ATTACKS)) -> None:
    """Print the p99 of each thing a victim does, without and with each attack."""
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folder = Path(name)
        arrived = folder / "arrived.json"
        means = _means(folder)
        with (
            rundun(folder, program="tests.bench.names") as service,
            module("tests.bench.receiver", str(arrived)) as hook,
        ):
            victim, measured = Victim(service, hook, 2 * len(attacks)), []
            for attack in attacks:
                quiet = uvloop.run(victim.work())
                with _attack(service.port, attack, means) as answers:
                    measured.append((attack, quiet, uvloop.run(victim.work()), answers))
        moments = {(body["run_id"], body["data"].get("step_id")): at for at, body in json.loads(arrived.read_text())}
    print(f"\nOne organization under another's attack, p99 in ms without and with it, {SECONDS} s each:")
    for attack, quiet, attacked, answers in measured:
        print(f"  {attack}: the attackers were answered {', '.join(f'{n} × {s}' for s, n in answers.items())}")
        for kind in (*PER_SECOND, "delivery"):
            before, after = (_p99(times, kind, moments) for times in (quiet, attacked))
            is_alike, is_short = after <= TARGET_RATIO * before, after <= TARGET_MS
            met, word = (
                (is_alike or is_short, "or") if attack in reading_attackers.ATTACKS else (is_alike and is_short, "and")
            )
            verdict = f"≤ {TARGET_RATIO:g} × {word} ≤ {TARGET_MS:g}: {'met' if met else 'MISSED'}"
            print(f"    {kind:<9} {before:8.1f} {after:8.1f}   {after / before:5.1f} ×   {verdict}")


def _means(folder: Path) -> Means:
    """Make three attackers, the first of them with many runs in its lists."""
    with rundun(folder) as service:
        keys = [_key(service, f"Attacker {number}", create=True) for number in range(3)]
        second_key = _key(service, "Attacker 0")
        templates = [console.make_template(service.port, keys[0], number) for number in range(20)]
        others = console.make_template(service.port, service.key, 0)
    session = console.fill(service.database, templates, others, RUNS)["session"]
    console.index(service.database)
    return Means(keys, second_key, session)


def _key(service: Rundun, organization: str, *, create: bool = False) -> str:
    if create:
        service.command("orgs", "create", organization)
    return service.command("keys", "create", "--org", organization, "--name", "bench").strip()


@contextmanager
def _attack(port: int, attack: str, means: Means) -> Iterator[dict[str, int]]:
    command = [sys.executable, "-m", "tests.bench.attackers", str(port), attack, json.dumps(asdict(means))]
    answers: dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "begun\n"
            time.sleep(SETTLE)
            yield answers
        finally:
            process.terminate()
            answers |= json.loads(process.stdout.readline() or "{}")


class Victim:
    """An organization that goes about its work, at a steady pace."""

    def __init__(self, service: Rundun, hook: int, rounds: int) -> None:
        self._port = service.port
        self._key = {"authorization": f"Bearer {service.key}"}
        webhook = {"url": f"http://ok.test:{hook}/hook", "events": ["step.completed"]}
        runs = self._runs(rounds * PER_SECOND["answer"] * SECONDS // len(VALUES) + 1, STEPS, webhook=webhook)
        albums = self._runs(rounds * PER_SECOND["photo"] * SECONDS // 10 + 1, [STEP])
        data, self._numbers = photo(), {kind: count() for kind in PER_SECOND}
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers, steps = {"content-digest": f"sha-256=:{digest}:", "content-type": "image/jpeg"}, list(VALUES)

        def answer(number: int) -> Call:
            run, step = runs[number // len(steps)], steps[number % len(steps)]
            return Call("PUT", f"/r/{run}/steps/{step}", {"value": VALUES[step][0]})

        self._calls = {
            "GET": lambda number: Call("GET", f"/v1/runs/{runs[number % len(runs)]}", None, self._key),
            "answer": answer,
            "page": lambda number: Call("GET", f"/r/{runs[number % len(runs)]}"),
            "photo": lambda number: Call(
                "PUT", f"/r/{albums[number // 10]}/steps/s-pic/photos/ph-{uuid.uuid4()}", data, headers
            ),
        }

    def _runs(self, number: int, steps: Any, **more: Any) -> list[str]:
        template = Call("POST", "/v1/templates", {"name": "Work", "steps": steps}, self._key)
        (made,) = uvloop.run(all_of(self._port, [template]))
        order = Call("POST", "/v1/runs", {"template_id": made.ok.json["id"], **more}, self._key)
        ids = [reply.ok.json["run_id"] for reply in uvloop.run(all_of(self._port, [order] * number))]
        uvloop.run(all_of(self._port, [Call("POST", f"/r/{one}/start", {}) for one in ids]))
        return ids

    async def work(self) -> dict[str, Any]:
        """Do everything at its pace for a while; returns the times, of a delivery what was answered when."""
        times: dict[str, Any] = {kind: [] for kind in PER_SECOND} | {"delivery": {}}
        await asyncio.gather(*(self._steadily(kind, times) for kind in PER_SECOND))
        await asyncio.sleep(2)  # for the last deliveries
        return times

    async def _steadily(self, kind: str, times: dict[str, Any]) -> None:
        loop, idle = asyncio.get_running_loop(), [await connect(self._port)]
        began, tasks = loop.time(), []

        async def one(call: Call) -> None:
            line: Line = idle.pop() if idle else await connect(self._port)
            sent = time.monotonic()
            reply = await line.call(call)
            is_ok = 200 <= reply.status < 300
            times[kind].append((reply.at - sent) * 1000 if is_ok else math.inf)
            if is_ok and kind == "answer":
                _, _, run, _, step = call.path.split("/")
                times["delivery"][run, step] = reply.at
            idle.append(line)

        for number in range(SECONDS * PER_SECOND[kind]):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND[kind] - loop.time()))
            tasks.append(asyncio.create_task(one(self._calls[kind](next(self._numbers[kind])))))
        await asyncio.gather(*tasks)
        for line in idle:
            line.close()


def _p99(times: dict[str, Any], kind: str, moments: dict[tuple[str, str], float]) -> float:
    """The 99th of a hundred, or the slowest of fewer; what was refused or not delivered took for ever."""
    found: list[float] = times[kind]
    if kind == "delivery":
        found = [(moments.get(step, math.inf) - at) * 1000 for step, at in times[kind].items()]
    return sorted(found)[math.ceil(0.99 * len(found)) - 1]


if __name__ == "__main__":
    measure(sys.argv[1:] or tuple(ATTACKS))
