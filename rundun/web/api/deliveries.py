"""Deliveries with their attempts, their retries, and tests of webhooks: /v1/deliveries."""

from typing import Literal

from pydantic_core import to_json
from starlette.responses import Response

from rundun.actions import posts
from rundun.actions.deliveries import deliveries
from rundun.actions.deliveries.deliveries import RetryProgress, delivery_json
from rundun.core import times
from rundun.core.json_types.deliveries import DeliveryJson, RetriedJson, TrialJson
from rundun.core.request_bodies import EmptyBody, Time
from rundun.core.validation import StrictModel, read
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.deliveries.deliveries import FailedFilter
from rundun.store.idempotency import json_response
from rundun.web.api.endpoint import ApiCall, api_router
from rundun.web.http.operation import ListOf, Success
from rundun.web.http.query_params import ListQuery, list_json, query
from rundun.web.webhook_trial import WebhookTestBody, send_test

router = api_router("Deliveries")


class DeliveriesQuery(ListQuery):
    """GET /v1/deliveries."""

    status: Literal["pending", "delivered", "failed"] | None = None
    """Only those with this status."""


class RetryBody(StrictModel):
    """The deliveries to send again."""

    status: Literal["failed"]
    """Those that have failed."""
    since: Time | None = None
    """Only those made at or after this time."""
    run_id: str | None = None
    """Only those of this run."""

    def failed(self) -> FailedFilter:
        """Return the filter of failed deliveries: `since` in milliseconds, 0 for all, and the run, None for all."""
        return FailedFilter((self.since and times.parse(self.since)) or 0, self.run_id)


@router.route("GET /deliveries", {200: Success("A page of deliveries.", ListOf(DeliveryJson))}, query=DeliveriesQuery)
async def list_deliveries(call: ApiCall) -> Response:
    """List deliveries.

    Those of all runs, newest first, each with its attempts, oldest first; attempts that retention removed are only
    counted.
    """
    params = query(DeliveriesQuery, call.request)
    page = await call.read(delivery_rows.page, params.status, params.page_request())
    return list_json(call.request, page, [to_json(delivery_json(row)) for row in page.items])


@router.route(
    "GET /runs/{run_id}/deliveries", {200: Success("A page of deliveries.", ListOf(DeliveryJson))}, query=ListQuery
)
async def list_run_deliveries(call: ApiCall) -> Response:
    """List a run's deliveries.

    Newest first, each with its attempts, oldest first; attempts that retention removed are only counted.
    """
    page_request = query(ListQuery, call.request).page_request()
    page = await call.read(deliveries.page_of_run, call.path("run_id"), page_request)
    return list_json(call.request, page, [to_json(delivery_json(row)) for row in page.items])


@router.route(
    "POST /deliveries/{delivery_id}/retry",
    {202: Success("It is on its way.", DeliveryJson)},
    body=EmptyBody,
    problems=("wrong_status", "quota_exceeded"),
)
async def retry_delivery(call: ApiCall) -> Response:
    """Send a delivery again.

    It is sent now, whatever its status, or once deliveries held after a restore are resumed; the `event_id` stays the
    same, and attempts are counted on.
    """
    read(EmptyBody, await call.json())
    return await call.post(posts.retry_delivery, call.path("delivery_id"))


@router.route(
    "POST /deliveries/retry",
    {202: Success("They are on their way.", RetriedJson)},
    body=RetryBody,
    problems=("not_found", "quota_exceeded"),
)
async def retry_deliveries(call: ApiCall) -> Response:
    """Send failed deliveries again.

    All of them, or only those made at or after `since`, of one run, or both; none whose run has no webhook any more.
    """
    failed = read(RetryBody, await call.json()).failed()
    so_far = RetryProgress()
    while await call.read(deliveries.has_more_failed, failed, so_far):
        so_far = await call.write(deliveries.retry_failed, failed, so_far)
    return await call.post(posts.retry_deliveries, failed, so_far)


@router.route(
    "POST /webhooks/test",
    {200: Success("The result of the attempt.", TrialJson)},
    body=WebhookTestBody,
    problems=("address_not_allowed", "held"),
)
async def test_webhook(call: ApiCall) -> Response:
    """Try a webhook out.

    Sends one signed `webhook.test` now and returns the result. At most ten a minute.
    """
    body = read(WebhookTestBody, await call.json())
    return await call.respond(json_response(await send_test(call.ctx, call.request, call.org_id, body)))
