"""/console/templates/drafts: the editor for a template's JSON, whose text is stored as a draft while it is typed."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from rundun.actions.templates import drafts
from rundun.actions.templates.drafts import SentDraft
from rundun.actions.templates.templates import get_version
from rundun.errors import NotFound, Problem
from rundun.store.templates import drafts as draft_rows, templates as template_rows
from rundun.store.templates.drafts import Draft
from rundun.web.console.session import ConsoleCall
from rundun.web.console.templates import pictures
from rundun.web.console.templates.pictures import uploaded_pictures
from rundun.web.console.templates.templates import format_json, sample
from rundun.web.console.templates.text_check import MAX_TEXT, CheckedText, check_with_pictures
from rundun.web.http.body import read_bytes
from rundun.web.http.problems import Json
from rundun.web.pages.pages import CONTENT_SECURITY_POLICY
from rundun.wording.problem_codes import PROBLEMS

MAX_SHOWN = 200
POLICY = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
MAX_FORM = 4 * MAX_TEXT  # bytes: most of JSON's punctuation takes three in a form
BEGINNING = """{
  "name": "New checklist",
  "sections": [
    {
      "title": "First section",
      "steps": [
        {"type": "boolean", "label": "Is everything in order?"}
      ]
    }
  ]
}
"""
# Where the text is stored: the draft and its revision; before there is one, the template and its version, if any, and
# what makes a form that is sent twice begin one draft.
PLACE = ("draft", "revision", "template_id", "made_from", "once")


async def new_form(call: ConsoleCall) -> Response:
    """GET /console/templates/new: show the editor with a first step, the `?sample=`, or nothing for `?import=true`. It
    becomes a draft when it is changed.
    """
    params = call.request.query_params
    is_import = "import" in params
    text = sample(params["sample"]) if "sample" in params else "" if is_import else BEGINNING
    return await _render(call, text, _new_place(), is_import=is_import)


async def edit_form(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}/edit: redirect to the template's draft, or show the editor with the current
    version, which becomes a draft when it is changed.
    """
    head, version = await call.read(get_version, call.path("template_id"), None)
    existing = await call.read(draft_rows.find_head, head.template_id)
    if existing is not None:
        return call.redirect(f"/templates/drafts/{existing.draft_id}")
    place = {"template_id": head.template_id, "made_from": str(version.v)}
    return await _render(call, format_json(version.body), place)


async def draft_form(call: ConsoleCall) -> Response:
    """GET /console/templates/drafts/{draft_id}: show the editor with a draft; raises NotFound."""
    draft = await call.read(draft_rows.get, call.path("draft_id"))
    return await _render(call, draft.body, _place(draft))


def _new_place() -> dict[str, str]:
    return {"once": str(uuid.uuid4())}


def _place(draft: Draft) -> dict[str, str]:
    of_template = {"template_id": draft.template_id, "made_from": str(draft.made_from)} if draft.template_id else {}
    return {"draft": draft.draft_id, "revision": str(draft.revision), **of_template}


async def write_form(call: ConsoleCall) -> Response:
    """POST /console/templates/drafts: store the text of the form as a draft, and redirect to its publication; with
    `do=check`, or with faults (422), show it in the editor. So is a text that is not stored: since it is no JSON object
    (422), somebody else wrote meanwhile (412), the draft is gone (404), or there is no place for it (403, 422).
    """
    text, place = call.form.get("text", "").replace("\r\n", "\n"), {name: call.form.get(name, "") for name in PLACE}
    checked = await check_with_pictures(call, text)
    if checked.draft is None:
        return await _render(call, text, place, 422, checked)
    try:
        draft = await _write(call, checked.draft, place)
    except NotFound:
        place |= {**_new_place(), "draft": "", "revision": ""}
        return await _render(call, text, place, 404, checked, is_gone=True)
    except Problem as problem:
        if refused := _refused_text(call, problem):
            return await _render(call, text, place, PROBLEMS[problem.code].status, checked, refused=refused)
        newer = await _find_newer(call, place, problem)
        said = _newer_text(call, newer)
        return await _render(call, text, _place(newer), 412, checked, newer=newer, newer_text=said)
    if call.form.get("do") != "check" and not checked.faults:
        return call.redirect(f"/templates/drafts/{draft.draft_id}/publish")
    return await _render(call, text, _place(draft), 422 if checked.faults else 200, checked)


def _refused_text(call: ConsoleCall, problem: Problem) -> str:
    """Return the sentence on why there is no place for a draft; "" for another refusal."""
    if problem.code == "quota_exceeded":
        return call.language.gettext(
            "Not saved: your organization’s storage is used up. Ask the administrator for a larger quota."
        )
    if problem.code != "invalid":
        return ""
    most = drafts.MAX_DRAFTS
    return call.language.gettext("Not saved: there are {n} drafts already. Publish or discard some first.", n=most)


async def _write(call: ConsoleCall, sent: SentDraft, place: Mapping[str, str]) -> Draft:
    """Store a text as the draft that its form names, or as a new one, and return it. Raises the errors of
    `drafts.create` and `drafts.write`.
    """
    draft_id, revision, made_from = place["draft"], number(place["revision"]), number(place["made_from"])
    if draft_id:
        return await call.write(drafts.write, draft_id, sent, f'"{draft_id}.{revision}"', call.actor)
    if place["template_id"]:
        return await call.write(drafts.create, sent, call.actor, place["template_id"], made_from)
    call.form["operator"] = call.operator.operator_id  # whose forms are told apart, also without `once`
    draft = await call.read(draft_rows.get, await call.write_once("draft_id", drafts.create, sent, call.actor))
    if draft.body != sent.text.body:  # of this form, sent before
        raise Problem("draft_exists", "The form has a draft already.", extensions={"draft_id": draft.draft_id})
    return draft


def number(text: str) -> int | None:
    """Return the whole number from 1 in a form's field; None for any other text."""
    return int(text) if re.fullmatch("[1-9][0-9]{0,8}", text) else None


async def _find_newer(call: ConsoleCall, place: Mapping[str, str], problem: Problem) -> Draft:
    """Return the draft that was written meanwhile, as `draft_exists` or `version_mismatch` says; raises that problem if
    it is another one, and NotFound if the draft is gone again.
    """
    if problem.code not in ("version_mismatch", "draft_exists"):
        raise problem
    return await call.read(draft_rows.get, str(problem.extensions.get("draft_id", place["draft"])))


async def _render(
    call: ConsoleCall,
    text: str,
    place: Mapping[str, str],
    status: int = 200,
    checked: CheckedText | None = None,
    **more: Any,
) -> Response:
    template_id = place.get("template_id")
    head = await call.read(template_rows.get, template_id) if template_id else None
    shown = checked.faults[:MAX_SHOWN] if checked else ()
    values: dict[str, Any] = {
        "text": text,
        "place": {name: place.get(name, "") for name in PLACE},
        "checked": checked,
        "faults": shown,
        "faults_left_out": len(checked.faults) - len(shown) if checked else 0,
        "preview": _preview_path(call, checked) if checked else "",
        "languages": call.ctx.pages.words.names,
        "uploaded": await uploaded_pictures(call),
        "max_uploaded": pictures.MAX_LISTED,
        "max_picture_bytes": call.ctx.settings.limits.photo_bytes,
        "head": head,
        "newer": None,
        "is_gone": False,
        "refused": "",
        "is_import": False,
    }
    response = await call.render("templates/edit", status, **(values | more))
    response.headers["content-security-policy"] = POLICY
    return response


def _preview_path(call: ConsoleCall, checked: CheckedText) -> str:
    """Cache a sent template for the preview and return the preview's path; "" without a valid one."""
    if checked.draft is None or checked.draft.template.template is None:
        return ""
    name = call.ctx.preview_cache.put(call.operator.operator_id, checked.draft.template.body, call.now)
    return f"/console/templates/preview/{name}"


async def write_text(call: ConsoleCall) -> Response:
    """POST /console/templates/drafts/text: store the text in the body as the draft that the query names by the fields
    of the form; with `?check=true`, only check it. Returns a JSON object for the editor's script: the first `faults`, a
    `summary` of them in words, the path of the `preview`, "" without one, the `languages` of translations, and `place`,
    the form's fields from now on; null if the text is not stored, with the reason in `refused` if there is no place for
    it. If somebody else wrote meanwhile, `newer` has their `text` and says who.
    """
    body = await read_bytes(call.request, MAX_FORM)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Problem("bad_request", "The text is not UTF-8.") from None
    call.form = {name: call.request.query_params.get(name, "") for name in PLACE}
    checked = await check_with_pictures(call, text)
    content = {**_result_json(call, checked), "place": None, "newer": None, "refused": ""}
    if checked.draft is None or "check" in call.request.query_params:
        return Json(content)
    place = dict(call.form)
    try:
        draft = await _write(call, checked.draft, place)
    except Problem as problem:
        if refused := _refused_text(call, problem):
            return Json({**content, "refused": refused})
        newer = await _find_newer(call, place, problem)
        said = _newer_text(call, newer)
        return Json({**content, "place": _place(newer), "newer": {"text": newer.body, "said": said}})
    return Json({**content, "place": _place(draft)})


def _newer_text(call: ConsoleCall, newer: Draft) -> str:
    """Return the sentence on who has written a draft meanwhile."""
    who = newer.updated_by_name or call.language.gettext("Somebody")
    return call.language.gettext(
        "{name} has written here meanwhile. What you have typed is still here, and not saved yet.", name=who
    )


def _result_json(call: ConsoleCall, checked: CheckedText) -> dict[str, Any]:
    language, count = call.language, len(checked.faults)
    shown = [
        {
            "line": fault.line,
            "column": fault.column,
            "where": language.gettext("Line {line}, column {column}", line=fault.line, column=fault.column),
            "pointer": fault.pointer,
            "detail": fault.detail
            if fault.pointer is not None
            else language.gettext("This is not JSON: {detail}.", detail=fault.detail),
        }
        for fault in checked.faults[:MAX_SHOWN]
    ]
    summary = language.ngettext("{n} problem.", "{n} problems.", count) if count else language.gettext("No problems.")
    template = checked.draft and checked.draft.template.template
    return {
        "summary": summary,
        "faults": shown,
        "preview": _preview_path(call, checked),
        "languages": list(template.translations) if template else [],
    }
