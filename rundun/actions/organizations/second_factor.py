"""The second factor of signing in: switching it on and off, and using codes and recovery codes, each only once."""

import base64
import secrets
from typing import Literal

from rundun.actions.organizations import operators
from rundun.core.actor import ADMINISTRATOR
from rundun.core.organizations import one_time_code
from rundun.core.tokens import digest
from rundun.errors import Problem
from rundun.store.organizations import changes as organization_changes, operators as operator_rows, second_factors
from rundun.store.sqlite.transaction import Tx

RECOVERY_CODES = 10
SECRET_BYTES = 20  # RFC 4226 section 4, R6
RECOVERY_BYTES = 10  # 80 bits: too many to guess, few enough to type


def new_secret() -> str:
    """Return a new secret of a second factor, in base32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def switch_on(tx: Tx, operator_id: str, secret: str, typed: str, token: str) -> list[str] | None:
    """Put a second factor in force, given the first code of `secret`; return the recovery codes, which are not stored,
    or None for a wrong code. All sessions but that of `token` end. Raises `wrong_status` if one is in force.
    """
    if second_factors.find(tx, operator_id):
        raise Problem("wrong_status", "The second factor is on already.")
    step = one_time_code.time_step(secret, one_time_code.clean(typed), tx.now)
    if step is None:
        return None
    second_factors.add(tx, operator_id, secret, step)
    _add_change(tx, operator_id, "second_factor_on")
    operator_rows.remove_sessions(tx, operator_id, but=digest(token))
    return _new_recovery_codes(tx, operator_id)


def _new_recovery_codes(tx: Tx, operator_id: str) -> list[str]:
    codes = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    second_factors.put_recovery_codes(tx, operator_id, map(digest, codes))
    return [one_time_code.grouped(code) for code in codes]


def _use_code(tx: Tx, operator_id: str, typed: str) -> bool:
    """Use up a code or a recovery code and return True; False if it is wrong or used, or there is no second factor."""
    factor, code = second_factors.find(tx, operator_id), one_time_code.clean(typed)
    if factor is None:
        return False
    step = one_time_code.time_step(factor.secret, code, tx.now)
    if step is None:
        return second_factors.remove_recovery_code(tx, operator_id, digest(code))
    if step <= factor.last_step:
        return False
    second_factors.put_last_step(tx, operator_id, step)
    return True


def sign_in(tx: Tx, operator_id: str, password_hash: str, typed: str) -> str | None:
    """Begin a session for an operator after the right password, with a code; return its token, None for a wrong or used
    code, or without a second factor. `password_hash` is the hash that was checked. Raises NotFound if the operator was
    removed or has another password.
    """
    operators.get_unchanged(tx, operator_id, password_hash)
    return operators.begin_session(tx, operator_id) if _use_code(tx, operator_id, typed) else None


def switch_off(tx: Tx, operator_id: str, typed: str) -> bool:
    """End a second factor, given a code, and return True; False for a wrong or used one, or without a second factor."""
    if not _use_code(tx, operator_id, typed):
        return False
    second_factors.remove(tx, operator_id)
    _add_change(tx, operator_id, "second_factor_off")
    return True


def _add_change(tx: Tx, operator_id: str, change: Literal["second_factor_on", "second_factor_off"]) -> None:
    operator = operator_rows.get(tx, operator_id)
    organization_changes.add(tx, operator.org_id, change, operators.actor_of(operator), operator=operator.name)


def renew_recovery_codes(tx: Tx, operator_id: str, typed: str) -> list[str] | None:
    """Replace the recovery codes, given a code, and return the new ones; None for a wrong or used code, or without a
    second factor.
    """
    return _new_recovery_codes(tx, operator_id) if _use_code(tx, operator_id, typed) else None


def switch_off_by_email(tx: Tx, email: str, org: str | None = None) -> None:
    """End the second factor and all sessions of an operator without phone and recovery codes, for the administrator.
    Raises NotFound, `invalid`, and `wrong_status` if no second factor is in force.
    """
    operator = operators.get_by_email(tx, email, org)
    if not operator.has_second_factor:
        raise Problem("wrong_status", f"{operator.email} has no second factor.")
    second_factors.remove(tx, operator.operator_id)
    operator_rows.remove_sessions(tx, operator.operator_id)
    organization_changes.add(tx, operator.org_id, "second_factor_off", ADMINISTRATOR, operator=operator.name)
