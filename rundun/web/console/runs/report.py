"""/console/runs/{run_id}/report: the report of a run to read, print and share, and the choice of its content."""

from collections.abc import Mapping

from starlette.responses import Response

from rundun.actions.organizations import operators
from rundun.actions.runs import runs, shares
from rundun.core import languages, tokens
from rundun.core.runs.report import ReportOptions, ShareBody
from rundun.core.validation import read
from rundun.errors import FieldError, Invalid
from rundun.web.archives.pdf import report_pdf
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
DAYS: Mapping[str, str] = {
    "7": N_("for 7 days"),
    "30": N_("for 30 days"),
    "365": N_("for a year"),
    "": N_("until you end it"),
}


async def show_report(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/report: show the report of a run, in its language, and its shares. The query has the
    inputs of the form `choices`: `depth`, `language` and, if `chosen` is there, ticks. Raises Invalid.
    """
    return await _render(call, call.request.query_params)


async def download_pdf(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/report.pdf: return the report that the query chooses, as `show_report`, as PDF."""
    chosen, turns = call.request.query_params, call.ctx.turns.of_download(call.operator.org_id)
    options, language = _read_options(chosen), _language(call, chosen).tag
    return await report_pdf(call.ctx, turns, call.organization, call.path("run_id"), language, options)


async def share(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/shares: make a share of the report that the form `choices` shows, and show its link
    there, this once: only its digest is stored. Raises Invalid, `quota_exceeded`.
    """
    form, token = {**call.form, "depth": "customer"}, operators.new_token()
    if (days := form.get("days", "")) not in DAYS:
        raise Invalid([FieldError("/days", "not_allowed", "is none of the offered times")])
    until = {"expires_in_days": int(days) if days else None}
    body = read(ShareBody, {**_read_ticks(form), **until, "language": _language(call, form).tag})
    await call.write(shares.create, call.path("run_id"), body, tokens.digest(token), call.actor)
    return await _render(call, form, token)


async def revoke_share(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/shares/{share_id}/revoke: revoke a share; redirect to the report."""
    await call.write(shares.revoke, call.path("run_id"), call.path("share_id"), call.actor)
    return call.redirect(f"/runs/{call.path('run_id')}/report")


async def _render(call: ConsoleCall, chosen: Mapping[str, str], token: str | None = None) -> Response:
    """Render the report that the form's inputs have `chosen`; `token` is the token of a share made just now."""
    options, language = _read_options(chosen), _language(call, chosen)
    detail = await call.read(runs.get_detail, call.path("run_id"), language=language.tag)
    links, template = call.ctx.database.env.links, detail.state.version.template
    response = await call.turns.run(
        report_page,
        call.ctx.pages,
        call.organization,
        language,
        detail,
        options,
        links.media_path,
        branding_of(call.organization, call.ctx.pages.assets, links),
        "console/runs/report.html",
        call.csrf,
        choosable=True,
        ticks=TICKS,
        days=DAYS,
        chosen_days=chosen.get("days", "30"),
        offered=[each for each in template.fields if each.show != "start" and each.id in detail.state.run.job.fields],
        languages=call.ctx.pages.console_words.names,
        here=f"/console/runs/{call.path('run_id')}",
        shares=await call.read(shares.list_of_run, call.path("run_id")),
        made=token and links.share(token),
        makes_pdf=call.ctx.makes_pdf,
        at=call.now,
    )
    # With no-referrer a form’s POST would send “Origin: null”, which `require_same_site` refuses.
    response.headers["referrer-policy"] = "same-origin"
    return response


def _read_options(chosen: Mapping[str, str]) -> ReportOptions:
    return read(ReportOptions, {"depth": chosen.get("depth") or "customer", **_read_ticks(chosen)}, "query")


def _read_ticks(chosen: Mapping[str, str]) -> dict[str, object]:
    """Return the ticks of the form by the members of `CustomerOptions`; none, for its defaults, without the form."""
    if "chosen" not in chosen:
        return {}
    ticks: dict[str, object] = {name: name in chosen for name in TICKS}
    for prefix in ("fields", "without"):
        ticks[prefix] = [name.partition(" ")[2] for name in chosen if name.startswith(f"{prefix} ")]
    return ticks


def _language(call: ConsoleCall, chosen: Mapping[str, str]) -> ConsoleLanguage:
    """Return the chosen language of the report, else that of the console."""
    asked = chosen.get("language", "")
    return call.ctx.pages.console_words.language([asked]) if languages.is_tag(asked) else call.language
