"""`make bench`: how many requests a second, and how long until a webhook, on this machine, in one run.

Each of Rundun's figures stands between two of a bare echo measured just before and after it, and the ratio is the
median of such rounds, so that it says something on a busy machine too.
"""

import json
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import uvloop

from tests.bench import (
    answers,
    backups,
    console,
    deliveries,
    editor,
    fair,
    growth,
    loop,
    page,
    photos,
    polls,
    retention,
    start,
    tables,
    wrk,
)
from tests.bench.checklist import STEPS, VALUES
from tests.bench.client import Call, Reply, all_of, at_rate
from tests.bench.processes import Rundun, module, rundun
from tests.bench.wrk import Measured

ROUNDS = 3
SECONDS = 3
RUNS = 256  # to answer in one round: no two answers to a run are under way at once
EVENTS = 1200
EVENTS_PER_SECOND = 200
JSON = {"content-type": "application/json"}
ROW = "{:<44} {:>10} {:>8} {:>8}   {}"


class Bench:
    """What is measured, on a Rundun that is running, with an echo and a receiver beside it."""

    def __init__(self, folder: Path, service: Rundun, echo_port: int, hook: str) -> None:
        self._script = folder / "script.lua"
        self._service = service
        self._key = {"authorization": f"Bearer {service.key}"}
        self._echo_port = echo_port
        self._hook = hook
        organization = service.command("orgs", "list").split()[0]
        service.command("orgs", "credits", organization, "--add", "1000000")
        template = Call("POST", "/v1/templates", {"name": "Turnover", "steps": STEPS}, self._key)
        self._template = self._call([template])[0].json["id"]

    def yardstick(self) -> None:
        """A bare Starlette that echoes the body of a dispatch."""
        measured = [self._echo() for _ in range(ROUNDS)]
        self._show("echo         POST /", measured, [1.0])

    def dispatch(self) -> None:
        """Each takes one of a finite number of credits and brings a webhook; every 201 must be in the file."""
        before = self._count("runs")
        scripts = [self._dispatching()] * ROUNDS
        answered = self._against_echo("dispatch     POST /v1/runs", scripts, (0.38, 60.0))
        assert self._count("runs") - before >= answered
        began = time.monotonic()
        while self._count("runs WHERE number > (SELECT last FROM indexed_runs)"):
            time.sleep(0.05)
        took = time.monotonic() - began
        print(ROW.format("  and found by the index, after", f"{took:.2f} s", "", "", _verdict("≤ 2 s", took <= 2)))

    def record(self) -> None:
        """Reading runs with ten answers."""
        self._against_echo("record       GET /v1/runs/{id}", [self._reading()] * ROUNDS, (0.34, None))

    def answer(self) -> None:
        """Each changes something and is an event, which nobody wants."""
        scripts = [self._answering("run.completed") for _ in range(ROUNDS)]
        before = self._count("events")
        answered = self._against_echo("answer       PUT /r/{id}/steps/{step}", scripts, (0.25, None))
        assert self._count("events") - before >= answered

    def answer_and_deliver(self) -> None:
        """The same while the events go out, as fast as they can beside the answers."""
        script = self._answering("*")
        before, echo = self._count("deliveries"), self._echo()
        measured = self._load(self._service.port, script)
        sent = self._count("deliveries WHERE status = 'delivered'") - before
        self._show("  and its event delivered meanwhile", [measured], [measured.rate / echo.rate])
        print(ROW.format("    deliveries", f"{sent / SECONDS:,.0f}", "", "", ""))

    def calls(self) -> growth.Calls:
        """One measurement of each call, for who compares two services."""
        reading = self._reading()
        return {
            "dispatch": lambda: self._load(self._service.port, self._dispatching()),
            "answer": lambda: self._load(self._service.port, self._answering("run.completed")),
            "record": lambda: self._load(self._service.port, reading),
        }

    def _dispatching(self) -> str:
        return wrk.same("POST", "/v1/runs", {**JSON, **self._key}, json.dumps(self._order("*")))

    def _answering(self, event: str) -> str:
        return wrk.answering(self._started(RUNS, event), VALUES)

    def _reading(self) -> str:
        runs = self._started(64, "run.completed")
        self._call([_answer(run, step) for run in runs for step in VALUES])
        return wrk.each("GET", [f"/v1/runs/{run}" for run in runs], self._key)

    def to_webhooks(self) -> dict[tuple[str, str], float]:
        """Answers at a steady rate; returns when the 200 of each arrived, by run and step."""
        runs = self._started(EVENTS // len(VALUES), "*")
        steps = [(run, step) for step in VALUES for run in runs]
        calls = [_answer(run, step) for run, step in steps]
        replies = uvloop.run(at_rate(self._service.port, calls, EVENTS_PER_SECOND))
        deadline = time.monotonic() + 20
        while self._count("deliveries WHERE status = 'delivered'") < len(steps):
            assert time.monotonic() < deadline, "every answer must reach the receiver"
            time.sleep(0.1)
        return {step: reply.ok.at for step, reply in zip(steps, replies, strict=True)}

    def _order(self, *events: str) -> dict[str, Any]:
        webhook = {"url": self._hook, "secret": "whsec_0123456789abcdef", "events": events}
        return {"template_id": self._template, "executor_ref": "booking_12345", "webhook": webhook}

    def _started(self, count: int, *events: str) -> list[str]:
        order = Call("POST", "/v1/runs", self._order(*events), self._key)
        ids = [reply.json["run_id"] for reply in self._call([order] * count)]
        self._call([Call("POST", f"/r/{one}/start", {}) for one in ids])
        return ids

    def _call(self, calls: Sequence[Call]) -> list[Reply]:
        return [reply.ok for reply in uvloop.run(all_of(self._service.port, calls))]

    def _against_echo(self, name: str, scripts: Sequence[str], target: tuple[float | None, float | None]) -> int:
        """Measure and show; returns how many answers there were."""
        around, measured = [self._echo()], []
        for script in scripts:
            measured.append(self._load(self._service.port, script))
            around.append(self._echo())
        ratios = [
            2 * one.rate / (before.rate + after.rate)
            for one, (before, after) in zip(measured, pairwise(around), strict=True)
        ]
        self._show(name, measured, ratios, target)
        return sum(one.count for one in measured)

    def _echo(self) -> Measured:
        return self._load(self._echo_port, wrk.same("POST", "/", JSON, json.dumps(self._order("*"))))

    def _load(self, port: int, script: str) -> Measured:
        self._script.write_text(script)
        return wrk.run(port, self._script, SECONDS)

    def _show(
        self,
        name: str,
        measured: Sequence[Measured],
        ratios: Sequence[float],
        target: tuple[float | None, float | None] = (None, None),
    ) -> None:
        rate, p99 = median(one.rate for one in measured), median(one.p99 for one in measured)
        ratio, verdict = median(ratios), []
        if target[0] is not None:
            verdict.append(_verdict(f"≥ {target[0]} × echo", ratio >= target[0]))
        if target[1] is not None:
            verdict.append(_verdict(f"p99 ≤ {target[1]:g} ms", p99 <= target[1]))
        print(ROW.format(name, f"{rate:,.0f}", f"{p99:.1f}", f"{ratio:.2f}", ", ".join(verdict)), flush=True)

    def _count(self, table: str) -> int:
        file = sqlite3.connect(f"{self._service.database.as_uri()}?mode=ro", uri=True)
        try:
            return int(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        finally:
            file.close()


def _answer(run: str, step: str) -> Call:
    return Call("PUT", f"/r/{run}/steps/{step}", {"value": VALUES[step][0]})


def _verdict(target: str, met: bool) -> str:
    return f"{target}: {'met' if met else 'MISSED'}"


def show_delays(answered_at: dict[tuple[str, str], float], arrived: Sequence[tuple[float, Any]]) -> None:
    """Print the time from each answer's 200 to the receiver's first byte."""
    delays = []
    for at, body in arrived:
        step = body["run_id"], body["data"].get("step_id")
        if step in answered_at:
            delays.append((at - answered_at[step]) * 1000)
    assert len(delays) == len(answered_at), "each is delivered exactly once when nothing fails"
    cuts = quantiles(delays, n=100)
    print(f"\nFrom the answer's 200 to the receiver's first byte, at {EVENTS_PER_SECOND} events a second, ms:")
    print(f"  p50 {cuts[49]:.1f}   {_verdict('≤ 10', cuts[49] <= 10)}")
    print(f"  p99 {cuts[98]:.1f}   {_verdict('≤ 50', cuts[98] <= 50)}")


def main() -> None:
    """Start everything, measure, print, end everything."""
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} processors")
    print(f"wrk: 1 thread, {wrk.CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} s each; medians\n")
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folder = Path(name)
        arrived = folder / "arrived.json"
        with (
            rundun(folder) as service,
            module("tests.bench.echo") as echo_port,
            module("tests.bench.receiver", str(arrived)) as hook_port,
        ):
            bench = Bench(folder, service, echo_port, f"http://127.0.0.1:{hook_port}/hook")
            answered_at = bench.to_webhooks()
            print(ROW.format("", "requests/s", "p99 ms", "× echo", "target"))
            bench.yardstick()
            bench.dispatch()
            bench.record()
            bench.answer()
            bench.answer_and_deliver()
            page.measure(service.port, service.key)
        show_delays(answered_at, json.loads(arrived.read_text()))
    editor.measure()
    start.measure()
    photos.measure()
    retention.measure()
    tables.measure()
    answers.measure()
    growth.measure(lambda folder, service: Bench(folder, service, 0, "http://127.0.0.1:9/hook").calls())
    deliveries.measure()
    polls.measure()
    console.measure()
    fair.measure()
    loop.measure()
    backups.measure()


if __name__ == "__main__":
    main()
