"""/console/…, where there is nothing: a page that says so, since people read it."""

from starlette.responses import Response

from rundun.errors import NotFound
from rundun.web.console.session import ConsoleCall


async def not_found(call: ConsoleCall) -> Response:
    """GET /console/{path}: redirect to the path without a slash at its end, or say that there is nothing."""
    path = call.path("path")
    if path.endswith("/") or not path:
        return call.redirect(f"/{path.strip('/')}".rstrip("/"))
    raise NotFound("page")
