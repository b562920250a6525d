"""/console/settings/health: the findings of `python -m rundun check`, as far as they are this organization's."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from rundun import diagnostics
from rundun.core.token_bucket import Policy
from rundun.store import organizations as organization_rows
from rundun.web.console.session import ConsoleCall

INTEGRITY_CHECKS = Policy("integrity", 4, 60)  # for all operators: each reads the whole file
INTEGRITY_SECONDS = 20.0


async def check_integrity(call: ConsoleCall) -> Response:
    """POST /console/settings/health: show all findings, with the whole database file read."""
    call.ctx.rate_limiter.count(call.request, INTEGRITY_CHECKS, "integrity")
    return await health(call, INTEGRITY_SECONDS)


async def health(call: ConsoleCall, seconds: float = 0) -> Response:
    """GET /console/settings/health: show all findings that take no time, or no more than `seconds`."""
    report = await run_in_threadpool(
        diagnostics.report, call.ctx.settings, call.ctx.database.env.clock, org_id=call.operator.org_id, seconds=seconds
    )
    # The settings are the server's: where it serves several organizations, they are none of one's business.
    is_alone = len(await call.ctx.database.read(organization_rows.list_all)) == 1
    notes = sum(finding.state == "note" for finding in report.findings)
    return call.render("health", report=report, is_integrity_checked=bool(seconds), is_alone=is_alone, notes=notes)
