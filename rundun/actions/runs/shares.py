"""Shares of runs: made, listed, revoked."""

from rundun.actions.organizations import quotas
from rundun.actions.runs import state as run_state
from rundun.core import times
from rundun.core.actor import Actor
from rundun.core.runs.report import Share, ShareBody
from rundun.errors import FieldError, Invalid, Problem
from rundun.store.runs import changes as run_changes, runs as run_rows, shares as share_rows
from rundun.store.sqlite.transaction import Tx

MAX_SHARES = 100  # of a run, ended ones included


def create(tx: Tx, org_id: str, run_id: str, body: ShareBody, digest: bytes, actor: Actor) -> Share:
    """Make a share of a run and return it. `digest` is the SHA-256 of the share's token. Raises NotFound, `run_erased`,
    `quota_exceeded`, and `invalid` for a run with `MAX_SHARES` shares, and for fields and photos not in the run.
    """
    run = run_rows.get_of_org(tx, org_id, run_id)
    quotas.require_quota_to_change(tx, org_id)
    state = run_state.load(tx, run)
    known = {field.id for field in state.version.template.fields if field.kind != "secret"}
    errors = [
        FieldError(f"/fields/{index}", "not_allowed", f"{field_id} is no field that a report can show")
        for index, field_id in enumerate(body.fields)
        if field_id not in known
    ]
    photos = set[str]().union(*state.evidence.photos.values(), *state.evidence.remark_photos.values())
    errors += [
        FieldError(f"/without/{index}", "unknown_reference", f"this run has no photo {photo_id}")
        for index, photo_id in enumerate(body.without)
        if photo_id not in photos
    ]
    if errors:
        raise Invalid(errors)
    if len(share_rows.list_of_run(tx, run_id)) >= MAX_SHARES:
        raise Problem("invalid", f"This run has {MAX_SHARES} shares already.")
    expires_at = None if body.expires_in_days is None else tx.now + body.expires_in_days * times.DAY
    share = share_rows.add(tx, run_id, digest, body.options(), body.language, expires_at)
    run_changes.add(tx, run, "shared", actor, run_state.current_time(tx, state))
    return share


def revoke(tx: Tx, org_id: str, run_id: str, share_id: str, actor: Actor) -> None:
    """Revoke a share of an organization's run; a revoked one stays as it is. Raises NotFound, `run_erased`."""
    run = run_rows.get_of_org(tx, org_id, run_id)
    if share_rows.get_of_run(tx, run_id, share_id).revoked_at is None:
        share_rows.revoke(tx, share_id)
        run_changes.add(tx, run, "share_revoked", actor, run_state.current_time(tx, run_state.load(tx, run)))


def list_of_run(tx: Tx, org_id: str, run_id: str) -> list[Share]:
    """List the shares of an organization's run, the newest first. Raises NotFound, `run_erased`."""
    return share_rows.list_of_run(tx, run_rows.get_of_org(tx, org_id, run_id).run_id)
