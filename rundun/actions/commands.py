"""What the command line can ask for, by name: the same functions run in its own process or, beside a running
service, in that one. Arguments and results are plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rundun.actions import api_keys, operators, organizations, runs
from rundun.actions import templates as template_actions
from rundun.actions.runs import DispatchRequest
from rundun.core import times
from rundun.errors import NotFound
from rundun.store import api_keys as key_rows
from rundun.store import operators as operator_rows
from rundun.store import organizations as organization_rows
from rundun.store import templates as template_rows
from rundun.store.operators import Role
from rundun.store.transaction import Tx

Command = Callable[..., object]


def create_key(tx: Tx, org: str, name: str) -> dict[str, str]:
    """`keys create`."""
    key, secret = api_keys.create(tx, org, name)
    return {"key_id": key.key_id, "key": secret}


def revoke_key(tx: Tx, key_id: str) -> None:
    """`keys revoke`."""
    key_rows.revoke(tx, key_id)


def create_organization(tx: Tx, name: str) -> str:
    """`orgs create`."""
    return organizations.create(tx, name).org_id


def set_credits(tx: Tx, org: str, amount: int | None) -> int | None:
    """`orgs credits`; None = unlimited."""
    return organizations.add_credits(tx, org, amount)


def set_contact(tx: Tx, org: str, contact: str) -> None:
    """`orgs contact`."""
    organizations.set_contact(tx, org, contact)


def import_template(tx: Tx, org: str, template: object) -> str:
    """`templates import`."""
    sent = template_actions.draft(template)
    return template_actions.create(tx, organizations.find(tx, org).org_id, sent).template_id


def dispatch_run(tx: Tx, template_id: str) -> str:
    """`runs dispatch`: the link."""
    org_id = template_rows.find_owner(tx, template_id)
    if org_id is None:
        raise NotFound("template")
    return tx.links.run(runs.dispatch(tx, org_id, DispatchRequest(template_id)).run_id)


def add_operator(tx: Tx, org: str | None, email: str, name: str, role: Role, password: str) -> str:
    """`operators add`; the password comes hashed."""
    return operators.add(tx, organizations.find_or_only(tx, org).org_id, email, name, role, password).operator_id


def put_password(tx: Tx, email: str, password: str) -> None:
    """`operators password`, hashed; all their sessions are over."""
    operators.change_password(tx, operators.named(tx, email).operator_id, password)


def remove_operator(tx: Tx, email: str) -> None:
    """`operators remove`."""
    operators.remove_by_email(tx, email)


def setup_link(tx: Tx, org: str | None) -> str:
    """`operators setup-link`: an owner's link, good for an hour."""
    return tx.links.join(operators.setup(tx, organizations.find_or_only(tx, org).org_id))


def list_operators(tx: Tx) -> list[dict[str, str | None]]:
    """`operators list`."""
    return [
        {
            "email": one.email,
            "org_id": one.org_id,
            "role": one.role,
            "name": one.name,
            "signed_in_at": times.wire_or_none(one.signed_in_at),
        }
        for one in operator_rows.everyone(tx)
    ]


def list_keys(tx: Tx) -> list[dict[str, str | None]]:
    """`keys list`."""
    return [
        {
            "key_id": key.key_id,
            "org_id": key.org_id,
            "name": key.name,
            "created_at": times.wire(key.created_at),
            "revoked_at": times.wire_or_none(key.revoked_at),
        }
        for key in key_rows.everyone(tx)
    ]


def list_organizations(tx: Tx) -> list[dict[str, str | int | None]]:
    """`orgs list`."""
    return [
        {"org_id": one.org_id, "name": one.name, "credits": one.credits, "contact": one.contact}
        for one in organization_rows.everyone(tx)
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
