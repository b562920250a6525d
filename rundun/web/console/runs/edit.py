"""/console/runs/{run_id}/edit: changing title, note, due time, fields and reference of an open run."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from rundun.actions.runs import patches, runs
from rundun.core.actor import Actor
from rundun.core.request_bodies import RunPatch
from rundun.core.runs.job import PLAIN_MEMBERS
from rundun.core.runs.run import Run
from rundun.core.validation import read
from rundun.errors import NotFound, Problem
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.web.console.dispatch.form import field_inputs, read_body
from rundun.web.console.session import ConsoleCall
from rundun.wording.problem_codes import PROBLEMS
from rundun.wording.refusals import exact_field_reason
from rundun.wording.time_zone import Zone

WAS = "was "  # prefix of hidden inputs with the values that were shown
MEMBERS = (*PLAIN_MEMBERS, "executor_ref")


async def edit_form(call: ConsoleCall) -> Response:
    """GET /console/runs/{run_id}/edit: show the form with the run's values. A closed run redirects to its own page."""
    run, version = await call.read(runs.get_with_version, call.path("run_id"), call.language.tag)
    if run.is_closed:
        return call.redirect(f"/runs/{run.run_id}")
    values = _values(run, call.zone)
    return await _render(call, run, version, values | {WAS + name: value for name, value in values.items()})


async def edit(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/edit: store the inputs that differ from those shown, and no others, and redirect to
    the run; show the form again with the errors of a refusal.
    """
    run, version = await call.read(runs.get_with_version, call.path("run_id"), call.language.tag)
    try:
        changes = read(RunPatch, _patch(call.form, version, call.zone)).changes()
        actor = Actor("operator", call.operator.name)
        await call.write(patches.patch, run.run_id, changes, actor)
    except NotFound:
        raise
    except Problem as problem:
        return await _render(call, run, version, call.form, problem)
    return call.redirect(f"/runs/{run.run_id}", "run_changed")


async def _render(
    call: ConsoleCall, run: Run, version: TemplateVersion, values: Mapping[str, str], problem: Problem | None = None
) -> Response:
    wrong = {
        error.pointer.rpartition("/")[2]: exact_field_reason(call.language, call.zone, error)
        for error in _errors(problem)
    }
    return await call.render(
        "runs/edit",
        PROBLEMS[problem.code].status if problem else 200,
        run=run,
        heading=run.job.title or run.executor_ref or version.template.name,
        fields=field_inputs(version, call.language),
        values=values,
        was=WAS,
        problem=problem,
        wrong=wrong,
    )


def _errors(problem: Problem | None) -> Any:
    return problem.errors if problem else ()


def _values(run: Run, zone: Zone) -> dict[str, str]:
    """Return the run's values by the names of the form's inputs, secrets included, without empty ones."""
    job = run.job
    values = {name: getattr(job, name) for name in PLAIN_MEMBERS}
    values |= {"due_at": zone.local(job.due_at), "executor_ref": run.executor_ref}
    fields = {f"field {name}": str(value) for name, value in {**job.fields, **job.secrets}.items()}
    return fields | {name: value for name, value in values.items() if value}


def _patch(form: Mapping[str, str], version: TemplateVersion, zone: Zone) -> dict[str, Any]:
    """Return the merge patch (RFC 7396) of the inputs that differ from those shown, None for emptied ones, so that
    changes made by others in the meantime stay.
    """
    typed = {name: value.replace("\r\n", "\n") for name, value in form.items()}
    body = read_body(typed, version, zone)
    patch = {name: body.get(name) for name in MEMBERS if _differs(typed, name)}
    values = body.get("fields", {})
    ids = [field.id for field in version.template.fields if _differs(typed, f"field {field.id}")]
    return patch | ({"fields": {name: values.get(name) for name in ids}} if ids else {})


def _differs(form: Mapping[str, str], name: str) -> bool:
    """Tell whether an input differs, apart from surrounding spaces, from its value when the form was shown."""
    return form.get(name, "").strip() != form.get(WAS + name, "").strip()
