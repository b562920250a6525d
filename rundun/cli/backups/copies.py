"""The command `backup`."""

from pathlib import Path

import click

from rundun.cli.context import require_database, with_output
from rundun.cli.terminal import Output, printable_name
from rundun.config.settings import ServiceSettings
from rundun.core.text import size
from rundun.store.backups import backup as database_backup


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@with_output
def backup(settings: ServiceSettings, file: Path) -> Output:
    """Write a whole and checked copy of the database to a new FILE, also beside a running service."""
    require_database(settings)
    written = database_backup.make(settings.database.path, file)
    said = f"{file} is a whole and checked copy, {size(written)}. It holds secrets: keep it from others."
    return Output({"file": printable_name(str(file)), "bytes": written}, [said])
