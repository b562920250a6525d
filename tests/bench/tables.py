"""Writes beside a table of a thousand jobs that is sent."""

import asyncio
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import quantiles

from rundun.actions.runs import runs, sent_tables
from rundun.core.runs.run import DispatchRequest
from rundun.core.templates.template import Template
from rundun.core.urls import Urls
from rundun.store.database import Database
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.connection import open_writer
from rundun.store.sqlite.transaction import Env
from rundun.store.templates import templates as template_rows
from rundun.wording.job_tables.table import read_jobs
from rundun.wording.time_zone import Zone
from tests.bench.retention import now

ROWS, TABLES = 1000, 5
PAUSE_SECONDS = 0.002  # between two of the other writes
MOST_MS = 100.0
BODY = b"""{"name": "Turnover", "steps": [{"id": "s-ok", "type": "boolean", "label": "Clean?"}], "fields": [
  {"id": "f-unit", "label": "Unit", "kind": "text"}, {"id": "f-door", "label": "Door", "kind": "secret"}]}"""
HEADING = "title\tunit\tdoor\tdue\tnote"
ROW = "Beach house {0}\t{0}\tcode {0}\t2036-01-31 15:00\tThe key is under the mat of house {0}."


def measure() -> None:
    """Print the waits of writes while tables are sent, and how long those take."""
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        waits, seconds = asyncio.run(_measure(Path(name) / "rundun.db"))
    parts = quantiles(waits, n=100)
    print(f"\nTables of {ROWS:,} jobs, each sent in {seconds * 1000 / TABLES:.0f} ms, beside {len(waits):,} writes:")
    print(f"  p50 {parts[49]:.1f}, p99 {parts[98]:.1f}, longest {max(waits):.1f} ms", end="   ")
    print(f"≤ {MOST_MS:g}: {'met' if max(waits) <= MOST_MS else 'MISSED'}")


async def _measure(path: Path) -> tuple[list[float], float]:
    with closing(open_writer(path)) as db:
        tx = Env(now, Urls("http://bench.test", b""), 0).tx(db)
        org_id = organization_rows.add(tx, "Bench").org_id
        version = template_rows.add(tx, org_id, Template.model_validate_json(BODY), BODY)
        db.commit()
    database = await Database.open(path, clock=now, public_url="http://bench.test", grace=0)
    waits: list[float] = []

    async def write() -> None:
        while True:
            began = time.monotonic()
            await database.write(runs.dispatch, org_id, DispatchRequest(version.template_id))
            waits.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(PAUSE_SECONDS)

    others = asyncio.create_task(write())
    began = time.monotonic()
    for number in range(TABLES):
        text = "\n".join([HEADING, *(ROW.format(f"{number}-{row}") for row in range(ROWS))])
        table = await asyncio.to_thread(read_jobs, text, version, Zone("UTC"), now())
        sent, _ = await database.write(sent_tables.accept, org_id, 1, table.requests, table.digest)
        while await database.write(sent_tables.make_next_runs, sent.number):
            pass
    seconds = time.monotonic() - began
    others.cancel()
    await database.close()
    return waits, seconds
