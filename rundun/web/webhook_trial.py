"""A test of a webhook: sends one signed event at once and returns its outcome."""

import uuid

from starlette.requests import Request

from rundun.actions.backups import going_live
from rundun.core.deliveries.attempt import WebhookRequest
from rundun.core.json_types.deliveries import TrialJson
from rundun.core.request_bodies import Secret, Url
from rundun.core.runs import event
from rundun.core.token_bucket import Policy
from rundun.core.validation import StrictModel
from rundun.logs import log
from rundun.web.context import Context
from rundun.web.dispatch.warnings import destination_warnings

TESTS = Policy("webhook-test", 10)  # tests a minute, for each organization


class WebhookTestBody(StrictModel):
    """A webhook to test."""

    url: Url
    """The receiver's URL, normalised as in a dispatch."""
    secret: Secret | None = None
    """The secret that signs the event, as in a dispatch; it is not kept."""


async def send_test(ctx: Context, request: Request, org_id: str, webhook: WebhookTestBody) -> TrialJson:
    """Send a test event; return the request and its outcome, also of a failed attempt. Raises `rate_limited`,
    `address_not_allowed`, and `held` while deliveries are held after a restore.
    """
    await ctx.database.read(going_live.require_not_held)
    ctx.rate_limiter.count(request, TESTS, org_id)
    await destination_warnings(ctx.check_destination, webhook.url, org_id, "/url")
    event_id = f"evt-{uuid.uuid4()}"
    body = event.webhook_test_body(event_id, ctx.now())
    order = WebhookRequest(webhook.url.url, webhook.secret, body, event_id, event.TEST, org_id)
    result = await ctx.post_webhook(order)
    log("info", event.TEST, event_id=event_id, status=result.status, ms=result.duration_ms, error=result.error)
    headers = dict(result.headers)
    return {
        "ok": result.ok,
        "status": result.status,
        "error": result.error,
        "duration_ms": result.duration_ms,
        "event_id": event_id,
        "request": {"method": "POST", "url": webhook.url.url, "headers": headers, "body": body.decode()},
        "response": {"excerpt": result.excerpt},
    }
