"""/console: what is going on today."""

from __future__ import annotations

from starlette.responses import Response

from rundun.web.console.desk import Visit, page


async def overview(visit: Visit) -> Response:
    """GET /console."""
    return visit.show("overview")


ROUTES = [page("GET", "", overview)]
