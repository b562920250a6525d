"""A backup of a large database beside writes at a steady rate: how long these take meanwhile, against the time before
and after it, by the command and by the service itself.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import uvloop

from rundun.store.sqlite import connection
from tests.bench.client import Call, connect
from tests.bench.processes import Rundun, rundun

MIB = 2**20
SIZE = 2048 * MIB
PER_SECOND = 200
ROUNDS = 3
QUIET_SECONDS = 8
TARGET_RATIO, TARGET_MS = 3.0, 50.0


@dataclass
class Load:
    """Writes at a steady rate: milliseconds until each was answered, and the ids of the runs."""

    milliseconds: list[float] = field(default_factory=list)
    run_ids: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return quantiles(self.milliseconds, n=100)[98]


async def _write(port: int, call: Call, until: Callable[[], bool]) -> Load:
    """Make the call `PER_SECOND` times a second, whatever the answers take, until it is over."""
    load, tasks = Load(), set()
    idle = deque([await connect(port) for _ in range(16)])

    async def one() -> None:
        line = idle.popleft() if idle else await connect(port)  # in turn, so that the service closes none
        began = time.monotonic()
        reply = (await line.call(call)).ok
        load.milliseconds.append((reply.at - began) * 1000)
        load.run_ids.append(reply.json["run_id"])
        if len(idle) < 64:
            idle.append(line)
        else:
            line.close()

    began = time.monotonic()
    while not until():
        await asyncio.sleep(max(0.0, began + (len(tasks)) / PER_SECOND - time.monotonic()))
        tasks.add(asyncio.create_task(one()))
    await asyncio.gather(*tasks)
    for line in idle:
        line.close()
    return load


def _quiet(port: int, call: Call) -> Load:
    until = time.monotonic() + QUIET_SECONDS
    return uvloop.run(_write(port, call, lambda: time.monotonic() > until))


def _call(service: Rundun) -> Call:
    organization = service.command("orgs", "list").split()[0]
    service.command("orgs", "credits", organization, "--unlimited")
    key = {"authorization": f"Bearer {service.key}"}
    templates = uvloop.run(_first(service.port, Call("GET", "/v1/templates", headers=key)))
    return Call("POST", "/v1/runs", {"template_id": templates["data"][0]["id"]}, key)


async def _first(port: int, call: Call) -> dict:
    line = await connect(port)
    reply = (await line.call(call)).ok
    line.close()
    return reply.json


def _fill(path: Path) -> None:
    """Store files of random bytes, which no run knows."""
    with closing(connection.open_writer(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for _ in range(SIZE // (16 * MIB)):
            db.execute("BEGIN")
            columns = "content_type, bytes, sha256, is_whole, created_at"
            file = db.execute(f"INSERT INTO files ({columns}) VALUES ('image/jpeg', 16777216, '', 1, 0)").lastrowid
            for part in range(16):
                db.execute("INSERT INTO chunks VALUES (?, ?, randomblob(1048576))", (file, part))
            db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()  # else what is measured next waits for it


def _assert_has(backup: Path, run_ids: list[str]) -> None:
    with closing(sqlite3.connect(f"{backup.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        kept = {row[0] for row in db.execute("SELECT id FROM runs").fetchall()}
    assert kept.issuperset(run_ids), "what was acknowledged before it is in it"


def measure() -> None:
    """Print the p99 of writes beside a backup, and its ratio to that without, measured around each."""
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folder = Path(name)
        with rundun(folder) as service:
            call = _call(service)
        _fill(service.database)
        print(f"\nBackup of {SIZE / 2**30:.0f} GiB beside {PER_SECOND} writes a second:")
        with rundun(folder) as service:
            _quiet(service.port, call)
            around, beside, seconds = [_quiet(service.port, call)], [], []
            for number in range(ROUNDS):
                target, began = folder / f"backup-{number}.db", time.monotonic()
                command = [sys.executable, "-m", "rundun", "backup", str(target), "--config", str(service.config)]
                with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
                    beside.append(uvloop.run(_write(service.port, call, lambda: process.poll() is not None)))
                assert process.returncode == 0
                seconds.append(time.monotonic() - began)
                _assert_has(target, [run_id for load in around for run_id in load.run_ids])
                target.unlink()
                around.append(_quiet(service.port, call))
        _show("by the command", beside, around, seconds)
        (backups := folder / "backups").mkdir()
        around, beside, seconds = [around[-1]], [], []
        for _ in range(ROUNDS):
            began = time.monotonic()
            with rundun(folder, f'backup.folder = "{backups}"') as service:
                beside.append(uvloop.run(_write(service.port, call, lambda: bool([*backups.glob("*.db")]))))
                seconds.append(time.monotonic() - began)
                (target,) = backups.glob("*.db")
                _assert_has(target, around[-1].run_ids)
                around.append(_quiet(service.port, call))
            target.unlink()
        _show("by the service", beside, around, seconds)


def _show(how: str, beside: list[Load], around: list[Load], seconds: list[float]) -> None:
    ratio = median(
        2 * load.p99 / (before.p99 + after.p99) for load, (before, after) in zip(beside, pairwise(around), strict=True)
    )
    p99, quiet = (median(load.p99 for load in loads) for loads in (beside, around))
    longest = max(max(load.milliseconds) for load in beside)
    verdict = f"≤ {TARGET_RATIO:g} ×: {'met' if ratio <= TARGET_RATIO else 'MISSED'}, "
    verdict += f"≤ {TARGET_MS:g} ms on a quiet machine: {'met' if p99 <= TARGET_MS else 'MISSED'}"
    print(f"  {how}, {median(seconds):.0f} s: p99 {p99:.1f} ms, without {quiet:.1f} ms; {ratio:.2f} ×   {verdict}")
    print(f"    the longest {longest:.0f} ms; load of the machine {os.getloadavg()[0]:.1f}", flush=True)
