"""/console/runs/{run_id}/compare: a run beside another, such as the one before."""

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.actions.runs.runs import ListedRun
from rundun.core.runs.run import Run
from rundun.core.templates.template import Template
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import PageRequest
from rundun.web.console.runs.rows import executor, heading
from rundun.web.console.session import ConsoleCall
from rundun.wording.comparison import all_photos, compare
from rundun.wording.run_view import RunView

LIMIT = 10  # runs that are offered
FIELDS = 3  # whose values are looked for


async def show_comparison(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/compare: show a run beside another: that of the query's `with`, else the one before.
    `q` is the search for others.
    """
    params, tag = call.request.query_params, call.language.tag
    detail = await call.read(runs.get_detail, call.path("run_id"), language=tag)
    run, template = detail.state.run, detail.state.version.template
    search = params.get("q", "").strip()[:200]
    found = await _search(call, RunFilter(q=search), run) if search else await _list_alike(call, run, template)
    other_id = params.get("with") or run.previous_run_id
    if other_id is None and not search:
        other_id = next((row.run.run_id for row in found if row.run.number < run.number), None)
    compared = None
    if other_id is not None:
        other = await call.read(runs.get_detail, other_id, language=tag)
        both = sorted((detail, other), key=lambda each: each.state.run.number)
        media_path = call.ctx.database.env.links.media_path
        views = [RunView(each, call.language, call.zone, media_path, ()) for each in both]
        compared = await call.turns.run(compare, *views)
    return await call.render(
        "runs/compare",
        run=run,
        title=run.job.title or run.executor_ref or template.name,
        found=found,
        search=search,
        heading=heading,
        executor=executor,
        compared=compared,
        both=[each.state.run for each in both] if compared else [],
        photos=[all_photos(report) for report in (compared.earlier, compared.later)] if compared else [],
        untranslated=detail.state.version.untranslated,
        texts_language=compared.later.language if compared else None,
    )


async def _list_alike(call: ConsoleCall, run: Run, template: Template) -> list[ListedRun]:
    """List runs with the same reference, else with the same title, else with the same value of one of the first fields,
    the newest first, those of the same template before others.
    """
    shown = [field.id for field in template.fields or () if field.kind != "secret"]
    values = [run.job.title, *(run.job.fields.get(field_id) for field_id in shown[:FIELDS])]
    tries = [RunFilter(q=value) for value in values if isinstance(value, str) and value]
    if run.executor_ref:
        tries.insert(0, RunFilter(executor_ref=run.executor_ref))
    for filters in tries:
        if found := [row for row in await _search(call, filters, run) if _facts(row.run) & _facts(run)]:
            return sorted(found, key=lambda row: row.run.template_id != run.template_id)
    return []


def _facts(run: Run) -> set[object]:
    return {run.executor_ref, run.job.title, *run.job.fields.values()} - {None, ""}


async def _search(call: ConsoleCall, filters: RunFilter, run: Run) -> list[ListedRun]:
    page = await call.read(runs.page, filters, PageRequest(LIMIT + 1), call.language.tag)
    return [row for row in page.items if row.run.run_id != run.run_id][:LIMIT]
