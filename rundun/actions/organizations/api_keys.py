"""API keys: creating and revoking them."""

import secrets
import string

from rundun.actions.organizations.organizations import clean_name, get
from rundun.core.actor import ADMINISTRATOR, Actor
from rundun.core.tokens import digest
from rundun.errors import NotFound, Problem, TooMany
from rundun.store.organizations import api_keys as key_rows, changes as organization_changes
from rundun.store.organizations.api_keys import ApiKey
from rundun.store.sqlite.transaction import Tx

_ALPHABET = string.ascii_letters + string.digits
KEY_PREFIX = "rdk_live_"
MAX_VALID = 100  # valid keys of one organization


def create(
    tx: Tx,
    organization: str,
    name: str,
    *,
    may_erase: bool = False,
    read_only: bool = False,
    actor: Actor = ADMINISTRATOR,
) -> tuple[ApiKey, str]:
    """Create an API key of the `organization` with this id or name; return it and its secret, which is not stored. A
    key may not erase by default, as it could destroy evidence. Raises NotFound, and `invalid` for a wrong name, for
    `read_only` together with `may_erase`, if several organizations have the name, or at `MAX_VALID` keys.
    """
    org_id, name = get(tx, organization).org_id, clean_name(name)
    if may_erase and read_only:
        raise Problem("invalid", "A key that can only read can't erase.")
    if key_rows.count_valid(tx, org_id) >= MAX_VALID:
        detail = f"An organization has at most {MAX_VALID} valid keys; revoke one first."
        raise TooMany("keys", MAX_VALID, detail)
    secret = KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(32))
    key = key_rows.add(tx, org_id, name, digest(secret), may_erase=may_erase, read_only=read_only)
    rights = {"may_erase": may_erase, "read_only": read_only}
    organization_changes.add(tx, org_id, "key_created", actor, key=name, **rights)
    return key, secret


def revoke(tx: Tx, key_id: str) -> ApiKey:
    """Revoke an API key of any organization, and return it as it was; a revoked one stays unchanged. Raises NotFound,
    with the valid keys.
    """
    everyone = {key.key_id: key for key in key_rows.list_all(tx)}
    if key_id not in everyone:
        valid = [key for key in everyone.values() if key.revoked_at is None]
        raise NotFound("key", key_id, [f"{key.name} ({key.key_id})" for key in valid])
    return _revoke(tx, everyone[key_id], ADMINISTRATOR)


def revoke_of_org(tx: Tx, org_id: str, key_id: str, actor: Actor = ADMINISTRATOR) -> None:
    """Revoke an organization's API key; raises NotFound, also for a key of another organization."""
    _revoke(tx, key_rows.get_of_org(tx, org_id, key_id), actor)


def _revoke(tx: Tx, key: ApiKey, actor: Actor) -> ApiKey:
    key_rows.revoke(tx, key.key_id)
    if key.revoked_at is None:
        organization_changes.add(tx, key.org_id, "key_revoked", actor, key=key.name)
    return key
