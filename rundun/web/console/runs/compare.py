"""/console/runs/{run_id}/compare: a run beside another, such as the one before."""

from collections.abc import Callable

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.actions.runs.runs import ListedRun, RunDetail
from rundun.core.runs.run import Run
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import PageRequest
from rundun.web.console.runs.rows import executor, heading
from rundun.web.console.session import ConsoleCall
from rundun.wording.comparison import RunComparison, all_photos, compare
from rundun.wording.run_view import RunView

LIMIT = 10  # runs that are offered
PAGES = 5  # that are searched for each fact
FIELDS = 3  # whose values are searched for


async def show_comparison(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/compare: show a run beside another: that of the query's `with`, else the first of
    those alike, unless `q` searches for others. Raises NotFound, `run_erased`.
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
        photos=[all_photos(report) for report in (compared.earlier, compared.later)] if compared else [],
    )


def _compare(call: ConsoleCall, earlier: RunDetail, later: RunDetail) -> RunComparison:
    media_path = call.ctx.database.env.links.media_path
    return compare(*(RunView(each, call.language, call.zone, media_path, ()) for each in (earlier, later)))


async def _list_alike(call: ConsoleCall, detail: RunDetail) -> list[ListedRun]:
    """List the run that this one repeats, else earlier ones with the same reference, else with the same title, else
    with the same value of one of the first fields; the newest first, those of the same template before others.
    """
    run, tag = detail.state.run, call.language.tag
    if run.previous_run_id and (repeated := await call.read(runs.list_chosen, [run.previous_run_id], tag)):
        return repeated
    shown = [each.id for each in detail.state.version.template.fields or () if each.kind != "secret"]
    tries: list[tuple[RunFilter, tuple[int, int], Callable[[Run], bool]]] = []
    if run.executor_ref:
        tries.append((RunFilter(executor_ref=run.executor_ref), (run.created_at, run.number), lambda one: True))
    if run.job.title:
        tries.append((RunFilter(q=run.job.title), (0, run.number), lambda one: one.job.title == run.job.title))
    for value in (run.job.fields.get(field_id) for field_id in shown[:FIELDS]):
        if value and isinstance(value, str):
            has_value = lambda one, value=value: value in one.job.fields.values()  # noqa: E731
            tries.append((RunFilter(q=value), (0, run.number), has_value))
    for filters, before, is_alike in tries:
        if found := await _list_earlier(call, filters, before, is_alike):
            return sorted(found, key=lambda row: row.run.template_id != run.template_id)
    return []


async def _list_earlier(
    call: ConsoleCall, filters: RunFilter, before: tuple[int, int], is_alike: Callable[[Run], bool]
) -> list[ListedRun]:
    """List the first `LIMIT` runs behind `before` that are alike, from at most `PAGES` pages of the filter's list."""
    found, page_request = list[ListedRun](), PageRequest(LIMIT, before)
    for _ in range(PAGES):
        page = await call.read(runs.page, filters, page_request, call.language.tag)
        found += [row for row in page.items if is_alike(row.run)]
        if page.next_before is None or len(found) >= LIMIT:
            break
        page_request = PageRequest(LIMIT, page.next_before)
    return found[:LIMIT]
