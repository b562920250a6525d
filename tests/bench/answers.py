"""A table of the answers of 100,000 runs: how long it takes, what memory, and what others wait beside it."""

import json
import tempfile
import threading
import time
import urllib.request
import uuid
from dataclasses import replace
from pathlib import Path
from statistics import quantiles
from typing import Any

from rundun.store.sqlite import connection
from tests.bench.processes import Rundun, rundun

RUNS, MOST_MEBIBYTES, MOST_MS = 100_000, 150.0, 200.0
PAUSE_SECONDS = 0.02  # between two reads of the others
STEPS: list[dict[str, Any]] = [
    *({"id": f"s-yes{n}", "type": "boolean", "label": f"Fine {n}?"} for n in range(4)),
    *({"id": f"s-text{n}", "type": "text", "label": f"Say {n}"} for n in range(3)),
    *({"id": f"s-count{n}", "type": "number", "label": f"Count {n}"} for n in range(3)),
]
VALUES = {"boolean": True, "text": "Nothing; all is well", "number": 12.5}
# The first run with its answers, as often as is asked for.
FILL = """
CREATE TEMP TABLE made AS WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers LIMIT :runs)
  SELECT n, printf('r-%08x-0000-4000-8000-000000000000', n) AS id FROM numbers
"""


def measure(runs: int = RUNS) -> None:
    """Print seconds, memory and waits of the table as CSV and JSON Lines."""
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folder = Path(name)
        with rundun(folder) as service:
            key, (template_id, run_id) = service.key, _answered(service)
        _fill(service.database, run_id, runs)
        print(f"\nThe answers of {runs:,} runs of {len(STEPS)} steps, and others' GET of a run beside:")
        with rundun(folder) as service:
            service = replace(service, key=key)  # shown at the first start only
            for kind in ("csv", "jsonl"):
                _measure(service, run_id, kind, f"/v1/answers?template_id={template_id}&format={kind}", runs)


def _measure(service: Rundun, run_id: str, kind: str, path: str, runs: int) -> None:
    before, most, waits, is_done = service.mebibytes(), 0.0, list[float](), threading.Event()

    def others() -> None:
        nonlocal most
        while not is_done.wait(PAUSE_SECONDS):
            began = time.monotonic()
            _call(service, "GET", f"/v1/runs/{run_id}")
            waits.append((time.monotonic() - began) * 1000)
            if len(waits) % 20 == 0:
                most = max(most, service.mebibytes())

    thread = threading.Thread(target=others)
    thread.start()
    began, lines = time.monotonic(), 0
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", headers=_headers(service))
    with urllib.request.urlopen(request) as answer:
        for _ in answer:
            lines += 1
    seconds = time.monotonic() - began
    is_done.set()
    thread.join()
    p99 = quantiles(waits, n=100)[98]
    assert lines >= runs
    memory = f"{before:.0f} → {most:.0f} MiB ≤ {MOST_MEBIBYTES:g}: {_verdict(most <= MOST_MEBIBYTES)}"
    print(f"  {kind:<6} {seconds:>6.1f} s   {memory}   p99 {p99:.0f} ms ≤ {MOST_MS:g}: {_verdict(p99 <= MOST_MS)}")


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def _answered(service: Rundun) -> tuple[str, str]:
    template_id = _call(service, "POST", "/v1/templates", {"name": "Bench", "steps": STEPS})["id"]
    run_id = _call(service, "POST", "/v1/runs", {"template_id": template_id})["run_id"]
    _call(service, "POST", f"/r/{run_id}/start", {})
    for step in STEPS:
        body = {"answer_id": str(uuid.uuid4()), "value": VALUES[step["type"]]}
        _call(service, "PUT", f"/r/{run_id}/steps/{step['id']}", body)
    _call(service, "POST", f"/r/{run_id}/complete", {})
    return template_id, run_id


def _headers(service: Rundun) -> dict[str, str]:
    return {"authorization": f"Bearer {service.key}", "content-type": "application/json"}


def _call(service: Rundun, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{service.port}{path}"
    request = urllib.request.Request(url, data, _headers(service), method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def _fill(path: Path, run_id: str, runs: int) -> None:
    """Copy a run with its answers."""
    db = connection.open_writer(path)
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(FILL, {"runs": runs})
        for table, key in (("runs", "id"), ("answers", "run_id")):
            columns = [row["name"] for row in db.execute(f"PRAGMA table_info({table})") if row["name"] != "number"]
            others = ", ".join(f"was.{column}" for column in columns if column != key)
            names = ", ".join(column for column in columns if column != key)
            db.execute(
                f"INSERT INTO {table} ({key}, {names}) SELECT made.id, {others} FROM made, {table} AS was "
                f"WHERE was.{key} = ?",
                (run_id,),
            )
        db.execute("UPDATE indexed_runs SET last = (SELECT max(number) FROM runs)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
