"""Runs for integrators and operators: dispatch, read, cancel, extend, release, expire."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rundun.actions.deliveries import default_webhooks
from rundun.actions.organizations import operators, quotas
from rundun.actions.runs.state import RunState, close, current_time, expire, load, require_open, wrong_status
from rundun.core import times
from rundun.core.actor import Actor, OperatorRef
from rundun.core.json_types.base import By
from rundun.core.runs import progress
from rundun.core.runs.answer import Answer
from rundun.core.runs.flags import FlaggedStep, list_flags
from rundun.core.runs.job import NO_JOB
from rundun.core.runs.job_values import read_dispatch
from rundun.core.runs.remark import Remark
from rundun.core.runs.repeat import webhook_errors
from rundun.core.runs.run import Cancellation, DispatchRequest, Run, Webhook, expiry, new_run, revised, with_destination
from rundun.core.templates.template import Template
from rundun.errors import FieldError, Invalid, NotFound, Problem
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.deliveries.deliveries import Delivery
from rundun.store.organizations import organizations as organization_rows, statistics
from rundun.store.organizations.operators import Operator
from rundun.store.runs import (
    answers,
    changes as run_changes,
    events as event_rows,
    lists,
    remarks as remark_rows,
    runs as run_rows,
    search,
)
from rundun.store.runs.changes import RunChange
from rundun.store.runs.events import EventSummary
from rundun.store.runs.lists import RunFilter
from rundun.store.sqlite.pagination import Page, PageRequest
from rundun.store.sqlite.transaction import CommitThenRaise, TemplateVersion, Tx
from rundun.store.templates import templates as template_rows

_BEGINNING = re.compile(r"(r-)?[0-9a-fA-F]{8}[0-9a-fA-F-]{0,28}")  # of an id, at least the number on a receipt


def dispatch(tx: Tx, org_id: str, dispatch_request: DispatchRequest) -> Run:
    """Dispatch a run of a template's current version for one credit, and return it.

    Raises NotFound, `template_archived`, `invalid` and `too_large` for its job, `quota_exceeded`,
    `insufficient_credits`, and the errors of `resolve_webhook`; then nothing is created.
    """
    version = get_dispatched_version(tx, org_id, dispatch_request.template_id)
    if version.template.fields or dispatch_request.job is not NO_JOB:
        dispatch_request = read_dispatch(version.template, dispatch_request, tx.now)
    quotas.require_quota_for_run(tx, org_id)
    if not organization_rows.take_credit(tx, org_id):
        raise Problem("insufficient_credits", "The organization has no credits left; nothing was created.")
    order = replace(dispatch_request, webhook=resolve_webhook(tx, org_id, dispatch_request))
    run = new_run(order, tx.new_id("r"), org_id, version.v, tx.now, version.untouched)
    run_rows.add(tx, run)
    return run


def get_dispatched_version(tx: Tx, org_id: str, template_id: str) -> TemplateVersion:
    """Return the current version of an organization's template, for a dispatch. Raises NotFound with the pointer
    `/template_id`, and `template_archived`.
    """
    try:
        head = template_rows.get(tx, org_id, template_id)
    except NotFound:
        raise NotFound("template", pointer="/template_id") from None
    if head.archived_at is not None:
        raise Problem("template_archived", "This template is archived; new runs can't be dispatched from it.")
    return template_rows.get_version(tx, head.template_id, head.v)


def get_closed(tx: Tx, org_id: str, run_id: str) -> Run:
    """Return an organization's closed run; expire an overdue one. Raises NotFound, `run_erased`, `wrong_status`."""
    run = run_rows.get_of_org(tx, org_id, run_id)
    if run.is_overdue(tx.now, tx.grace):
        run = expire(tx, run)
    if not run.is_closed:
        raise wrong_status(run, ": it can be repeated once it is closed.")
    return run


def resolve_webhook(tx: Tx, org_id: str, dispatch_request: DispatchRequest) -> Webhook | None:
    """Return the webhook of a run to dispatch, with its `destination`: the request's, else, as `webhook_from` says, the
    default one, that of the repeated run, or none; None where the chosen one does not exist. Raises `Invalid` where its
    secret was deleted, and the errors of `get_closed` for the repeated run.
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


def list_job_errors(tx: Tx, org_id: str, dispatch_request: DispatchRequest) -> tuple[FieldError, ...]:
    """List the errors in the job of a dispatch; none if the template does not exist. Raises `too_large`."""
    try:
        head = template_rows.get(tx, org_id, dispatch_request.template_id)
        read_dispatch(template_rows.get_version(tx, head.template_id, head.v).template, dispatch_request, tx.now)
    except (NotFound, Invalid) as problem:
        return problem.errors
    return ()


def get_with_version(tx: Tx, org_id: str, run_id: str, language: str | None = None) -> tuple[Run, TemplateVersion]:
    """Return an organization's run and its template version, translated for a reader of `language`. Raises NotFound,
    `run_erased`.
    """
    run = run_rows.get_of_org(tx, org_id, run_id)
    return run, template_rows.get_version(tx, run.template_id, run.template_v, language)


def cancel(tx: Tx, run: Run, by: By, reason: str | None, member: OperatorRef | None = None) -> Run:
    """Cancel an open run and return it; `member` is the operator who did it. Raises `run_closed`."""
    state = load(tx, require_open(tx, run))
    cancellation = Cancellation(by, reason, current_time(tx, state), progress.last_done_step(state.step_states), member)
    return close(tx, state, "cancel", replace(run, cancellation=cancellation))


def cancel_by_integrator(tx: Tx, org_id: str, run_id: str, reason: str | None) -> RunState:
    """Cancel a run for its integrator; return it with its answers and evidence. Raises NotFound, `run_erased`,
    `wrong_status`.
    """
    return load(tx, cancel(tx, _require_open_of_org(tx, org_id, run_id), "integrator", reason))


def cancel_by_operator(tx: Tx, org_id: str, run_id: str, operator: Operator, reason: str | None) -> Run:
    """Cancel a run for an operator at the console; return it. Raises NotFound, `run_erased`, `wrong_status`."""
    member = OperatorRef(operator.operator_id, operator.name)
    return cancel(tx, _require_open_of_org(tx, org_id, run_id), "operator", reason, member)


def cancel_by_command(tx: Tx, typed: str, reason: str | None) -> Run:
    """Cancel a run for an administrator at the command line; return it. `typed` is an id as `resolve_id` takes it.
    Raises NotFound, `run_erased`, `invalid`, `wrong_status`.
    """
    run = run_rows.get(tx, resolve_id(tx, typed))
    return cancel(tx, _require_open_of_org(tx, run.org_id, run.run_id), "operator", reason)


def extend(tx: Tx, org_id: str, run_id: str, hours: float | None, actor: Actor) -> RunState:
    """Extend an open run to `hours` from now, None = without end; return it with its answers and evidence. The same
    expiry changes nothing. Raises NotFound, `run_erased`, `would_shorten`, `wrong_status`, `quota_exceeded`.
    """
    run = _require_changeable(tx, org_id, run_id)
    until = expiry(tx.now, hours)
    if until is not None and (run.expires_at is None or until < run.expires_at):
        now_set = "never" if run.expires_at is None else times.wire(run.expires_at)
        raise Problem("would_shorten", f"That would shorten the run, which expires {now_set}.")
    if until == run.expires_at:
        return load(tx, run)
    extended = revised(run, tx.now, expires_at=until)
    run_rows.put(tx, run, extended)
    state = load(tx, extended)
    run_changes.add(tx, run, "extended", actor, current_time(tx, state), before=run.expires_at, after=until)
    return state


def release(tx: Tx, org_id: str, run_id: str, actor: Actor) -> RunState:
    """Release an open run from its device, so that the next one to start it takes it over; return it with its answers
    and evidence. Raises NotFound, `run_erased`, `wrong_status`, `quota_exceeded`.
    """
    run = _require_changeable(tx, org_id, run_id)
    released = revised(run, tx.now, device=None)
    run_rows.put(tx, run, released)
    state = load(tx, released)
    run_changes.add(tx, run, "released", actor, current_time(tx, state))
    return state


def _require_changeable(tx: Tx, org_id: str, run_id: str) -> Run:
    """Return an organization's open run. Raises `quota_exceeded` without quota left for an entry in its history, and
    the errors of `_require_open_of_org`.
    """
    run = _require_open_of_org(tx, org_id, run_id)
    quotas.require_quota_to_change(tx, org_id)
    return run


def _require_open_of_org(tx: Tx, org_id: str, run_id: str) -> Run:
    """Return an organization's run that is open and in time; an overdue one is expired first. Raises NotFound,
    `run_erased`, and `wrong_status` (409, for the executor it is 410) for a closed run.
    """
    run = run_rows.get_of_org(tx, org_id, run_id)
    overdue = run.is_overdue(tx.now, tx.grace)
    if overdue:
        run = expire(tx, run)
    if not run.is_closed:
        return run
    problem = wrong_status(run, "; it can't be changed any more.")
    raise CommitThenRaise(problem) if overdue else problem


def expire_overdue(tx: Tx, run_id: str) -> bool:
    """Expire an overdue run; return False if it was closed or extended meanwhile. Raises NotFound, `run_erased`."""
    run = run_rows.get(tx, run_id)
    if not run.is_overdue(tx.now, tx.grace):
        return False
    expire(tx, run)
    return True


# Most entries that are shown of one run; a run of 500 steps has about 1,000 events.
MAX_EVENTS, MAX_REPLACED, MAX_DELIVERIES = 1000, 2000, 100
MAX_REPEATS = 20


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run in a list, with its template, without steps and sections, the number of its remarks in force, and the steps
    that call for attention.
    """

    run: Run
    template: Template
    remarks: int
    flags: Sequence[FlaggedStep]


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with its history: `replaced` answers by step, the newest first; all `remarks` as (step id, remark), the
    oldest first; `repeats` are the ids of runs that repeat it; `now` is the time of reading in milliseconds.
    """

    state: RunState
    replaced: Mapping[str, Sequence[Answer]]
    events: Sequence[EventSummary]
    changes: Sequence[RunChange]
    deliveries: Page[Delivery]
    now: int
    remarks: Sequence[tuple[str, Remark]] = ()
    repeats: Sequence[str] = ()


def page(
    tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest, language: str | None = None
) -> Page[ListedRun]:
    """Return a page of the runs of an organization that pass a filter, in the order of `filters.order`, each with its
    template, translated for a reader of `language`, its number of remarks and its flags. A search (`filters.q`) has the
    newest first; its page can be shorter than the limit, or empty, and not the last.
    """
    page = search.page(tx, org_id, filters, page_request)
    return Page([_listed_run(tx, run, language) for run in page.items], page.next_before)


def page_answered(
    tx: Tx, org_id: str, filters: RunFilter, page_request: PageRequest, language: str | None = None
) -> Page[RunState]:
    """Return a page as `page` does, of runs with their answers and evidence."""
    page = search.page(tx, org_id, filters, page_request)
    return Page([load(tx, run, language) for run in page.items], page.next_before)


def list_answered_versions(tx: Tx, org_id: str, template_id: str) -> list[int]:
    """List the numbers of the versions of an organization's template that are the current one or have runs, the newest
    first. Raises NotFound with the pointer `/template_id`.
    """
    try:
        head = template_rows.get(tx, org_id, template_id)
    except NotFound:
        raise NotFound("template", pointer="/template_id") from None
    return sorted({head.v, *lists.list_versions(tx, org_id, template_id)}, reverse=True)


def _listed_run(tx: Tx, run: Run, language: str | None) -> ListedRun:
    if run.flagged:
        return listed_run(load(tx, run, language))
    template = template_rows.get_version(tx, run.template_id, run.template_v, language).template
    remarks = remark_rows.count(tx, run.run_id) if run.has_remarks else 0
    return ListedRun(run, _without_steps(template), remarks, ())


def listed_run(state: RunState) -> ListedRun:
    """Return a loaded run as lists have it."""
    remarks = sum(bool(remark.text or remark.photos) for remark in state.evidence.remarks.values())
    flags = list_flags(state.step_states, state.evidence) if state.run.flagged else ()
    return ListedRun(state.run, _without_steps(state.version.template), remarks, flags)


def _without_steps(template: Template) -> Template:
    """Return a template without what lists don't show: fifty large ones would be half a gigabyte."""
    return template.model_copy(update={"steps": None, "sections": None})


def list_chosen(tx: Tx, org_id: str, run_ids: Sequence[str], language: str | None = None) -> list[ListedRun]:
    """List the organization's runs with these ids, in the order of the ids, without unknown and erased ones, each as
    in `page`.
    """
    found = [run_rows.find_of_org(tx, org_id, run_id) for run_id in run_ids]
    return [_listed_run(tx, run, language) for run in found if run is not None]


def count(tx: Tx, org_id: str, filters: RunFilter) -> int:
    """Return the number of runs that pass a filter without its `executor_ref_prefix` and `q`, for more than
    `statistics.MAX_COUNTED` that number plus 1.
    """
    return lists.count(tx, org_id, filters, statistics.MAX_COUNTED + 1)


def count_each(tx: Tx, org_id: str, filters: Mapping[str, RunFilter]) -> dict[str, int]:
    """Return by name the number of runs that pass each of several filters, up to `statistics.MAX_COUNTED` + 1."""
    return {name: count(tx, org_id, each) for name, each in filters.items()}


def get_detail(tx: Tx, org_id: str, run_id: str, step_id: str = "", language: str | None = None) -> RunDetail:
    """Return an organization's run with its history: the first `MAX_EVENTS` events, changes and remarks, `MAX_REPLACED`
    replaced answers and all of `step_id`, the newest `MAX_DELIVERIES` deliveries, and of a closed run the first
    `MAX_REPEATS` repeats. Its template is translated for a reader of `language`. Raises NotFound, `run_erased`.
    """
    state = load(tx, run_rows.get_of_org(tx, org_id, run_id), language)
    past = [*answers.list_replaced(tx, run_id, MAX_REPLACED)]
    if step_id:
        past = [pair for pair in past if pair[0] != step_id] + answers.list_replaced_of_step(tx, run_id, step_id)
    return RunDetail(
        state,
        _group_replaced(past, state.answers),
        event_rows.list_summaries(tx, run_id, MAX_EVENTS),
        run_changes.list_of_run(tx, run_id, MAX_EVENTS),
        delivery_rows.page_of_run(tx, run_id, PageRequest(MAX_DELIVERIES)),
        tx.now,
        remark_rows.list_of_run(tx, run_id, MAX_EVENTS) if state.run.has_remarks else (),
        run_rows.list_repeats(tx, run_id, MAX_REPEATS) if state.run.is_closed else (),
    )


def _group_replaced(pairs: Sequence[tuple[str, Answer]], in_force: Mapping[str, Answer]) -> dict[str, list[Answer]]:
    """Return replaced answers by step id, without an answer equal to the next one, which a phone sent twice."""
    replaced: dict[str, list[Answer]] = {}
    for step_id, answer in pairs:
        past = replaced.setdefault(step_id, [])
        after = past[-1] if past else in_force.get(step_id)
        if after is None or answer.content() != after.content():
            past.append(answer)
    return {step_id: past for step_id, past in replaced.items() if past}


def resolve_id(tx: Tx, typed: str) -> str:
    """Return the run id that an administrator `typed`: whole, or its first 8 digits or more, with or without `r-`. Any
    text that no run's id begins with, or that is shorter, is returned unchanged. Raises `invalid` if several ids begin
    with it.
    """
    if not _BEGINNING.fullmatch(typed):
        return typed
    found = run_rows.list_ids(tx, f"r-{typed.lower().removeprefix('r-')}", 3)
    if len(found) > 1:
        raise Problem("invalid", f"Several run ids begin with it: {', '.join(found[:2])}{', …' if found[2:] else ''}.")
    return found[0] if found else typed


def get(tx: Tx, org_id: str, run_id: str, language: str | None = None) -> tuple[RunState, int]:
    """Return an organization's run with its answers and evidence, and the time of reading in milliseconds; its template
    is translated for a reader of `language`. Raises NotFound, `run_erased`.
    """
    return load(tx, run_rows.get_of_org(tx, org_id, run_id), language), tx.now


def get_revision_for_operator(tx: Tx, token: str, org_id: str, run_id: str | None) -> int | None:
    """Return the revision of an organization's run, None without `run_id`, for the operator who is signed in with
    `token`. Raises NotFound if there is no such session or run, and `run_erased`.
    """
    if operators.find_signed_in(tx, token) is None:
        raise NotFound("session")
    return None if run_id is None else run_rows.get_of_org(tx, org_id, run_id).revision
