"""Commands of the command line, by name: their functions run in its own process or, beside a running service, in
that one. Arguments and results are plain JSON.
"""

from collections.abc import Callable, Mapping

from rundun.actions import api_keys, operators, organizations, runs
from rundun.actions import templates as template_actions
from rundun.core import times
from rundun.core.run import DispatchRequest
from rundun.errors import NotFound
from rundun.store import api_keys as key_rows
from rundun.store import operators as operator_rows
from rundun.store import organizations as organization_rows
from rundun.store import templates as template_rows
from rundun.store.operators import Role
from rundun.store.transaction import Tx

Command = Callable[..., object]


def create_key(tx: Tx, org: str, name: str) -> dict[str, str]:
    """Create an API key (`keys create`)."""
    key, secret = api_keys.create(tx, org, name)
    return {"key_id": key.key_id, "key": secret}


def revoke_key(tx: Tx, key_id: str) -> None:
    """Revoke an API key (`keys revoke`)."""
    key_rows.revoke(tx, key_id)


def create_organization(tx: Tx, name: str) -> str:
    """Create an organization (`orgs create`); returns its id."""
    return organizations.create(tx, name).org_id


def set_credits(tx: Tx, org: str, amount: int | None) -> int | None:
    """Give an organization credits (`orgs credits`); None = unlimited. Returns the new balance."""
    return organizations.add_credits(tx, org, amount)


def set_contact(tx: Tx, org: str, contact: str) -> None:
    """Store how an executor reaches an organization (`orgs contact`)."""
    organizations.set_contact(tx, org, contact)


def import_template(tx: Tx, org: str, template: object) -> str:
    """Create a template (`templates import`); returns its id."""
    draft = template_actions.draft(template)
    return template_actions.create(tx, organizations.find(tx, org).org_id, draft).template_id


def dispatch_run(tx: Tx, template_id: str) -> str:
    """Dispatch a run (`runs dispatch`); returns its link."""
    org_id = template_rows.find_owner(tx, template_id)
    if org_id is None:
        raise NotFound("template")
    return tx.links.run(runs.dispatch(tx, org_id, DispatchRequest(template_id)).run_id)


def add_operator(tx: Tx, org: str | None, email: str, name: str, role: Role, password: str) -> str:
    """Add an operator (`operators add`), the password hashed; returns the operator's id."""
    return operators.add(tx, organizations.find_or_only(tx, org).org_id, email, name, role, password).operator_id


def put_password(tx: Tx, email: str, password: str) -> None:
    """Store an operator's password (`operators password`), hashed; all sessions of the operator are over."""
    operators.change_password(tx, operators.get_by_email(tx, email).operator_id, password)


def remove_operator(tx: Tx, email: str) -> None:
    """Remove an operator (`operators remove`)."""
    operators.remove_by_email(tx, email)


def setup_link(tx: Tx, org: str | None) -> str:
    """Make a link for an owner (`operators create_setup_link-link`), good for an hour."""
    return tx.links.join(operators.create_setup_link(tx, organizations.find_or_only(tx, org).org_id))


def list_operators(tx: Tx) -> list[dict[str, str | None]]:
    """List all operators (`operators list`)."""
    return [
        {
            "email": operator.email,
            "org_id": operator.org_id,
            "role": operator.role,
            "name": operator.name,
            "signed_in_at": times.wire_or_none(operator.signed_in_at),
        }
        for operator in operator_rows.list_all(tx)
    ]


def list_keys(tx: Tx) -> list[dict[str, str | None]]:
    """List all API keys (`keys list`)."""
    return [
        {
            "key_id": key.key_id,
            "org_id": key.org_id,
            "name": key.name,
            "created_at": times.wire(key.created_at),
            "revoked_at": times.wire_or_none(key.revoked_at),
        }
        for key in key_rows.list_all(tx)
    ]


def list_organizations(tx: Tx) -> list[dict[str, str | int | None]]:
    """List all organizations (`orgs list`)."""
    return [
        {"org_id": org.org_id, "name": org.name, "credits": org.credits, "contact": org.contact}
        for org in organization_rows.list_all(tx)
    ]


WRITING: Mapping[str, Command] = {
    "keys create": create_key,
    "keys revoke": revoke_key,
    "orgs create": create_organization,
    "orgs credits": set_credits,
    "orgs contact": set_contact,
    "templates import": import_template,
    "runs dispatch": dispatch_run,
    "operators add": add_operator,
    "operators password": put_password,
    "operators remove": remove_operator,
    "operators setup-link": setup_link,
}
READING: Mapping[str, Command] = {
    "keys list": list_keys,
    "orgs list": list_organizations,
    "operators list": list_operators,
}
