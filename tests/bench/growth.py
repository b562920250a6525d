"""How dispatch, answer and reading a run change as runs pile up: two services in turn, one of them with a million
pending runs in its file.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from rundun.store.sqlite import connection
from tests.bench.processes import Rundun, rundun
from tests.bench.wrk import Measured

RUNS = 1_000_000
ROUNDS = 5
TARGET = 0.9
Calls = Mapping[str, Callable[[], Measured]]  # by name, one measurement of each
FILL = """
WITH RECURSIVE numbers (number) AS (VALUES (1) UNION ALL SELECT number + 1 FROM numbers LIMIT :runs),
  ids (number, hex) AS (SELECT number, lower(hex(randomblob(16))) FROM numbers)
INSERT INTO runs (id, org_id, template_id, template_v, status, revision, seq, created_at, expires_at, executor_ref,
  webhook_url, webhook_secret, webhook_events, webhook_destination, progress)
SELECT printf('r-%s-%s-4%s-a%s-%s', substr(hex, 1, 8), substr(hex, 9, 4), substr(hex, 13, 3), substr(hex, 16, 3),
    substr(hex, 19, 12)),
  org_id, template_id, template_v, 'pending', 1, 0, created_at - 60 * ids.number, NULL, 'booking_' || ids.number,
  webhook_url, webhook_secret, webhook_events, webhook_destination, progress
FROM ids, (SELECT * FROM runs ORDER BY number LIMIT 1)
"""


def measure(made: Callable[[Path, Rundun], Calls], runs: int = RUNS) -> None:
    """Print the rate of each call with `runs` stored, and its ratio to that of an empty service; `made` prepares the
    calls on a service, and has dispatched a run by then.
    """
    with tempfile.TemporaryDirectory(prefix="rundun-bench-") as name:
        folders = Path(name) / "empty", Path(name) / "full"
        for folder in folders:
            folder.mkdir()
        with rundun(folders[1]) as service:
            made(folders[1], service)
        fill(service.database, runs)
        size = service.database.stat().st_size / 2**30
        print(f"\nWith {runs:,} pending runs stored ({size:.1f} GiB), against an empty service in turn:")
        with rundun(folders[0]) as empty, rundun(folders[1]) as full:
            few, many = made(folders[0], empty), made(folders[1], full)
            for call in few:
                rounds = [_round(few[call], many[call], number % 2 == 0) for number in range(ROUNDS)]
                ratio = median(after / before for before, after in rounds)
                verdict = f"≥ {TARGET}: {'met' if ratio >= TARGET else 'MISSED'}"
                print(f"  {call:<10} {median(rate for _, rate in rounds):>8,.0f}/s   {ratio:.2f} ×   {verdict}")


def _round(few: Callable[[], Measured], many: Callable[[], Measured], is_few_first: bool) -> tuple[float, float]:
    """The rates with few and with many runs, measured right after each other."""
    before = few().rate if is_few_first else None
    after = many().rate
    return before or few().rate, after


def fill(path: Path, runs: int) -> None:
    """Write so many runs like the first one."""
    db = connection.open_writer(path)
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.execute(FILL, {"runs": runs})
        db.execute("UPDATE indexed_runs SET last = (SELECT max(number) FROM runs)")  # searches are measured elsewhere
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
