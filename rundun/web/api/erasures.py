"""Erasing a person: /v1/erasures."""

from datetime import UTC, datetime

from starlette.responses import Response

from rundun.actions.erasure.person_runs import PersonList
from rundun.core import times
from rundun.core.json_types.erasures import ErasureJson
from rundun.core.request_bodies import ErasureBody, PersonQueryBody
from rundun.core.validation import read
from rundun.store.idempotency import StoredResponse, json_response
from rundun.store.organizations import organizations
from rundun.web.api.endpoint import ApiCall, api_router, one_at_a_time, to_response
from rundun.web.archives.download import Download, require_place
from rundun.web.archives.person import archive_entries
from rundun.web.archives.report import ReportWriter
from rundun.web.archives.runs import zip_pieces
from rundun.web.erasure.kept_copies import KeptCopy, find_all_copies
from rundun.web.erasure.person import erase_listed, list_runs, run_json
from rundun.web.http.operation import ZIP, Success

router = api_router("Runs")
_reading = api_router("Runs", reads_idempotency_key=False)


@router.route(
    "POST /erasures",
    {200: Success("The runs, or that they are erased.", ErasureJson)},
    body=ErasureBody,
    problems=("erasure_changed",),
    erases=True,
)
async def erase_person(call: ApiCall) -> Response:
    """Erase a person.

    First without a `digest`: lists the runs of the person, and nothing happens. Look at who each run says did it: two
    people may have one name. `run_ids` chooses some of the runs; the digest is that of these then.

    Then with the `digest` of that list: erases them, each as `DELETE /v1/runs/{run_id}` does, unless the list has
    become another one meanwhile, because a run has come, has gone or has changed: then it is 409 `erasure_changed` and
    nothing is gone.

    Should the service be killed in the middle, some runs are gone and others are not: ask for the list again, and erase
    what is left with its digest. Only for keys that may erase.
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
    """Get all that is kept of a person.

    A ZIP of the runs that `POST /v1/erasures` lists, for whoever asks what is kept of them. For each run there is
    `run.json`, the record with replaced answers and remarks and what was changed; `events.json`; `deliveries.json`, to
    which hosts they were sent, and when; `report.html`, all of it to be read; and original photos and signatures. What
    opens something is left out: the run's link, its webhook, and addresses of pictures, in whose place there are the
    names of the files. It is made while it is sent, and two are at once, not more: then it is 409
    `request_in_progress`. Only for keys that may erase.
    """
    require_place(call.ctx, call.org_id)
    body = read(PersonQueryBody, await call.json())
    turns = call.ctx.turns.of_download(call.org_id)
    found = await list_runs(call.turns, call.org_id, body.person.person(), body.run_ids)
    organization, pages = await call.read(organizations.get), call.ctx.pages
    report = ReportWriter(pages, organization, pages.console_words.language(["en"]), is_given_out=True)
    entries = archive_entries(turns, call.org_id, found, call.ctx.links, report.write)
    pieces = zip_pieces(turns, entries, datetime.fromtimestamp(call.ctx.now() / times.SECOND, UTC))
    return Download(call.ctx, call.org_id, pieces, "person.zip")


router.routes += _reading.routes


def _erasure(found: PersonList, kept: list[KeptCopy], *, is_done: bool) -> StoredResponse:
    """Return the list; once it is erased, nothing is stored that tells of a run."""
    content: ErasureJson = {
        "erased": len(found.runs) if is_done else 0,
        "digest": found.digest,
        "runs": [] if is_done else [run_json(run) for run in found.runs],
        "has_more": found.has_more,
        "copies": [copy.as_json() for copy in kept],
    }
    return json_response(content)
