"""/console/runs/{run_id}/report: the report of a run, with the choice of what it shows, to read and to print."""

from collections.abc import Mapping

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.core import languages
from rundun.core.runs.report import ReportOptions
from rundun.core.validation import read
from rundun.web.archives.report import report_page
from rundun.web.console.session import ConsoleCall
from rundun.web.pages.branding import branding_of
from rundun.wording.console_words import N_, ConsoleLanguage

TICKS: Mapping[str, str] = {
    "photos": N_("Photos"),
    "remarks": N_("Remarks"),
    "positions": N_("Positions"),
    "names": N_("Names"),
    "signature": N_("Signatures"),
}


async def show_report(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/report: show the report of a run, in its language. The query has the inputs of the
    form `choices`: `depth`, `language` and, if `chosen` is there, ticks, `fields` and `without`. Raises Invalid.
    """
    options, language = _read_options(call), _language(call)
    detail = await call.read(runs.get_detail, call.path("run_id"), language=language.tag)
    links, template = call.ctx.database.env.links, detail.state.version.template
    return await call.turns.run(
        report_page,
        call.ctx.pages,
        call.organization,
        language,
        detail,
        options,
        links.media_path,
        branding_of(call.organization, call.ctx.pages.assets, links),
        "console/runs/report.html",
        choosable=True,
        ticks=TICKS,
        offered=[each for each in template.fields if each.show != "start" and each.kind != "secret"],
        languages=call.ctx.pages.console_words.names,
        here=f"/console/runs/{call.path('run_id')}",
    )


def _read_options(call: ConsoleCall) -> ReportOptions:
    params = call.request.query_params
    given: dict[str, object] = {"depth": params.get("depth") or "customer"}
    if "chosen" in params:
        given |= {name: name in params for name in TICKS}
        given |= {name: params.getlist(name) for name in ("fields", "without")}
    return read(ReportOptions, given, "query")


def _language(call: ConsoleCall) -> ConsoleLanguage:
    """Return the report's language: `?language=`, else that of the console."""
    asked = call.request.query_params.get("language", "")
    return call.ctx.pages.console_words.language([asked]) if languages.is_tag(asked) else call.language
