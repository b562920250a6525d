"""Reading the remains of erased runs."""

from dataclasses import dataclass

from rundun.errors import NotFound, Problem
from rundun.store.erasure import erasure
from rundun.store.erasure.erasure import ErasedRun
from rundun.store.organizations import api_keys as key_rows, operators as operator_rows
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite.transaction import Tx


@dataclass(frozen=True, slots=True)
class ErasedDetail:
    """The remains of an erased run; `who` is the name of the operator or API key that erased it, or else the stored id
    or word.
    """

    run: ErasedRun
    who: str


def get(tx: Tx, org_id: str, run_id: str) -> ErasedDetail:
    """Return the remains of an organization's erased run, with the name of the operator or key that erased it, or else
    the stored id or word; raises NotFound.
    """
    erased = erasure.find(tx, run_id)
    if erased is None or erased.org_id != org_id:
        raise NotFound("run")
    return ErasedDetail(erased, _name(tx, org_id, erased.erased_by))


def _name(tx: Tx, org_id: str, by: str) -> str:
    """Return the name of the operator or API key with the id `by`, or `by` itself where there is none."""
    try:
        if by.startswith("key-"):
            return key_rows.get_of_org(tx, org_id, by).name
        return operator_rows.get(tx, by).name
    except NotFound:
        return by


def get_dispatched_at(tx: Tx, run_id: str) -> int:
    """Return when a run, erased or not, was dispatched, in milliseconds. Raises NotFound, and `invalid` for an id that
    is shortened or lacks its `r-`.
    """
    erased = erasure.find(tx, run_id)
    if erased is None and run_rows.list_ids(tx, f"r-{run_id.removeprefix('r-')}", 1) not in ([], [run_id]):
        detail = f"{run_id} is only the beginning of an id. Erasing is final: give all of it, as in “rundun runs show”."
        raise Problem("invalid", detail)
    return run_rows.get(tx, run_id).created_at if erased is None else erased.created_at
