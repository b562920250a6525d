"""Erasing a person: /v1/erasures."""

from datetime import UTC, datetime

from starlette.responses import Response

from rundun.actions.erasure.person_runs import PersonList
from rundun.core import times
from rundun.core.json_types.erasures import ErasureJson
from rundun.core.request_bodies import ErasureBody, PersonQueryBody
from rundun.core.validation import read
from rundun.store.idempotency import StoredResponse, json_response
from rundun.store.organizations import organizations as organization_rows
from rundun.web.api.endpoint import ApiCall, api_router, one_at_a_time, to_response
from rundun.web.archives.download import Download, require_place
from rundun.web.archives.person import archive_entries
from rundun.web.archives.report import report_writer
from rundun.web.archives.runs import zip_pieces
from rundun.web.erasure.kept_copies import KeptCopy, find_all_copies
from rundun.web.erasure.person import erase_listed, list_runs, run_json
from rundun.web.http.operation import ZIP, Success

router = api_router("Runs")
_reading = api_router("Runs", reads_idempotency_key=False)


@router.route(
    "POST /erasures",
    {200: Success("The runs, or the number of erased ones.", ErasureJson)},
    body=ErasureBody,
    problems=("erasure_changed",),
    erases=True,
)
async def erase_person(call: ApiCall) -> Response:
    """Erase a person.

    First, without a `digest`, it lists the person's runs, about 2,000 at most, and changes nothing. Check the executor
    of each run: two people may have the same name. `run_ids` chooses some of the runs; the digest is then that of the
    chosen ones.

    Then, with the `digest` of that list, it erases the runs, each like `DELETE /v1/runs/{run_id}`. If the list has
    changed meanwhile, because a run was added, erased or changed, it is 409 `erasure_changed` and nothing is erased.

    If the service is killed in between, some runs are erased and others are not: request the list again, and erase the
    rest with its digest. Only for keys that may erase.
    """
    body = read(ErasureBody, await call.json())
    person = body.person.person()
    if body.digest is None:
        found = await list_runs(call.turns, call.org_id, person, body.run_ids)
        return to_response(_erasure(found, await find_all_copies(call.ctx.settings), is_done=False))
    with one_at_a_time(call, "Another erasure is still being worked on."):
        found = await erase_listed(
            call.turns, call.ctx.database, call.org_id, person, body.digest, call.key_id, body.run_ids
        )
    return await call.respond(_erasure(found, await find_all_copies(call.ctx.settings), is_done=True))


@_reading.route(
    "POST /erasures/archive",
    {200: Success("`runs.json`, the list, and for each run a folder.", ZIP)},
    body=PersonQueryBody,
    problems=("request_in_progress",),
    erases=True,
)
async def get_person_archive(call: ApiCall) -> Response:
    """Get all data of a person.

    A ZIP of the runs that `POST /v1/erasures` lists, for a person who asks for their data. For each run it has
    `run.json`, the record with replaced answers and remarks and its changes; `events.json`; `deliveries.json`, the
    hosts and times of its deliveries; `report.html`, all of it for readers; and the original photos and signatures.
    The run's link and webhook are left out, and file names replace the addresses of pictures, since these give access.
    The ZIP is made while it is sent. At most two downloads of an organization run at once: a third is 409
    `request_in_progress`. Only for keys that may erase.
    """
    require_place(call.ctx, call.org_id)
    body = read(PersonQueryBody, await call.json())
    turns = call.ctx.turns.of_download(call.org_id)
    found = await list_runs(call.turns, call.org_id, body.person.person(), body.run_ids)
    organization, pages = await call.read(organization_rows.get), call.ctx.pages
    report = await report_writer(turns, pages, organization, pages.console_words.language(["en"]))
    entries = archive_entries(turns, call.org_id, found, call.ctx.links, report)
    pieces = zip_pieces(turns, entries, datetime.fromtimestamp(call.ctx.now() / times.SECOND, UTC))
    return Download(call.ctx, call.org_id, pieces, "person.zip")


router.routes += _reading.routes


def _erasure(found: PersonList, kept: list[KeptCopy], *, is_done: bool) -> StoredResponse:
    """Return the response with the listed runs, their digest and the kept copies. If it `is_done`, it has the number of
    erased runs and no runs, since it is stored.
    """
    content: ErasureJson = {
        "erased": len(found.runs) if is_done else 0,
        "digest": found.digest,
        "runs": [] if is_done else [run_json(run) for run in found.runs],
        "has_more": found.has_more,
        "copies": [copy.as_json() for copy in kept],
    }
    return json_response(content)
