"""API keys: made, and revoked."""

import secrets
import string

from rundun.actions.organizations import clean_name, find
from rundun.core.tokens import digest
from rundun.errors import NotFound, Problem
from rundun.store import api_keys
from rundun.store.api_keys import ApiKey
from rundun.store.transaction import Tx

_ALPHABET = string.ascii_letters + string.digits
KEY_PREFIX = "rdk_live_"
MAX_VALID = 100  # of one organization


def create(tx: Tx, organization: str, name: str, *, may_erase: bool = False) -> tuple[ApiKey, str]:
    """Create an API key; the key itself is returned here and never again. Raises NotFound, `invalid`. Whoever has one
    that `may_erase` can destroy evidence, so no key may unless somebody says it.
    """
    org_id, name = find(tx, organization).org_id, clean_name(name)
    if api_keys.count_valid(tx, org_id) >= MAX_VALID:
        raise Problem("invalid", f"An organization has at most {MAX_VALID} keys that work; revoke one first.")
    secret = KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(32))
    return api_keys.add(tx, org_id, name, digest(secret), may_erase=may_erase), secret


def revoke(tx: Tx, key_id: str) -> ApiKey:
    """Revoke an API key for the administrator, and return it; raises NotFound with the keys that work."""
    everyone = {key.key_id: key for key in api_keys.list_all(tx)}
    if key_id not in everyone:
        valid = [key for key in everyone.values() if key.revoked_at is None]
        raise NotFound("key", key_id, [f"{key.name} ({key.key_id})" for key in valid])
    api_keys.revoke(tx, key_id)
    return everyone[key_id]


def revoke_of_org(tx: Tx, org_id: str, key_id: str) -> None:
    """Revoke an API key of an organization; raises NotFound for one of any other."""
    api_keys.revoke(tx, api_keys.get_of_org(tx, org_id, key_id).key_id)
