"""The service in numbers, in Prometheus' text format 0.0.4: GET /metrics. No label holds an id or an address.

prometheus-client is not used: its histogram takes four times as long for each request, its import a tenth of a second
of every start, and it would save only `_family`.
"""

from collections.abc import Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response

from rundun import counters
from rundun.core import times
from rundun.core.histogram import Histogram
from rundun.errors import Problem
from rundun.store import housekeeping
from rundun.store.database import Database
from rundun.store.housekeeping import DiskSpace, Totals
from rundun.web.context import context_of
from rundun.web.http import timings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(request: Request) -> Response:
    """Serve the metrics as text, without those of a database or disk that can't be read: GET /metrics."""
    database = context_of(request).database
    try:
        totals = await database.read(housekeeping.read_totals)
    except Problem:  # for example a lost file: the other metrics matter all the more
        totals = None
    try:
        disk = await database.disk_space()
    except OSError:  # the folder is missing
        disk = None
    process, writer = _process(database.env.clock()), _writer(database)
    told = [process, writer, _disk(disk) if disk else (), _stored(totals) if totals else ()]
    text = "".join(f"{line}\n" for lines in told for line in lines)
    return Response(text, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})


def _process(now: int) -> Iterator[str]:
    statuses = dict.fromkeys(("2xx", "3xx", "4xx", "5xx"), 0) | counters.requests
    outcomes = dict.fromkeys(("delivered", "retry", "failed"), 0) | counters.attempts
    yield from _family("rundun_requests_total", "counter", "Requests answered.", statuses, "status")
    text = "Time to answer a request, other than uploads, long polls and streams."
    yield from _histogram("rundun_request_seconds", text, timings.REQUESTS)
    text = "Time to receive, prepare and store a picture."
    yield from _histogram("rundun_upload_seconds", text, timings.UPLOADS)
    text = "By how much a beat of the event loop is late: requests wait as long. Each 20 ms, or 5 ms while it is late."
    yield from _histogram("rundun_loop_lateness_seconds", text, counters.loop_lateness)
    yield from _family("rundun_attempts_total", "counter", "Webhook requests sent.", outcomes, "outcome")
    yield from _gauge("rundun_polls_waiting", "Long polls that wait for an event.", counters.polls["waiting"])
    yield from _backup(now)
    text = "When the process began, since 1970 UTC."
    yield from _gauge("process_start_time_seconds", text, round(counters.STARTED, 3))


def _backup(now: int) -> Iterator[str]:
    """Yield the lines of the metrics of scheduled backups: the age of the last good one, if any, and whether they are
    missed; none without a schedule or before its first turn.
    """
    if "last_at" in counters.backup:
        text = "Age of the last good backup."
        yield from _gauge("rundun_backup_age_seconds", text, (now - counters.backup["last_at"]) / times.SECOND)
    if counters.backup:
        text = "Whether backups fail or are overdue: 1, or 0."
        yield from _gauge("rundun_backup_missed", text, int(counters.backup["missed"]))


def _writer(database: Database) -> Iterator[str]:
    writes = database.writes
    text = "Whether the database's files are still in place: 1, or 0 and all requests are refused."
    yield from _gauge("rundun_database_in_place", text, int(database.is_in_place))
    yield from _gauge("rundun_writer_queue", "Writes that wait for the next commit.", database.queued_writes)
    yield from _histogram("rundun_commit_seconds", "Time of a batch of writes, its commit included.", writes.seconds)
    yield from _histogram("rundun_commit_writes", "Writes in a batch.", writes.sizes)
    text = "Batches of writes that failed as a whole, as on a full disk."
    yield from _family("rundun_commits_failed_total", "counter", text, {"": writes.failed})


def _disk(disk: DiskSpace) -> Iterator[str]:
    yield from _gauge("rundun_wal_bytes", "Size of the database's log.", disk.log_bytes)
    yield from _gauge("rundun_disk_free_bytes", "Free space on the database's disk.", disk.free_bytes)


def _stored(totals: Totals) -> Iterator[str]:
    deliveries = {"pending": totals.deliveries_pending, "failed": totals.deliveries_failed}
    runs = {"pending": totals.runs_pending, "in_progress": totals.runs_in_progress}
    yield from _family("rundun_deliveries", "gauge", "Deliveries that are not done.", deliveries, "status")
    text = "How long the oldest due delivery has been due; 0 if none is."
    yield from _gauge("rundun_deliveries_overdue_seconds", text, totals.overdue / times.SECOND)
    yield from _family("rundun_runs", "gauge", "Runs that are open.", runs, "status")
    text = "Organizations that have used at least 80 % of their quota."
    yield from _gauge("rundun_organizations_near_quota", text, totals.organizations_near_quota)
    text = "Items past their retention period, to be removed: runs, photos of runs, attempts of deliveries."
    yield from _family("rundun_retention_due", "gauge", text, totals.retention_due, "what")
    yield from _gauge("rundun_database_bytes", "Size of the database.", totals.bytes)
    text = "Whether deliveries and alerts are held after a restore: 1, or 0."
    yield from _gauge("rundun_held", text, int(totals.held_since is not None))


def _gauge(name: str, text: str, value: float) -> Iterator[str]:
    return _family(name, "gauge", text, {"": value})


def _family(name: str, kind: str, text: str, values: Mapping[str, float], label: str = "") -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for value_of, value in values.items():
        yield f'{name}{{{label}="{value_of}"}} {value}' if label else f"{name} {value}"


def _histogram(name: str, text: str, histogram: Histogram) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} histogram"
    count = 0
    for bound, count in histogram.buckets():
        yield f'{name}_bucket{{le="{"+Inf" if bound == float("inf") else bound}"}} {count}'
    yield f"{name}_sum {histogram.sum}"
    yield f"{name}_count {count}"
