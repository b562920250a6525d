"""Runs as the integrator and the operator handle them: dispatch, read, cancel, extend, release, expire."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rundun.actions.deliveries import default_webhooks
from rundun.actions.organizations import operators, quotas
from rundun.actions.runs.state import RunState, close, expire, load, now_of, require_open, wrong_status
from rundun.core import times
from rundun.core.actor import Actor, OperatorRef
from rundun.core.json_types.base import By
from rundun.core.runs import progress
from rundun.core.runs.answer import Answer
from rundun.core.runs.job import NO_JOB
from rundun.core.runs.job_values import read_dispatch
from rundun.core.runs.remark import Remark
from rundun.core.runs.repeat import webhook_errors
from rundun.core.runs.run import Cancellation, DispatchRequest, Run, Webhook, expiry, new_run, revised, with_destination
from rundun.core.templates.template import Template
from rundun.errors import FieldError, Invalid, NotFound, Problem
from rundun.store.deliveries import deliveries
from rundun.store.deliveries.deliveries import Delivery
from rundun.store.organizations import organizations, statistics
from rundun.store.organizations.operators import Operator
from rundun.store.runs import answers, events, lists, remarks, runs, search
from rundun.store.runs import changes as run_changes
from rundun.store.runs.changes import RunChange
from rundun.store.runs.events import EventSummary
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import Page, PageRequest
from rundun.store.sqlite.transaction import CommitThenRaise, TemplateVersion, Tx
from rundun.store.templates import templates

_BEGINNING = re.compile(r"(r-)?[0-9a-fA-F]{8}[0-9a-fA-F-]{0,28}")  # of an id, as long as the number on a receipt


def dispatch(tx: Tx, org_id: str, dispatch_request: DispatchRequest) -> Run:
    """Dispatch a run of a template's current version, for one credit.

    Raises NotFound, `template_archived`, `invalid` and `too_large` for its job, `quota_exceeded`,
    `insufficient_credits`; then nothing is created.
    """
    version = get_dispatched_version(tx, org_id, dispatch_request.template_id)
    if version.template.fields or dispatch_request.job is not NO_JOB:
        dispatch_request = read_dispatch(version.template, dispatch_request, tx.now)
    quotas.require_quota_for_run(tx, org_id)
    if not organizations.take_credit(tx, org_id):
        raise Problem("insufficient_credits", "The organization has no credits left; nothing was created.")
    order = replace(dispatch_request, webhook=webhook_of(tx, org_id, dispatch_request))
    run = new_run(order, tx.new_id("r"), org_id, version.v, tx.now, version.untouched)
    runs.add(tx, run)
    return run


def get_dispatched_version(tx: Tx, org_id: str, template_id: str) -> TemplateVersion:
    """Read the version of an organization's template that is dispatched now; raises NotFound with its place in the body
    of a dispatch, and `template_archived`.
    """
    try:
        head = templates.get(tx, org_id, template_id)
    except NotFound:
        raise NotFound("template", pointer="/template_id") from None
    if head.archived_at is not None:
        raise Problem("template_archived", "This template is archived; new runs can't be dispatched from it.")
    return templates.get_version(tx, head.template_id, head.v)


def get_closed(tx: Tx, org_id: str, run_id: str) -> Run:
    """Read an organization's closed run, to repeat it. One whose time is up is expired here. Raises NotFound,
    `run_erased`, `wrong_status`.
    """
    run = runs.get_of_org(tx, org_id, run_id)
    if run.is_overdue(tx.now, tx.grace):
        run = expire(tx, run)
    if not run.is_closed:
        raise wrong_status(run, ": it can be repeated once it is closed.")
    return run


def webhook_of(tx: Tx, org_id: str, dispatch_request: DispatchRequest) -> Webhook | None:
    """Return the webhook that the run of a dispatch gets, with what limits on its deliveries are counted by. Raises
    `invalid` for one that can't be copied, and as `get_closed` does for the run that is repeated.
    """
    previous_id = dispatch_request.previous_run_id
    previous = None if previous_id is None else get_closed(tx, org_id, previous_id)
    webhook = dispatch_request.webhook
    if webhook is None and dispatch_request.webhook_from == "default":
        webhook = default_webhooks.find(tx, org_id, dispatch_request.template_id)
    elif webhook is None and dispatch_request.webhook_from == "previous" and previous is not None:
        webhook = previous.webhook and replace(previous.webhook, gone=False)
    if webhook and (errors := [*webhook_errors(webhook)]):
        raise Invalid(errors)
    return webhook and with_destination(org_id, webhook)


def job_errors(tx: Tx, org_id: str, dispatch_request: DispatchRequest) -> tuple[FieldError, ...]:
    """List what would be wrong with the job of a dispatch; nothing where there is no such template."""
    try:
        head = templates.get(tx, org_id, dispatch_request.template_id)
        read_dispatch(templates.get_version(tx, head.template_id, head.v).template, dispatch_request, tx.now)
    except (NotFound, Invalid) as problem:
        return problem.errors
    return ()


def get_with_version(tx: Tx, org_id: str, run_id: str) -> tuple[Run, TemplateVersion]:
    """Read an organization's run and the version of its template; raises NotFound."""
    run = runs.get_of_org(tx, org_id, run_id)
    return run, templates.get_version(tx, run.template_id, run.template_v)


def cancel(tx: Tx, run: Run, by: By, reason: str | None, member: OperatorRef | None = None) -> Run:
    """Cancel an open run, before its time; `member` says which operator it was."""
    state = load(tx, require_open(tx, run))
    cancellation = Cancellation(by, reason, now_of(tx, state), progress.last_done_step(state.step_states), member)
    return close(tx, state, "cancel", replace(run, cancellation=cancellation))


def cancel_by_integrator(tx: Tx, org_id: str, run_id: str, reason: str | None) -> RunState:
    """Cancel a run for its integrator."""
    return load(tx, cancel(tx, _require_open_of_org(tx, org_id, run_id), "integrator", reason))


def cancel_by_operator(tx: Tx, org_id: str, run_id: str, operator: Operator, reason: str | None) -> Run:
    """Cancel a run for an operator at the console."""
    member = OperatorRef(operator.operator_id, operator.name)
    return cancel(tx, _require_open_of_org(tx, org_id, run_id), "operator", reason, member)


def cancel_by_command(tx: Tx, typed: str, reason: str | None) -> Run:
    """Cancel a run for an administrator, who is nobody in the console; `typed` is as `find_id` takes it."""
    run = runs.get(tx, find_id(tx, typed))
    return cancel(tx, _require_open_of_org(tx, run.org_id, run.run_id), "operator", reason)


def extend(tx: Tx, org_id: str, run_id: str, hours: float | None, actor: Actor) -> RunState:
    """Extend a run, to `hours` from now; None = without end. Never less than there is (`would_shorten`), and an equal
    end changes nothing. Raises `wrong_status`, `quota_exceeded`.
    """
    run = _require_changeable(tx, org_id, run_id)
    until = expiry(tx.now, hours)
    if until is not None and (run.expires_at is None or until < run.expires_at):
        now_set = "never" if run.expires_at is None else times.wire(run.expires_at)
        raise Problem("would_shorten", f"That would shorten the run: it expires {now_set} as it is.")
    if until == run.expires_at:
        return load(tx, run)
    extended = revised(run, tx.now, expires_at=until)
    runs.put(tx, run, extended)
    state = load(tx, extended)
    run_changes.add(tx, run, "extended", actor, now_of(tx, state), before=run.expires_at, after=until)
    return state


def release(tx: Tx, org_id: str, run_id: str, actor: Actor) -> RunState:
    """Release a run from the one device that may do it; the next that starts the run takes it over. Raises
    `wrong_status`, `quota_exceeded`.
    """
    run = _require_changeable(tx, org_id, run_id)
    released = revised(run, tx.now, device=None)
    runs.put(tx, run, released)
    state = load(tx, released)
    run_changes.add(tx, run, "released", actor, now_of(tx, state))
    return state


def _require_changeable(tx: Tx, org_id: str, run_id: str) -> Run:
    """Return an organization's open run, unless the organization has no room for what each change keeps."""
    run = _require_open_of_org(tx, org_id, run_id)
    quotas.require_quota_to_change(tx, org_id)
    return run


def _require_open_of_org(tx: Tx, org_id: str, run_id: str) -> Run:
    """Return an organization's run that is open and in time; a closed one is a conflict here, not gone."""
    run = runs.get_of_org(tx, org_id, run_id)
    overdue = run.is_overdue(tx.now, tx.grace)
    if overdue:
        run = expire(tx, run)
    if not run.is_closed:
        return run
    problem = wrong_status(run, "; that can't be done any more.")
    raise CommitThenRaise(problem) if overdue else problem


def expire_one(tx: Tx, run_id: str) -> bool:
    """Expire a run whose time is up; False when somebody has ended or extended it meanwhile."""
    run = runs.get(tx, run_id)
    if not run.is_overdue(tx.now, tx.grace):
        return False
    expire(tx, run)
    return True


# Shown of one run; a run of 500 steps has about as many events.
MAX_EVENTS, MAX_REPLACED, MAX_DELIVERIES = 1000, 2000, 100
MAX_REPEATS = 20


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run in a list, with its version of the template and how many of its steps have a remark."""

    run: Run
    template: Template
    remarks: int


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with its past: `replaced` are each step's answers that are not in force any more, the newest first;
    `remarks` all remarks with their steps, the oldest first; `repeats` the ids of runs that repeat it.
    """

    state: RunState
    replaced: Mapping[str, Sequence[Answer]]
    events: Sequence[EventSummary]
    changes: Sequence[RunChange]
    deliveries: Page[Delivery]
    now: int
    remarks: Sequence[tuple[str, Remark]] = ()
    repeats: Sequence[str] = ()


def page(tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest) -> Page[ListedRun]:
    """Page the runs of an organization that pass a filter, each with its version of the template."""
    page = search.page(tx, org_id, filters, page_request)
    return Page([_listed(tx, run) for run in page.items], page.next_before)


def _listed(tx: Tx, run: Run) -> ListedRun:
    template = templates.get_version(tx, run.template_id, run.template_v).template
    return ListedRun(run, template, remarks.count(tx, run.run_id) if run.has_remarks else 0)


def list_chosen(tx: Tx, org_id: str, run_ids: Sequence[str]) -> list[ListedRun]:
    """List those of the runs with these ids that are the organization's, and not erased, in their order."""
    found = [runs.find_of_org(tx, org_id, run_id) for run_id in run_ids]
    return [_listed(tx, run) for run in found if run is not None]


def count(tx: Tx, org_id: str, filters: RunFilter) -> int:
    """Count what a list with that filter shows, at most `statistics.MAX_COUNTED` and one."""
    return lists.count(tx, org_id, filters, statistics.MAX_COUNTED + 1)


def count_each(tx: Tx, org_id: str, filters: Mapping[str, RunFilter]) -> dict[str, int]:
    """Count what the list of each filter shows, by the same names."""
    return {name: count(tx, org_id, each) for name, each in filters.items()}


def get_detail(tx: Tx, org_id: str, run_id: str, step_id: str = "") -> RunDetail:
    """Read all there is of an organization's run with its past, or NotFound; of the step named all past answers,
    however many others of the run have.
    """
    state = load(tx, runs.get_of_org(tx, org_id, run_id))
    past = [*answers.list_replaced(tx, run_id, MAX_REPLACED)]
    if step_id:
        past = [pair for pair in past if pair[0] != step_id] + answers.list_replaced_of_step(tx, run_id, step_id)
    return RunDetail(
        state,
        _replaced(past, state.answers),
        events.list_summaries(tx, run_id, MAX_EVENTS),
        run_changes.list_of_run(tx, run_id, MAX_EVENTS),
        deliveries.page_of_run(tx, run_id, PageRequest(MAX_DELIVERIES)),
        tx.now,
        remarks.list_of_run(tx, run_id, MAX_EVENTS) if state.run.has_remarks else (),
        runs.list_repeats(tx, run_id, MAX_REPEATS) if state.run.is_closed else (),
    )


def _replaced(past_answers: Sequence[tuple[str, Answer]], in_force: Mapping[str, Answer]) -> dict[str, list[Answer]]:
    """Sort past answers by step, without those equal to the one after them: a phone that repeats itself."""
    replaced: dict[str, list[Answer]] = {}
    for step_id, answer in past_answers:
        past = replaced.setdefault(step_id, [])
        after = past[-1] if past else in_force.get(step_id)
        if after is None or answer.content() != after.content():
            past.append(answer)
    return {step_id: past for step_id, past in replaced.items() if past}


def find_id(tx: Tx, typed: str) -> str:
    """Return the id that an administrator has typed whole or as a receipt has it, the beginning of one run's only, with
    or without `r-`; what is no such beginning as it is. Raises `invalid` where several begin so.
    """
    if not _BEGINNING.fullmatch(typed):
        return typed
    found = runs.list_ids(tx, f"r-{typed.lower().removeprefix('r-')}", 3)
    if len(found) > 1:
        raise Problem("invalid", f"Several runs begin so: {', '.join(found[:2])}{', …' if found[2:] else ''}.")
    return found[0] if found else typed


def get(tx: Tx, org_id: str, run_id: str) -> tuple[RunState, int]:
    """Read all there is of an organization's run, and the time of reading."""
    return load(tx, runs.get_of_org(tx, org_id, run_id)), tx.now


def revision_for_operator(tx: Tx, token: str, org_id: str, run_id: str | None) -> int | None:
    """Read a run's revision for an operator who is signed in with `token`, None without `run_id`. Raises NotFound for
    those who have been signed out, and where there is no such run.
    """
    if operators.find_signed_in(tx, token) is None:
        raise NotFound("session")
    return None if run_id is None else runs.get_of_org(tx, org_id, run_id).revision
