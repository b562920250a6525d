"""Execution of a run by its executor: start, answer, complete, cancel."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rundun.actions.erasure import retention
from rundun.actions.organizations import quotas
from rundun.actions.runs import state as run_state
from rundun.actions.runs.photos import MAX_OF_SLOT
from rundun.actions.runs.runs import cancel
from rundun.actions.runs.state import RunState
from rundun.core import text, times
from rundun.core.actor import Identity
from rundun.core.erasure.retention import NO_DAYS_SHOWN
from rundun.core.json_types.base import PositionJson
from rundun.core.json_types.problems import PlaceJson
from rundun.core.runs import event, photo_list, progress, remark
from rundun.core.runs.answer import Answer, check_total_size, read_value
from rundun.core.runs.progress import MissingStep
from rundun.core.runs.run import MOVES, Run, revised, with_clock_skew
from rundun.core.templates.steps import StepBase, photo_limits, photo_slots
from rundun.errors import FieldError, Invalid, NotFound, Problem
from rundun.store import files
from rundun.store.erasure import erasure
from rundun.store.erasure.erasure import ErasedRun
from rundun.store.organizations import organizations as organization_rows
from rundun.store.organizations.organizations import Organization
from rundun.store.runs import answers, changes as run_changes, events as event_rows, runs as run_rows
from rundun.store.sqlite.transaction import TemplateVersion, Tx
from rundun.store.templates import templates as template_rows

MAX_ANSWERS = 200  # of one step; a limit against filling the disk


@dataclass(frozen=True, slots=True)
class StartInput:
    """The input of the start screen."""

    identity: Identity
    language: str | None
    clock_skew_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerInput:
    """The input for one answer. `photos` None: without a list. `replaces`: the id of the answer that its author saw in
    force, "" for none, None to replace any. `seen_photos`: the unlisted photos of the step that its author knew of,
    None if unknown; `missing_photos`: those of them that had not arrived for all the author knew. `clock_skew_seconds`:
    by which the phone's clock is ahead of the server's.
    """

    answer_id: str | None
    replaces: str | None = None
    value: Any = None
    skipped: bool = False
    unable: str | None = None
    photos: tuple[str, ...] | None = None
    seen_photos: tuple[str, ...] | None = None
    missing_photos: frozenset[str] = frozenset()
    geo: PositionJson | None = None
    answered_at: int | None = None
    clock_skew_seconds: int | None = None


def start(tx: Tx, run_id: str, start_input: StartInput, device: str | None) -> tuple[Run, TemplateVersion, str]:
    """Start a run; return the run, its template version, and the token for the phone's cookie: `device`, or a new one
    for None. Starting a started run keeps its first identity, and gives a released run to this device. Raises NotFound,
    `run_erased`, `run_closed`, `other_device`, `unavailable` beyond `quotas.MOST`, and `Invalid` without the identity
    that the template requires.
    """
    run = run_state.require_open(tx, run_rows.get(tx, run_id), device)
    run_state.require_device(tx, run, device)
    version = template_rows.get_version(tx, run.template_id, run.template_v)
    token = device or secrets.token_urlsafe(24)
    if run.status == "in_progress":
        if run.device is None:  # released
            taken_over = revised(run, tx.now, device=token)
            run_rows.put(tx, run, taken_over)
            run = taken_over
        return run, version, token
    quotas.require_quota_to_continue(tx, run.org_id)
    field = version.template.execution.identity_required
    if field != "none" and not getattr(start_input.identity, field):
        raise Invalid([FieldError(f"/{field}", "required", f"is required to start: the template asks for {field}")])
    started = revised(
        run,
        tx.now,
        status=MOVES[run.status, "start"],
        started_at=max(tx.now, run.created_at),  # a clock may be put back
        assigned_to=tx.new_id("u"),
        identity=Identity(**{field: getattr(start_input.identity, field)}) if field != "none" else Identity(),
        language=start_input.language or run.language,
        device=token,
        seq=run.seq + 1,
    )
    started = with_clock_skew(started, start_input.clock_skew_seconds)
    event_rows.add(tx, started, event.run_started(started), started.seq, started.started_at or tx.now)
    run_rows.put(tx, run, started)
    return started, version, token


def answer(tx: Tx, run_id: str, step_id: str, answer_input: AnswerInput, device: str | None) -> RunState:
    """Apply an answer; return the run with its answers and evidence. An answer that was applied before or equals the
    one in force changes nothing and is not refused on a closed run either: its first response may have been lost. A
    skip whose author did not know of the step's photos does not come into force. Raises NotFound, `run_erased`,
    `other_device`, `run_closed`, `not_started`, `answer_changed`, `skip_not_allowed`, `too_many_photos`, `too_large`,
    `unavailable` beyond `quotas.MOST`, and `Invalid`.
    """
    run = run_state.get_for_device(tx, run_id, device)
    state = run_state.load(tx, run)
    step, old = state.step(step_id), state.answers.get(step_id)
    was_applied, count = False, 0  # a step without an answer in force never had one
    if old is not None:
        was_applied, count = answers.count_with_id(tx, run_id, step_id, answer_input.answer_id)
    if was_applied:
        return state
    if (run.is_closed or run.is_overdue(tx.now, tx.grace)) and _is_in_force(state, step, answer_input):
        return state
    run_state.require_started(tx, run, device)
    new = _new_answer(tx, state, step, answer_input)
    if new.skipped and _has_unseen_photos(state, step_id, answer_input):
        return _keep_skip(tx, state, step_id, new, is_full=count >= MAX_ANSWERS)
    is_full = count >= MAX_ANSWERS
    has_unannounced = old is not None and _has_unannounced_photos(tx, state, step_id)
    says_the_same = old is not None and old.content() == new.content() and not has_unannounced
    if says_the_same and (is_full or not answer_input.answer_id):
        return state
    if is_full:
        detail = f"this step was answered {MAX_ANSWERS} times and can't be changed any more"
        raise Invalid([FieldError("", "too_long", detail)])
    if not says_the_same:
        _require_seen(tx, run_id, step_id, old, answer_input)
    quotas.require_quota_to_continue(tx, run.org_id)
    if says_the_same:
        answers.add_history(tx, run, step_id, new)
        return state
    check_total_size(state.answers, step_id, new)
    answers.add(tx, run, step_id, new, is_first=old is None)
    skewed = replace(state, run=with_clock_skew(run, answer_input.clock_skew_seconds))
    after = run_state.with_answer(skewed, step_id, new)
    is_news = has_unannounced or _announced_content(state, step_id) != _announced_content(after, step_id)
    return run_state.save(tx, state, after, new.at, [step_id] if is_news else [])


def _require_seen(tx: Tx, run_id: str, step_id: str, old: Answer | None, answer_input: AnswerInput) -> None:
    """Raise `answer_changed` if the statement of the answer in force differs from that of the answer that the input
    replaces. Different photos alone are no reason to ask its author.
    """
    in_force = old.answer_id if old else ""
    if answer_input.replaces is None or answer_input.replaces == in_force:
        return
    seen = answers.find(tx, run_id, step_id, answer_input.replaces)
    if old is None or seen is None or seen.statement() != old.statement():
        raise Problem("answer_changed", "This step was answered again meanwhile, on another phone or in another tab.")


def _has_unseen_photos(state: RunState, step_id: str, answer_input: AnswerInput) -> bool:
    """Tell whether a step lists photos that the input's `seen_photos` lacks; False without `seen_photos`."""
    seen = answer_input.seen_photos
    return seen is not None and not set(seen).issuperset(state.step_states[step_id].listed)


def _keep_skip(tx: Tx, state: RunState, step_id: str, skip: Answer, *, is_full: bool) -> RunState:
    """Store a skip as replaced, not in force, since its author did not know of the step's photos; return the state
    unchanged. Without an answer in force nothing is stored: if the skip is sent again, the photos are there again.
    """
    if step_id in state.answers and not is_full:
        quotas.require_quota_to_continue(tx, state.run.org_id)
        answers.add_history(tx, state.run, step_id, skip)
    return state


def _has_unannounced_photos(tx: Tx, state: RunState, step_id: str) -> bool:
    """Tell whether a done step has photos that its last event did not name; False if its answer takes no unlisted
    photos. They make no event when they arrive; the next event is made when the answer is given again.
    """
    step_state = state.step_states[step_id]
    if not (step_state.done and step_state.photos and step_state.answer) or not step_state.answer.takes_arrivals:
        return False
    return not set(step_state.photos) <= event_rows.list_announced_photos(tx, state.run.run_id, step_id)


def _is_in_force(state: RunState, step: StepBase, answer_input: AnswerInput) -> bool:
    """Tell whether a late input equals the answer in force: the same statement and, unless it has no list or is a
    skip, the step's photos in order, apart from those that its author did not know of.
    """
    old = state.answers.get(step.id)
    if old is None:
        return False
    try:
        value = None if answer_input.skipped or answer_input.unable else read_value(step, answer_input.value)
    except Invalid:
        return False
    if old.statement() != (value, answer_input.skipped, answer_input.unable):
        return False
    sent, seen, in_force = answer_input.photos, answer_input.seen_photos, state.step_states[step.id].listed
    if sent is None or old.skipped:
        return True
    return sent == tuple([photo for photo in in_force if seen is None or photo in seen or photo in sent])


def _announced_content(state: RunState, step_id: str) -> object:
    """Return a value to compare: the content of a step's answer in its `step.completed`, None without an answer. A done
    step has another event when this changes.
    """
    step_state = state.step_states[step_id]
    answer = step_state.answer
    return answer and (answer.statement(), answer.signature, step_state.photos)


def _new_answer(tx: Tx, state: RunState, step: StepBase, answer_input: AnswerInput) -> Answer:
    settings = state.version.template.settings
    run = state.run
    now = run_state.current_time(tx, state)
    common: Mapping[str, Any] = {"at": now, "answered_at": answer_input.answered_at, "by": run.assigned_to}
    if answer_input.skipped:
        if step.required or not settings.allow_skip:
            raise Problem("skip_not_allowed", "This step can't be skipped.")
        return Answer(answer_input.answer_id, None, True, None, (), None, None, **common)
    photos, left_out = _listed_photos(tx, state, step, answer_input)
    common = {**common, "left_out": left_out}
    unable = answer_input.unable
    if unable is not None:
        if not settings.allow_unable:
            raise Invalid([FieldError("/unable", "not_allowed", "this template takes no “I can't do this”")])
        return Answer(answer_input.answer_id, None, False, unable, photos, answer_input.geo, None, **common)
    value = read_value(step, answer_input.value)
    signature = files.find_latest_signature(tx, run.run_id, step.id) if step.type == "signature" else None
    return Answer(answer_input.answer_id, value, False, None, photos, answer_input.geo, signature, **common)


def _listed_photos(
    tx: Tx, state: RunState, step: StepBase, answer_input: AnswerInput
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Return the ids of the photos that a new answer lists, with those of the answer in force that its author did not
    know of, and of the photos that it leaves out (photo_list.py); None for either if the input does not say. Raises
    `too_many_photos`.
    """
    sent, seen = answer_input.photos, answer_input.seen_photos
    max_photos = photo_limits(step)[1]
    if sent is None or seen is None or not max_photos:
        _refuse_too_many(sent or (), max_photos)
        return sent, None
    in_force, evidence = state.answers.get(step.id), state.evidence
    listed_before = state.step_states[step.id].listed if in_force else ()
    listed = photo_list.unite(sent, seen, listed_before, run_changes.list_deleted_photos(tx, state.run.run_id, step.id))
    stored, undrawn = evidence.photos.get(step.id, {}), evidence.undrawn().get(step.id, ())
    left_before = in_force.left_out if in_force and in_force.left_out else ()
    left_out = photo_list.leave_out(listed, set(seen) - answer_input.missing_photos, left_before, tuple(stored))
    all_there_are = photo_list.counted_photos(listed, left_out, tuple(stored), undrawn)
    # If two phones photograph the same slot, both photos count until one is deleted.
    _refuse_too_many(all_there_are, max_photos * (MAX_OF_SLOT if photo_slots(step) else 1))
    return listed, left_out


def _refuse_too_many(photos: Sequence[str], max_photos: int) -> None:
    if len(photos) > max_photos:
        detail = f"may have at most {max_photos} photos" if max_photos else "takes no photos"
        detail = f"This step {detail}."
        raise Problem("too_many_photos", detail, [FieldError("/photos", "too_long", detail)])


def complete(tx: Tx, run_id: str, device: str | None) -> Run:
    """Complete a run and return it; a completed one stays unchanged. Raises NotFound, `run_erased`, `other_device`,
    `run_closed`, `not_started`, and `steps_missing` with every missing item.
    """
    run = run_state.get_for_device(tx, run_id, device)
    if run.status == "completed":
        return run
    state = run_state.load(tx, run_state.require_started(tx, run, device))
    evidence = state.evidence
    of_remarks = remark.missing_photos(state.step_states, evidence.remarks, evidence.remark_photos)
    missing = [
        *(_missing("/answers/", step) for step in progress.missing_steps(state.step_states)),
        *(_missing("/remarks/", step) for step in of_remarks),
    ]
    signature = None
    if state.version.template.settings.signature_on_complete:
        signature = files.find_latest_signature(tx, run_id, "")
        if signature is None:
            missing.append(_missing("/signature", MissingStep("", "missing_signature", "The run is not signed yet.")))
    if missing:
        detail = f"{text.count(len(missing), 'thing is', 'things are')} still missing."
        raise Problem("steps_missing", detail, extensions={"errors": missing})
    return run_state.close(tx, state, "complete", replace(run, signature=signature))


def _missing(below: str, step: MissingStep) -> PlaceJson:
    """Return a missing step as an error of `steps_missing`, its pointer `below` and the step id."""
    place: PlaceJson = {
        "where": "run",
        "pointer": below + step.step_id,
        "code": step.code,
        "detail": step.detail,
        "step_id": step.step_id,
    }
    if step.slots:
        place["slots"] = list(step.slots)
    return place


def cancel_by_executor(tx: Tx, run_id: str, reason: str | None, device: str | None) -> Run:
    """Cancel a run for its executor, started or not, and return it; unchanged if the executor gave the same reason
    before. Raises NotFound, `run_erased`, `other_device`, `run_closed`.
    """
    run = run_state.get_for_device(tx, run_id, device)
    cancellation = run.cancellation
    if cancellation is not None and (cancellation.by, cancellation.reason) == ("executor", reason):
        return run
    return cancel(tx, run, "executor", reason)


def load_open(tx: Tx, run_id: str, device: str | None) -> tuple[RunState, Organization, int]:
    """Return an open run with its answers and evidence, its organization, and the time of reading in milliseconds, for
    the executor's page. Raises NotFound, `run_erased`, `other_device`, `run_closed`.
    """
    run = _get_open(tx, run_id, device)
    return run_state.load(tx, run), organization_rows.get(tx, run.org_id), tx.now


def load_page(tx: Tx, run_id: str, device: str | None) -> tuple[RunState, Organization, int, Mapping[str, int | None]]:
    """Return what `load_open` does, and the days that the start screen shows, none after the start."""
    state, organization, now = load_open(tx, run_id, device)
    is_shown = state.run.status == "pending"
    days = retention.days_shown(tx, state.run.org_id, state.run.template_id) if is_shown else NO_DAYS_SHOWN
    return state, organization, now, days


def load_erased(tx: Tx, run_id: str) -> tuple[ErasedRun, Organization]:
    """Return an erased run and its organization, for its page. Raises NotFound."""
    if (erased := erasure.find(tx, run_id)) is None:
        raise NotFound("run")
    return erased, organization_rows.get(tx, erased.org_id)


def is_unchanged(tx: Tx, run_id: str, since: int, device: str | None) -> bool:
    """Tell whether an open run is still in the revision `since`. Raises the errors of `load_open`."""
    return _get_open(tx, run_id, device).revision == since


def _get_open(tx: Tx, run_id: str, device: str | None) -> Run:
    run = run_state.with_expiry_applied(tx, run_rows.get(tx, run_id))
    if run.is_closed:
        raise run_state.closed_problem(run, is_executor=run_state.is_executor(tx, run, device))
    run_state.require_device(tx, run, device)
    return run


def has_report(state: RunState, now: int) -> bool:
    """Tell whether the executor may fetch the report of a run: for 24 hours after completion, if the checklist says."""
    run = state.run
    is_recent = run.closed_at is not None and now < run.closed_at + times.DAY
    return run.status == "completed" and is_recent and state.version.template.settings.executor_report


def load_closed(tx: Tx, run_id: str, device: str | None) -> tuple[RunState, Organization, bool]:
    """Return a run with its answers and evidence, its organization, and whether `device` did the run or, as one of
    several phones, may have; for the page of a closed one. An open run is returned as well, an overdue one as expired.
    Raises NotFound, `run_erased`.
    """
    run = run_state.with_expiry_applied(tx, run_rows.get(tx, run_id))
    return run_state.load(tx, run), organization_rows.get(tx, run.org_id), run_state.is_executor(tx, run, device)
