"""/console/runs/{run_id}/compare: a run beside another, such as the one before."""

from itertools import islice

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.actions.runs.runs import ListedRun, RunDetail
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import PageRequest
from rundun.web.console.runs.rows import executor, heading
from rundun.web.console.session import ConsoleCall
from rundun.wording.comparison import RunComparison, compare
from rundun.wording.run_view import RunView

LIMIT = 10  # runs that are offered
LOOKED_AT = 50  # runs read for each text, since a search also finds it inside longer ones
FIELDS = 3  # the first fields of the run, for their values


async def show_comparison(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/compare: show a run beside another: the one named by `with` in the query, else the
    first similar one, unless `q` searches for others. Raises NotFound, `run_erased`.
    """
    params, run_id, tag = call.request.query_params, call.path("run_id"), call.language.tag
    detail = await call.read(runs.get_detail, run_id, language=tag)
    run, search = detail.state.run, params.get("q", "").strip()[:200]
    if search:
        page = await call.read(runs.page, RunFilter(q=search), PageRequest(LIMIT + 1), tag)
        found = [row for row in page.items if row.run.run_id != run_id][:LIMIT]
    else:
        found = await _list_alike(call, detail)
    other_id = params.get("with") or next((row.run.run_id for row in found if not search), None)
    others = [] if other_id in (None, run_id) else [await call.read(runs.get_detail, other_id, language=tag)]
    both = sorted((detail, *others), key=lambda each: each.state.run.number)
    compared = await call.turns.run(_compare, call, *both) if others else None
    return await call.render(
        "runs/compare",
        run=run,
        title=run.job.title or run.executor_ref or detail.state.version.template.name,
        found=found,
        search=search,
        heading=heading,
        executor=executor,
        compared=compared,
        both=[each.state.run for each in both],
    )


def _compare(call: ConsoleCall, earlier: RunDetail, later: RunDetail) -> RunComparison:
    media_path = call.ctx.database.env.links.media_path
    return compare(*(RunView(each, call.language, call.zone, media_path, ()) for each in (earlier, later)))


async def _list_alike(call: ConsoleCall, detail: RunDetail) -> list[ListedRun]:
    """List the run that this one repeats, else earlier runs with its reference, else with its title or the value of one
    of its first fields, as their title or the value of any field; the newest first, runs of its template before others.
    """
    run, tag = detail.state.run, call.language.tag
    if run.previous_run_id and (repeated := await call.read(runs.list_chosen, [run.previous_run_id], tag)):
        return repeated
    tries = [(RunFilter(executor_ref=run.executor_ref), (run.created_at, run.number))] if run.executor_ref else []
    texts = [each for each in (run.job.title, *islice(run.job.fields.values(), FIELDS)) if isinstance(each, str)]
    tries += [(RunFilter(q=each), (0, run.number)) for each in texts]
    for filters, before in tries:
        page = await call.read(runs.page, filters, PageRequest(LOOKED_AT, before), tag)
        rows = [(row, row.run.job) for row in page.items]
        found = [row for row, job in rows if filters.q in (None, job.title, *job.fields.values())]
        if found:
            return sorted(found[:LIMIT], key=lambda row: row.run.template_id != run.template_id)
    return []
