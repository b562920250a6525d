"""The answers of a template's runs as a table: /v1/answers."""

from starlette.responses import Response

from rundun.web.api.endpoint import ApiCall, api_router
from rundun.web.archives.answers import ChosenRuns, csv_pieces, jsonl_pieces, read_versions
from rundun.web.archives.download import Download, require_place
from rundun.web.http.operation import Bytes, Success
from rundun.web.http.query_params import AnswersQuery, query
from rundun.wording.answer_table import EXTRAS, AnswerTable
from rundun.wording.run_table import TableContext
from rundun.wording.time_zone import Zone

CSV, JSONL = "text/csv; charset=utf-8; header=present", "application/jsonl; charset=utf-8"
router = api_router("Runs")


@router.route(
    "GET /answers",
    {200: Success("The table.", Bytes(("text/csv", "application/jsonl"), "A table of the answers."))},
    query=AnswersQuery,
    problems=("request_in_progress", "not_found"),
)
async def get_answers(call: ApiCall) -> Response:
    """Get the answers of a template's runs as a table.

    All runs that pass the filter, without a limit, in the order of `GET /v1/runs`: as CSV (RFC 4180) with the columns
    of the console's list, one for each field of the template, and one for each step. Versions of the template are in
    line by the ids of their steps. Options stand with their labels, several joined by “; ”, photos as their number and
    a link into the console, times in UTC; a text that a spreadsheet could take for a formula has an apostrophe before
    it. JSON Lines have the record of each run, unchanged. It is made while it is sent, and counts among the two
    downloads of an organization at once: a third is 409 `request_in_progress`.
    """
    asked, ctx = query(AnswersQuery, call.request), call.ctx
    require_place(ctx, call.org_id)
    turns, now = ctx.turns.of_download(call.org_id), ctx.now()
    language = None if asked.format == "jsonl" else asked.language
    versions = await read_versions(turns, call.org_id, asked.template_id, language)
    chosen = ChosenRuns(call.org_id, asked.filter(now), versions, language)
    if asked.format == "jsonl":
        pieces = jsonl_pieces(turns, chosen, ctx.links, now)
        return Download(ctx, call.org_id, pieces, "answers.jsonl", JSONL)
    words = ctx.pages.console_words.language([asked.language or "en"])
    extras = [name for name in EXTRAS if getattr(asked, name)]
    table = await turns.run(AnswerTable, versions, extras, TableContext(words, Zone("UTC"), ctx.links, now))
    pieces = csv_pieces(turns, chosen, table, are_labels=asked.headings == "labels")
    return Download(ctx, call.org_id, pieces, "answers.csv", CSV)
