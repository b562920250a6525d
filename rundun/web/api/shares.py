"""Shares of a run: /v1/runs/{run_id}/shares."""

from pydantic_core import from_json, to_json
from starlette.responses import Response

from rundun.actions import posts
from rundun.actions.organizations import operators
from rundun.actions.runs import shares
from rundun.core import tokens
from rundun.core.json_types.runs import ShareJson
from rundun.core.runs.report import ShareBody
from rundun.core.validation import read
from rundun.store.sqlite.pagination import Page
from rundun.web.api.endpoint import ApiCall, api_router
from rundun.web.http.operation import ListOf, Success
from rundun.web.http.problems import Json
from rundun.web.http.query_params import list_json

router = api_router("Runs")


@router.route(
    "POST /runs/{run_id}/shares",
    {201: Success("The share, with its link.", ShareJson)},
    body=ShareBody,
    problems=("quota_exceeded",),
)
async def share_run(call: ApiCall) -> Response:
    """Share the report of a run.

    Makes a link that shows the report for customers to whoever has it, without a key, until it expires or is revoked.
    `url` is in this answer alone, since only its digest is stored: a repeat with the same `Idempotency-Key` and every
    later read have null. At most 100 shares of a run.
    """
    body, token = read(ShareBody, await call.json()), operators.new_token()
    response = await call.post(posts.share_run, call.path("run_id"), body, tokens.digest(token), call.actor)
    return Json({**from_json(bytes(response.body)), "url": call.ctx.links.share(token)}, 201)


@router.route("GET /runs/{run_id}/shares", {200: Success("All shares of the run.", ListOf(ShareJson))})
async def list_shares(call: ApiCall) -> Response:
    """List the shares of a run.

    All of them, the newest first, with those that have ended. None has its link, of which only the digest is stored.
    """
    listed = await call.read(shares.list_of_run, call.path("run_id"))
    return list_json(call.request, Page(listed, None), [to_json(share.as_json()) for share in listed])


@router.route("DELETE /runs/{run_id}/shares/{share_id}", {204: Success("It is revoked.")})
async def revoke_share(call: ApiCall) -> Response:
    """Revoke a share.

    From now on its link and its pictures answer 410, also after a restore from an older backup. A revoked share stays
    as it is.
    """
    await call.write(shares.revoke, call.path("run_id"), call.path("share_id"), call.actor)
    return Response(status_code=204)
