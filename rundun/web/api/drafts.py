"""Drafts of templates: /v1/templates/drafts."""

from pydantic_core import from_json
from starlette.responses import Response

from rundun.actions import posts
from rundun.actions.templates import drafts
from rundun.actions.templates.drafts import SentDraft
from rundun.core.json_types.templates import DraftJson, DraftRecordJson
from rundun.errors import Problem
from rundun.store.templates import drafts as draft_rows
from rundun.store.templates.drafts import Draft
from rundun.web.api.endpoint import ApiCall, api_router
from rundun.web.http.operation import Success
from rundun.web.http.problems import Json

router = api_router("Templates")


@router.route(
    "POST /templates/drafts",
    {
        201: Success(
            "The stored draft, without its text.",
            DraftRecordJson,
            headers=("ETag", "Location"),
            followed_by={"draft_id": "$response.body#/id"},
        )
    },
    body="DraftText",
    problems=("draft_exists", "quota_exceeded"),
)
async def create_draft(call: ApiCall) -> Response:
    """Begin a draft.

    Stores any JSON object as a template that is not finished, and names its mistakes; nothing can be dispatched from
    it. With the `id` of a template, as in a template that was read, it is the draft of its next version, of which there
    is one; `v` is the version that it begins with. Other members assigned by the server are ignored. People publish it
    in the console; by the API, send its `template`, without these members, to `POST /v1/templates` or
    `PUT /v1/templates/{template_id}`. At most 200 drafts of 512 KiB, white space aside.
    """
    return await call.post(posts.create_draft, await _read(call), call.actor)


async def _read(call: ApiCall) -> SentDraft:
    data = await call.json()  # first, since it refuses what is not UTF-8
    return await call.turns.run(drafts.read_sent, (await call.body()).decode(), data)


@router.route("GET /templates/drafts/{draft_id}", {200: Success("The draft.", DraftJson, headers=("ETag",))})
async def get_draft(call: ApiCall) -> Response:
    """Read a draft.

    With all its mistakes, and who wrote it last.
    """
    draft = await call.read(draft_rows.get, call.path("draft_id"))
    return Json(await _to_json(call, draft), headers={"etag": drafts.etag(draft)})


async def _to_json(call: ApiCall, draft: Draft) -> bytes:
    sent = await call.turns.run(drafts.read_sent, draft.body, from_json(draft.body))
    return drafts.draft_json(draft, await call.read(drafts.list_errors, sent.template))


@router.route(
    "PUT /templates/drafts/{draft_id}",
    {200: Success("The stored draft, without its text.", DraftRecordJson, headers=("ETag",))},
    headers=("If-Match",),
    body="DraftText",
    problems=("version_mismatch", "quota_exceeded"),
)
async def write_draft(call: ApiCall) -> Response:
    """Write a draft.

    Replaces its text. Send the `ETag` of the revision that you have changed as `If-Match`: if another one was written
    meanwhile, 412 comes with that `draft`. The server never merges.
    """
    sent = await _read(call)
    draft_id, if_match = call.path("draft_id"), call.request.headers.get("if-match")
    errors = await call.read(drafts.list_errors, sent.template)
    try:
        draft = await call.write(drafts.write, draft_id, sent, if_match, call.actor)
    except Problem as problem:
        if problem.code != "version_mismatch":
            raise
        newer = await _to_json(call, await call.read(draft_rows.get, draft_id))
        raise Problem(problem.code, problem.detail, extensions={"draft": from_json(newer)}) from None
    return Json(drafts.record_json(draft, errors), headers={"etag": drafts.etag(draft)})


@router.route(
    "DELETE /templates/drafts/{draft_id}",
    {204: Success("It is discarded.")},
    headers=("If-Match",),
    problems=("version_mismatch",),
)
async def discard_draft(call: ApiCall) -> Response:
    """Discard a draft.

    Its text is overwritten in the file; pictures that it names are kept for a week. The template stays as it is.
    """
    await call.write(drafts.discard, call.path("draft_id"), call.request.headers.get("if-match"))
    return Response(status_code=204)
