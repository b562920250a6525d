"""/console/settings/health: the findings of `python -m rundun check` that concern this organization."""

from starlette.responses import Response

from rundun.core.token_bucket import Policy
from rundun.maintenance import diagnostics
from rundun.maintenance.diagnostics import Report
from rundun.store.organizations import organizations as organization_rows
from rundun.web.console.session import AccessDenied, ConsoleCall
from rundun.wording.console_words import N_

INTEGRITY_CHECKS = Policy("integrity", 4, 60)  # of all operators together: each reads the whole file
INTEGRITY_SECONDS = 20.0
AT_ONCE = 8  # reports of one organization, running or waiting
# Findings that an organization may see where there are several.
OF_ORGANIZATION = {"held", "deliveries", "quota", "receivers", "address"}

NAMES = {  # headings of the findings
    "database": N_("Database"),
    "access": N_("File permissions"),
    "integrity": N_("Integrity"),
    "disk": N_("Free disk space"),
    "sqlite": N_("SQLite"),
    "clock": N_("Clock"),
    "backup": N_("Backups"),
    "checkpoints": N_("Database log"),
    "quota": N_("Quota"),
    "journal": N_("Record of deletions"),
    "erased": N_("Deleted data"),
    "retention": N_("Auto-delete"),
    "alerts": N_("Alerts"),
    "held": N_("Outgoing deliveries"),
    "deliveries": N_("Deliveries"),
    "receivers": N_("Receivers"),
    "address": N_("Public address"),
    "certificate": N_("Certificate"),
}


async def check_integrity(call: ConsoleCall) -> Response:
    """POST /console/settings/health: show the findings after an integrity check of the database file, in at most
    `INTEGRITY_SECONDS`. With several organizations in it, only the administrator may start one, at the command line.
    """
    if not await _is_alone(call):
        raise AccessDenied(
            N_("The file holds other organizations’ data, too; the administrator of this server may check it.")
        )
    call.ctx.rate_limiter.count(call.request, INTEGRITY_CHECKS, "integrity")
    return await health(call, INTEGRITY_SECONDS)


async def _is_alone(call: ConsoleCall) -> bool:
    return await call.ctx.database.read(organization_rows.is_alone)


async def health(call: ConsoleCall, seconds: float = 0) -> Response:
    """GET /console/settings/health: show the findings. The integrity check takes at most `seconds`, 0 for none. With
    several organizations, only this one's findings are shown. A member is not shown warnings only an owner can act on.
    """
    org_id, ctx = call.operator.org_id, call.ctx
    report = await ctx.diagnoses.run(
        org_id,
        {org_id: AT_ONCE},
        diagnostics.report,
        ctx.settings,
        ctx.database.env.clock,
        org_id=org_id,
        seconds=seconds,
    )
    is_alone = await _is_alone(call)
    if not is_alone:
        report = Report({}, [finding for finding in report.findings if finding.name in OF_ORGANIZATION])
    warned = [finding for finding in report.findings if finding.state != "good"]
    if call.operator.role != "owner":
        warned = [finding for finding in warned if finding.name != "address"]
    return await call.render(
        "settings/health",
        report=report,
        is_integrity_checked=bool(seconds),
        is_alone=is_alone,
        names=NAMES,
        warned=warned,
        good=[finding for finding in report.findings if finding.state == "good"],
    )
