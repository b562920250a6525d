"""/console/templates/…/edit and /new: an editor for a template's JSON that shows faults by line and column."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from rundun.actions.templates import pictures as picture_actions, templates
from rundun.actions.templates.templates import SentTemplate, get_version
from rundun.core import json_positions
from rundun.core.json_positions import MalformedJson
from rundun.core.templates.template import MAXIMUM_BYTES, Template
from rundun.errors import FieldError, Invalid, Problem
from rundun.store.templates.templates import TemplateHead
from rundun.web import sample_pictures
from rundun.web.console.session import ConsoleCall
from rundun.web.console.templates import pictures
from rundun.web.console.templates.pictures import uploaded_pictures
from rundun.web.console.templates.templates import format_json, sample
from rundun.web.http.body import read_bytes
from rundun.web.http.problems import Json
from rundun.web.pages.pages import CONTENT_SECURITY_POLICY

MAX_SHOWN = 200
MAX_TEXT = 2 * MAXIMUM_BYTES  # characters: a template of maximum size, indented
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


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a text. `line` and `column` count from 1, `pointer` is None if the text is not JSON."""

    line: int
    column: int
    pointer: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class CheckedText:
    """The result of checking a text: its faults, and the sent template, None if the text is not JSON, over 512
    KiB, or repeats a member.
    """

    text: str
    sent: SentTemplate | None
    faults: tuple[Fault, ...]


def check(text: str) -> CheckedText:
    """Return a text, the sent template, None if unreadable, and its faults as the API finds them, but for missing
    pictures. An invalid one has no `template`.
    """
    if len(text) > MAX_TEXT:
        return CheckedText(text, None, (Fault(1, 1, "", "A template may have at most 512 KiB."),))
    try:
        sent = templates.read_sent(json_positions.read(text))
    except MalformedJson as broken:
        return CheckedText(text, None, (Fault(broken.line, broken.column, None, str(broken)),))
    except Invalid as invalid:  # repeated members
        return CheckedText(text, None, faults(text, invalid.errors))
    except Problem as problem:  # too large
        return CheckedText(text, None, (Fault(1, 1, "", problem.detail),))
    return CheckedText(text, sent, faults(text, sent.errors))


def faults(text: str, errors: Iterable[FieldError]) -> tuple[Fault, ...]:
    """Return the `errors` of a JSON text as faults with line and column, sorted by position."""
    wrong = list(errors)
    if not wrong:  # locating takes most of the time of a check
        return ()
    positions = json_positions.positions(text, (error.pointer for error in wrong))
    starts = (json_positions.nearest_span(positions, error.pointer).start for error in wrong)
    located = [
        Fault(*json_positions.line_and_column(text, start), error.pointer, error.detail)
        for start, error in zip(starts, wrong, strict=True)
    ]
    return tuple(sorted(located, key=lambda fault: (fault.line, fault.column)))


async def _check(call: ConsoleCall, text: str) -> CheckedText:
    """Return a text checked by `check` and for missing pictures. Missing sample pictures are stored, unless the quota
    is used up: then only saving reports it.
    """
    checked = await call.turns.run(check, text)
    if checked.sent is None or not checked.sent.pictures:
        return checked
    named = {picture_id for _, picture_id in checked.sent.pictures}
    try:
        await call.write(picture_actions.add_missing, sample_pictures.select_pictures(named))
    except Problem as problem:
        if problem.code != "quota_exceeded":
            raise
        return checked
    unknown = await call.read(templates.unknown_pictures, checked.sent)
    return replace(checked, faults=faults(text, [*checked.sent.errors, *unknown]))


def _form_text(call: ConsoleCall) -> str:
    return call.form.get("text", "").replace("\r\n", "\n")


def _preview_path(call: ConsoleCall, checked: CheckedText) -> str:
    """Store a sent template for the preview and return the preview's path; "" without a valid one."""
    if checked.sent is None or checked.sent.template is None:
        return ""
    name = call.ctx.preview_cache.put(call.operator.operator_id, checked.sent.body, call.now)
    return f"/console/templates/preview/{name}"


async def _render_editor(
    call: ConsoleCall, text: str, status: int = 200, checked: CheckedText | None = None, **more: Any
) -> Response:
    shown = checked.faults[:MAX_SHOWN] if checked else ()
    response = await call.render(
        "templates/edit",
        status,
        **{
            "text": text,
            "checked": checked,
            "faults": shown,
            "faults_left_out": len(checked.faults) - len(shown) if checked else 0,
            "preview": _preview_path(call, checked) if checked else "",
            "once": call.form.get("once") or str(uuid.uuid4()),
            "languages": call.ctx.pages.words.names,
            "uploaded": await uploaded_pictures(call),
            "max_uploaded": pictures.MAX_LISTED,
            "max_picture_bytes": call.ctx.settings.limits.photo_bytes,
            "head": None,
            "made_from": None,
            "conflict": None,
            "is_full": False,
            "is_import": False,
            **more,
        },
    )
    response.headers["content-security-policy"] = POLICY
    return response


async def new_form(call: ConsoleCall) -> Response:
    """GET /console/templates/new: show the editor with a first step, the `?sample=`, or nothing for `?import=true`."""
    params = call.request.query_params
    is_import = "import" in params
    text = sample(params["sample"]) if "sample" in params else "" if is_import else BEGINNING
    return await _render_editor(call, text, is_import=is_import)


async def create(call: ConsoleCall) -> Response:
    """POST /console/templates/new: create a template, once per form, and redirect to it. With `do=check`, faults in the
    text, or a used-up quota, show the editor with the text. Server-assigned members are ignored.
    """
    checked = await _check(call, _form_text(call))
    if call.form.get("do") == "check" or checked.faults or checked.sent is None:
        return await _render_editor(call, checked.text, 422 if checked.faults else 200, checked)
    sent = replace(checked.sent, assigned={})
    try:
        template_id = await call.write_once("template_id", templates.create, sent)
    except Problem as problem:
        if problem.code != "quota_exceeded":
            raise
        return await _show_quota_exceeded(call, checked)
    return call.redirect(f"/templates/{template_id}", _saved_flash(set(), sent.template))


def _required_labels(template: Template | None) -> set[str]:
    """Return the labels of the template's required fields."""
    return {field.label for field in template.fields if field.required} if template else set()


def _saved_flash(required: set[str], template: Template | None) -> str:
    """Return the key in `FLASHES` for a saved template: `warning_required` if it has required fields whose labels are
    not in `required`, those required before; else `template_saved`.
    """
    return "warning_required" if _required_labels(template) - required else "template_saved"


async def _show_quota_exceeded(call: ConsoleCall, checked: CheckedText, **more: Any) -> Response:
    """Render the editor, with status 403, with the typed text and the message that the quota is used up."""
    return await _render_editor(call, checked.text, 403, checked, is_full=True, **more)


async def edit_form(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}/edit: show the editor with the current version."""
    head, version = await call.read(get_version, call.path("template_id"), None)
    return await _render_editor(call, format_json(version.body), head=head, made_from=version.v)


async def edit(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/edit: create the next version, unless nothing has changed, and redirect to
    the template. With `do=check`, faults, or a used-up quota, show the editor with the text. If another version was
    created since the form was shown, show the typed text again, to be saved over it.
    """
    head, before = await call.read(get_version, call.path("template_id"), None)
    made_from = call.form.get("made_from", "")
    checked = await _check(call, _form_text(call))
    if call.form.get("do") == "check" or checked.faults or checked.sent is None:
        status = 422 if checked.faults else 200
        return await _render_editor(call, checked.text, status, checked, head=head, made_from=made_from)
    return await _save(call, head, made_from, checked, checked.sent, _required_labels(before.template))


async def _save(
    call: ConsoleCall, head: TemplateHead, made_from: str, checked: CheckedText, sent: SentTemplate, required: set[str]
) -> Response:
    tag = f'"{head.template_id}.{made_from}"'
    try:
        version = await call.write(templates.revise, head.template_id, sent, tag, call.actor)
    except Invalid as problem:
        wrong = replace(checked, faults=faults(checked.text, problem.errors))
        return await _render_editor(call, checked.text, 422, wrong, head=head, made_from=made_from)
    except Problem as problem:
        if problem.code == "quota_exceeded":
            return await _show_quota_exceeded(call, checked, head=head, made_from=made_from)
        if problem.code != "version_mismatch":
            raise
        head, _ = await call.read(get_version, head.template_id, None)
        base = int(made_from) if made_from.isdecimal() and made_from.isascii() and len(made_from) < 10 else head.v
        conflict = min(max(base, 1), head.v)
        return await _render_editor(call, checked.text, 412, checked, head=head, made_from=head.v, conflict=conflict)
    is_same = str(version.v) == made_from
    flash = "template_unchanged" if is_same else _saved_flash(required, version.template)
    return call.redirect(f"/templates/{head.template_id}", flash)


async def check_text(call: ConsoleCall) -> Response:
    """POST /console/templates/check: return a JSON object for the editor's script: a `summary` in words, the first
    `faults`, the path of the `preview`, "" without one, and the `languages` of translations.
    """
    body = await read_bytes(call.request, MAX_FORM)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Problem("bad_request", "The text is not UTF-8.") from None
    checked = await _check(call, text)
    language = call.language
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
    count = len(checked.faults)
    summary = language.ngettext("{n} problem.", "{n} problems.", count) if count else language.gettext("No problems.")
    template = checked.sent and checked.sent.template
    languages = list(template.translations) if template else []
    preview = _preview_path(call, checked)
    return Json({"summary": summary, "faults": shown, "preview": preview, "languages": languages})
