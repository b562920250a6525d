"""Commands for API keys and the signing key: `keys …`."""

import click

from rundun.cli.completion import KEY, ORG
from rundun.cli.context import run_reading, run_writing, with_output, with_settings
from rundun.cli.terminal import Output, listing, print_line
from rundun.config.settings import ServiceSettings
from rundun.core import times
from rundun.store.organizations import api_keys as key_rows

keys = click.Group("keys", help="API keys.")


@keys.command("create")
@click.option("--org", type=ORG, help="Id or name of the organization; not needed while there is only one.")
@click.option("--name", required=True, help="What the key is for.")
@click.option("--may-erase", is_flag=True, help="Let it erase runs: whoever has it can destroy evidence.")
@click.option("--read-only", is_flag=True, help="Let it read and nothing else.")
@with_output
def keys_create(settings: ServiceSettings, org: str | None, name: str, may_erase: bool, read_only: bool) -> Output:
    """Make a key and print it; it is never shown again."""
    rights = {"read_only": True} if read_only else {}  # a service of the previous version does not know it
    made = run_writing(settings, "keys create", org=org, name=name, may_erase=may_erase, **rights)
    return Output(made, [made["key"]])


@keys.command("list")
@with_output
def keys_list(settings: ServiceSettings) -> Output:
    """List the keys, including revoked ones."""
    data, rows = [], []
    for key in run_reading(settings, key_rows.list_all):
        state = f"revoked {times.wire(key.revoked_at)}" if key.revoked_at else "valid"
        state += ", may erase" if key.may_erase else ", can only read" if key.read_only else ""
        rows.append((key.key_id, key.org_id, times.wire(key.created_at), state, key.name))
        data.append(
            {
                "key_id": key.key_id,
                "org_id": key.org_id,
                "name": key.name,
                "may_erase": bool(key.may_erase),
                "read_only": bool(key.read_only),
                "created_at": times.wire(key.created_at),
                "used_at": times.wire_or_none(key.used_at),
                "revoked_at": times.wire_or_none(key.revoked_at),
            }
        )
    heading = ("KEY", "ORGANIZATION", "MADE", "STATE", "NAME")
    return listing({"data": data}, rows, heading=heading, nothing="No keys.")


@keys.command("revoke")
@click.argument("key_id", type=KEY)
@with_settings
def keys_revoke(settings: ServiceSettings, key_id: str) -> None:
    """Revoke a key at once."""
    revoked = run_writing(settings, "keys revoke", key_id=key_id)
    if revoked is None:  # the answer of a service of the previous version
        print_line(f"{key_id} is revoked.")
    else:
        print_line(f"“{revoked['name']}” of {revoked['organization']} ({key_id}) is revoked, and refused from now on.")


@keys.command("rotate-signing")
@with_settings
def keys_rotate_signing(settings: ServiceSettings) -> None:
    """Replace the signing key: addresses of pictures and sessions of the console made before stop working."""
    ended = run_writing(settings, "keys rotate-signing")
    sessions = "1 session of the console has" if ended == 1 else f"{ended} sessions of the console have"
    click.echo(f"Pictures have new addresses, and {sessions} ended.")
