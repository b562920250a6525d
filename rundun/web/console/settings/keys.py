"""/console/settings/keys: the organization's API keys."""

from dataclasses import replace

from starlette.responses import Response

from rundun.actions.organizations import api_keys
from rundun.core.token_bucket import Policy
from rundun.errors import Problem
from rundun.store.organizations import api_keys as key_rows
from rundun.store.organizations.api_keys import ApiKey
from rundun.web.console.session import ConsoleCall
from rundun.web.console.settings.account import ask_for_password, is_confirmed

MADE = Policy("keys-made", 200, 3600)  # of one organization: revoked keys stay in the database


async def create_key(call: ConsoleCall) -> Response:
    """POST /console/settings/keys: create an API key, and show the list with its secret, this once, or with the error.
    A key that may erase needs the operator's password: show the page that asks for it.
    """
    rights = call.form.get("rights", "write")
    if rights == "erase" and not await is_confirmed(call):
        text = call.language.gettext(
            "Whoever has such a key can destroy evidence. Make one only for a program that has to delete."
        )
        return await ask_for_password(
            call, call.language.gettext("New key"), text, "/settings/keys", call.form.get("name", "")
        )
    call.ctx.rate_limiter.count(call.request, MADE, call.operator.org_id)
    name, may_erase, read_only = call.form.get("name", ""), rights == "erase", rights == "read"
    try:
        made = await call.write(api_keys.create, name, may_erase=may_erase, read_only=read_only, actor=call.actor)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return await list_keys(call, 422, name=name, rights=rights, wrong=call.reason(problem))
    return await list_keys(call, made=made)


async def revoke_key(call: ConsoleCall) -> Response:
    """POST /console/settings/keys/{key_id}/revoke: revoke an API key, and redirect to the list."""
    await call.write(api_keys.revoke_of_org, call.path("key_id"), call.actor)
    return call.redirect("/settings/keys", "key_revoked")


async def list_keys(
    call: ConsoleCall,
    status: int = 200,
    name: str = "",
    wrong: str = "",
    made: tuple[ApiKey, str] | None = None,
    *,
    rights: str = "write",
) -> Response:
    """GET /console/settings/keys: list the valid API keys and the last revoked ones; `made` is a new key and secret."""
    keys: list[ApiKey] = await call.read(key_rows.list_of_org)
    used = call.ctx.keys.used
    keys = [replace(key, used_at=used.get(key.key_id, key.used_at)) for key in keys]
    return await call.render(
        "settings/keys",
        status,
        valid=[key for key in keys if key.revoked_at is None],
        revoked=[key for key in keys if key.revoked_at is not None],
        max_revoked=key_rows.MAX_REVOKED,
        name=name,
        rights=rights,
        wrong=wrong,
        made=made,
        public_url=call.ctx.settings.public_url,
    )
