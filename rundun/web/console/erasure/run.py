"""/console/runs/{run_id}/erase: erasing a run, for owners who give their password once more; what is left of it."""

from starlette.responses import Response

from rundun.actions.erasure import erased_runs, erasures
from rundun.actions.runs import runs
from rundun.web.console.session import ConsoleCall
from rundun.web.console.settings.account import is_own_password, wrong_password
from rundun.web.erasure.kept_copies import copies_since


async def ask(call: ConsoleCall, status: int = 200, wrong: str = "") -> Response:
    """GET /console/runs/{run_id}/erase: say what goes, what stays, and which backups still hold it."""
    state, _ = await call.read(runs.get, call.path("run_id"))
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
        copies=await copies_since(call.ctx.settings, run.created_at),
        wrong=wrong,
    )


async def erase(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/erase: erase a run for good, given the password."""
    run_id = call.path("run_id")
    await call.read(runs.get, run_id)
    if not await is_own_password(call, call.form.get("password", "")):
        return await ask(call, 422, wrong_password(call))
    await call.write(erasures.erase_of_org, run_id, call.operator.operator_id)
    return call.redirect("/runs", "run_erased")


async def show_erased(call: ConsoleCall) -> Response:
    """Show what is left of an erased run."""
    return await call.render("erasure/run_erased", 410, erased=await call.read(erased_runs.get, call.path("run_id")))
