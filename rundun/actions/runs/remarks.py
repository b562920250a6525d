"""Remarks of the executor on steps: added, changed, taken back."""

from dataclasses import dataclass, replace

from rundun.actions.organizations import quotas
from rundun.actions.runs import state as run_state
from rundun.actions.runs.state import RunState
from rundun.core.runs import photo_list
from rundun.core.runs.remark import MAX_PHOTOS, Remark, check_total_size
from rundun.core.runs.run import Run
from rundun.errors import FieldError, Invalid, Problem
from rundun.store.runs import changes as run_changes, remarks as remark_rows, runs as run_rows
from rundun.store.sqlite.transaction import TemplateVersion, Tx

MAX_REMARKS = 200  # of one step, as of answers


@dataclass(frozen=True, slots=True)
class RemarkInput:
    """The input for one remark; without text and photos it takes back the one in force. `seen_photos`: the unlisted
    photos of the remark that its author knew of, None if unknown. `replaces`: the id of the remark that its author saw
    in force, "" for none, None if unknown.
    """

    remark_id: str
    text: str
    photos: tuple[str, ...]
    seen_photos: tuple[str, ...] | None = None
    replaces: str | None = None


def require_allowed(version: TemplateVersion) -> None:
    """Raise `Invalid` if the template takes no remarks."""
    if not version.template.settings.allow_remarks:
        raise Invalid([FieldError("", "not_allowed", "this template takes no remarks")])


def remark(tx: Tx, run_id: str, step_id: str, remark_input: RemarkInput, device: str | None) -> RunState:
    """Apply a remark; return the run with its answers and evidence. A remark that was applied before or equals the one
    in force changes nothing and is not refused on a closed run either. A remark makes no event; the closing event has
    all remarks. Raises NotFound, `run_erased`, `other_device`, `run_closed`, `not_started`, `too_many_photos`,
    `answer_changed`, `too_large`, `unavailable` beyond `quotas.MOST`, and `Invalid`.
    """
    run = run_state.get_for_device(tx, run_id, device)
    state = run_state.load(tx, run)
    state.step(step_id)
    require_allowed(state.version)
    was_applied, count = remark_rows.count_with_id(tx, run_id, step_id, remark_input.remark_id)
    old = state.evidence.remarks.get(step_id)
    content = (remark_input.text, _listed_photos(tx, run, step_id, remark_input, old))
    if was_applied:
        return state
    if (run.is_closed or run.is_overdue(tx.now, tx.grace)) and old is not None and old.content() == content:
        return state
    run_state.require_started(tx, run)
    if len(content[1]) > MAX_PHOTOS:
        detail = f"may have at most {MAX_PHOTOS} photos"
        raise Problem("too_many_photos", f"A remark {detail}.", [FieldError("/photos", "too_long", detail)])
    new = Remark(remark_input.remark_id, *content, run_state.current_time(tx, state), run.assigned_to)
    is_full = count >= MAX_REMARKS
    says_the_same = new.is_empty if old is None else old.content() == content
    if is_full and says_the_same:
        return state
    if is_full:
        detail = f"this step was remarked on {MAX_REMARKS} times and its remark can't be changed any more"
        raise Invalid([FieldError("", "too_long", detail)])
    if not says_the_same:
        _require_seen(tx, run_id, step_id, old, remark_input)
    quotas.require_quota_to_continue(tx, run.org_id)
    if says_the_same:
        remark_rows.add_history(tx, run, step_id, new)
        return state
    check_total_size(state.evidence.remarks, step_id, new)
    remark_rows.add(tx, run, step_id, new)
    run = put_has_remarks(tx, run)
    return run_state.save(tx, state, run_state.load(tx, run), new.at)


def _require_seen(tx: Tx, run_id: str, step_id: str, old: Remark | None, remark_input: RemarkInput) -> None:
    """Raise `answer_changed` if the remark in force has other words than the one that the input replaces; its photos
    stay in any case.
    """
    if remark_input.replaces is None or old is None or not old.text or old.remark_id == remark_input.replaces:
        return
    seen = remark_rows.find(tx, run_id, step_id, remark_input.replaces)
    if seen is None or seen.text != old.text:
        raise Problem("answer_changed", "This remark was changed meanwhile, on another phone or in another tab.")


def _listed_photos(tx: Tx, run: Run, step_id: str, remark_input: RemarkInput, old: Remark | None) -> tuple[str, ...]:
    """Return the ids of the photos that a new remark lists; with `seen_photos` also those of the one in force that its
    author did not know of, and none that were deleted.
    """
    if remark_input.seen_photos is None:
        return remark_input.photos
    deleted = run_changes.list_deleted_photos(tx, run.run_id, step_id)
    return photo_list.unite(remark_input.photos, remark_input.seen_photos, old.photos if old else (), deleted)


def put_has_remarks(tx: Tx, run: Run) -> Run:
    """Store that a run has remarks or photos of remarks, so that they are read with it; return the run."""
    if run.has_remarks:
        return run
    with_remarks = replace(run, has_remarks=True)
    run_rows.put(tx, run, with_remarks)
    return with_remarks
