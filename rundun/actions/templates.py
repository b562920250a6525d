"""Templates: created, revised into a new version, archived."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from rundun.core import template_rules, times
from rundun.core.json_types.runs import TemplateRecordJson
from rundun.core.template import Template
from rundun.errors import FieldError, Invalid, NotFound, Problem
from rundun.store import (
    templates,
)
from rundun.store.pagination import Page, PageRequest
from rundun.store.templates import TemplateHead
from rundun.store.transaction import TemplateVersion, Tx

COPY = " (copy)"
ASSIGNED = ("id", "v", "org_id", "created_at", "updated_at", "archived_at")


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody sent as a template, read outside of any transaction, since a large one takes its time: the
    template and its stored form, or `errors` with all that is wrong; `given` is what it says of the server's fields,
    `made` the ids that it left to us.
    """

    given: Mapping[str, Any]
    template: Template | None
    body: bytes
    errors: tuple[FieldError, ...]
    made: frozenset[str] = frozenset()


def draft(data: Any) -> Draft:
    """Read `data` as a template; raises `too_large` only."""
    fields = data if isinstance(data, dict) else {}
    given = {name: fields[name] for name in ASSIGNED if name in fields}
    written = {key: value for key, value in data.items() if key not in ASSIGNED} if fields else data
    made: list[str] = []

    def make_id(prefix: str) -> str:
        made.append(prefix + uuid.uuid4().hex[:12])
        return made[-1]

    try:
        template = template_rules.read_template(written, make_id)
    except Invalid as invalid:
        return Draft(given, None, b"", invalid.errors)
    return Draft(given, template, template_rules.as_json(template), (), frozenset(made))


def etag(version: TemplateVersion, archived_at: int | None = None) -> str:
    """The entity tag of a version: its id and number, quoted (RFC 9110 section 8.8.3), and since when its template is
    archived, which is shown beside it.
    """
    since = "" if archived_at is None else f".archived-{archived_at // times.SECOND}"
    return f'"{version.template_id}.{version.v}{since}"'


def assigned(version: TemplateVersion, archived_at: int | None = None) -> TemplateRecordJson:
    """What the server says of a version, beside what its author wrote."""
    return {
        "id": version.template_id,
        "v": version.v,
        "org_id": version.org_id,
        "created_at": times.wire(version.created_at),
        "updated_at": times.wire(version.updated_at),
        "archived_at": times.wire_or_none(archived_at),
    }


def create(tx: Tx, org_id: str, sent: Draft) -> TemplateVersion:
    """A new template; raises `Invalid` with all that is wrong with what was sent."""
    detail = "is assigned by the server; leave it out of a new template"
    template = _whole(sent, [FieldError(f"/{name}", "read_only", detail) for name in sent.given])
    return templates.add(tx, org_id, template, sent.body)


def revise(tx: Tx, org_id: str, template_id: str, sent: Draft, if_match: str | None) -> TemplateVersion:
    """A new version, current from now on; an archived template comes back. The same content again makes none, ids that
    were left out being those that are kept; a stale `if_match` is refused with `version_mismatch`.
    """
    head = templates.get(tx, org_id, template_id)
    current = templates.get_version(tx, template_id, head.v)
    if if_match is not None and not _matches(if_match, {etag(current), etag(current, head.archived_at)}):
        raise Problem("version_mismatch", f"The template is at version {head.v} now; get it and edit that one.")
    now: Mapping[str, object] = assigned(current, head.archived_at)
    template = _whole(
        sent,
        [
            FieldError(f"/{name}", "read_only", f"is assigned by the server and is “{now[name]}” now")
            for name, value in sent.given.items()
            if value != now[name] or type(value) is not type(now[name])  # true is not 1
        ],
    )
    if _says_the_same(from_json(sent.body), from_json(current.body), sent.made):
        templates.bring_back(tx, head)
        return current
    return templates.add_version(tx, head, template, sent.body)


def _whole(sent: Draft, read_only: list[FieldError]) -> Template:
    if sent.template is None or read_only:
        raise Invalid([*read_only, *sent.errors])
    return sent.template


def _says_the_same(sent: Any, kept: Any, made: Set[str]) -> bool:
    """Whether two templates, as JSON, are equal; an id that was made for `sent` stands for any in its place."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        return sent.keys() == kept.keys() and all(
            (key == "id" and value in made) or _says_the_same(value, kept[key], made) for key, value in sent.items()
        )
    if isinstance(sent, list) and isinstance(kept, list):
        return len(sent) == len(kept) and all(
            _says_the_same(one, other, made) for one, other in zip(sent, kept, strict=True)
        )
    return bool(sent == kept)


def _matches(if_match: str, tags: Set[str]) -> bool:
    wanted = [one.strip() for one in if_match.split(",")]  # strongly compared, so a weak tag never matches
    return "*" in wanted or not tags.isdisjoint(wanted)


def archive(tx: Tx, org_id: str, template_id: str) -> None:
    """No new runs from it; archiving again changes nothing."""
    templates.archive(tx, templates.get(tx, org_id, template_id))


def bring_back(tx: Tx, org_id: str, template_id: str) -> None:
    """New runs from it again; where it was not archived nothing changes."""
    templates.bring_back(tx, templates.get(tx, org_id, template_id))


def duplicate(tx: Tx, org_id: str, template_id: str) -> TemplateVersion:
    """A new template with what the current version of this one says, under a name of its own."""
    head = templates.get(tx, org_id, template_id)
    written = templates.get_version(tx, head.template_id, head.v).template
    copied = written.model_copy(update={"name": written.name[: 200 - len(COPY)] + COPY})
    return templates.add(tx, org_id, copied, template_rules.as_json(copied))


def list_names(tx: Tx, org_id: str) -> list[tuple[str, str]]:
    """(id, name) of the organization's newest 100 templates, archived ones too, by name."""
    heads = templates.page(tx, org_id, PageRequest(100), include_archived=True).items
    named = [(head.template_id, templates.get_version(tx, head.template_id, head.v)) for head in heads]
    return sorted(
        ((template_id, version.template.name) for template_id, version in named),
        key=lambda one: (one[1].casefold(), one[0]),
    )


def get_version(tx: Tx, org_id: str, template_id: str, v: int | None) -> tuple[TemplateHead, TemplateVersion]:
    """One version of an organization's template, the current one without `v`."""
    head = templates.get(tx, org_id, template_id)
    return head, templates.get_version(tx, template_id, head.v if v is None else v)


def page_current(
    tx: Tx, org_id: str, wanted: PageRequest, include_archived: bool
) -> Page[tuple[TemplateHead, TemplateVersion]]:
    """Templates in their current versions."""
    page = templates.page(tx, org_id, wanted, include_archived=include_archived)
    return Page([(head, templates.get_version(tx, head.template_id, head.v)) for head in page.items], page.next_before)


def page_versions(
    tx: Tx, org_id: str, template_id: str, wanted: PageRequest
) -> Page[tuple[TemplateHead, TemplateVersion]]:
    """All versions of an organization's template."""
    head = templates.get(tx, org_id, template_id)
    page = templates.page_versions(tx, template_id, wanted)
    return Page([(head, version) for version in page.items], page.next_before)


def dispatch_choices(tx: Tx, org_id: str, chosen: str, limit: int) -> list[tuple[TemplateHead, TemplateVersion]]:
    """The newest templates that are not archived, at most `limit`, and the one `chosen`, however old."""
    listed = page_current(tx, org_id, PageRequest(limit), False).items
    if any(head.template_id == chosen for head, _ in listed):
        return listed
    try:
        found = get_version(tx, org_id, chosen, None)
    except NotFound:
        return listed
    return [found, *listed] if found[0].archived_at is None else listed


def get_with_versions(
    tx: Tx, org_id: str, template_id: str, v: int | None, wanted: PageRequest
) -> tuple[TemplateHead, TemplateVersion, Page[tuple[TemplateHead, TemplateVersion]]]:
    """One version of a template, the current one without `v`, and a page of all of them."""
    head, version = get_version(tx, org_id, template_id, v)
    return head, version, page_versions(tx, org_id, template_id, wanted)


def get_two_versions(
    tx: Tx, org_id: str, template_id: str, before: int | None, after: int | None
) -> tuple[TemplateHead, TemplateVersion, TemplateVersion]:
    """Two versions of a template; without numbers the last one and that before it."""
    head, later = get_version(tx, org_id, template_id, after)
    return head, get_version(tx, org_id, template_id, before or max(1, later.v - 1))[1], later
