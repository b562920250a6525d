"""Marking as handled, shown as “dealt with”: missed or flagged runs, and groups of similar failed deliveries."""

from starlette.responses import Response

from rundun.actions.runs import handled
from rundun.actions.runs.handled import GroupProgress
from rundun.core import text
from rundun.core.actor import Actor
from rundun.core.request_bodies import HandledBody
from rundun.core.validation import read
from rundun.web.console.runs import page
from rundun.web.console.session import ConsoleCall


async def handle_run(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/handled: mark a run as handled, with a `note` if given, and redirect to the run, with
    `to=overview` to the overview, or show the refusal.
    """

    async def act() -> None:
        note = call.form.get("note", "")
        body = read(HandledBody, {"note": note} if text.trim(note) else {})
        actor = Actor("operator", call.operator.name)
        await call.write(handled.handle_run, call.path("run_id"), actor, body.note)

    response = await page.act_or_explain(call, act(), "handled")
    is_done = response.status_code == 303
    return call.redirect("", "handled") if is_done and call.form.get("to") == "overview" else response


async def undo_handled(call: ConsoleCall) -> Response:
    """POST /console/runs/{run_id}/handled/undo: remove the handled mark; redirect to the run or show the refusal."""
    act = call.write(handled.undo_handled, call.path("run_id"), Actor("operator", call.operator.name))
    return await page.act_or_explain(call, act, "handled_undone")


async def handle_group(call: ConsoleCall) -> Response:
    """POST /console/failed/handled: mark a group of similar failed deliveries as handled, in short transactions;
    redirect to the overview, with `to=webhooks` to the page of webhooks.
    """
    actor = Actor("operator", call.operator.name)
    so_far = GroupProgress()
    while so_far.has_more:
        so_far = await call.write(handled.handle_group, call.form.get("group", ""), actor, so_far)
    return _redirect_to_origin(call, "handled")


async def retry_group(call: ConsoleCall) -> Response:
    """POST /console/failed/retry: retry a group of similar failed deliveries, in short transactions; redirect to the
    overview, with `to=webhooks` to the page of webhooks.
    """
    so_far = GroupProgress()
    while so_far.has_more:
        so_far = await call.write(handled.retry_group, call.form.get("group", ""), so_far)
    return _redirect_to_origin(call, "all_sent_again")


def _redirect_to_origin(call: ConsoleCall, flash: str) -> Response:
    return call.redirect("/settings/webhooks" if call.form.get("to") == "webhooks" else "", flash)
