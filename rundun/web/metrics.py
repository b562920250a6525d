"""The service in numbers, in Prometheus' text format 0.0.4: GET /metrics. No label holds an id or an address."""

from collections.abc import Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response

from rundun import counters
from rundun.store import maintenance
from rundun.store.maintenance import Totals
from rundun.web.context import context_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(request: Request) -> Response:
    """Serve all numbers of the service: GET /metrics."""
    figures = await context_of(request).database.read(maintenance.totals)
    text = "".join(f"{line}\n" for line in _lines(figures))
    return Response(text, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})


def _lines(figures: Totals) -> Iterator[str]:
    statuses = dict.fromkeys(("2xx", "3xx", "4xx", "5xx"), 0) | counters.requests
    outcomes = dict.fromkeys(("delivered", "retry", "failed"), 0) | counters.attempts
    deliveries = {"pending": figures.deliveries_pending, "failed": figures.deliveries_failed}
    runs = {"pending": figures.runs_pending, "in_progress": figures.runs_in_progress}
    yield from _family("rundun_requests_total", "counter", "Requests answered.", "status", statuses)
    yield from _family("rundun_attempts_total", "counter", "Webhook requests sent.", "outcome", outcomes)
    yield from _family("rundun_deliveries", "gauge", "Deliveries that are not done.", "status", deliveries)
    yield from _family("rundun_runs", "gauge", "Runs that are open.", "status", runs)
    polls = {"": counters.polls["waiting"]}
    yield from _family("rundun_polls_waiting", "gauge", "Long polls that wait for an event.", "", polls)
    yield from _family("rundun_database_bytes", "gauge", "Size of the database.", "", {"": figures.bytes})
    started = {"": round(counters.STARTED, 3)}
    yield from _family("process_start_time_seconds", "gauge", "When the process began, since 1970 UTC.", "", started)


def _family(name: str, kind: str, text: str, label: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for value_of, value in values.items():
        yield f'{name}{{{label}="{value_of}"}} {value}' if label else f"{name} {value}"
