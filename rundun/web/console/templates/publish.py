"""/console/templates/drafts/{draft_id}/publish: what publishing a draft changes, doing it, and discarding the draft."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import from_json
from starlette.responses import Response

from rundun.actions.templates import drafts
from rundun.actions.templates.templates import get_version
from rundun.core.templates import outdated as outdated_rules, pictures as template_pictures
from rundun.core.templates.dispatch_changes import list_refusals
from rundun.core.templates.template import Template
from rundun.errors import Invalid, NotFound, Problem
from rundun.store.runs import lists
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.store.templates import drafts as draft_rows, pictures as picture_rows, templates as template_rows
from rundun.store.templates.drafts import Draft
from rundun.web.console.session import ConsoleCall
from rundun.web.console.templates.editor import number
from rundun.web.console.templates.templates import compare
from rundun.web.console.templates.text_check import CheckedText, check, locate

MAX_COUNTED = 10_000  # open runs
MAX_SHOWN = 50  # faults


async def show(call: ConsoleCall) -> Response:
    """GET /console/templates/drafts/{draft_id}/publish: show the faults of a draft, or what it changes in its template
    and that open runs go on with their version. Raises NotFound.
    """
    draft = await call.read(draft_rows.get, call.path("draft_id"))
    return await _render(call, draft, await _check(call, draft))


async def _check(call: ConsoleCall, draft: Draft) -> CheckedText:
    checked = await call.turns.run(check, draft.body)
    errors = await call.read(drafts.list_errors, checked.draft.template) if checked.draft else []
    return replace(checked, faults=await call.turns.run(locate, draft.body, errors))


async def _render(call: ConsoleCall, draft: Draft, checked: CheckedText, status: int = 200, **more: Any) -> Response:
    values: dict[str, Any] = {
        "draft": draft,
        "faults": checked.faults[:MAX_SHOWN],
        "faults_left_out": len(checked.faults[MAX_SHOWN:]),
        "template": checked.draft and checked.draft.template.template,
        "outdated": outdated_rules.count(draft.outdated),
        "languages": call.ctx.pages.words.names,
        "max_counted": MAX_COUNTED,
        "head": None,
        "changes": None,
        "is_new_version": True,
        "is_stale": False,
        "is_full": False,
    }
    if draft.template_id is not None:
        head, current = await call.read(get_version, draft.template_id, None)
        values |= {"head": head, "current": current, "open_runs": await _count_open(call, draft.template_id)}
        sent = checked.draft and checked.draft.template
        if sent and sent.template and not checked.faults:
            values |= await _changes(call, current, sent.body, sent.template)
    return await call.render("templates/publish", status, **(values | more))


async def _count_open(call: ConsoleCall, template_id: str) -> int:
    return await call.read(lists.count, RunFilter(status="open", template_id=template_id), MAX_COUNTED + 1)


async def _changes(call: ConsoleCall, current: TemplateVersion, body: bytes, template: Template) -> dict[str, Any]:
    named = await call.read(picture_rows.list_by_id, template_pictures.picture_ids(template.all_steps()))
    return await call.turns.run(_compare, call, current, body, template, {**current.pictures, **named})


def _compare(
    call: ConsoleCall,
    current: TemplateVersion,
    body: bytes,
    template: Template,
    shown: Mapping[str, template_pictures.TemplatePicture],
) -> dict[str, Any]:
    old, new = from_json(current.body), from_json(body)
    refusals = list_refusals(current.template, template)
    return {**compare(call, old, new, shown), "is_new_version": new != old, "refusals": refusals}


async def publish(call: ConsoleCall) -> Response:
    """POST /console/templates/drafts/{draft_id}/publish: make the version, once for a form that is sent twice, and
    redirect to the template. Shows the page again if the draft has faults, if it or the template has changed since the
    page was shown, or if the quota is used up. Raises NotFound.
    """
    draft_id, made_from = call.path("draft_id"), number(call.form.get("made_from", ""))
    try:
        draft = await call.read(draft_rows.get, draft_id)
    except NotFound:
        return await _redirect(call, await call.write_once("template_id", draft_rows.get, draft_id), made_from)
    checked = await _check(call, draft)
    if number(call.form.get("revision", "")) != draft.revision:
        return await _render(call, draft, checked, 412, is_stale=True)
    if checked.draft is None or checked.faults:
        return await _render(call, draft, checked, 422)
    sent, tag = checked.draft.template, drafts.etag(draft)
    try:
        published = await call.write_once("template_id", drafts.publish, draft_id, sent, tag, made_from, call.actor)
    except Invalid as problem:
        faults = await call.turns.run(locate, draft.body, problem.errors)
        return await _render(call, draft, replace(checked, faults=faults), 422)
    except Problem as problem:
        if problem.code == "quota_exceeded":
            return await _render(call, draft, checked, 403, is_full=True)
        if problem.code != "version_mismatch":
            raise
        newer = await call.read(draft_rows.get, draft_id)
        return await _render(call, newer, await _check(call, newer), 412, is_stale=True)
    return await _redirect(call, published, made_from)


async def _redirect(call: ConsoleCall, template_id: str, made_from: int | None) -> Response:
    """Redirect to a template, with the message that it is published, or that nothing has changed."""
    head = await call.read(template_rows.get, template_id)
    return call.redirect(
        f"/templates/{template_id}", "template_unchanged" if head.v == made_from else "template_published"
    )


async def discard(call: ConsoleCall) -> Response:
    """POST /console/templates/drafts/{draft_id}/discard: delete a draft, and redirect to its template, or to the list;
    to the draft if it has changed since the page was shown. Raises NotFound.
    """
    draft = await call.read(draft_rows.get, call.path("draft_id"))
    tag = f'"{draft.draft_id}.{number(call.form.get("revision", ""))}"'
    try:
        await call.write(drafts.discard, draft.draft_id, tag)
    except Problem as problem:
        if problem.code != "version_mismatch":
            raise
        return call.redirect(f"/templates/drafts/{draft.draft_id}", "warning_draft_changed")
    return call.redirect(f"/templates/{draft.template_id}" if draft.template_id else "/templates", "draft_discarded")
