"""Commands for the people who may use the console: `operators …`."""

import sys

import click

from rundun import passwords
from rundun.actions.organizations import operators as operator_actions, organizations
from rundun.cli.completion import OPERATOR, ORG
from rundun.cli.context import run_reading, run_writing, with_output, with_settings
from rundun.cli.terminal import Output, listing, print_line
from rundun.config.settings import ServiceSettings
from rundun.core import times
from rundun.errors import Problem
from rundun.store.organizations import operators as operator_rows

operators = click.Group("operators", help="People who may use the console.")
_ORG = click.option("--org", type=ORG, help="Id or name of the organization; not needed while there is only one.")


@operators.command("add")
@click.argument("email")
@_ORG
@click.option("--name", help="What they are called; the address without it.")
@click.option("--role", type=click.Choice(["owner", "member"]), default="owner", show_default=True)
@with_output
def operators_add(settings: ServiceSettings, email: str, org: str | None, name: str | None, role: str) -> Output:
    """Add an operator and print the new id; the password is asked for, or read from standard input."""
    # Checked before the prompt for the password.
    run_reading(settings, lambda tx: operator_actions.check_email(tx, organizations.get_or_only(tx, org).org_id, email))
    arguments = {"org": org, "email": email, "name": name or email, "role": role, "password": _read_password_hash()}
    operator_id = run_writing(settings, "operators add", **arguments)
    return Output({"operator_id": operator_id}, [operator_id])


@operators.command("list")
@with_output
def operators_list(settings: ServiceSettings) -> Output:
    """List the operators."""
    data, rows = [], []
    for row in run_reading(settings, operator_rows.list_all):
        seen = times.wire_or_none(row.signed_in_at)
        second = "  second factor" if row.has_second_factor else ""
        rows.append((row.email, row.role, row.org_id, seen or "never", f"{row.name}{second}"))
        data.append(
            {
                "operator_id": row.operator_id,
                "org_id": row.org_id,
                "email": row.email,
                "name": row.name,
                "role": row.role,
                "second_factor": row.has_second_factor,
                "created_at": times.wire(row.created_at),
                "signed_in_at": seen,
            }
        )
    heading = ("OPERATOR", "ROLE", "ORGANIZATION", "SIGNED IN", "NAME")
    return listing({"data": data}, rows, heading=heading, nothing="No operators.")


_OF_ORG = click.option(
    "--org", type=ORG, help="Id or name of the organization, where several have an operator with the address."
)


@operators.command("password")
@click.argument("email", type=OPERATOR)
@_OF_ORG
@with_settings
def operators_password(settings: ServiceSettings, email: str, org: str | None) -> None:
    """Set an operator's password, asked for or read from standard input, and sign them out everywhere."""
    run_reading(settings, lambda tx: operator_actions.get_by_email(tx, email, org))
    run_writing(settings, "operators password", email=email, org=org, password=_read_password_hash())
    print_line(f"{email} has a new password and is signed out everywhere.")


@operators.command("second-factor")
@click.argument("email", type=OPERATOR)
@click.option("--off", is_flag=True, required=True, help="Switch it off, for an operator without phone and codes.")
@_OF_ORG
@with_settings
def operators_second_factor(settings: ServiceSettings, email: str, off: bool, org: str | None) -> None:
    """Switch an operator's second factor off and sign them out everywhere. First make sure that they asked for it."""
    run_writing(settings, "operators second-factor", email=email, org=org)
    print_line(f"{email} has no second factor any more and is signed out everywhere.")


@operators.command("remove")
@click.argument("email", type=OPERATOR)
@_OF_ORG
@with_settings
def operators_remove(settings: ServiceSettings, email: str, org: str | None) -> None:
    """Remove an operator and sign them out at once."""
    run_writing(settings, "operators remove", email=email, org=org)
    print_line(f"{email} is removed and signed out everywhere.")


@operators.command("setup-link")
@_ORG
@with_output
def operators_setup_link(settings: ServiceSettings, org: str | None) -> Output:
    """Print a link that makes an owner. It works once, within an hour."""
    link = run_writing(settings, "operators setup-link", org=org)
    return Output({"link": link}, [link])


def _read_password_hash() -> str:
    """Read the new password from the terminal or standard input, and return its hash. It is no argument, since other
    users of this machine can read arguments.
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
        raise Problem("invalid", f"A password has at least {passwords.MIN_LENGTH} characters.")
    return passwords.hash_password(password)
