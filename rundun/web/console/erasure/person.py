"""/console/settings/person: exporting and erasing a person's runs. Erasing needs an owner's password."""

import re

from starlette.responses import Response

from rundun.core.erasure.person import Person
from rundun.core.request_bodies import read_person
from rundun.errors import Invalid, Problem
from rundun.web.archives.download import Download, require_place
from rundun.web.archives.person import archive_entries
from rundun.web.archives.report import report_writer
from rundun.web.archives.runs import zip_pieces
from rundun.web.console.session import ConsoleCall
from rundun.web.console.settings.account import is_own_password, wrong_password_text
from rundun.web.erasure.kept_copies import find_all_copies
from rundun.web.erasure.person import erase_listed, list_runs
from rundun.wording.console_words import N_
from rundun.wording.problem_codes import PROBLEMS

MAX_SHOWN = 200  # runs of a list
MAX_ALIKE = 100  # possible runs of the person, each with a field in the form
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)

FIELDS = {  # labels of the fields of `core.erasure.person`
    "email": N_("E-mail address"),
    "phone": N_("Phone number"),
    "name": N_("Name"),
    "executor_ref": N_("Reference of the job"),
    "assigned_to": N_("Person’s id (u-…)"),
}


async def form(call: ConsoleCall, status: int = 200, wrong: str = "") -> Response:
    """GET /console/settings/person: show the form for one of `FIELDS` of a person, with the error `wrong`."""
    typed = {"field": call.form.get("field", "email"), "value": call.form.get("value", "")}
    return await call.render("erasure/person", status, names=_names(call), **typed, wrong=wrong)


async def list_found(call: ConsoleCall) -> Response:
    """POST /console/settings/person: list the first `MAX_SHOWN` runs of a person and, apart, the first `MAX_ALIKE` that
    may be theirs, without changing them, or show the form's error.
    """
    try:
        return await _render_found(call, _read_person(call))
    except Invalid as problem:
        return await form(call, 422, call.reason(problem))


async def download(call: ConsoleCall) -> Response:
    """POST /console/settings/person/archive.zip: return a ZIP of the data of a person's runs, about 2,000 at most, and
    the ticked ones that may be theirs. Raises `erasure_changed` if one of these has changed.
    """
    require_place(call.ctx, call.operator.org_id)
    org_id = call.operator.org_id
    turns = call.ctx.turns.of_download(org_id)
    found = (await list_runs(call.turns, org_id, _read_person(call), with_alike=True)).with_alike(
        _chosen_revisions(call)
    )
    report = await report_writer(turns, call.ctx.pages, call.organization, call.language)
    entries = archive_entries(turns, org_id, found, call.ctx.links, report)
    return Download(call.ctx, org_id, zip_pieces(turns, entries, call.zone.at(call.now)), "person.zip")


async def erase(call: ConsoleCall) -> Response:
    """POST /console/settings/person/erase: erase a person's listed runs and the ticked ones, given the password, and
    redirect to their number; show the list again for a wrong password or if it has changed.
    """
    person, operator = _read_person(call), call.operator
    if not await is_own_password(call, call.form.get("password", "")):
        return await _render_found(call, person, 422, wrong=wrong_password_text(call))
    try:
        digest = call.form.get("digest", "")
        found = await erase_listed(
            call.turns,
            call.ctx.database,
            operator.org_id,
            person,
            digest,
            operator.operator_id,
            alike=_chosen_revisions(call),
        )
    except Problem as problem:
        if problem.code != "erasure_changed":
            raise
        return await _render_found(call, person, PROBLEMS[problem.code].status, changed=True)
    told = f"count={len(found.runs)}{'&more=1' if found.has_more else ''}"
    return call.redirect(f"/settings/person/erased?{told}")  # so that a reload does not send the form again


async def show_erased(call: ConsoleCall) -> Response:
    """GET /console/settings/person/erased: show the number `?count=` of erased runs, and copies that may hold them."""
    query = call.request.query_params
    count = int(typed) if _NUMBER.fullmatch(typed := query.get("count", "")) else 0
    kept = await find_all_copies(call.ctx.settings)
    return await call.render("erasure/person_erased", count=count, has_more="more" in query, copies=kept)


def _names(call: ConsoleCall) -> dict[str, str]:
    return {name: call.language.gettext(text) for name, text in FIELDS.items()}


def _chosen_revisions(call: ConsoleCall) -> dict[str, str]:
    """Return the revisions at which the ticked runs were listed, by the ids of the runs."""
    return {name: revision for name, revision in call.form.items() if name.startswith("r-")}


def _read_person(call: ConsoleCall) -> Person:
    return read_person(call.form.get("field", ""), call.form.get("value", ""))


async def _render_found(
    call: ConsoleCall, person: Person, status: int = 200, wrong: str = "", *, changed: bool = False
) -> Response:
    found = await list_runs(call.turns, call.operator.org_id, person, with_alike=True)
    kept = await find_all_copies(call.ctx.settings)
    return await call.render(
        "erasure/person_runs",
        status,
        names=_names(call),
        field=call.form["field"],
        value=call.form["value"],
        found=found,
        shown=found.runs[:MAX_SHOWN],
        alike=found.alike[:MAX_ALIKE],
        chosen=_chosen_revisions(call),
        copies=kept,
        wrong=wrong,
        changed=changed,
    )
