"""Links for setting a new password, made by an owner for an operator of the organization."""

from rundun.actions.organizations import operators
from rundun.core import times
from rundun.core.actor import Actor
from rundun.core.tokens import digest
from rundun.errors import NotFound
from rundun.store.organizations import (
    changes as organization_changes,
    operators as operator_rows,
    organizations as organization_rows,
)
from rundun.store.organizations.operators import Operator
from rundun.store.organizations.organizations import Organization
from rundun.store.sqlite.transaction import Tx

TTL_MS = times.HOUR


def create(tx: Tx, org_id: str, operator_id: str, actor: Actor) -> tuple[Operator, str]:
    """Create a link for an operator, valid for one use within an hour; it replaces an earlier one. Return the operator
    and the link's token. Raises NotFound. The password stays valid until the link is used.
    """
    operator = operators.get_of_org(tx, org_id, operator_id)
    token = operators.new_token()
    operator_rows.put_password_reset(tx, operator_id, digest(token), tx.now + TTL_MS)
    organization_changes.add(tx, org_id, "password_link_created", actor, operator=operator.name)
    return operator, token


def get_operator(tx: Tx, token: str) -> tuple[Operator, Organization]:
    """Return the operator and organization of a link; raises NotFound if it was used or replaced, or has expired."""
    operator = operator_rows.find_by_password_reset(tx, digest(token))
    if operator is None:
        raise NotFound("link")
    return operator, organization_rows.get(tx, operator.org_id)


def use(tx: Tx, token: str, password_hash: str) -> Operator:
    """Set the password hash of a link's operator. All sessions end, the second factor stays. Return the operator as
    before the change. Raises NotFound.
    """
    operator, _ = get_operator(tx, token)
    operators.change_password(tx, operator.operator_id, password_hash, actor=operators.actor_of(operator))
    return operator
