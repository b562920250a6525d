"""The state of a run with its answers and evidence, and the end of every action on it: store it, add events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rundun.core import times
from rundun.core.runs import event, progress
from rundun.core.runs.answer import Answer
from rundun.core.runs.evidence import Evidence
from rundun.core.runs.progress import StepState
from rundun.core.runs.run import MOVES, Move, Run, revised, without_secrets
from rundun.core.templates.steps import StepBase
from rundun.errors import NotFound, Problem
from rundun.store import files
from rundun.store.erasure import retention as retention_rows
from rundun.store.runs import answers, events as event_rows, remarks as remark_rows, runs as run_rows
from rundun.store.sqlite.transaction import CommitThenRaise, TemplateVersion, Tx
from rundun.store.templates import templates as template_rows


@dataclass(frozen=True, slots=True)
class KnownRun:
    """What never changes in a run: its organization, and whether it may take long to read."""

    org_id: str
    is_large: bool


@dataclass(slots=True)
class RunState:
    """A run with its template version, its answers and its evidence, and the state of every step."""

    run: Run
    version: TemplateVersion
    answers: Mapping[str, Answer]
    evidence: Evidence
    step_states: Mapping[str, StepState]

    def step(self, step_id: str) -> StepBase:
        """Return a step of the run's template version. Raises NotFound."""
        if step_id not in self.step_states:
            raise NotFound("step")
        return self.step_states[step_id].step


def find_known(tx: Tx, run_id: str) -> KnownRun | None:
    """Return what never changes in a run; an erased one is not large. None if there is no run with that id."""
    found = run_rows.find_owner(tx, run_id)
    if found is None:
        return None
    org_id, version = found
    return KnownRun(org_id, version is not None and template_rows.get_version(tx, *version).is_large)


def load(tx: Tx, run: Run, language: str | None = None) -> RunState:
    """Return a run with its template version, answers and evidence, read from the database, and every step's state; the
    template is translated for a reader of `language`.
    """
    version = template_rows.get_version(tx, run.template_id, run.template_v, language)
    in_force = answers.list_in_force(tx, run.run_id)
    has_any = version.takes_photos or run.has_remarks
    photos, remark_photos, removed = files.list_photos(tx, run.run_id) if has_any else ({}, {}, {})
    evidence = Evidence(
        photos,
        files.list_signatures(tx, run.run_id) if version.takes_signatures else {},
        remark_rows.list_in_force(tx, run.run_id) if run.has_remarks else {},
        remark_photos,
        removed,
    )
    step_states = progress.evaluate(version.steps, in_force, evidence.arrived(), evidence.undrawn())
    return RunState(run, version, in_force, evidence, step_states)


def current_time(tx: Tx, state: RunState) -> int:
    """Return the time of a change made to a run now, in milliseconds: the clock's or, if the clock was put back, the
    time of the run's latest entry, so that its record never runs backwards.
    """
    times_so_far = [answer.at for answer in state.answers.values()]
    for photos in (*state.evidence.photos.values(), *state.evidence.remark_photos.values()):
        times_so_far += [photo.received_at for photo in photos.values()]
    times_so_far += [signature.received_at for signature in state.evidence.signatures.values()]
    times_so_far += [remark.at for remark in state.evidence.remarks.values()]
    return max(tx.now, state.run.created_at, state.run.started_at or 0, *times_so_far)


def with_answer(state: RunState, step_id: str, answer: Answer) -> RunState:
    """Return a copy of `state` with `answer` in force and the states of its steps evaluated anew; nothing is stored."""
    in_force = {**state.answers, step_id: answer}
    arrived, undrawn = state.evidence.arrived(), state.evidence.undrawn()
    step_states = progress.evaluate(
        state.version.steps, in_force, arrived, undrawn, before=state.step_states, answered=step_id
    )
    return RunState(state.run, state.version, in_force, state.evidence, step_states)


def save(tx: Tx, before: RunState, after: RunState, at: int, changed: Sequence[str] = ()) -> RunState:
    """Store the run of an executor's write with its new progress, and an event for each step that became done, or is
    done and in `changed`; return `after` with the stored run. `before` is the stored state, `at` the `current_time`.
    """
    done = progress.newly_done_steps(before.step_states, after.step_states, changed)
    seq = after.run.seq
    run = revised(
        after.run,
        tx.now,
        progress=progress.count_progress(after.step_states),
        flagged=progress.count_flagged(after.step_states),
        seq=seq + len(done),
    )
    for number, step_state in enumerate(done, seq + 1):
        event_rows.add(tx, run, event.step_done(run, step_state, after.evidence, tx.links), number, at)
    if run.flagged > before.run.flagged:  # a new flag has to be handled
        run = replace(run, handled_at=None, handled_note=None)
    if run.flagged == before.run.flagged:
        run_rows.put_progress(tx, run)
    else:
        run_rows.put(tx, before.run, run)
    return RunState(run, after.version, after.answers, after.evidence, after.step_states)


def close(tx: Tx, state: RunState, move: Move, run: Run, at: int | None = None) -> Run:
    """Close a run by `move`, with its one closing event, and return it without the secrets of its job. `state` is the
    stored state, `run` the run with the other changes; it is closed `at` that time, by default now.
    """
    status, now = MOVES[run.status, move], current_time(tx, state)
    ended = without_secrets(revised(run, tx.now, status=status, closed_at=at or now, seq=run.seq + 1))
    event_rows.add(tx, ended, event.run_closed(ended, state.step_states, state.evidence, tx.links), ended.seq, now)
    run_rows.put(tx, state.run, ended)
    retention_rows.put_kept_from(tx, ended, now)
    return ended


def expire(tx: Tx, run: Run) -> Run:
    """Expire an overdue run with the answers it has, at its deadline, even if that is past; return it. An
    expired run has to be handled, even where its flags were.
    """
    to_handle = replace(run, handled_at=None, handled_note=None)
    return close(tx, load(tx, run), "expire", to_handle, run.deadline(tx.grace))


def closed_problem(run: Run, *, is_executor: bool = False) -> Problem:
    """Return the problem `run_closed`, for the run's executor with the reason of a cancellation."""
    word = {"completed": "is completed", "cancelled": "was cancelled", "expired": "has expired"}[run.status]
    extensions = {"run_status": run.status, "closed_at": times.wire(run.closed_at or 0)}
    if reason := cancel_reason(run, is_executor=is_executor):
        extensions["reason"] = reason
    return Problem("run_closed", f"This run {word}; nothing more can be added.", extensions=extensions)


def wrong_status(run: Run, ending: str) -> Problem:
    """Return the problem `wrong_status` of a run; its sentence names the status, and then comes `ending`."""
    return Problem("wrong_status", f"This run is {run.status}{ending}", extensions={"run_status": run.status})


def cancel_reason(run: Run, *, is_executor: bool) -> str | None:
    """Return the reason of a run's cancellation for a phone that did the run; None for others and without a reason."""
    return run.cancellation.reason if is_executor and run.cancellation is not None else None


def is_executor(tx: Tx, run: Run, device: str | None) -> bool:
    """Tell whether `device`, the token in a phone's cookie, did the run: the run's own device, or any token where the
    template lets several phones do it.
    """
    return device is not None and (run.device == device or not _wants_one_device(tx, run))


def require_open(tx: Tx, run: Run, device: str | None = None) -> Run:
    """Return the run if it is open and in time, else raise `run_closed`; an overdue run is expired first, and that is
    committed although the call fails.
    """
    if run.is_overdue(tx.now, tx.grace):
        raise CommitThenRaise(closed_problem(expire(tx, run)))
    if run.is_closed:
        raise closed_problem(run, is_executor=is_executor(tx, run, device))
    return run


def require_started(tx: Tx, run: Run, device: str | None = None) -> Run:
    """Return the run if it is started, open and in time, else raise `run_closed` or `not_started`. A released run has
    to be started again by the device that takes it over.
    """
    if require_open(tx, run, device).status == "pending":
        raise Problem("not_started", "This run has not been started yet: POST to its start first.")
    if run.device is None and _wants_one_device(tx, run):
        raise Problem("not_started", "This run was released: POST to its start to take it over.")
    return run


def get_for_device(tx: Tx, run_id: str, device: str | None) -> Run:
    """Return a run that `device` may do. Raises NotFound, `run_erased`, `other_device`."""
    run = run_rows.get(tx, run_id)
    require_device(tx, run, device)
    return run


def require_device(tx: Tx, run: Run, device: str | None) -> None:
    """Raise `other_device` if the template allows one device only and the run has another one."""
    if run.device is not None and run.device != device and _wants_one_device(tx, run):
        raise Problem("other_device", "Another device has started this run, and only that device may go on with it.")


def _wants_one_device(tx: Tx, run: Run) -> bool:
    version = template_rows.get_version(tx, run.template_id, run.template_v)
    return version.template.execution.scope == "first_device"


def with_expiry_applied(tx: Tx, run: Run) -> Run:
    """Return a run as its executor sees it, without storing anything: an overdue one, which the scheduler has not
    expired yet, as expired at its deadline and without its job's secrets; any other unchanged.
    """
    if not run.is_overdue(tx.now, tx.grace):
        return run
    return replace(without_secrets(run), status="expired", closed_at=run.deadline(tx.grace))
