"""Writes beside a retention sweep over many photos, against the same writes without it."""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import quantiles

from rundun.actions.runs import runs
from rundun.core import times
from rundun.core.erasure.retention import Retention
from rundun.core.runs.run import DispatchRequest
from rundun.core.templates.template import Template
from rundun.core.urls import Urls
from rundun.maintenance import retention
from rundun.store.database import Database
from rundun.store.erasure import retention as retention_rows, retention_days
from rundun.store.files import CHUNK
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.connection import open_writer
from rundun.store.sqlite.transaction import Env, Tx
from rundun.store.templates import templates as template_rows

SMALL, SMALL_BYTES, THUMBNAIL_BYTES = 100_000, 20_000, 2_000
LARGE, LARGE_BYTES = 10, 15 * 1024 * 1024
PHOTOS_OF_RUN = 10
PER_SECOND = 200
ALONE_SECONDS, BESIDE_SECONDS = 3.0, 9.0  # in turns
MOST_TIMES, MOST_MS = 3.0, 250.0
BODY = b'{"name": "Photos", "steps": [{"id": "s-pic", "type": "photo", "label": "The kitchen"}]}'


def now() -> int:
    """The time in milliseconds."""
    return time.time_ns() // 1_000_000


def measure(small: int = SMALL, large: int = LARGE) -> None:
    """Print the longest and nearly the longest waits of writes with and without a sweep, and how long it took."""
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        path = Path(name) / "rundun.db"
        org_id, template_id = _fill(path, small, large)
        size = path.stat().st_size
        alone, beside, seconds, left = asyncio.run(_measure(path, org_id, template_id))
    print(f"\nRetention of {small:,} photos of 20 kB and {large} of 15 MiB, beside {PER_SECOND} writes a second:")
    print(f"  {size / 1e9:.1f} GB; the sweep took {seconds:.0f} s, and {left} runs are left")
    for word, waits in (("alone", alone), ("beside it", beside)):
        parts = quantiles(waits, n=1000)
        numbers = f"p50 {parts[499]:.1f}, p99 {parts[989]:.1f}, p99.9 {parts[998]:.1f}, longest {max(waits):.1f} ms"
        print(f"  writes {word:<10} {numbers} of {len(waits):,}")
    ratio, longest = quantiles(beside, n=100)[98] / quantiles(alone, n=100)[98], max(beside)
    print(f"  p99 {ratio:.2f} × that alone   ≤ {MOST_TIMES:g}: {'met' if ratio <= MOST_TIMES else 'MISSED'}")
    print(f"  longest {longest:.0f} ms   ≤ {MOST_MS:g}: {'met' if longest <= MOST_MS else 'MISSED'}")


def _fill(path: Path, small: int, large: int) -> tuple[str, str]:
    with closing(open_writer(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        tx = Env(now, Urls("http://bench.test", b""), 0).tx(db)
        db.execute("BEGIN")
        org_id = organization_rows.add(tx, "Bench").org_id
        template_id = template_rows.add(tx, org_id, Template.model_validate_json(BODY), BODY).template_id
        retention_days.put(tx, org_id, Retention(photos_days=1))
        closed_at = now() - 2 * times.DAY
        for number, photos in enumerate(_runs(small, large)):
            run_id = f"r-{number}"
            about = {"org_id": org_id, "template_id": template_id, "template_v": 1, "status": "completed"}
            at = {"created_at": closed_at, "closed_at": closed_at, "kept_from": closed_at, "revision": 1, "seq": 0}
            tx.insert("runs", id=run_id, progress='{"total":1,"answered":1,"skipped":0,"unable":0}', **about, **at)
            for photo, length in enumerate(photos):
                _add_photo(tx, run_id, f"ph-{photo}", length, closed_at)
            if number % 100 == 99:
                db.execute("COMMIT")
                db.execute("BEGIN")
        db.execute("UPDATE organizations SET bytes_used = (SELECT sum(bytes) FROM uses)")
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()
    return org_id, template_id


def _runs(small: int, large: int) -> Iterator[list[int]]:
    """Yield the lengths of the photos of each run, the large ones among the others."""
    count = small // PHOTOS_OF_RUN
    for number in range(count):
        yield [SMALL_BYTES] * PHOTOS_OF_RUN
        if large and number % (count // large) == 0:
            yield [LARGE_BYTES]


def _add_photo(tx: Tx, run_id: str, photo_id: str, length: int, at: int) -> None:
    numbers = []
    for size in (length, THUMBNAIL_BYTES):
        numbers.append(
            tx.insert("files", content_type="image/jpeg", bytes=size, sha256="0" * 64, is_whole=1, created_at=at)
        )
        for part, start in enumerate(range(0, size, CHUNK)):
            tx.insert("chunks", file=numbers[-1], part=part, bytes=os.urandom(min(CHUNK, size - start)))
    files = {"original": numbers[0], "derived": numbers[0], "thumbnail": numbers[1], "width": 1, "height": 1}
    tx.insert("photos", run_id=run_id, step_id="s-pic", photo_id=photo_id, received_at=at, **files)


class Turns:
    """The sweep's rests, in which it waits for its turn: writes are measured with it and without it in turns, as other
    work on the machine comes and goes.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Event()
        self.is_over = False

    async def rest(self, seconds: float) -> None:
        """Rest between two steps, and for as long as it is the turn of writes alone."""
        await asyncio.sleep(seconds)
        await self._turn.wait()

    async def take(self, write: Callable[[], Awaitable[object]]) -> tuple[list[float], list[float]]:
        """Write in turns until the sweep is over; returns the waits alone, and beside the sweep."""
        alone: list[float] = []
        beside: list[float] = []
        while not self.is_over:
            self._turn.clear()
            alone += await _writes(write, ALONE_SECONDS)
            self._turn.set()
            beside += await _writes(write, BESIDE_SECONDS)
        return alone, beside


async def _measure(path: Path, org_id: str, template_id: str) -> tuple[list[float], list[float], float, int]:
    database = await Database.open(path, clock=now, public_url="http://bench.test", grace=0)
    try:

        async def write() -> None:
            await database.write(runs.dispatch, org_id, DispatchRequest(template_id))

        turns = Turns()
        writing = asyncio.create_task(turns.take(write))
        began = time.monotonic()
        await retention.sweep(database, turns.rest)
        seconds = time.monotonic() - began
        turns.is_over = True
        left = (await database.read(retention_rows.count_due))["photos"]
        return *await writing, seconds, left
    finally:
        await database.close()


async def _writes(write: Callable[[], Awaitable[object]], seconds: float) -> list[float]:
    """Write so often a second, however long each takes; returns the waits in milliseconds, each from its moment on."""
    waits: list[float] = []
    begin = time.monotonic()

    async def one(number: int) -> None:
        due = begin + number / PER_SECOND
        await asyncio.sleep(due - time.monotonic())
        await write()
        waits.append((time.monotonic() - due) * 1000)

    await asyncio.gather(*[one(number) for number in range(int(seconds * PER_SECOND))])
    return waits
