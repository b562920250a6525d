"""/console/runs/{run_id}/erase: erasing a run, which needs an owner's password, and the page of an erased run."""

from starlette.responses import Response

from rundun.actions.erasure import erased_runs, erasures
from rundun.actions.runs import runs
from rundun.web.console.session import ConsoleCall
from rundun.web.console.settings.account import is_own_password, wrong_password_text
from rundun.web.erasure.kept_copies import find_copies_since


async def confirm(call: ConsoleCall, status: int = 200, wrong: str = "") -> Response:
    """GET /console/runs/{run_id}/erase: show the data to be erased and to be kept, and the copies of the database made
    since the dispatch.
    """
    state, _ = await call.read(runs.get, call.path("run_id"), call.language.tag)
    run, evidence = state.run, state.evidence
    photos = sum(len(each) for each in (*evidence.photos.values(), *evidence.remark_photos.values()))
    return await call.render(
        "erasure/run",
        status,
        run=run,
        template=state.version.template,
        heading=run.job.title or run.executor_ref or state.version.template.name,
        answers=len(state.answers),
        photos=photos,
        copies=await find_copies_since(call.ctx.settings, run.created_at),
        wrong=wrong,
    )


async def erase(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/erase: erase a run, given the password, and redirect to the list; show the page
    with the data to be erased again for a wrong one (422).
    """
    run_id = call.path("run_id")
    await call.read(runs.get, run_id)
    if not await is_own_password(call, call.form.get("password", "")):
        return await confirm(call, 422, wrong_password_text(call))
    await call.write(erasures.erase, run_id, call.operator.operator_id)
    return call.redirect("/runs", "run_erased")


async def show_erased(call: ConsoleCall) -> Response:
    """Return the page with the remaining data of an erased run, with the status 410."""
    return await call.render("erasure/run_erased", 410, erased=await call.read(erased_runs.get, call.path("run_id")))
