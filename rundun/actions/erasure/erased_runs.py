"""What is left of erased runs, for those who ask about one."""

from dataclasses import dataclass

from rundun.errors import NotFound, Problem
from rundun.store.erasure import erasure
from rundun.store.erasure.erasure import ErasedRun
from rundun.store.organizations import api_keys, operators
from rundun.store.runs import runs
from rundun.store.sqlite.transaction import Tx


@dataclass(frozen=True, slots=True)
class ErasedDetail:
    """What is left of an erased run; `who` is the operator or API key that has erased it, by name, or else as stored:
    an id, or a word.
    """

    run: ErasedRun
    who: str


def get(tx: Tx, org_id: str, run_id: str) -> ErasedDetail:
    """Return what is left of an organization's run, or raise NotFound."""
    erased = erasure.find(tx, run_id)
    if erased is None or erased.org_id != org_id:
        raise NotFound("run")
    return ErasedDetail(erased, _name(tx, org_id, erased.erased_by))


def _name(tx: Tx, org_id: str, by: str) -> str:
    """Return the name of the operator or API key with that id, or `by` itself where it is no id, or not any more."""
    try:
        if by.startswith("key-"):
            return api_keys.get_of_org(tx, org_id, by).name
        return operators.get(tx, by).name
    except NotFound:
        return by


def dispatched_at(tx: Tx, run_id: str) -> int:
    """Return when a run was dispatched, erased or not, in milliseconds; raises NotFound."""
    erased = erasure.find(tx, run_id)
    if erased is None and runs.find_ids(tx, f"r-{run_id.removeprefix('r-')}", 1) not in ([], [run_id]):
        said = f"{run_id} is only how the id begins. Erasing is final, so say all of it, as “rundun runs show” does."
        raise Problem("invalid", said)
    return runs.get(tx, run_id).created_at if erased is None else erased.created_at
