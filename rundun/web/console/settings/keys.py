"""/console/settings/keys: the organization's API keys."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from rundun.actions import api_keys
from rundun.errors import Problem
from rundun.store import api_keys as key_rows
from rundun.store.api_keys import ApiKey
from rundun.web.console.session import Visit, page
from rundun.web.console.settings.account import parts


async def list_keys(visit: Visit) -> Response:
    """GET /console/settings/keys."""
    return await _show(visit)


async def create_key(visit: Visit) -> Response:
    """POST /console/settings/keys: the answer shows the key, which nothing does again."""
    name = visit.form.get("name", "")
    try:
        made = await visit.write(api_keys.create, name)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return await _show(visit, 422, name=name, wrong=problem.detail)
    return await _show(visit, made=made)


async def revoke_key(visit: Visit) -> Response:
    """POST /console/settings/keys/{key_id}/revoke."""
    await visit.write(api_keys.revoke_of_org, visit.path("key_id"))
    return visit.go("/settings/keys", "told_key_revoked")


async def _show(
    visit: Visit,
    status: int = 200,
    name: str = "",
    wrong: str = "",
    made: tuple[ApiKey, str] | None = None,
) -> Response:
    found: list[ApiKey] = await visit.read(key_rows.of_organization)
    noted = visit.ctx.keys.used
    found = [replace(key, used_at=noted.get(key.key_id, key.used_at)) for key in found]
    return visit.show(
        "keys",
        status,
        parts=parts(visit),
        valid=[key for key in found if key.revoked_at is None],
        revoked=[key for key in found if key.revoked_at is not None],
        name=name,
        wrong=wrong,
        made=made,
        public_url=visit.ctx.settings.public_url,
    )


ROUTES = [
    page("GET", "/settings/keys", list_keys, "owner"),
    page("POST", "/settings/keys", create_key, "owner"),
    page("POST", "/settings/keys/{key_id}/revoke", revoke_key, "owner"),
]
