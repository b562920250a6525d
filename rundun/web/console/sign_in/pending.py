"""Pending sign-ins: the right password was given, and a code or the choice of an organization is awaited.

A pending sign-in is a field of the form that asks for the rest: signed, bound to the browser's cookie and to the
password, valid for five minutes. It is no session.
"""

from itsdangerous import BadSignature, Signer

from rundun.core import times
from rundun.core.tokens import digest
from rundun.errors import NotFound
from rundun.store.organizations import operators as operator_rows
from rundun.store.organizations.operators import Operator
from rundun.web.console.session import ConsoleCall

FIELD = "pending"
TTL_MS = 5 * 60 * times.SECOND


def field_value(call: ConsoleCall, operator: Operator) -> str:
    """Return the signed value of the form field `FIELD` for an operator after the right password."""
    return _signer(call, operator.password_hash).sign(f"{operator.operator_id}.{call.now}").decode()


async def find_operator(call: ConsoleCall) -> Operator | None:
    """Return the operator of the form's field `FIELD`, which must be there; None if it is expired or forged, of another
    browser or from before a restore, or if the operator has been removed or has another password.
    """
    signed = call.form[FIELD]
    operator_id, _, rest = signed.partition(".")
    try:
        operator = await call.ctx.database.read(operator_rows.get, operator_id)
        _signer(call, operator.password_hash).unsign(signed)
        begun = int(rest.partition(".")[0])
    except (NotFound, BadSignature, ValueError):
        return None
    return operator if 0 <= call.now - begun < TTL_MS else None


def _signer(call: ConsoleCall, password_hash: str) -> Signer:
    bound_to = digest(f"{call.token} {password_hash}").hex()
    # A restore, which ends pending sign-ins, changes the generation.
    return Signer(call.ctx.links.key, salt=f"pending-sign-in.{bound_to}.{call.ctx.generation}")
