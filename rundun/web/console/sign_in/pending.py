"""Sign-ins for which the right password was given, and something more is awaited.

Such a sign-in is a field of the form that asks for the rest: signed, bound to the browser by its cookie and to the
password, good for a few minutes. It is no session.
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


def begin(call: ConsoleCall, operator: Operator) -> str:
    """Return the field of an operator whose password was right."""
    return _signer(call, operator.password).sign(f"{operator.operator_id}.{call.now}").decode()


async def operator_of(call: ConsoleCall) -> Operator | None:
    """Return the operator of the form's field; None where it is too old, not ours or of another browser, or where the
    operator has been removed or has another password.
    """
    signed = call.form[FIELD]
    operator_id, _, rest = signed.partition(".")
    try:
        operator = await call.ctx.database.read(operator_rows.get, operator_id)
        _signer(call, operator.password).unsign(signed)
        begun = int(rest.partition(".")[0])
    except (NotFound, BadSignature, ValueError):
        return None
    return operator if 0 <= call.now - begun < TTL_MS else None


def _signer(call: ConsoleCall, password_hash: str) -> Signer:
    bound_to = digest(f"{call.token} {password_hash}").hex()
    floor = call.ctx.database.env.event_floor  # another one after a restore, which ends sign-ins that are under way
    return Signer(call.ctx.links.key, salt=f"pending-sign-in.{bound_to}.{floor}")
