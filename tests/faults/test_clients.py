"""Clients that leave at each stage of a write, of each kind: nothing leaks, what was acknowledged is there, and of the
rest all or nothing.
"""

import asyncio
import os
import random
import re
import secrets
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.helpers.files.whole_file import require_whole
from tests.helpers.leaving import STAGES, Outcome, Stage, json_request, leave, request
from tests.helpers.patience import PATIENCE
from tests.helpers.pictures.images import jpeg
from tests.helpers.processes.service_process import (
    BALANCE,
    Acme,
    Serving,
    call,
    done,
    looking,
    rows,
    rundun,
    serving,
    settle_in,
)
from tests.helpers.service import TEXT

AT_ONCE = 16
OF_ONE_RUN = 48  # writes to one run, 8 of them photos
NOTE = {**TEXT, "required": False, "config": {"max_length": 20_000}}
PICTURE = {"id": "s-pic", "type": "photo", "label": "Photo", "required": False, "config": {"min": 1, "max": 10}}
PASSWORD = "correct horse battery"
SMALL, LARGE = jpeg(320, 240), jpeg(320, 240) + bytes(5 * 1024 * 1024)  # of one commit, and of several


@dataclass
class Write:
    """A write: `name` is what it leaves in the file, once it was done."""

    kind: str
    name: str
    data: bytes = field(repr=False)
    stage: Stage = "whole"
    outcome: Outcome | None = None


class Visitors:
    """All who come, each with a write of their own, to runs that are made before."""

    def __init__(self, acme: Acme, service: Serving, client: httpx2.AsyncClient, chance: random.Random) -> None:
        self.acme, self.service, self.client, self.chance = acme, service, client, chance
        self.port = int(service.url.rpartition(":")[2])
        self.session: dict[str, str] = {}
        self.shared: list[str] = []

    async def sign_in(self) -> None:
        """Ann signs in at the console."""
        async with httpx2.AsyncClient(base_url=self.service.url, timeout=PATIENCE) as browser:
            page = await browser.get("/console/sign-in")
            form = {"csrf": _csrf(page.text), "email": "ann@example.com", "password": PASSWORD}
            assert (await browser.post("/console/sign-in", data=form)).status_code == 303
            csrf = _csrf((await browser.get("/console/settings/account")).text)
            self.session = {"cookie": f"rundun_session={browser.cookies['rundun_session']}", "csrf": csrf}

    async def run(self, starts: bool = True) -> str:
        """A fresh run."""
        run_id = (await call(self.client, "POST", "/v1/runs", 201, {"template_id": self.acme.template_id}))["run_id"]
        if starts:
            await call(self.client, "POST", f"/r/{run_id}/start", 200, {})
        return str(run_id)

    async def writes(self, count: int) -> list[Write]:
        """As many writes of each kind, in any order."""
        kinds = [self.dispatch, self.dispatch_once, self.answer, self.photo, self.complete, self.console]
        self.shared = [await self.run() for _ in range(count // OF_ONE_RUN + 1)]
        made = []
        for number in range(count):
            run_id = self.shared[number // OF_ONE_RUN]
            kind: Callable[[str], Any] = kinds[number % len(kinds)]
            if kind in (self.complete, self.console):
                run_id = await self.run(starts=kind == self.complete)
            write = kind(run_id)
            write.stage = STAGES[number // len(kinds) % len(STAGES)]
            made.append(write)
        self.chance.shuffle(made)
        return made

    def dispatch(self, run_id: str, **headers: str) -> Write:
        name = f"ref-{uuid.uuid4()}"
        order = {"template_id": self.acme.template_id, "executor_ref": name}
        given = {"authorization": f"Bearer {self.acme.key}", **headers}
        return Write("dispatch", name, json_request("POST", "/v1/runs", order, **given))

    def dispatch_once(self, run_id: str) -> Write:
        write = self.dispatch(run_id, idempotency_key=f"key-{uuid.uuid4()}")
        write.kind = "dispatch once"
        return write

    def answer(self, run_id: str) -> Write:
        name = str(uuid.uuid4())
        body = {"answer_id": name, "value": f"{name} {'x' * self.chance.choice([0, 5000])}".strip()}
        return Write("answer", name, json_request("PUT", f"/r/{run_id}/steps/s-why", body))

    def photo(self, run_id: str) -> Write:
        name = f"ph-{uuid.uuid4()}"
        data = LARGE if self.chance.random() < 0.05 else SMALL
        path = f"/r/{run_id}/steps/s-pic/photos/{name}"
        return Write("photo", name, request("PUT", path, data, content_type="image/jpeg"))

    def complete(self, run_id: str) -> Write:
        return Write("complete", run_id, json_request("POST", f"/r/{run_id}/complete", {}))

    def console(self, run_id: str) -> Write:
        form = urlencode({"csrf": self.session["csrf"], "reason": "Nobody home"}).encode()
        headers = {"cookie": self.session["cookie"], "content_type": "application/x-www-form-urlencoded"}
        return Write("console", run_id, request("POST", f"/console/runs/{run_id}/cancel", form, **headers))

    async def come_and_leave(self, writes: list[Write]) -> None:
        """All come, a few at a time."""
        waiting = iter(writes)

        async def one_by_one() -> None:
            for write in waiting:
                try:
                    write.outcome = await leave(self.port, write.data, write.stage, self.chance)
                except (ConnectionError, asyncio.IncompleteReadError) as error:
                    raise AssertionError(f"{write.kind} {write.stage}: no answer") from error

        await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def sockets(pid: int) -> int:
    """How many sockets a process has open."""
    folder = Path(f"/proc/{pid}/fd")
    count = 0
    for one in folder.iterdir():
        try:
            count += os.readlink(one).startswith("socket:")
        except FileNotFoundError:
            pass
    return count


def resident(pid: int) -> int:
    """The memory a process has, in MiB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


async def at_rest(pid: int, before: int) -> None:
    """Wait until a process has no more sockets open than before."""
    async with asyncio.timeout(PATIENCE):
        while sockets(pid) > before:
            await asyncio.sleep(0.02)


THERE = {
    "dispatch": "SELECT executor_ref FROM runs",
    "dispatch once": "SELECT executor_ref FROM runs",
    "answer": "SELECT answer_id FROM answers",
    "photo": "SELECT photo_id FROM photos",
    "complete": "SELECT id FROM runs WHERE status = 'completed'",
    "console": "SELECT id FROM runs WHERE status = 'cancelled' AND cancelled_by = 'operator'",
}


def judge(db: sqlite3.Connection, writes: list[Write]) -> Counter[tuple[str, bool]]:
    """Hold what each client knows against the file; returns of each stage how many writes are there and are not."""
    require_whole(db)
    names = {kind: Counter(name for (name,) in rows(db, sql)) for kind, sql in THERE.items()}
    found: Counter[tuple[str, bool]] = Counter()
    for write in writes:
        outcome, times = write.outcome, names[write.kind][write.name]
        assert outcome is not None
        assert times in (0, 1), f"{write} is there {times} times"
        if (outcome.status or 0) >= 400:  # the one reason: four photos of the run are on their way already
            assert (write.kind, outcome.status) == ("photo", 503), (write.kind, write.stage, outcome)
        if not outcome.is_sent or (outcome.status or 0) >= 400:
            assert times == 0, f"{write} was never whole, or was refused, and is there"
        elif outcome.status is not None:
            assert times == 1, f"{write} was acknowledged and is not there"
        found[write.stage, bool(times)] += 1
    # An answer and its event are one fact, and so are a run and its credit.
    both = "(SELECT count(*) FROM answers), (SELECT count(*) FROM events WHERE event = 'step.completed')"
    ((answers, events),) = rows(db, f"SELECT {both}")
    photos = sum(1 for write in writes if write.kind == "photo" and names["photo"][write.name])
    assert answers <= events <= answers + photos
    ((credits, runs),) = rows(db, "SELECT (SELECT credits FROM organizations WHERE name = 'Acme'), count(*) FROM runs")
    assert credits == BALANCE - runs
    return found


async def clients_leave(folder: Path, count: int, seed: int) -> None:
    """Let so many clients come and leave, and look what is left of them."""
    print(f"seed {seed}")
    acme = settle_in(folder, NOTE, PICTURE)
    done(rundun(folder, "operators", "add", "ann@example.com", "--org", "Acme", typed=f"{PASSWORD}\n"))
    unlimited = {"limits_requests_per_minute": "0", "limits_failures_per_minute": "0"}
    with serving(folder, **unlimited) as service:
        pid = service.process.pid
        assert service.url
        before = sockets(pid)
        async with acme.client(service) as client:
            visitors = Visitors(acme, service, client, random.Random(seed))
            await visitors.sign_in()
            writes = await visitors.writes(count)
        await visitors.come_and_leave(writes[: count // 4])
        await at_rest(pid, before)
        memory = resident(pid)
        await visitors.come_and_leave(writes[count // 4 :])
        await at_rest(pid, before)
        grown = resident(pid) - memory
        print(f"{count} clients: {memory} MiB after a quarter of them, {grown:+} MiB after all")
        assert grown < 64
        async with acme.client(service) as client:
            for run_id in visitors.shared:  # every place is free again: four of each run
                path = f"/r/{run_id}/steps/s-pic/photos/ph-{uuid.uuid4()}"
                answers = await asyncio.gather(*(client.put(path, content=SMALL) for _ in range(4)))
                assert {answer.status_code for answer in answers} <= {200, 201}
            # Whoever repeats a POST with its key has it done once.
            for write in writes:
                if write.kind == "dispatch once":
                    again = await leave(visitors.port, write.data, "whole", visitors.chance)
                    assert again.status == 201
                    write.outcome = again
        service.terminate()
        assert service.ended() == 0
        assert not re.search(r"Traceback| error |shutdown\.cut", service.text), service.text[-3000:]
    with looking(folder) as db:
        found = judge(db, writes)
        print(dict(found))
        assert all(found[stage, False] for stage in ("head", "body")) and all(
            found[stage, True] for stage in STAGES[2:]
        )


async def test_clients_leave(tmp_path: Path) -> None:
    await clients_leave(tmp_path, 200, seed=9)


@pytest.mark.soak
async def test_clients_leave_ten_thousand_times(tmp_path: Path) -> None:
    await clients_leave(tmp_path, 10_000, secrets.randbits(32))
