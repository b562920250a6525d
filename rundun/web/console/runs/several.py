"""/console/runs/several: what an operator does to several runs at once, those of one page of the list at most."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from rundun.actions.runs import handled, patches, runs
from rundun.core.actor import Actor
from rundun.core.request_bodies import CancelBody
from rundun.core.runs.run import Run
from rundun.core.validation import clean_input, read
from rundun.errors import Problem
from rundun.web.console.dispatch.due import due_choices, read_due
from rundun.web.console.runs.export import chosen_table
from rundun.web.console.runs.filters import list_path
from rundun.web.console.runs.page import longer_choices
from rundun.web.console.runs.rows import heading
from rundun.web.console.runs.runs import read_hours
from rundun.web.console.session import ConsoleCall
from rundun.wording import refusals as problem_text
from rundun.wording.console_words import N_, ConsoleLanguage

MAX_CHOSEN = 50  # as many as one page of the list has
ASKED = ("cancel", "extend", "due")  # asked first, since more is to be said, or it can't be undone


@dataclass(frozen=True, slots=True)
class Refusal:
    """A run to which it was not done, and why, in words; without a run it is gone."""

    run_id: str
    heading: str
    why: str


async def act(call: ConsoleCall) -> Response:
    """POST /console/runs/several: do what `do` says to the runs whose ids are fields of the form."""
    run_ids = [name for name in call.form if name.startswith("r-")][:MAX_CHOSEN]
    what = call.form.get("do", "")
    if not run_ids or what not in (*ASKED, "handled", "csv"):
        return call.redirect(list_path(call))
    if what == "csv":
        return await chosen_table(call, run_ids)
    if what in ASKED and "sure" not in call.form:
        return await _ask(call, what, run_ids)
    try:
        deed = _deed(call, what)
    except Problem as problem:
        return await _ask(call, what, run_ids, problem_text.reason(call.language, problem))
    run_ids = await _fitting(call, what, run_ids) if what not in ASKED else run_ids
    results = await asyncio.gather(*(deed(run_id) for run_id in run_ids), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Problem):
            raise result
    problems = {run_id: each for run_id, each in zip(run_ids, results, strict=True) if isinstance(each, Problem)}
    if not problems:
        return call.redirect(list_path(call), f"several_{what}")
    refusals = await _refusals(call, what, problems)
    done = len(run_ids) - len(problems)
    return await call.render(
        "runs/several_done", what=what, done=done, of=len(run_ids), refusals=refusals, back=list_path(call)
    )


async def _ask(call: ConsoleCall, what: str, run_ids: list[str], wrong: str = "") -> Response:
    rows = await call.read(runs.list_chosen, await _fitting(call, what, run_ids))
    return await call.render(
        "runs/several_ask",
        422 if wrong else 200,
        what=what,
        left_out=len(run_ids) - len(rows),
        dues=due_choices(call),
        rows=[(row.run, heading(row)) for row in rows],
        query=call.form.get("query", "")[:2000],
        back=list_path(call),
        hours=longer_choices(call, [row.run for row in rows]),
        reason=call.form.get("reason", ""),
        wrong=wrong,
    )


async def _fitting(call: ConsoleCall, what: str, run_ids: list[str]) -> list[str]:
    """Return the runs to which that can be done, as the bar of the list counts them: open ones, or those that call for
    attention. Where there is none, all of them, and each is told why.
    """
    rows = {row.run.run_id: row.run for row in await call.read(runs.list_chosen, run_ids)}
    fits = {
        run_id: run_id not in rows
        or (rows[run_id].calls_for_attention if what == "handled" else not rows[run_id].is_closed)
        for run_id in run_ids
    }
    return [run_id for run_id in run_ids if fits[run_id]] or run_ids


def _deed(call: ConsoleCall, what: str) -> Callable[[str], Awaitable[object]]:
    """Return what is done to each run by its id; raises Invalid for what the form says beside."""
    actor = Actor("operator", call.operator.name)
    if what == "handled":
        return lambda run_id: call.write(handled.handle_run, run_id, actor)
    if what == "due":
        changes = read_due(call)
        return lambda run_id: call.write(patches.patch, run_id, changes, actor)
    if what == "extend":
        hours = read_hours(call.form.get("hours", ""))
        return lambda run_id: call.write(runs.extend, run_id, hours, actor)
    reason = call.form.get("reason", "")
    body = read(CancelBody, {"reason": reason} if clean_input(reason) else {})
    return lambda run_id: call.write(runs.cancel_by_operator, run_id, call.operator, body.reason)


async def _refusals(call: ConsoleCall, what: str, problems: Mapping[str, Problem]) -> list[Refusal]:
    rows = {row.run.run_id: row for row in await call.read(runs.list_chosen, list(problems))}
    return [
        Refusal(run_id, heading(rows[run_id]), _why(call.language, what, problem, rows[run_id].run))
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


def _why(language: ConsoleLanguage, what: str, problem: Problem, run: Run) -> str:
    """Return why that was refused, in a sentence or two."""
    if problem.code == "would_shorten":
        return language.gettext("It is already open for longer.")
    if problem.code != "wrong_status":
        return problem_text.reason(language, problem)
    why = NOTHING_TO_HANDLE if what == "handled" else CLOSED[run.status]
    return language.gettext(why)
