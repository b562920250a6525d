"""/console/settings/webhooks/default and /console/templates/{template_id}/webhook: the default webhooks of an
organization and of a template.
"""

from typing import Any

from starlette.responses import Response

from rundun.actions.deliveries import default_webhooks
from rundun.actions.templates.templates import get_version
from rundun.core.json_types.deliveries import TrialJson
from rundun.core.request_bodies import RunPatch
from rundun.core.validation import read
from rundun.errors import Problem
from rundun.web.console.dispatch.form import EMPTY, EVENTS, host_of
from rundun.web.console.session import ConsoleCall
from rundun.web.dispatch.warnings import destination_warnings
from rundun.web.webhook_trial import WebhookTestBody, send_test
from rundun.wording.refusals import field_reason

_UNTESTED = ("held", "rate_limited", "address_not_allowed")  # refusals of the test alone


async def show(call: ConsoleCall) -> Response:
    """GET: show the form of the default webhook, of the template in the path or else of the organization."""
    return await _render_form(call)


async def put(call: ConsoleCall) -> Response:
    """POST: store the default webhook, send a test to it, and show the form with its result, or with the errors. A
    failed test does not prevent storing: the receiver is often made ready afterwards.
    """
    try:
        body = read(RunPatch, {"webhook": _read_changes(call.form)})
        await destination_warnings(call.ctx.check_destination, body.destination(), call.operator.org_id)
        webhook = await call.write(default_webhooks.put, _template_id(call), body.changes()["webhook"], call.actor)
    except Problem as problem:
        if problem.code not in ("invalid", "address_not_allowed"):
            raise
        wrong = {error.pointer.split("/")[2]: field_reason(call.language, error) for error in problem.errors}
        return await _render_form(call, 422, values=call.form, wrong=wrong)
    try:
        test = read(WebhookTestBody, {"url": webhook.url, "secret": webhook.secret})
        trial = await send_test(call.ctx, call.request, call.operator.org_id, test)
    except Problem as problem:
        if problem.code not in _UNTESTED:
            raise
        return await _render_form(call, untested=problem)
    return await _render_form(call, trial=trial)


async def remove(call: ConsoleCall) -> Response:
    """POST: remove the default webhook of the template in the path, or else of the organization, and redirect to the
    template or the webhooks. Dispatched runs keep theirs.
    """
    template_id = _template_id(call)
    await call.write(default_webhooks.remove, template_id, call.actor)
    path = f"/templates/{template_id}" if template_id else "/settings/webhooks"
    return call.redirect(path, "default_webhook_removed")


def _template_id(call: ConsoleCall) -> str | None:
    return call.request.path_params.get("template_id")


def _read_changes(form: dict[str, str]) -> dict[str, Any]:
    """Return the form as changes of a webhook: `url`, `events` and `secret`. Without a typed secret or `unsigned`,
    which makes it None, `secret` is left out, so the stored one stays.
    """
    changes: dict[str, Any] = {"url": form.get("url", "").strip()}
    changes["events"] = [name for name in EVENTS if form.get(f"event {name}")]
    if form.get("secret") or form.get("unsigned"):
        changes["secret"] = form.get("secret") or None
    return changes


async def _render_form(
    call: ConsoleCall,
    status: int = 200,
    values: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    trial: TrialJson | None = None,
    untested: Problem | None = None,
) -> Response:
    template_id = _template_id(call)
    stored = await call.read(default_webhooks.find_own, template_id)
    if values is None:
        values = {"url": stored.url, **{f"event {name}": "on" for name in stored.events}} if stored else EMPTY
    shown: dict[str, Any] = {}
    if template_id:
        head, version = await call.read(get_version, template_id, None)
        host = host_of(await call.read(default_webhooks.find_own, None))
        shown = {"head": head, "name": version.template.name, "host_of_organization": host}
    return await call.render(
        "settings/template_webhook" if template_id else "settings/default_webhook",
        status,
        values=values,
        wrong=wrong or {},
        is_stored=stored is not None,
        is_signed=stored is not None and stored.secret is not None,
        events=EVENTS,
        trial=trial,
        untested=untested,
        **shown,
    )
