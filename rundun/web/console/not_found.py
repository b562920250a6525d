"""/console/…, where there is nothing: a page that says so, since people read it."""

from __future__ import annotations

from starlette.responses import Response

from rundun.errors import Problem
from rundun.web.console.session import ConsoleCall, route


async def nowhere(call: ConsoleCall) -> Response:
    """GET /console/{path}: the same without a slash at its end, or that there is nothing."""
    path = call.path("path")
    if path.endswith("/") or not path:
        return call.redirect(f"/{path.strip('/')}".rstrip("/"))
    raise Problem("not_found", "There is nothing to be seen at this address.")


ROUTES = [route("GET", "/{path:path}", nowhere)]  # the last of all
