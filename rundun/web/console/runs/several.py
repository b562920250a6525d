"""/console/runs/several: an action on several runs, at most as many as a page of the list has."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from rundun.actions.runs import handled, patches, runs
from rundun.core import text
from rundun.core.actor import Actor
from rundun.core.request_bodies import CancelBody
from rundun.core.runs.run import Run
from rundun.core.validation import read
from rundun.errors import Problem
from rundun.web.console.dispatch.due import due_choices, read_due
from rundun.web.console.runs.export import chosen_table
from rundun.web.console.runs.filters import list_path
from rundun.web.console.runs.page import extension_choices
from rundun.web.console.runs.rows import heading
from rundun.web.console.runs.runs import read_hours
from rundun.web.console.session import ConsoleCall
from rundun.wording import refusals as problem_text
from rundun.wording.console_words import N_, ConsoleLanguage

MAX_CHOSEN = 50  # the runs of one page of the list
ASKED = ("cancel", "extend", "due")  # ask for details or a confirmation first


@dataclass(frozen=True, slots=True)
class Refusal:
    """A run for which the action was refused, and the reason in words. An erased run is named by its number."""

    run_id: str
    heading: str
    reason: str


async def act(call: ConsoleCall) -> Response:
    """POST /console/runs/several: run the action `do` on the first `MAX_CHOSEN` runs whose ids are fields of the form,
    each in its own transaction, and redirect to the list or show the refusals. Before an action of `ASKED`, and again
    for invalid details, show a page that asks for them; `csv` returns a file. Only redirect if there is nothing to do.
    """
    run_ids = [name for name in call.form if name.startswith("r-")][:MAX_CHOSEN]
    action = call.form.get("do", "")
    if not run_ids or action not in (*ASKED, "handled", "csv"):
        return call.redirect(list_path(call))
    if action == "csv":
        return await chosen_table(call, run_ids)
    if action in ASKED and "sure" not in call.form:
        return await _ask_to_confirm(call, action, run_ids)
    try:
        action_on_run = _action_on_run(call, action)
    except Problem as problem:
        return await _ask_to_confirm(call, action, run_ids, problem_text.reason(call.language, problem))
    run_ids = await _eligible(call, action, run_ids) if action not in ASKED else run_ids
    results = await asyncio.gather(*(action_on_run(run_id) for run_id in run_ids), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Problem):
            raise result
    problems = {run_id: each for run_id, each in zip(run_ids, results, strict=True) if isinstance(each, Problem)}
    if not problems:
        return call.redirect(list_path(call), f"several_{action}")
    refusals = await _refusals(call, action, problems)
    done = len(run_ids) - len(problems)
    return await call.render(
        "runs/several_done", action=action, done=done, of=len(run_ids), refusals=refusals, back=list_path(call)
    )


async def _ask_to_confirm(call: ConsoleCall, action: str, run_ids: list[str], wrong: str = "") -> Response:
    rows = await call.read(runs.list_chosen, await _eligible(call, action, run_ids), call.language.tag)
    return await call.render(
        "runs/several_ask",
        422 if wrong else 200,
        action=action,
        left_out=len(run_ids) - len(rows),
        dues=due_choices(call),
        rows=[(row.run, heading(row)) for row in rows],
        query=call.form.get("query", "")[:2000],
        back=list_path(call),
        hours=extension_choices(call, [row.run for row in rows]),
        reason=call.form.get("reason", ""),
        wrong=wrong,
    )


async def _eligible(call: ConsoleCall, action: str, run_ids: list[str]) -> list[str]:
    """Return the ids of the runs to which the action applies, as the bar of the list counts them: open runs, or for
    `handled` runs that call for attention. Missing runs stay. If none is left, return all ids, so that each gets its
    reason.
    """
    rows = {row.run.run_id: row.run for row in await call.read(runs.list_chosen, run_ids)}
    fits = {
        run_id: run_id not in rows
        or (rows[run_id].calls_for_attention if action == "handled" else not rows[run_id].is_closed)
        for run_id in run_ids
    }
    return [run_id for run_id in run_ids if fits[run_id]] or run_ids


def _action_on_run(call: ConsoleCall, action: str) -> Callable[[str], Awaitable[object]]:
    """Return the async function that runs the action on a run id; raises Invalid for the form's other fields."""
    actor = Actor("operator", call.operator.name)
    if action == "handled":
        return lambda run_id: call.write(handled.handle_run, run_id, actor)
    if action == "due":
        changes = read_due(call)
        return lambda run_id: call.write(patches.patch, run_id, changes, actor)
    if action == "extend":
        hours = read_hours(call.form.get("hours", ""))
        return lambda run_id: call.write(runs.extend, run_id, hours, actor)
    reason = call.form.get("reason", "")
    body = read(CancelBody, {"reason": reason} if text.trim(reason) else {})
    return lambda run_id: call.write(runs.cancel_by_operator, run_id, call.operator, body.reason)


async def _refusals(call: ConsoleCall, action: str, problems: Mapping[str, Problem]) -> list[Refusal]:
    rows = {row.run.run_id: row for row in await call.read(runs.list_chosen, list(problems), call.language.tag)}
    return [
        Refusal(run_id, heading(rows[run_id]), _refusal_reason(call.language, action, problem, rows[run_id].run))
        if run_id in rows
        else Refusal(run_id, run_id[2:10], call.language.gettext("It is not there any more."))
        for run_id, problem in problems.items()
    ]


NOTHING_TO_HANDLE = N_("It was neither missed nor flagged.")
CLOSED = {
    "completed": N_("It is already done."),
    "cancelled": N_("It is already cancelled."),
    "expired": N_("It has already expired."),
}


def _refusal_reason(language: ConsoleLanguage, action: str, problem: Problem, run: Run) -> str:
    """Return the reason of a refusal in one sentence or two."""
    if problem.code == "would_shorten":
        return language.gettext("It is already open for longer.")
    if problem.code != "wrong_status":
        return problem_text.reason(language, problem)
    reason = NOTHING_TO_HANDLE if action == "handled" else CLOSED[run.status]
    return language.gettext(reason)
