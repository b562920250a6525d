"""The service as a process that is killed in the middle of everything, and started again on the same file.

Two hundred clients dispatch, start and answer; at a moment drawn from a seed the process gets SIGKILL. What was
acknowledged by then must be there afterwards, whole, paid for, and on its way to its webhook.
"""

import asyncio
import json
import os
import random
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.helpers.images import jpeg
from tests.helpers.service import BOOLEAN, Received, Receiver, new_photo_id
from tests.helpers.service_process import (
    BALANCE,
    PATIENCE,
    Acme,
    Serving,
    call,
    is_listening,
    looking,
    rows,
    serving,
    settle_in,
)

CLIENTS = 200
FEWEST = 4 * CLIENTS  # answered requests before the kill: by then the clients have done of everything a little
TEXT = {"id": "s-why", "type": "text", "label": "Why?"}
ROUNDS = 20
SETTINGS = {"webhooks_allow": "127.0.0.0/8", "webhooks_per_destination": "64"}


@dataclass
class Acknowledged:
    """What clients have an answer for, and what they only have asked for when the connection broke."""

    runs: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.runs) + len(self.started) + len(self.answers)


async def work(client: httpx2.AsyncClient, acme: Acme, hook: str, kept: Acknowledged, enough: Any) -> None:
    """One client: dispatch, start, answer twice, and again, until the service is gone."""
    while True:
        body = {"template_id": acme.template_id, "webhook": {"url": hook, "secret": "0123456789abcdef"}}
        run_id = (await call(client, "POST", "/v1/runs", 201, body))["run_id"]
        kept.runs.add(run_id)
        enough()
        await call(client, "POST", f"/r/{run_id}/start", 200, {})
        kept.started.add(run_id)
        enough()
        for step, value in (("s-ok", True), ("s-why", run_id)):
            answer = {"answer_id": str(uuid.uuid4()), "value": value}
            await call(client, "PUT", f"/r/{run_id}/steps/{step}", 200, answer)
            kept.answers[run_id, step] = value
            enough()


async def until_it_falls(service: Serving, acme: Acme, hook: str, end: Any, after: int) -> Acknowledged:
    """Let all clients work, and call `end` once `after` of their requests are answered."""
    kept = Acknowledged()
    ended = False

    def enough() -> None:
        nonlocal ended
        if not ended and kept.count >= after:
            ended = True
            end()

    async with acme.client(service) as client:
        results = await asyncio.gather(
            *(work(client, acme, hook, kept, enough) for _ in range(CLIENTS)), return_exceptions=True
        )
    assert ended, results
    broken = [one for one in results if not isinstance(one, httpx2.TransportError)]
    assert not broken, f"clients may only see the connection break: {broken}"
    return kept


def owed_events(folder: Path, delivered: set[str]) -> set[str]:
    """The ids of the events that the webhook is still owed; those that are not must be among the `delivered`."""
    with looking(folder) as db:
        status = dict(rows(db, "SELECT e.id, d.status FROM events AS e JOIN deliveries AS d ON d.event = e.number"))
    assert {event_id for event_id in status if status[event_id] == "delivered"} <= delivered
    return {event_id for event_id in status if status[event_id] != "delivered"}


def look_after(folder: Path, kept: Acknowledged) -> None:
    """Check that all of it is there."""
    with looking(folder) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        runs = {row["id"]: row for row in db.execute("SELECT * FROM runs")}
        assert kept.runs <= runs.keys(), "every run that was answered 201"
        credits = db.execute("SELECT credits FROM organizations").fetchone()[0]
        assert credits == BALANCE - len(runs), "and each of them took its credit, no other did"
        assert {run_id for run_id in kept.started if runs[run_id]["status"] == "in_progress"} == kept.started
        answers = {
            (row["run_id"], row["step_id"]): json.loads(row["value"])
            for row in db.execute("SELECT * FROM answers WHERE is_current")
        }
        assert kept.answers.items() <= answers.items(), "every step that was answered 200"
        told = {
            (row["run_id"], row["step_id"]): row["delivery"]
            for row in db.execute(
                "SELECT e.run_id, json_extract(e.body, '$.data.step_id') AS step_id, d.id AS delivery FROM events AS e "
                "LEFT JOIN deliveries AS d ON d.event = e.number WHERE e.event = 'step.completed'"
            )
        }
        assert told.keys() == answers.keys(), "each answer has its event, each event its answer"
        assert all(told.values()), "and its delivery"
        for row in db.execute("SELECT run_id, count(*) AS n, max(seq) AS last FROM events GROUP BY run_id"):
            assert row["n"] == row["last"] == runs[row["run_id"]]["seq"], "numbered without gaps"


class Counting(Receiver):
    """A receiver that says when it has been told all of something; while it is not `awake` it answers nothing."""

    def __init__(self, awake: bool) -> None:
        super().__init__(answer=self._take)
        self.awake = awake
        self.ids: set[str] = set()
        self._more_due = asyncio.Event()

    def _take(self, one: Received) -> bytes:
        if not self.awake:
            return b""
        self.ids.add(one.json["event_id"])
        self._more_due.set()
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    async def has_all(self, wanted: set[str]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not wanted <= self.ids:
                self._more_due.clear()
                await self._more_due.wait()


async def crash(folder: Path, seed: int) -> None:
    """One round: up, work, SIGKILL, up again, look. By odd seeds all deliveries are still owed at the kill."""
    print(f"seed {seed}")
    after = random.Random(seed).randrange(FEWEST, 2000)
    acme = settle_in(folder, BOOLEAN, TEXT)
    async with Counting(awake=seed % 2 == 0).listening() as receiver:
        with serving(folder, **SETTINGS) as service:
            kept = await until_it_falls(service, acme, receiver.url, service.process.kill, after)
            assert service.ended() < 0
        assert all((kept.runs, kept.started, kept.answers)), "of everything a little"
        owed = owed_events(folder, delivered=receiver.ids)
        receiver.awake, receiver.ids = True, set()
        with serving(folder, **SETTINGS) as again:
            async with acme.client(again) as client:
                look_after(folder, kept)
                for run_id in sorted(kept.runs)[:5]:
                    record = (await client.get(f"/v1/runs/{run_id}")).json()
                    assert {step for of, step in kept.answers if of == run_id} <= record["answers"].keys()
            await receiver.has_all(owed)
            again.terminate()
            assert again.ended() == 0
            assert "request.failed" not in again.text
    with looking(folder) as db:
        assert rows(db, "SELECT DISTINCT status FROM deliveries") == [("delivered",)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, seed: int) -> None:
    await crash(tmp_path, seed)


@pytest.mark.crash
@pytest.mark.parametrize("number", range(ROUNDS))
async def test_what_was_acknowledged_survives_a_kill_at_any_moment(tmp_path: Path, number: int) -> None:
    """CRASH_SEED=… begins with that seed."""
    first = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10**9)))
    await crash(tmp_path, first + number)


async def test_what_was_acknowledged_survives_a_stop(tmp_path: Path) -> None:
    acme = settle_in(tmp_path, BOOLEAN, TEXT)
    async with Counting(awake=True).listening() as receiver:
        with serving(tmp_path, **SETTINGS) as service:
            kept = await until_it_falls(service, acme, receiver.url, service.terminate, FEWEST)
            assert service.ended() == 0
            assert "request.failed" not in service.text
            assert "shutdown.cut" not in service.text
    look_after(tmp_path, kept)
    with looking(tmp_path) as db:
        sent = {row[0] for row in db.execute("SELECT e.id FROM deliveries AS d JOIN events AS e ON e.number = d.event "
                                             "WHERE d.status = 'delivered'").fetchall()}  # fmt: skip
        assert sent >= receiver.ids, "what was under way was brought to its end"


# ---- photos


def large_jpeg(mebibytes: int, mark: int) -> bytes:
    """A small picture with long comments: quick to derive, long to store. Each `mark` makes another one."""
    plain = jpeg(320, 240)
    comment = b"\xff\xfe\xff\xff" + bytes([mark]) * 65533
    return plain[:2] + comment * (mebibytes * 16) + plain[2:]


UNFINISHED = "SELECT number FROM files WHERE NOT is_whole"
HALF_WRITTEN = "SELECT 1 FROM files JOIN chunks ON file = number WHERE NOT is_whole LIMIT 1"
OF_NO_FILE = "SELECT file FROM chunks EXCEPT SELECT number FROM files"
OF_NO_PHOTO = (
    "SELECT number FROM files EXCEPT SELECT original FROM photos "
    "EXCEPT SELECT derived FROM photos EXCEPT SELECT thumbnail FROM photos"
)
TOO_SHORT = "SELECT number FROM files WHERE bytes != (SELECT sum(length(bytes)) FROM chunks WHERE file = files.number)"


def kill_in_the_middle(service: Serving, folder: Path) -> None:
    """Kill it the moment a file has a chunk and is not whole."""
    until = time.monotonic() + PATIENCE
    with looking(folder) as db:
        while not rows(db, HALF_WRITTEN):
            assert time.monotonic() < until, "no upload was ever half written"
        service.process.kill()


async def put_photo(client: httpx2.AsyncClient, run_id: str, photo_id: str, data: bytes) -> httpx2.Response:
    return await client.put(f"/r/{run_id}/steps/s-pic/photos/{photo_id}", content=data)


async def test_no_photo_is_ever_half_there(tmp_path: Path) -> None:
    acme = settle_in(tmp_path, {"id": "s-pic", "type": "photo", "label": "The meter"})
    photos = {new_photo_id(): large_jpeg(12, mark) for mark in range(4)}
    early = new_photo_id()
    with serving(tmp_path) as service:
        async with acme.client(service) as client:
            run_id = (await call(client, "POST", "/v1/runs", 201, {"template_id": acme.template_id}))["run_id"]
            await call(client, "POST", f"/r/{run_id}/start", 200, {})
            assert (await put_photo(client, run_id, early, jpeg())).status_code == 201
            results = await asyncio.gather(
                asyncio.to_thread(kill_in_the_middle, service, tmp_path),
                *(put_photo(client, run_id, *one) for one in photos.items()),
                return_exceptions=True,
            )
        assert results[0] is None, results[0]
        assert service.ended() < 0
    acknowledged = {early} | {
        one.json()["photo_id"] for one in results if isinstance(one, httpx2.Response) and one.status_code == 201
    }
    with looking(tmp_path) as db:
        assert rows(db, UNFINISHED), "it was killed in the middle"
    photos[early] = jpeg()
    with serving(tmp_path) as again:
        async with acme.client(again) as client:
            with looking(tmp_path) as db:
                for wrong in (UNFINISHED, OF_NO_FILE, OF_NO_PHOTO, TOO_SHORT):
                    assert rows(db, wrong) == []
            shown = (await client.get(f"/r/{run_id}/state")).json()["photos"]["s-pic"]
            assert acknowledged <= {one["photo_id"] for one in shown} < photos.keys()
            for photo_id, data in photos.items():  # the phone sends again what it has no receipt for, and the rest
                stored = await put_photo(client, run_id, photo_id, data)
                assert stored.status_code == (200 if photo_id in {one["photo_id"] for one in shown} else 201)
            await call(client, "PUT", f"/r/{run_id}/steps/s-pic", 200, {"value": None})
            (answer,) = (await client.get(f"/v1/runs/{run_id}")).json()["answers"].values()
            assert {one["photo_id"] for one in answer["photos"]} == photos.keys()
            for one in answer["photos"]:
                original = await client.get(httpx2.URL(one["original"]["url"]).path)
                assert original.content == photos[one["photo_id"]], "byte for byte"


# ---- stopping


class Slow:
    """A receiver that answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        self.asked.set()
        await self.go.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


async def test_a_stop_waits_for_the_delivery_under_way(tmp_path: Path) -> None:
    acme = settle_in(tmp_path, BOOLEAN)
    slow = Slow()
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    hook = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with serving(tmp_path, **SETTINGS) as service:
        async with acme.client(service) as client, asyncio.timeout(PATIENCE):
            body = {"template_id": acme.template_id, "webhook": {"url": hook}}
            run_id = (await call(client, "POST", "/v1/runs", 201, body))["run_id"]
            await call(client, "POST", f"/r/{run_id}/start", 200, {})
            await call(client, "PUT", f"/r/{run_id}/steps/s-ok", 200, {"value": True})
            await slow.asked.wait()
            idle = await asyncio.open_connection("127.0.0.1", httpx2.URL(service.url).port)
            began = time.monotonic()
            service.terminate()
            while await asyncio.to_thread(is_listening, service.url):
                pass
            assert service.process.poll() is None, "it waits"
            slow.go.set()
            assert await asyncio.to_thread(service.ended) == 0
            assert time.monotonic() - began < 10
            idle[1].close()
        assert "service.stopped" in service.text
    server.close()
    left = sorted(one.name for one in tmp_path.iterdir())
    assert left == ["check.json", "rundun.db", "rundun.db.lock"], "no WAL to be recovered, no socket"
    assert slow.requests == 1
    with looking(tmp_path) as db:
        assert rows(db, "SELECT status, attempts FROM deliveries") == [("delivered", 1)]
        assert rows(db, "SELECT status FROM attempts") == [(204,)]
