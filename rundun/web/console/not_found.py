"""The HTML page for unknown paths below /console."""

from starlette.responses import Response

from rundun.errors import NotFound
from rundun.web.console.session import ConsoleCall


async def not_found(call: ConsoleCall) -> Response:
    """GET /console/{path}: redirect to the path without its trailing slash, or raise NotFound."""
    path = call.path("path")
    if path.endswith("/") or not path:
        return call.redirect(f"/{path.strip('/')}".rstrip("/"))
    raise NotFound("page")
