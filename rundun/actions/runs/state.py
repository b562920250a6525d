"""The state of a run, with all that belongs to it, and what ends every action on it: decide, store, add events."""

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
from rundun.store.erasure import retention
from rundun.store.runs import answers, events, remarks, runs
from rundun.store.sqlite.transaction import CommitThenRaise, TemplateVersion, Tx
from rundun.store.templates import templates


@dataclass(slots=True)
class RunState:
    """A run with its template version, its answers and its evidence, and the state of every step."""

    run: Run
    version: TemplateVersion
    answers: Mapping[str, Answer]
    evidence: Evidence
    step_states: Mapping[str, StepState]

    def step(self, step_id: str) -> StepBase:
        """Return a step of the run's template version, or raise NotFound."""
        if step_id not in self.step_states:
            raise NotFound("step")
        return self.step_states[step_id].step


def load(tx: Tx, run: Run) -> RunState:
    """Read the state of a run: all there is of it."""
    version = templates.get_version(tx, run.template_id, run.template_v)
    in_force = answers.list_in_force(tx, run.run_id)
    has_any = version.takes_photos or run.has_remarks
    photos, remark_photos, removed = files.list_photos(tx, run.run_id) if has_any else ({}, {}, {})
    evidence = Evidence(
        photos,
        files.list_signatures(tx, run.run_id) if version.takes_signatures else {},
        remarks.list_in_force(tx, run.run_id) if run.has_remarks else {},
        remark_photos,
        removed,
    )
    step_states = progress.evaluate(version.steps, in_force, evidence.arrived(), evidence.undrawn())
    return RunState(run, version, in_force, evidence, step_states)


def now_of(tx: Tx, state: RunState) -> int:
    """Return the time of what happens to a run now, in milliseconds: the clock's or, where that was put back, the time
    of the latest that has happened to the run, so that no record runs backwards.
    """
    arrived = [answer.at for answer in state.answers.values()]
    for photos in (*state.evidence.photos.values(), *state.evidence.remark_photos.values()):
        arrived += [photo.received_at for photo in photos.values()]
    arrived += [signature.received_at for signature in state.evidence.signatures.values()]
    arrived += [remark.at for remark in state.evidence.remarks.values()]
    return max(tx.now, state.run.created_at, state.run.started_at or 0, *arrived)


def with_answer(state: RunState, step_id: str, answer: Answer) -> RunState:
    """Return a run's state as it is once `answer` is in force."""
    in_force = {**state.answers, step_id: answer}
    arrived, undrawn = state.evidence.arrived(), state.evidence.undrawn()
    step_states = progress.evaluate(
        state.version.steps, in_force, arrived, undrawn, before=state.step_states, answered=step_id
    )
    return RunState(state.run, state.version, in_force, state.evidence, step_states)


def save(tx: Tx, before: RunState, after: RunState, at: int, changed: Sequence[str] = ()) -> RunState:
    """Store what an executor's write at `at`, from `now_of`, made of a run, which is stored as it was `before`: its
    progress, and an event for each step that became done or, being named in `changed`, is still done but says something
    else. Returns the state with its new revision.
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
        events.add(tx, run, event.step_done(run, step_state, after.evidence, tx.links), number, at)
    if run.flagged > before.run.flagged:  # that is news to whoever was done with those before
        run = replace(run, handled_at=None)
    if run.flagged == before.run.flagged:
        runs.put_progress(tx, run)
    else:
        runs.put(tx, before.run, run)
    return RunState(run, after.version, after.answers, after.evidence, after.step_states)


def close(tx: Tx, state: RunState, move: Move, run: Run, at: int | None = None) -> Run:
    """End a run by `move`, with its one terminal event; `state` has it as it is stored, `run` carries what goes with
    that end, `at` is now. Secrets of its job end with it.
    """
    status, now = MOVES[run.status, move], now_of(tx, state)
    ended = without_secrets(revised(run, tx.now, status=status, closed_at=at or now, seq=run.seq + 1))
    events.add(tx, ended, event.run_closed(ended, state.step_states, state.evidence, tx.links), ended.seq, now)
    runs.put(tx, state.run, ended)
    retention.put_kept_from(tx, ended, now)
    return ended


def expire(tx: Tx, run: Run) -> Run:
    """Expire a run whose time is up: it ends with the answers it has, at its deadline, whenever that is noticed."""
    return close(tx, load(tx, run), "expire", run, run.deadline(tx.grace))


def closed_problem(run: Run, *, is_executor: bool = False) -> Problem:
    """Make the refusal for anybody who comes too late to a closed run; who did it hears why it was cancelled."""
    word = {"completed": "is completed", "cancelled": "was cancelled", "expired": "has expired"}[run.status]
    extensions = {"run_status": run.status, "closed_at": times.wire(run.closed_at or 0)}
    if reason := reason_for(run, is_executor=is_executor):
        extensions["reason"] = reason
    return Problem("run_closed", f"This run {word}; nothing more can be added.", extensions=extensions)


def wrong_status(run: Run, what: str) -> Problem:
    """Make the refusal of what the status of a run does not allow; `what` ends the sentence behind the status."""
    return Problem("wrong_status", f"This run is {run.status}{what}", extensions={"run_status": run.status})


def reason_for(run: Run, *, is_executor: bool) -> str | None:
    """Return why a run was cancelled, for a phone that did it; None for all others."""
    return run.cancellation.reason if is_executor and run.cancellation is not None else None


def is_executor(tx: Tx, run: Run, device: str | None) -> bool:
    """Tell whether `device`, the token of a cookie that the run's phones are given, is that of one that did the run:
    where only the first one may, that one.
    """
    return device is not None and (run.device == device or not _wants_one_device(tx, run))


def require_open(tx: Tx, run: Run, device: str | None = None) -> Run:
    """Return a run that is open and in time. An overdue one is expired here, which is stored although the caller is
    refused with 410; a closed one is refused alike.
    """
    if run.is_overdue(tx.now, tx.grace):
        raise CommitThenRaise(closed_problem(expire(tx, run)))
    if run.is_closed:
        raise closed_problem(run, is_executor=is_executor(tx, run, device))
    return run


def require_started(tx: Tx, run: Run, device: str | None = None) -> Run:
    """Return a run that is started, open and in time; refuse others as `require_open` does, or with `not_started`. A
    run that was released has to be started again by the device that takes it over.
    """
    if require_open(tx, run, device).status == "pending":
        raise Problem("not_started", "This run has not been started yet: POST to its start first.")
    if run.device is None and _wants_one_device(tx, run):
        raise Problem("not_started", "This run was released: POST to its start to take it over.")
    return run


def get_for_device(tx: Tx, run_id: str, device: str | None) -> Run:
    """Return a run for a phone that may go on with it; raises NotFound, or refuses as `require_device` does."""
    run = runs.get(tx, run_id)
    require_device(tx, run, device)
    return run


def require_device(tx: Tx, run: Run, device: str | None) -> None:
    """Refuse another phone where the template wants the first one to stay alone."""
    if run.device is not None and run.device != device and _wants_one_device(tx, run):
        raise Problem("other_device", "Another device has started this run, and only that one may go on with it.")


def _wants_one_device(tx: Tx, run: Run) -> bool:
    version = templates.get_version(tx, run.template_id, run.template_v)
    return version.template.execution.scope == "first_device"


def with_expiry_applied(tx: Tx, run: Run) -> Run:
    """Return a run as its executor must see it: an overdue one is expired already, although the job has not come by."""
    if not run.is_overdue(tx.now, tx.grace):
        return run
    return replace(without_secrets(run), status="expired", closed_at=run.deadline(tx.grace))
