"""/console/templates: the list, and a template with its versions and what changed between them."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any
from urllib.parse import quote

from pydantic_core import from_json
from starlette.responses import Response

from rundun import paths
from rundun.actions import templates as actions
from rundun.actions.templates import get_two_versions, get_version, get_with_versions, page_current
from rundun.core.template_diff import difference, parts
from rundun.errors import NotFound
from rundun.store.pagination import Page
from rundun.web.console.session import ConsoleCall, route
from rundun.web.console.template_text import template_text
from rundun.web.query_params import ListQuery, TemplateQuery, TemplatesQuery, list_cursor, query

MAX_VERSIONS = 100


class ShownQuery(ListQuery, TemplateQuery):
    """GET /console/templates/{template_id}."""

    told: str = ""


class TemplatesShown(TemplatesQuery):
    """GET /console/templates."""

    told: str = ""


def samples() -> dict[str, str]:
    """The samples' names by that of their files."""
    return {path.stem: from_json(path.read_bytes())["name"] for path in sorted(paths.samples().glob("*.json"))}


def cursor(found: Page[Any]) -> str | None:
    """Where the next page goes on, None behind the last."""
    if found.next_before is None:
        return None
    first, second = (0, *found.next_before)[-2:]
    return list_cursor(first, second)


async def index(call: ConsoleCall) -> Response:
    """GET /console/templates: the newest first, archived ones on request."""
    wanted = query(TemplatesShown, call.request)
    found = await call.read(page_current, wanted.slice(), wanted.include_archived)
    return call.render(
        "templates",
        page=found,
        cursor=cursor(found),
        include_archived=wanted.include_archived,
        is_first="cursor" not in wanted.model_fields_set,
        samples=samples(),
    )


async def show(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}: the current version, or `?v=`, to be read, and all versions."""
    wanted = query(ShownQuery, call.request)
    template_id = call.path("template_id")
    head, version, versions = await call.read(get_with_versions, template_id, wanted.v, wanted.slice())
    written = from_json(version.body)
    return call.render(
        "template",
        head=head,
        version=version,
        written=written,
        sections=[{"title": "", "steps": written.get("steps") or []}, *(written.get("sections") or [])],
        count=len(version.steps),
        teller=lambda t: template_text(t, parts(written)),
        versions=versions,
        cursor=cursor(versions),
    )


async def changes(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}/changes?before=&after=: two versions, without them the last two."""
    first, second = _number(call, "before"), _number(call, "after")
    head, before, after = await call.read(get_two_versions, call.path("template_id"), first, second)
    old, new = from_json(before.body), from_json(after.body)
    reading = {**parts(old), **parts(new)}
    found = difference(old, new)
    whole = {change.part.id for change in found if change.kind in ("added", "removed")}
    return call.render(
        "template_changes",
        head=head,
        before=before,
        after=after,
        # the options of a step that came or went say nothing more
        changes=[one for one in found if not (one.part.kind == "option" and one.part.parent in whole)],
        teller=lambda t: template_text(t, parts(old), parts(new)),
        reading=reading,
        numbers=list(range(head.v, max(0, head.v - MAX_VERSIONS), -1)),
    )


def _number(call: ConsoleCall, name: str) -> int | None:
    """A version's number in the query; None stands for what is none."""
    given = call.request.query_params.get(name, "")
    return int(given) if re.fullmatch(r"[1-9][0-9]{0,8}", given) else None


async def export(call: ConsoleCall) -> Response:
    """GET /console/templates/{template_id}/export: the JSON as its author wrote it, of `?v=`, as a file."""
    v = query(TemplateQuery, call.request).v
    _, version = await call.read(get_version, call.path("template_id"), v)
    names = file_name(version.template.name)
    headers = {
        "content-disposition": f"attachment; filename=\"{names[0]}\"; filename*=UTF-8''{quote(names[1], safe='')}",
        "cache-control": "no-store",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(pretty(version.body), headers=headers, media_type="application/json")


def pretty(body: bytes) -> str:
    """A template's stored JSON, to be read by people."""
    return json.dumps(from_json(body), ensure_ascii=False, indent=2) + "\n"


def file_name(name: str) -> tuple[str, str]:
    """Names for a file that any system takes: one in ASCII, and one in all letters and digits there are."""
    kept = re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", name)).strip("-_")[:80].rstrip("-") or "template"
    letters = "".join(one for one in unicodedata.normalize("NFKD", kept) if not unicodedata.combining(one))
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", letters).strip("-_")[:80] or "template"
    return f"{plain}.json", f"{kept}.json"


async def duplicate(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/duplicate: a new one to be changed."""
    version = await call.write(actions.duplicate, call.path("template_id"))
    return call.redirect(f"/templates/{version.template_id}", "told_duplicated")


async def archive(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/archive."""
    await call.write(actions.archive, call.path("template_id"))
    return call.redirect(f"/templates/{call.path('template_id')}", "told_archived")


async def bring_back(call: ConsoleCall) -> Response:
    """POST /console/templates/{template_id}/bring-back."""
    await call.write(actions.bring_back, call.path("template_id"))
    return call.redirect(f"/templates/{call.path('template_id')}", "told_brought_back")


def sample(name: str) -> str:
    """A sample as its file has it; raises NotFound."""
    if name not in samples():
        raise NotFound("sample")
    return (paths.samples() / f"{name}.json").read_text("utf-8")


ROUTES = [
    route("GET", "/templates", index),
    route("GET", "/templates/{template_id}", show),
    route("GET", "/templates/{template_id}/changes", changes),
    route("GET", "/templates/{template_id}/export", export),
    route("POST", "/templates/{template_id}/duplicate", duplicate),
    route("POST", "/templates/{template_id}/archive", archive),
    route("POST", "/templates/{template_id}/bring-back", bring_back),
]
