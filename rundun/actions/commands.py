"""The writing commands of the command line, by name. They run in its process or, if a service is running, in the
service's. Arguments and results are plain JSON.
"""

from collections.abc import Callable, Mapping

from pydantic import TypeAdapter

from rundun.actions import signing_key
from rundun.actions.backups import going_live
from rundun.actions.erasure import erasures, retention
from rundun.actions.organizations import api_keys, operators, organizations, second_factor
from rundun.actions.runs import runs, sent_tables
from rundun.actions.templates import templates
from rundun.core import times
from rundun.core.runs.run import DispatchRequest
from rundun.store.organizations import organizations as organization_rows
from rundun.store.organizations.operators import Role
from rundun.store.sqlite.transaction import Tx


def create_key(tx: Tx, org: str | None, name: str, may_erase: bool = False, read_only: bool = False) -> dict[str, str]:
    """Create an API key (`keys create`); return its `key_id`, `org_id` and `name`, and the secret as `key`."""
    org_id = organizations.get_or_only(tx, org).org_id
    key, secret = api_keys.create(tx, org_id, name, may_erase=may_erase, read_only=read_only)
    return {"key_id": key.key_id, "org_id": key.org_id, "name": key.name, "key": secret}


def revoke_key(tx: Tx, key_id: str) -> dict[str, str]:
    """Revoke an API key (`keys revoke`); return its `name`, and that of its `organization`."""
    key = api_keys.revoke(tx, key_id)
    return {"name": key.name, "organization": organization_rows.get(tx, key.org_id).name}


def create_organization(tx: Tx, name: str) -> str:
    """Create an organization (`orgs create`); return its id."""
    return organizations.create(tx, name).org_id


def import_template(tx: Tx, org: str | None, template: object) -> str:
    """Create a template (`templates import`); return its id."""
    sent = templates.read_sent(template)
    return templates.create(tx, organizations.get_or_only(tx, org).org_id, sent).template_id


def revise_template(tx: Tx, template: str, org: str | None, content: object) -> dict[str, str | int | bool]:
    """Revise a template, given by id or name (`templates revise`); return its `template_id`, the version's number `v`,
    and whether that `is_new`: not for equal content.
    """
    head = templates.get(tx, template, org)
    version = templates.revise(tx, head.org_id, head.template_id, templates.read_sent(content), None)
    return {"template_id": head.template_id, "v": version.v, "is_new": version.v != head.v}


def archive_template(tx: Tx, template: str, org: str | None) -> dict[str, str]:
    """Archive a template, given by id or name (`templates archive`); return its `template_id` and `name`."""
    head = templates.get(tx, template, org)
    templates.archive(tx, head.org_id, head.template_id)
    _, version = templates.get_version(tx, head.org_id, head.template_id, None)
    return {"template_id": head.template_id, "name": version.template.name}


_ORDER = TypeAdapter(DispatchRequest)


def dispatch_run(tx: Tx, org_id: str, order: object) -> dict[str, str | None]:
    """Dispatch a run (`runs dispatch`) and return its `run_id`, `link` and `expires_at`, None if it never expires;
    `order` is a `DispatchRequest` in JSON.
    """
    run = runs.dispatch(tx, org_id, _ORDER.validate_python(order))
    return {"run_id": run.run_id, "link": tx.links.run(run.run_id), "expires_at": times.wire_or_none(run.expires_at)}


def cancel_run(tx: Tx, run_id: str, reason: str | None) -> str:
    """Cancel a run (`runs cancel`), by its id or the beginning of it; return the id."""
    return runs.cancel_by_command(tx, run_id, reason).run_id


_ORDERS = TypeAdapter(list[DispatchRequest])


def accept_table(
    tx: Tx, org_id: str, version: int, orders: object, digest: str, again: bool
) -> dict[str, str | int | bool]:
    """Accept a table (`runs dispatch --table`) or, unless `again`, find the same one of the last 30 days; return its
    `number`, whether it `is_new`, and its time `created_at`. `orders` are `DispatchRequest`s in JSON, `digest` the
    table's SHA-256 in hex.
    """
    requests = _ORDERS.validate_python(orders)
    table, is_new = sent_tables.accept(tx, org_id, version, requests, bytes.fromhex(digest), again=again)
    return {"number": table.number, "is_new": is_new, "created_at": times.wire(table.created_at)}


def erase_run(tx: Tx, run_id: str) -> None:
    """Erase a run (`runs erase`, `person erase`); raises NotFound."""
    erasures.erase(tx, None, run_id, "command line")


def add_operator(tx: Tx, org: str | None, email: str, name: str, role: Role, password: str) -> str:
    """Add an operator (`operators add`) with a hashed password; return the operator's id."""
    return operators.add(tx, organizations.get_or_only(tx, org).org_id, email, name, role, password).operator_id


def put_password(tx: Tx, email: str, password: str, org: str | None = None) -> None:
    """Store an operator's hashed password (`operators password`), and end the operator's sessions."""
    operators.change_password(tx, operators.get_by_email(tx, email, org).operator_id, password)


def setup_link(tx: Tx, org: str | None) -> str:
    """Return the URL of a new link by which an owner joins (`operators setup-link`), valid for an hour."""
    return tx.links.join(operators.create_setup_link(tx, organizations.get_or_only(tx, org).org_id))


COMMANDS: Mapping[str, Callable[..., object]] = {
    "keys create": create_key,
    "keys revoke": revoke_key,
    "keys rotate-signing": signing_key.rotate,
    "orgs create": create_organization,
    "orgs credits": organizations.add_credits,
    "orgs quota": organizations.set_quota,
    "orgs contact": organizations.set_contact,
    "orgs retention": retention.set_by_command,
    "templates import": import_template,
    "templates revise": revise_template,
    "templates archive": archive_template,
    "runs dispatch": dispatch_run,
    "runs cancel": cancel_run,
    "runs accept-table": accept_table,
    "runs make-table": sent_tables.make_next_runs,
    "runs erase": erase_run,
    "operators add": add_operator,
    "operators password": put_password,
    "operators remove": operators.remove_by_email,
    "operators second-factor": second_factor.switch_off_by_email,
    "operators setup-link": setup_link,
    "live": going_live.resume_outgoing,
}
