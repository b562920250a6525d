"""Commands for copies of the database."""

from pathlib import Path

import click

from rundun.cli.context import require_database, shown
from rundun.cli.terminal import Shown, printable
from rundun.config.settings import ServiceSettings
from rundun.core.text import size
from rundun.store.backups import backup as database_backup


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@shown
def backup(settings: ServiceSettings, file: Path) -> Shown:
    """Write a whole and checked copy of the database to a new FILE, beside a running service too."""
    require_database(settings)
    written = database_backup.make(settings.database.path, file)
    said = f"{file} is a whole and checked copy, {size(written)}. It holds secrets: keep it from others."
    return Shown({"file": printable(str(file)), "bytes": written}, [said])
