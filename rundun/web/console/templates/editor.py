"""/console/templates: the editor of a template. It stores the template's JSON as a draft during typing."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import from_json, to_json
from starlette.responses import Response

from rundun.actions.templates import drafts
from rundun.actions.templates.drafts import SentDraft
from rundun.actions.templates.templates import get_outdated, get_version
from rundun.core.templates import outdated as outdated_rules, pictures as template_pictures
from rundun.core.templates.condition_rules import OPERATORS
from rundun.core.templates.outdated import Outdated
from rundun.core.templates.steps import MAX_PICTURES
from rundun.core.templates.template import MAX_STEPS
from rundun.errors import NotFound, Problem
from rundun.store.templates import drafts as draft_rows, pictures as picture_rows
from rundun.store.templates.drafts import Draft
from rundun.store.templates.templates import TemplateHead
from rundun.web import samples
from rundun.web.console.flashes import FLASHES
from rundun.web.console.session import ConsoleCall
from rundun.web.console.templates.templates import TemplatePageQuery, format_json, show_version, template_facts
from rundun.web.console.templates.text_check import MAX_TEXT, CheckedText, check_with_pictures, find_previewable
from rundun.web.http.body import parse, read_json_bytes
from rundun.web.http.problems import Json
from rundun.web.http.query_params import query
from rundun.web.pages.pages import CONTENT_SECURITY_POLICY
from rundun.wording.editor_words import editor_words
from rundun.wording.problem_codes import PROBLEMS
from rundun.wording.template_faults import place_of_fault
from rundun.wording.template_words import KINDS, TYPES, VALUES

MAX_SHOWN = 200
POLICY = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
MAX_FORM = 6 * MAX_TEXT  # bytes: a character takes up to three in a form, and six as an escape in JSON
MAX_LABELS = 5  # of steps that the phone leaves out
# Where the text is stored: the draft and its revision; before there is one, the template and its version, if any, and
# what makes a form that is sent twice begin one draft.
PLACE = ("draft", "revision", "template_id", "made_from", "once")


async def new_form(call: ConsoleCall) -> Response:
    """GET /console/templates/new: show the editor with an empty step, the `?sample=`, or nothing for `?import=true`. It
    becomes a draft when it is changed.
    """
    params = call.request.query_params
    is_import = "import" in params
    text = _sample(call, params["sample"]) if "sample" in params else "" if is_import else _beginning(call)
    return await _render(call, text, _new_place(), is_import=is_import)


async def show(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}: show the editor with the template's draft, or with the current version,
    which becomes a draft when it is changed; with `?v=`, that version to be read.
    """
    if query(TemplatePageQuery, call.request).v is not None:
        return await show_version(call)
    head, version = await call.read(get_version, call.path("template_id"), None)
    existing = await call.read(draft_rows.find_head, head.template_id)
    if existing is not None:
        draft = await call.read(draft_rows.get, existing.draft_id)
        return await _render(call, draft.body, _place(draft))
    place = {"template_id": head.template_id, "made_from": str(version.v)}
    return await _render(call, await call.turns.run(format_json, version.body), place)


async def draft_form(call: ConsoleCall) -> Response:
    """GET /console/templates/drafts/{draft_id}: show the editor with the draft of a new template; redirect to another
    one's template. Raises NotFound.
    """
    draft = await call.read(draft_rows.get, call.path("draft_id"))
    if draft.template_id is not None:
        flash = call.request.query_params.get("flash", "")
        return call.redirect(f"/templates/{draft.template_id}", flash if flash in FLASHES else "")
    return await _render(call, draft.body, _place(draft))


def _sample(call: ConsoleCall, name: str) -> str:
    return format_json(to_json(samples.read_in(name, call.language.tag)))


def _beginning(call: ConsoleCall) -> str:
    """Return the text of a new checklist, with one empty step."""
    step = {"id": f"s-{uuid.uuid4().hex[:12]}", "type": "boolean", "label": ""}
    beginning = {"name": call.language.gettext("New checklist"), "steps": [step]}
    return json.dumps(beginning, ensure_ascii=False, indent=2) + "\n"


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
        return await call.write(drafts.write, draft_id, sent, f'"{draft_id}.{revision}"', call.actor, made_from)
    if place["template_id"]:
        return await call.write(drafts.create, sent, call.actor, place["template_id"], made_from)
    call.form["operator"] = call.operator.operator_id  # whose forms are told apart, also without `once`
    draft = await call.read(draft_rows.get, await call.write_once("draft_id", drafts.create, sent, call.actor))
    if draft.body != sent.text.body or sent.outdated not in (None, draft.outdated):  # of this form, sent before
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
    facts = await template_facts(call, template_id) if template_id else {"head": None}
    version = await _version_data(call, facts["head"])
    shown = checked.faults[:MAX_SHOWN] if checked else ()
    values: dict[str, Any] = {
        "text": text,
        "place": {name: place.get(name, "") for name in PLACE},
        "checked": checked,
        "faults": shown,
        "faults_left_out": len(checked.faults) - len(shown) if checked else 0,
        "preview": (await _preview_json(call, checked))["preview"] if checked else "",
        "languages": call.ctx.pages.words.names,
        "words": {"": {"texts": call.language.tag, "languages": [], "unknown": True}, **editor_words(call.language)},
        "data": {**_script_data(call), "version": version, "outdated": await _outdated(call, text, place)},
        **facts,
        "newer": None,
        "is_gone": False,
        "refused": "",
        "is_import": False,
    }
    response = await call.render("templates/edit", status, **(values | more))
    response.headers["content-security-policy"] = POLICY
    return response


def _script_data(call: ConsoleCall) -> dict[str, Any]:
    """Return what the editor's script knows of the template language: the operators that fit each type of step, barcode
    formats, kinds of job fields, and the limits of steps and pictures.
    """
    fitting = {kind: [op for op, kinds in OPERATORS.items() if kind in kinds] for kind in TYPES}
    return {
        "operators": fitting,
        "formats": list(VALUES["formats"]),
        "kinds": list(KINDS),
        "max_steps": MAX_STEPS,
        "max_pictures": MAX_PICTURES,
        "max_picture_bytes": call.ctx.settings.limits.photo_bytes,
    }


async def _outdated(call: ConsoleCall, text: str, place: Mapping[str, str]) -> Outdated:
    """Return the outdated translations of a text, as if it was stored in its place now."""
    try:
        if place.get("draft"):
            draft = await call.read(draft_rows.get, place["draft"])
            return await call.turns.run(_outdated_after, draft.outdated, draft.body, text)
        if place.get("template_id"):
            template_id, v = place["template_id"], number(place.get("made_from", ""))
            _, version = await call.read(get_version, template_id, v)
            outdated = await call.read(get_outdated, template_id, version.v)
            return await call.turns.run(_outdated_after, outdated, version.body, text)
    except NotFound:
        pass
    return {}


def _outdated_after(outdated: Outdated, body: str | bytes, text: str) -> Outdated:
    try:
        after = from_json(text)
    except ValueError:
        return outdated
    return outdated_rules.after_change(outdated, from_json(body), after)


async def _version_data(call: ConsoleCall, head: TemplateHead | None) -> dict[str, Any]:
    """Return what the editor's script knows of the template's current version, 0 for a new template: its number, its
    outdated translations, and the sentences for a draft that was begun with an older one.
    """
    v, language = head.v if head else 0, call.language
    return {
        "current": v,
        "outdated": await call.read(get_outdated, head.template_id, v) if head else {},
        "notice": language.gettext(
            "Version {v} was published after this draft was begun, and is not joined with it yet.", v=v
        ),
        "joined_notice": language.gettext(
            "Version {v} was published after this draft was begun. Its changes are in it now.", v=v
        ),
    }


async def _preview_json(call: ConsoleCall, checked: CheckedText) -> dict[str, Any]:
    """Cache the template that a text makes for the preview, and return JSON for the editor's script: the preview's path
    as `preview`, "" without one, what it leaves out in words as `left_out`, and the template's pictures.
    """
    body, labels = await call.turns.run(find_previewable, checked)
    name = call.ctx.preview_cache.put(call.operator.operator_id, body, call.now) if body else ""
    quoted = [call.language.gettext("“{text}”", text=label or "…") for label in labels[:MAX_LABELS]]
    names = ", ".join([*quoted, "…"] if len(labels) > MAX_LABELS else quoted)
    left_out = call.language.gettext("Not on the phone, as long as they have problems: {names}.", names=names)
    named = list(checked.draft.text.picture_ids) if checked.draft else []
    found = await call.read(picture_rows.list_by_id, named)
    return {
        "preview": f"/console/templates/preview/{name}" if name else "",
        "left_out": left_out if labels else "",
        "pictures": template_pictures.shown_json(found, call.ctx.links),
    }


async def write_text(call: ConsoleCall) -> Response:
    """POST /console/templates/drafts/text: store the JSON text that is the body's `text` as the draft that the query
    names by the fields of the form, with the outdated translations that are its `outdated` (`outdated.read_sent`); null
    confirms those that were changed. With `?check=true`, only check the text. Returns a JSON object for the editor's
    script: the first `faults`, a `summary` of them in words, the path of the `preview`, "" without one, what that
    leaves out as `left_out`, the `pictures` and `languages` of the template, and `place`, the form's fields from now
    on, with the `outdated` translations; null if the text is not stored, with the reason in `refused` if there is no
    place for it. If somebody else wrote meanwhile, `newer` has their `text` and `outdated`, and sentences that say who:
    `notice` for a text that waits, `joined_notice` for one that was joined.
    """
    sent = await call.turns.run(parse, await read_json_bytes(call.request, MAX_FORM))
    text = sent.get("text") if isinstance(sent, dict) else None
    if not isinstance(text, str):
        raise Problem("bad_request", "The body has no `text`.")
    call.form = {name: call.request.query_params.get(name, "") for name in PLACE}
    checked = await check_with_pictures(call, text)
    result = await call.turns.run(_result_json, call, checked)
    content = {**result, **await _preview_json(call, checked), "place": None, "newer": None, "refused": ""}
    if checked.draft is None or "check" in call.request.query_params:
        return Json(content)
    place = dict(call.form)
    try:
        draft = await _write(call, await call.turns.run(_with_outdated, checked.draft, sent.get("outdated")), place)
    except Problem as problem:
        if refused := _refused_text(call, problem):
            return Json({**content, "refused": refused})
        newer = await _find_newer(call, place, problem)
        notices = {"notice": _newer_text(call, newer), "joined_notice": _joined_text(call, newer)}
        return Json(
            {**content, "place": _place(newer), "newer": {"text": newer.body, "outdated": newer.outdated, **notices}}
        )
    return Json({**content, "place": _place(draft), "outdated": draft.outdated})


def _with_outdated(draft: SentDraft, sent: Any) -> SentDraft:
    """Return a draft with the outdated translations that the editor's script has `sent`."""
    if not isinstance(sent, dict):
        return draft
    return replace(draft, outdated=outdated_rules.read_sent(sent, from_json(draft.text.body)))


def _newer_text(call: ConsoleCall, newer: Draft) -> str:
    """Return the sentence on who has written a draft meanwhile."""
    who = newer.updated_by_name or call.language.gettext("Somebody")
    return call.language.gettext(
        "{name} has written here meanwhile. What you have typed is still here, and not saved yet.", name=who
    )


def _joined_text(call: ConsoleCall, newer: Draft) -> str:
    """Return the sentence on who has written a draft, for a text that was joined with it."""
    who = newer.updated_by_name or call.language.gettext("Somebody")
    return call.language.gettext("{name} has written here, too. Both changes are in the draft now.", name=who)


def _result_json(call: ConsoleCall, checked: CheckedText) -> dict[str, Any]:
    language, count = call.language, len(checked.faults)
    data = from_json(checked.draft.text.body) if checked.draft and checked.faults else None
    shown = [
        {
            "line": fault.line,
            "column": fault.column,
            "where": language.gettext("Line {line}, column {column}", line=fault.line, column=fault.column),
            "pointer": fault.pointer,
            "detail": fault.detail
            if fault.pointer is not None
            else language.gettext("This is not JSON: {detail}.", detail=fault.detail),
            **(
                place_of_fault(language, data, fault.pointer, fault.code, fault.detail)
                if fault.pointer is not None and fault.code
                else {"id": "", "code": None, "words": ""}
            ),
        }
        for fault in checked.faults[:MAX_SHOWN]
    ]
    summary = language.ngettext("{n} problem.", "{n} problems.", count) if count else language.gettext("No problems.")
    template = checked.draft and checked.draft.template.template
    return {"summary": summary, "faults": shown, "languages": list(template.translations) if template else []}
