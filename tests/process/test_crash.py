"""The service as a process that is killed in the middle of everything, and started again on the same file.

The mixture of work, the moments of the kills and the auditor are in `tests/crash/`, where dice throw them from a seed.
Two moments that a test can name are here: a photo half written, and a stop during a delivery.
"""

import asyncio
import os
import time
from pathlib import Path

import httpx2
import pytest

from tests.crash.clients import KINDS
from tests.crash.story import STAGES, tell
from tests.crash.upgrade import tell_upgrade
from tests.helpers.pictures.images import jpeg
from tests.helpers.processes.service_process import (
    PATIENCE,
    Serving,
    call,
    is_listening,
    looking,
    rows,
    serving,
    settle_in,
)
from tests.helpers.service import BOOLEAN, new_photo_id

FIRST_SEED = int(os.environ.get("CRASH_SEED", "1"))
KILLS = int(os.environ.get("CRASH_KILLS", "200"))
KILLS_OF_ONE = 50  # on one database, which grows meanwhile
WAITING = {"webhooks_allow": "127.0.0.0/8"}


async def test_what_was_told_stays_true_whenever_it_is_killed(tmp_path: Path) -> None:
    story = await tell(tmp_path, FIRST_SEED, stages=list(STAGES))
    assert story.by_stage == dict.fromkeys(STAGES, 1)
    assert story.ledger.told > len(KINDS), "of most kinds a little"


@pytest.mark.crash
@pytest.mark.parametrize("number", range(-(-KILLS // KILLS_OF_ONE)))
async def test_what_was_told_stays_true_however_often_it_is_killed(tmp_path: Path, number: int) -> None:
    """CRASH_KILLS=… says how often, over all databases, CRASH_SEED=… the first one's seed; the next has the next."""
    seed, began = FIRST_SEED + number, time.monotonic()
    story = await tell(tmp_path, seed, min(KILLS_OF_ONE, KILLS - number * KILLS_OF_ONE))
    minutes, ledger = (time.monotonic() - began) / 60, story.ledger
    print(f"seed {seed}: {story.kills} kills in {minutes:.1f} minutes, {story.kills / minutes:.0f} a minute")
    print(f"{ledger.told} writes told, {ledger.refused} refused, {len(story.receivers.arrived)} webhooks arrived")
    print(f"lives ended: {story.by_stage}; work begun: {ledger.by_kind}")


@pytest.mark.crash
@pytest.mark.parametrize("number", range(-(-KILLS // KILLS_OF_ONE)))
async def test_what_the_version_before_told_stays_true(tmp_path: Path, number: int) -> None:
    story = await tell_upgrade(tmp_path, FIRST_SEED + number, min(KILLS_OF_ONE, KILLS - number * KILLS_OF_ONE))
    print(f"seed {story.seed}: {story.kills} kills, {story.ledger.told} writes told; killed at {story.by_stage}")


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
    "EXCEPT SELECT derived FROM photos EXCEPT SELECT thumbnail FROM photos "
    "EXCEPT SELECT file FROM pictures EXCEPT SELECT thumbnail FROM pictures"
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
    with serving(tmp_path, **WAITING) as service:
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
