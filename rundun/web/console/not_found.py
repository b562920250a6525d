"""/console/…, where there is nothing: a page that says so, since people read it."""

from starlette.responses import Response

from rundun.errors import Problem
from rundun.web import unavailable_page
from rundun.web.console.session import ConsoleCall


async def not_found(call: ConsoleCall) -> Response:
    """GET /console/{path}: redirect to the path without a slash at its end, or say that there is nothing."""
    path = call.path("path")
    if path.endswith("/") or not path:
        return call.redirect(f"/{path.strip('/')}".rstrip("/"))
    if "text/html" not in call.request.headers.get("accept", ""):
        raise Problem("not_found", "There is nothing to be seen at this address.")
    return unavailable_page.not_found(call.request)
