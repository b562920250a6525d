"""/v1, what was sent where: deliveries with their attempts."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from rundun.actions.looking import deliveries_of
from rundun.core import times
from rundun.store.deliveries import Delivery
from rundun.web.calls import Call, route
from rundun.web.queries import ListQuery, list_json, query


async def list_run_deliveries(call: Call) -> Response:
    """GET /v1/runs/{run_id}/deliveries: each with its attempts, the newest first."""
    wanted = query(ListQuery, call.request).slice()
    page = await call.read(deliveries_of, call.path("run_id"), wanted)
    return list_json(call.request, page, [to_json(_delivery_json(one)) for one in page.items])


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "run_id": delivery.run_id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "seq": delivery.seq,
        "status": delivery.status,
        "created_at": times.wire(delivery.created_at),
        "next_attempt_at": times.wire_or_none(delivery.next_attempt_at),
        "attempts": [
            {
                "number": attempt.number,
                "trigger": attempt.trigger,
                "url": attempt.url,
                "started_at": times.wire(attempt.started_at),
                "duration_ms": attempt.duration_ms,
                "status": attempt.status,
                "error": attempt.error,
                "response_excerpt": attempt.excerpt,
            }
            for attempt in delivery.attempts
        ],
    }


ROUTES = [
    route("GET", "/runs/{run_id}/deliveries", list_run_deliveries),
]
