"""/console/templates: the list of templates, and a template with its versions and the changes between them."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from pydantic_core import from_json, to_json
from starlette.responses import Response

from rundun.actions.deliveries import default_webhooks
from rundun.actions.erasure import retention
from rundun.actions.templates import drafts, templates
from rundun.actions.templates.drafts import SentDraft
from rundun.actions.templates.templates import get_two_versions, get_version, get_with_versions, page_summaries
from rundun.core.templates import pictures
from rundun.core.templates.diff import TemplateChange, default_value, difference, parts
from rundun.core.templates.pictures import TemplatePicture
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.store.templates import drafts as draft_rows
from rundun.web import samples
from rundun.web.console.dispatch.form import host_of
from rundun.web.console.session import ConsoleCall
from rundun.web.http.query_params import ListQuery, TemplateQuery, TemplatesQuery, next_cursor, query
from rundun.wording.template_text import template_text

MAX_VERSIONS = 100
COPY = " (copy)"


class TemplatePageQuery(ListQuery, TemplateQuery):
    """The query of GET /console/templates/{template_id}."""

    flash: str = ""


class TemplatesPageQuery(TemplatesQuery):
    """The query of GET /console/templates."""

    flash: str = ""


async def list_templates(call: ConsoleCall) -> Response:
    """GET /console/templates: list all drafts, and a page of templates, newest first; `?include_archived=true`
    adds archived ones.
    """
    params = query(TemplatesPageQuery, call.request)
    page = await call.read(page_summaries, params.page_request(), params.include_archived, call.language.tag)
    is_first = "cursor" not in params.model_fields_set
    return await call.render(
        "templates/list",
        page=page,
        drafts=await call.read(draft_rows.list_heads) if is_first else [],
        cursor=next_cursor(page),
        include_archived=params.include_archived,
        is_first=is_first,
        samples={name: samples.read_in(name, call.language.tag) for name in samples.NAMES},
    )


async def show_version(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}?v=: show a version to be read."""
    facts = await template_facts(call, call.path("template_id"), query(TemplatePageQuery, call.request).v)
    return await call.render("templates/template", **facts, **await call.turns.run(_content, call, facts["version"]))


def _content(call: ConsoleCall, version: TemplateVersion) -> dict[str, Any]:
    source = from_json(version.body)
    return {
        "source": source,
        "sections": [{"title": "", "steps": source.get("steps") or []}, *(source.get("sections") or [])],
        "count": len(version.steps),
        "text": template_text(call.language, parts(source)),
        "pictures": pictures.shown_json(version.pictures, call.ctx.links),
    }


async def template_facts(call: ConsoleCall, template_id: str, v: int | None = None) -> dict[str, Any]:
    """Return the values that pages on a template show beside its content: its head, the version `v`, by default the
    current one, a page of all versions, its draft, retention and default webhooks. Raises NotFound.
    """
    params = query(TemplatePageQuery, call.request)
    head, version, versions = await call.read(get_with_versions, template_id, v, params.page_request())
    return {
        "head": head,
        "version": version,
        "versions": versions,
        "cursor": next_cursor(versions),
        "draft": await call.read(draft_rows.find_head, template_id),
        "retention": await call.read(retention.get_of_template, template_id),
        "webhook_host": host_of(await call.read(default_webhooks.find_own, template_id)),
        "webhook_host_of_organization": host_of(await call.read(default_webhooks.find_own, None)),
    }


async def changes(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}/changes: compare version `?before=`, by default the one before `after`, with
    `?after=`, by default the current one.
    """
    first, second = _version_number(call, "before"), _version_number(call, "after")
    head, before, after = await call.read(get_two_versions, call.path("template_id"), first, second)
    compared = await call.turns.run(_compare_versions, call, before, after)
    numbers = list(range(head.v, max(0, head.v - MAX_VERSIONS), -1))
    return await call.render("templates/changes", head=head, before=before, after=after, numbers=numbers, **compared)


def _compare_versions(call: ConsoleCall, before: TemplateVersion, after: TemplateVersion) -> dict[str, Any]:
    return compare(call, from_json(before.body), from_json(after.body), {**before.pictures, **after.pictures})


def compare(call: ConsoleCall, old: Any, new: Any, shown: Mapping[str, TemplatePicture]) -> dict[str, Any]:
    """Return the values that pages on the changes of a template show: two versions of its JSON, with their pictures."""
    return {
        "changes": shown_changes(difference(old, new)),
        "text": template_text(call.language, parts(old), parts(new)),
        "default_value": default_value,
        "pictures": pictures.shown_json(shown, call.ctx.links),
        "parts_by_id": {**parts(old), **parts(new)},
    }


def shown_changes(changes: list[TemplateChange]) -> list[TemplateChange]:
    """Return the changes without the options of added and removed steps, which already show them."""
    whole = {change.part.id for change in changes if change.kind in ("added", "removed")}
    return [change for change in changes if not (change.part.kind == "option" and change.part.parent in whole)]


def _version_number(call: ConsoleCall, name: str) -> int | None:
    """Return the version number in the query parameter `name`; None if it is no whole number from 1."""
    value = call.request.query_params.get(name, "")
    return int(value) if re.fullmatch(r"[1-9][0-9]{0,8}", value) else None


async def export(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}/export: return a file with the JSON of the version `?v=`, else of the
    current one, without the template's id, version and times, indented anew.
    """
    v = query(TemplateQuery, call.request).v
    _, version = await call.read(get_version, call.path("template_id"), v)
    ascii_name, name = file_name(version.template.name)
    headers = {
        "content-disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}",
        "cache-control": "no-store",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(await call.turns.run(format_json, version.body), headers=headers, media_type="application/json")


def format_json(body: bytes) -> str:
    """Return a template's stored JSON as text, indented by two, with a last line break and letters unescaped."""
    return json.dumps(from_json(body), ensure_ascii=False, indent=2) + "\n"


def file_name(name: str) -> tuple[str, str]:
    """Return two file names, ending in `.json`, for a template that every system accepts: one in ASCII, one with all
    letters and digits.
    """
    stem = re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", name)).strip("-_")[:80].rstrip("-") or "template"
    letters = "".join(char for char in unicodedata.normalize("NFKD", stem) if not unicodedata.combining(char))
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", letters).strip("-_")[:80] or "template"
    return f"{plain}.json", f"{stem}.json"


async def duplicate(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/duplicate: begin a draft with a template's content, and redirect to it."""
    _, version = await call.read(get_version, call.path("template_id"), None)
    name = version.template.name[: 200 - len(COPY)] + COPY
    sent = await call.turns.run(_copy, version.body, name)
    outdated = await call.read(templates.get_outdated, version.template_id, version.v)
    outdated = await call.turns.run(sent.outdated_after, outdated, version.body)
    draft = await call.write(drafts.create, replace(sent, outdated=outdated), call.actor)
    return call.redirect(f"/templates/drafts/{draft.draft_id}", "duplicated")


def _copy(body: bytes, name: str) -> SentDraft:
    copied = {**from_json(body), "name": name}
    return drafts.read_sent(format_json(to_json(copied)), copied)


async def archive(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/archive: archive a template, and redirect to it."""
    await call.write(templates.archive, call.path("template_id"), call.actor)
    return call.redirect(f"/templates/{call.path('template_id')}", "archived")


async def unarchive(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/bring-back: take a template out of the archive, and redirect to it."""
    await call.write(templates.unarchive, call.path("template_id"), call.actor)
    return call.redirect(f"/templates/{call.path('template_id')}", "brought_back")


async def show_sample_picture(call: ConsoleCall) -> Response:
    """GET /console/templates/samples/{name}/picture: send a small picture (JPEG) of what a sample is about."""
    headers = {"cache-control": "private, max-age=86400"}
    return Response(samples.read_thumbnail(call.path("name")), headers=headers, media_type="image/jpeg")
