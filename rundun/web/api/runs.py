"""Runs and the organization: /v1/runs and /v1/organization."""

from datetime import UTC, datetime

from pydantic_core import to_json
from starlette.responses import Response

from rundun.actions import posts
from rundun.actions.erasure import erasures
from rundun.actions.organizations.organizations import organization_json
from rundun.actions.runs import patches, runs
from rundun.actions.runs.state import RunState
from rundun.actions.templates.templates import template_json
from rundun.core import times
from rundun.core.json_types.runs import (
    DispatchedJson,
    OrganizationJson,
    RunListedJson,
    RunPatchedJson,
    RunRecordJson,
    RunSteeredJson,
    WarnedJson,
)
from rundun.core.request_bodies import CancelBody, DispatchBody, EmptyBody, ExtendBody, RepeatBody, RunPatch
from rundun.core.runs import record as run_json
from rundun.core.urls import Urls
from rundun.core.validation import read
from rundun.store.organizations import organizations as organization_rows
from rundun.store.runs import runs as run_rows, search
from rundun.web.api.endpoint import ApiCall, api_router, one_at_a_time
from rundun.web.archives.download import Download, require_place
from rundun.web.archives.pdf import report_pdf
from rundun.web.archives.report import HTML, report_pieces, report_writer
from rundun.web.archives.runs import archive_name, report_name, run_entries, zip_pieces
from rundun.web.dispatch.reading import read_dispatch_body, read_repeat_body
from rundun.web.dispatch.warnings import destination_warnings, link_warnings
from rundun.web.http.body import MERGE_PATCH
from rundun.web.http.operation import ZIP, Bytes, ListOf, Success
from rundun.web.http.problems import Json
from rundun.web.http.query_params import ReportQuery, RunsQuery, is_current, list_json, query

router = api_router("Runs")
SHAPE = "e"  # in ETags of records; to be changed when a record of the same revision gets other members


@router.route(
    "POST /runs",
    {
        201: Success(
            "The run and its link.",
            DispatchedJson,
            headers=("Location",),
            followed_by={"run_id": "$response.body#/run_id"},
        )
    },
    body=DispatchBody,
    problems=(
        "insufficient_credits",
        "quota_exceeded",
        "not_found",
        "template_archived",
        "address_not_allowed",
        "run_erased",
    ),
)
async def dispatch_run(call: ApiCall) -> Response:
    """Dispatch a run.

    Makes a run of a template's current version, and its link. One credit of the organization is taken in the same
    transaction; a refused dispatch makes nothing and costs nothing. Repeated with its `Idempotency-Key` after the run
    was erased, it is 410 `run_erased` and restores nothing.
    """
    order, destination = (await read_dispatch_body(call.ctx.database, call.org_id, await call.json())).order()
    warnings = link_warnings(call.ctx.settings.public_url) + await destination_warnings(
        call.ctx.check_destination, destination, call.org_id
    )
    return await call.post(posts.dispatch_run, order, warnings)


@router.route(
    "POST /runs/{run_id}/again",
    {
        201: Success(
            "The new run and its link.",
            DispatchedJson,
            headers=("Location",),
            followed_by={"run_id": "$response.body#/run_id"},
        )
    },
    body=RepeatBody,
    problems=("wrong_status", "insufficient_credits", "quota_exceeded", "template_archived", "address_not_allowed"),
)
async def repeat_run(call: ApiCall) -> Response:
    """Repeat a run.

    Dispatches a closed run again, for one credit: with the current version of its template and with its title, note,
    fields, reference, language and webhook; fields in the body replace these. Due time, expiry and values to confirm
    are not copied. Fields that the template no longer has are named in `warnings`. Values that the run no longer has,
    and the body doesn't have either, are 422 at their place: fields of kind `secret`, and a webhook's deleted secret.
    The new run names this one in `previous_run_id`. If this one was missed and is not flagged, it is now handled
    (`handled_at`).
    """
    run_id, ctx = call.path("run_id"), call.ctx
    webhook = (await call.read(run_rows.get_of_org, run_id)).webhook  # no DNS look-up for another organization's run
    body = await read_repeat_body(ctx.database, call.org_id, run_id, await call.json())
    warnings = link_warnings(ctx.settings.public_url) + await destination_warnings(
        ctx.check_destination, body.destination_after(webhook), call.org_id
    )
    return await call.post(posts.repeat_run, run_id, body.changes(), call.actor, warnings)


@router.route("GET /runs/{run_id}", {200: Success("The record.", RunRecordJson)}, is_conditional=True)
async def get_run(call: ApiCall) -> Response:
    """Read a run.

    The whole record: the dispatched version of the template, the answers of visible steps with photos, positions and
    times, and the executor. It can be read at any moment; reading changes nothing.
    """
    run_id, links = call.path("run_id"), call.ctx.links

    def respond(state: RunState, now: int) -> Response:
        tag = f'"{SHAPE}{state.run.revision}{"-late" if state.run.is_late(now) else ""}'
        tag += f'-links{links.rotations}"' if links.rotations else '"'
        if is_current(call.request, tag):
            return Response(status_code=304, headers={"etag": tag})
        return Json(run_record(state, links, now), headers={"etag": tag})

    known = await call.ctx.known_runs.find(run_id)
    if known is None or not known.is_large:
        return respond(*await call.read(runs.get, run_id))
    return await call.turns.read_and(lambda found: respond(*found), runs.get, call.org_id, run_id)


@router.route("GET /runs/{run_id}/archive", {200: Success("The archive.", ZIP)}, problems=("request_in_progress",))
async def get_run_archive(call: ApiCall) -> Response:
    """Get a run with all its evidence.

    A ZIP, like that of the console: `run.json`, the record with replaced answers and remarks and the names of the
    files; `report.html`, all of it for readers, in English; and the original photos and signatures. The ZIP is made
    while it is sent. At most two downloads of an organization run at once: a third is 409 `request_in_progress`.
    """
    ctx, org_id = call.ctx, call.org_id
    require_place(ctx, org_id)
    language = ctx.pages.console_words.language(["en"])
    turns = ctx.turns.of_download(org_id)
    detail = await turns.read(runs.get_detail, org_id, call.path("run_id"), language=language.tag)
    writer = await report_writer(turns, ctx.pages, await call.read(organization_rows.get), language)
    at = datetime.fromtimestamp(detail.now / times.SECOND, UTC)
    return Download(
        ctx, org_id, zip_pieces(turns, run_entries(turns, detail, ctx.links, writer.write), at), archive_name(detail)
    )


@router.route(
    "GET /runs/{run_id}/report",
    {200: Success("The report.", Bytes(("text/html",), "A page of HTML."))},
    query=ReportQuery,
    problems=("request_in_progress",),
)
async def get_run_report(call: ApiCall) -> Response:
    """Get a run as a report to read or print.

    A page of HTML that contains its photos. By default it is for customers: what the run was about, its outcome, what
    is flagged, the answers, photos and remarks; no reference, person, position or id unless you ask for it. `fields`
    and `without` may be repeated. The page is made while it is sent, and counts among the two downloads of an
    organization at once: a third is 409 `request_in_progress`.
    """
    ctx, asked = call.ctx, query(ReportQuery, call.request)
    require_place(ctx, call.org_id)
    language = ctx.pages.console_words.language([asked.language])
    turns = ctx.turns.of_download(call.org_id)
    detail = await turns.read(runs.get_detail, call.org_id, call.path("run_id"), language=asked.language)
    writer = await report_writer(turns, ctx.pages, await call.read(organization_rows.get), language)
    pieces = report_pieces(turns, writer, detail, asked)
    return Download(ctx, call.org_id, pieces, report_name(detail, "html"), HTML)


@router.route(
    "GET /runs/{run_id}/report.pdf",
    {200: Success("The report.", Bytes(("application/pdf",), "A PDF."))},
    query=ReportQuery,
    problems=("pdf_too_large", "pdf_unavailable"),
)
async def get_run_report_pdf(call: ApiCall) -> Response:
    """Get a run's report as PDF.

    The same page as `GET /v1/runs/{run_id}/report`, on A4, with at most 100 pictures; above that, 413 `pdf_too_large`.
    One is made at a time and three wait, at most two of an organization; else 503 `unavailable`. Without the extra
    `pdf`, 503 `pdf_unavailable`.
    """
    asked, turns = query(ReportQuery, call.request), call.ctx.turns.of_download(call.org_id)
    organization = await call.read(organization_rows.get)
    return await report_pdf(call.ctx, turns, organization, call.path("run_id"), asked.language, asked)


def run_record(state: RunState, links: Urls, now: int) -> bytes:
    """Return the whole record of a run, with its template and, while it is open, its secrets, as the bytes of a JSON
    object.
    """
    record = to_json(run_json.record_json(state.run, state.step_states, state.evidence, links, now))
    head, link, rest = record.partition(b',"link":')  # no person's text precedes it
    return head + b',"template":' + template_json(state.version) + link + rest


@router.route("GET /runs", {200: Success("A page of runs.", ListOf(RunListedJson))}, query=RunsQuery)
async def list_runs(call: ApiCall) -> Response:
    """List runs.

    Without their templates and answers, newest first unless `updated_after`, `due_before` or `late` orders them
    otherwise. A search with `q` lists the newest first whatever these say. It takes at most 200 ms, so its page may
    have fewer runs than `limit`, or none, and still `has_more`: `next_cursor` continues the search.
    """
    params, links, now = query(RunsQuery, call.request), call.ctx.links, call.ctx.now()
    filters, page_request = params.filter(now), params.page_request()
    # A list reads an index; a search may take 200 ms, so it waits for its turn.
    reads = call.ctx.database if filters.q is None else call.turns
    page = await reads.read(search.page, call.org_id, filters, page_request)
    return list_json(call.request, page, [to_json(run_json.run_json(run, links, now)) for run in page.items])


@router.route(
    "POST /runs/{run_id}/cancel",
    {200: Success("The run, cancelled.", RunSteeredJson)},
    body=CancelBody,
    problems=("wrong_status",),
)
async def cancel_run(call: ApiCall) -> Response:
    """Cancel a run.

    Ends a run that is pending or in progress. Its link then shows that it is cancelled, and `run.cancelled` is sent.
    """
    reason = read(CancelBody, await call.json()).reason
    return await call.post(posts.cancel_run, call.path("run_id"), reason)


@router.route(
    "POST /runs/{run_id}/extend",
    {200: Success("The run with its new `expires_at`.", RunSteeredJson)},
    body=ExtendBody,
    problems=("wrong_status", "quota_exceeded", "would_shorten"),
)
async def extend_run(call: ApiCall) -> Response:
    """Extend a run.

    Keeps a run open until `expires_in_hours` from now, or without end. The time can't be shortened.
    """
    hours = read(ExtendBody, await call.json()).expires_in_hours
    return await call.post(posts.extend_run, call.path("run_id"), hours, call.actor)


@router.route(
    "POST /runs/{run_id}/release",
    {200: Success("The run.", RunSteeredJson)},
    body=EmptyBody,
    problems=("wrong_status", "quota_exceeded"),
)
async def release_run(call: ApiCall) -> Response:
    """Release a run from its device.

    If the template's `scope` is `first_device`, the next device that starts the run takes it over. Until then nothing
    can be added. That start keeps the answers and the first identity, and makes no event.
    """
    read(EmptyBody, await call.json())
    return await call.post(posts.release_run, call.path("run_id"), call.actor)


@router.route(
    "PATCH /runs/{run_id}",
    {200: Success("The run as it is now.", RunPatchedJson)},
    body=RunPatch,
    media_types=MERGE_PATCH,
    problems=("wrong_status", "quota_exceeded", "address_not_allowed", "request_in_progress"),
)
async def patch_run(call: ApiCall) -> Response:
    """Change a run.

    A JSON merge patch (RFC 7396). While the run is open it changes the job: title, note, due time, fields and
    `executor_ref`, which the executor's page shows at its next poll; webhooks that name `run.changed` get that event.

    It also changes the webhook's URL, secret or events, or adds the run's first webhook, from the next attempt of each
    waiting delivery on. `null` removes the webhook: deliveries that have not arrived by then have `failed`, and stay in
    the log. A closed run accepts changes of its webhook while some of its deliveries have not arrived. Attempts under
    way end as they began. The same patch again changes nothing.
    """
    run_id, body = call.path("run_id"), read(RunPatch, await call.json(MERGE_PATCH))
    await call.read(run_rows.get_of_org, run_id)  # no DNS look-up for another organization's run
    warnings = await destination_warnings(call.ctx.check_destination, body.destination(), call.org_id)
    state = None
    # Two at once would take over the same deliveries from each other, without end.
    with one_at_a_time(call, "Another change of this run is still being worked on."):
        while state is None:  # until all pending deliveries are taken over
            state = await call.write(patches.patch, run_id, body.changes(), call.actor)
    return Json(await call.turns.run(_patched_json, state, warnings, call.ctx.links, call.ctx.now()))


def _patched_json(state: RunState, warnings: list[WarnedJson], links: Urls, now: int) -> bytes:
    run = run_json.full_json(state.run, state.step_states, state.evidence, links, now)
    content: RunPatchedJson = {**run, "warnings": warnings}
    return to_json(content)


@router.route(
    "DELETE /runs/{run_id}",
    {204: Success("Only its id, its times, and the actor of the erasure are left.")},
    erases=True,
)
async def erase_run(call: ApiCall) -> Response:
    """Erase a run.

    For good, also an open run, without `run.cancelled`: its answers, remarks, photos, signatures, job, executor,
    events, deliveries and history, and the stored responses that name it. All its addresses then return 410
    `run_erased`. The feed gets one more event of it, `run.erased`, with ids only, which is sent to webhooks that name
    that event. Counts and credits stay. Repeated, it changes nothing. Only for keys that may erase.
    """
    await call.write(erasures.erase, call.path("run_id"), call.key_id)
    return Response(status_code=204)


@router.route("GET /organization", {200: Success("The organization.", OrganizationJson)}, tag="Organization")
async def get_organization(call: ApiCall) -> Response:
    """Read the organization.

    The organization of the API key, its credits left, and the number of its failed deliveries.
    """
    return Json(await call.read(organization_json))
