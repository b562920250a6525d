"""`python -m rundun …`: serve, and the administrator's commands, which also work beside a running service."""

import platform

import click

from rundun import __version__
from rundun.cli.completion import completion
from rundun.cli.copies import backup
from rundun.cli.erasure import person
from rundun.cli.init import init
from rundun.cli.keys import keys
from rundun.cli.mcp import mcp
from rundun.cli.operators import operators
from rundun.cli.organizations import orgs
from rundun.cli.restore import live, restore
from rundun.cli.runs import runs_group
from rundun.cli.serve import check, serve
from rundun.cli.templates import templates
from rundun.store import connection


@click.group(
    commands=[
        *(serve, init, check, backup, restore, live, keys, operators, orgs, templates, runs_group, person),
        *(completion, mcp),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(
    __version__,
    prog_name="rundun",
    message=f"%(prog)s %(version)s (SQLite {connection.SQLITE}, Python {platform.python_version()})",
)
def main() -> None:
    """Rundun: send a checklist as a link, get the answers back as signed webhooks."""
