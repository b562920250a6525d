"""/console/settings/webhooks: testing a webhook, and retrying failed deliveries."""

from functools import partial

from starlette.responses import Response

from rundun.actions.deliveries import default_webhooks, deliveries
from rundun.actions.deliveries.deliveries import RetryProgress
from rundun.actions.runs import handled
from rundun.core.json_types.deliveries import TrialJson
from rundun.core.validation import read
from rundun.errors import Problem
from rundun.store.deliveries.deliveries import FailedFilter
from rundun.store.sqlite import service_state
from rundun.store.sqlite.pagination import PageRequest
from rundun.web.console.dispatch.form import host_of
from rundun.web.console.session import ConsoleCall
from rundun.web.webhook_trial import WebhookTestBody, send_test
from rundun.wording.console_words import format_count
from rundun.wording.refusals import field_reasons

LIMIT = 25


async def try_webhook(call: ConsoleCall) -> Response:
    """POST /console/settings/webhooks/test: send a test, and show request and response, or the errors of the form."""
    url, secret = call.form.get("url", "").strip(), call.form.get("secret", "")
    try:
        body = read(WebhookTestBody, {"url": url, **({"secret": secret} if secret else {})})
        trial = await send_test(call.ctx, call.request, call.operator.org_id, body)
    except Problem as problem:
        if problem.code not in ("invalid", "address_not_allowed", "held"):
            raise
        wrong = field_reasons(call.language, problem) or {"url": call.reason(problem)}
        return await webhooks(call, 422, url=url, wrong=wrong)
    return await webhooks(call, url=url, trial=trial)


async def retry(call: ConsoleCall) -> Response:
    """POST /console/settings/webhooks/{delivery_id}/retry: retry a delivery, and redirect to the page of webhooks."""
    await call.write(deliveries.retry, call.path("delivery_id"))
    return call.redirect("/settings/webhooks", "sent_again")


async def retry_all(call: ConsoleCall) -> Response:
    """POST /console/settings/webhooks/retry: retry all failed deliveries not handled, in short transactions, and
    redirect to the page of webhooks.
    """
    so_far, is_more, failed = RetryProgress(), True, FailedFilter(is_to_handle=True)
    while is_more:
        is_more = await call.read(deliveries.has_more_failed, failed, so_far)
        so_far = await call.write(deliveries.retry_failed, failed, so_far)
    return call.redirect("/settings/webhooks", "all_sent_again")


async def webhooks(
    call: ConsoleCall,
    status: int = 200,
    url: str = "",
    wrong: dict[str, str] | None = None,
    trial: TrialJson | None = None,
) -> Response:
    """GET /console/settings/webhooks: list up to `LIMIT` failed deliveries not handled, newest first."""
    page_request = call.page_request(LIMIT)
    failed = await call.read(deliveries.page_failed, page_request)
    return await call.render(
        "settings/webhooks",
        status,
        url=url,
        default_host=host_of(await call.read(default_webhooks.find_own, None)),
        wrong=wrong or {},
        trial=trial,
        failed=failed,
        groups=await call.read(handled.list_failed_groups) if page_request == PageRequest(LIMIT) else (),
        is_held=await call.ctx.database.read(service_state.find_held_since) is not None,
        counted=partial(format_count, call.language),
        older=".".join(map(str, failed.next_before)) if failed.next_before else "",
        is_first=page_request == PageRequest(LIMIT),
    )
