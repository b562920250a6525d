"""`python -m rundun …`: serve, and the administrator's commands, which also work beside a running service."""

import platform
from collections.abc import Iterator, MutableMapping
from importlib import import_module

import click

from rundun import __version__
from rundun.store.sqlite import connection

_MODULES = {
    "serve": "serve",
    "init": "init",
    "check": "serve",
    "backup": "backups.copies",
    "restore": "backups.restore",
    "live": "backups.restore",
    "keys": "organizations.keys",
    "operators": "organizations.operators",
    "orgs": "organizations.organizations",
    "templates": "templates",
    "runs": "runs.runs",
    "person": "erasure.erasure",
    "completion": "completion",
    "mcp": "mcp",
}


class Commands(MutableMapping[str, click.Command]):
    """The commands by name. A command's module is imported at its first use, so that shell completion starts fast."""

    def __init__(self) -> None:
        self._imported: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._imported:
            module = import_module(f"rundun.cli.{_MODULES[name]}")
            self._imported[name] = getattr(module, "runs_group" if name == "runs" else name)
        return self._imported[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._imported[name] = command

    def __delitem__(self, name: str) -> None:
        del self._imported[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


@click.group(commands=Commands(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__,
    prog_name="rundun",
    message=f"%(prog)s %(version)s (SQLite {connection.SQLITE}, Python {platform.python_version()})",
)
def main() -> None:
    """Rundun: send a checklist as a link, get the answers back as signed webhooks."""
