"""The report of a run for the executor: /r/{run_id}/report.pdf."""

from starlette.requests import Request
from starlette.responses import Response

from rundun.actions.runs import execution
from rundun.actions.runs.state import RunState
from rundun.core.runs.report import ReportOptions
from rundun.errors import NotFound
from rundun.store.organizations.organizations import Organization
from rundun.web.archives.pdf import report_pdf
from rundun.web.context import context_of
from rundun.web.executor.device import device_of
from rundun.web.executor.endpoint import executor_router, read
from rundun.web.executor.page import preferred_languages
from rundun.web.http.operation import Bytes, Success

router = executor_router()


@router.route(
    "GET /report.pdf",
    {200: Success("The report.", Bytes(("application/pdf",), "A PDF."))},
    problems=("pdf_too_large", "pdf_unavailable"),
)
async def get_report(request: Request) -> Response:
    """Get the customer's report as PDF.

    For phones that took part in the run, for 24 hours from its completion, if the checklist has `executor_report`; else
    404. It is in the language of the run's page.
    """
    ctx, run_id, device = context_of(request), request.path_params["run_id"], device_of(request)

    def find(loaded: tuple[RunState, Organization, bool]) -> tuple[Organization, str | None]:
        state, organization, is_executor = loaded
        if not (is_executor and execution.has_report(state, ctx.now())):
            raise NotFound("report")
        return organization, state.run.language

    organization, run_language = await read(request, find, execution.load_closed, device)
    turns, preferred = ctx.turns.of_links(organization.org_id), preferred_languages(request, run_language)
    language = (preferred or ["en"])[0]
    return await report_pdf(ctx, turns, organization, run_id, language, ReportOptions(), by_link=True)
