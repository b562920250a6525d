"""The report of a run as PDF."""

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.core.runs.report import ReportOptions
from rundun.store.organizations.organizations import Organization
from rundun.web.archives.report import report_pieces, report_writer
from rundun.web.archives.runs import report_name
from rundun.web.context import Context
from rundun.web.http.turns import Turns


async def report_pdf(
    ctx: Context,
    turns: Turns,
    organization: Organization,
    run_id: str,
    language: str,
    options: ReportOptions,
    *,
    by_link: bool = False,
) -> Response:
    """Return the PDF of the report of an organization's run in `language`, a tag; `by_link`: for a reader with a link.
    Raises NotFound, `run_erased`, `pdf_unavailable`, `unavailable`.
    """
    detail = await turns.read(runs.get_detail, organization.org_id, run_id, language=language)
    writer = await report_writer(turns, ctx.pages, organization, ctx.pages.console_words.language([language]))
    report = (run_id, detail.state.run.revision, language, repr(options))
    pieces = report_pieces(turns, writer, detail, options)
    pdf = await ctx.write_pdf(pieces, organization.org_id, report, by_link=by_link)
    name = report_name(detail, "pdf")
    headers = {"cache-control": "no-store", "content-disposition": f'inline; filename="{name}"'}
    return Response(pdf, headers=headers, media_type="application/pdf")
