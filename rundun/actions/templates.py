"""Templates: created, revised into a new version, archived."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from rundun.core import rules, times
from rundun.core.template import Template
from rundun.errors import Invalid, Place, Problem
from rundun.store import templates
from rundun.store.tx import Tx, Version

ASSIGNED = ("id", "v", "org_id", "created_at", "updated_at")


def etag(version: Version) -> str:
    """The entity tag of a version: its id and number, quoted (RFC 9110 section 8.8.3)."""
    return f'"{version.template_id}.{version.v}"'


def assigned(version: Version) -> dict[str, Any]:
    """What the server says of a version, beside what its author wrote."""
    return {
        "id": version.template_id,
        "v": version.v,
        "org_id": version.org_id,
        "created_at": times.wire(version.created_at),
        "updated_at": times.wire(version.updated_at),
    }


def create(tx: Tx, org_id: str, data: Any) -> Version:
    """A new template; raises `Invalid` with all that is wrong with `data`."""
    places = [
        Place(f"/{name}", "read_only", "is assigned by the server; leave it out of a new template")
        for name in ASSIGNED
        if isinstance(data, dict) and name in data
    ]
    template = _read(tx, data, places)
    return templates.add(tx, org_id, rules.as_json(template))


def revise(tx: Tx, org_id: str, template_id: str, data: Any, if_match: str | None) -> Version:
    """A new version, current from now on. The same content again makes none; a stale `if_match` is refused with
    `version_mismatch`.
    """
    head = templates.get(tx, org_id, template_id)
    current = templates.get_version(tx, template_id, head.v)
    if if_match is not None and not _matches(if_match, etag(current)):
        raise Problem(
            "version_mismatch", f"The template is at version {head.v} now; get it and edit that one."
        )
    now = assigned(current)
    places = [
        Place(f"/{name}", "read_only", f"is assigned by the server and is “{now[name]}” now")
        for name in ASSIGNED
        if isinstance(data, dict) and name in data and data[name] != now[name]
    ]
    body = rules.as_json(_read(tx, data, places))
    if from_json(body) == from_json(current.body) and head.archived_at is None:
        return current
    return templates.add_version(tx, head, body)


def _matches(if_match: str, tag: str) -> bool:
    wanted = [one.strip().removeprefix("W/") for one in if_match.split(",")]
    return "*" in wanted or tag in wanted


def _read(tx: Tx, data: Any, places: list[Place]) -> Template:
    written = (
        {key: value for key, value in data.items() if key not in ASSIGNED} if isinstance(data, dict) else data
    )
    try:
        template = rules.read_template(written, lambda prefix: prefix + tx.new_id("").replace("-", "")[:12])
    except Invalid as invalid:
        raise Invalid([*places, *invalid.places]) from None
    if places:
        raise Invalid(places)
    return template


def archive(tx: Tx, org_id: str, template_id: str) -> None:
    """No new runs from it; archiving again changes nothing."""
    templates.archive(tx, templates.get(tx, org_id, template_id))
