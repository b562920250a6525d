"""/console/settings/health: what `python -m rundun check` says, as far as it is this organization's."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from rundun import diagnostics
from rundun.core.token_bucket import Policy
from rundun.store import organizations as organization_rows
from rundun.web.console.session import ConsoleCall, route
from rundun.web.console.settings.account import parts

LOOKS = Policy("integrity", 4, 60)  # for all who ask: each reads the whole file
LOOK_SECONDS = 20.0


async def health(call: ConsoleCall) -> Response:
    """GET /console/settings/health: all that is known in no time."""
    return await _show(call, 0)


async def look_closely(call: ConsoleCall) -> Response:
    """POST /console/settings/health: the same, with the whole file read."""
    call.ctx.rate_limiter.count(call.request, LOOKS, "integrity")
    return await _show(call, LOOK_SECONDS)


async def _show(call: ConsoleCall, seconds: float) -> Response:
    report = await run_in_threadpool(
        diagnostics.report,
        call.ctx.settings,
        call.ctx.database.env.clock,
        org_id=call.operator.org_id,
        seconds=seconds,
    )
    # The settings are the server's: where it serves several organizations, they are none of one's business.
    is_alone = len(await call.ctx.database.read(organization_rows.everyone)) == 1
    notes = sum(one.state == "note" for one in report.findings)
    return call.render(
        "health", parts=parts(call), report=report, is_whole=bool(seconds), is_alone=is_alone, notes=notes
    )


ROUTES = [
    route("GET", "/settings/health", health),
    route("POST", "/settings/health", look_closely),
]
