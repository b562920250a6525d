"""/console/settings/webhooks: trying one out, and sending again what has failed."""

from __future__ import annotations

import re

from starlette.responses import Response

from rundun.actions import deliveries
from rundun.actions.deliveries import RetryProgress
from rundun.core.json_types.deliveries import TrialJson
from rundun.core.validation import read
from rundun.errors import Problem
from rundun.store.deliveries import FailedFilter
from rundun.store.pagination import END, PageRequest
from rundun.web.api.webhook_test import WebhookTestBody, try_out
from rundun.web.console.dashboard import counted
from rundun.web.console.session import Visit, page
from rundun.web.console.settings.account import parts

LIMIT = 25


async def webhooks(visit: Visit) -> Response:
    """GET /console/settings/webhooks; `?before=` goes on in the list of what has failed."""
    return await _show(visit)


async def try_webhook(visit: Visit) -> Response:
    """POST /console/settings/webhooks/test: what was sent, and what came back."""
    url, secret = visit.form.get("url", "").strip(), visit.form.get("secret", "")
    try:
        asked = read(WebhookTestBody, {"url": url, **({"secret": secret} if secret else {})})
        tried = await try_out(visit.ctx, visit.request, visit.operator.org_id, asked)
    except Problem as problem:
        if problem.code not in ("invalid", "address_not_allowed"):
            raise
        wrong = {place.pointer.removeprefix("/"): place.detail for place in problem.errors}
        return await _show(visit, 422, url=url, wrong=wrong)
    return await _show(visit, url=url, tried=tried)


async def retry(visit: Visit) -> Response:
    """POST /console/settings/webhooks/{delivery_id}/retry."""
    await visit.write(deliveries.retry, visit.path("delivery_id"))
    return visit.go("/settings/webhooks", "told_sent_again")


async def retry_all(visit: Visit) -> Response:
    """POST /console/settings/webhooks/retry: all that have failed, step by step, so that nobody waits long."""
    so_far, is_more = RetryProgress(), True
    while is_more:
        is_more = await visit.read(deliveries.has_more_failed, FailedFilter(), so_far)
        so_far = await visit.write(deliveries.retry_failed, FailedFilter(), so_far)
    return visit.go("/settings/webhooks", "told_all_sent_again")


async def _show(
    visit: Visit,
    status: int = 200,
    url: str = "",
    wrong: dict[str, str] | None = None,
    tried: TrialJson | None = None,
) -> Response:
    match = re.fullmatch(r"(\d{1,18})\.(\d{1,18})", visit.request.query_params.get("before", ""), re.ASCII)
    before = (int(match[1]), int(match[2])) if match else (END, END)
    failing = await visit.read(deliveries.page_failed, PageRequest(LIMIT, before))
    return visit.show(
        "webhooks",
        status,
        parts=parts(visit),
        url=url,
        wrong=wrong or {},
        tried=tried,
        failing=failing,
        counted=counted,
        older=".".join(map(str, failing.next_before)) if failing.next_before else "",
        is_first=match is None,
    )


ROUTES = [
    page("GET", "/settings/webhooks", webhooks),
    page("POST", "/settings/webhooks/test", try_webhook),
    page("POST", "/settings/webhooks/retry", retry_all),
    page("POST", "/settings/webhooks/{delivery_id}/retry", retry),
]
