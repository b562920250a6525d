"""Commands for copies of the database."""

from pathlib import Path

import click

from rundun.cli.context import common, require_database
from rundun.config.settings import ServiceSettings
from rundun.core.text import size
from rundun.store import backup as database_backup


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@common
def backup(settings: ServiceSettings, file: Path) -> None:
    """Write a whole and checked copy of the database to a new FILE, beside a running service too."""
    require_database(settings)
    written = database_backup.make(settings.database.path, file)
    click.echo(f"{file} is a whole and checked copy, {size(written)}. It holds secrets: keep it from others.")
