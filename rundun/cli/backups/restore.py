"""`restore`, which puts a copy in the place of the database, and `live`, which ends that all that goes out is held."""

from pathlib import Path

import click

from rundun.cli.context import common, require_utf8, run_writing, separate
from rundun.config.settings import ServiceSettings
from rundun.errors import Problem
from rundun.maintenance.reachability import NO_KEY, has_key
from rundun.store.backups import restore as restoring
from rundun.store.sqlite.transaction import wall_clock


@click.command()
@click.argument("file")
@click.option("--live", is_flag=True, help="Let deliveries and alerts go out: it takes the service's place.")
@separate
def restore(settings: ServiceSettings, file: str, live: bool) -> None:
    """Put a copy in the place of the database, while the service is stopped."""
    require_utf8(file)
    path = settings.database.path
    kept = restoring.restore(path, Path(file), wall_clock(), is_live=live)
    click.echo(f"{path} is {file} now. Sessions of the console and links that invite have ended.")
    if kept:
        click.echo(f"What was there is kept for 30 days: {kept}")
    _say_whether_a_key_is_left(settings)
    if live:
        click.echo("Deliveries go out once the service is started.")
    else:
        click.echo("Deliveries and alerts are held until you say that this is the service itself: rundun live")


def _say_whether_a_key_is_left(settings: ServiceSettings) -> None:
    try:
        if not has_key(settings):
            click.echo(NO_KEY)
    except Problem:  # an older version's file, which the next start upgrades; `check` says it then
        pass


@click.command()
@common
def live(settings: ServiceSettings) -> None:
    """Let out what is held since a restore."""
    ended = run_writing(settings, "live")
    if ended["since"] is None:
        click.echo("Nothing is held.")
        return
    count = "1 delivery goes" if ended["deliveries"] == 1 else f"{ended['deliveries']} deliveries go"
    click.echo(f"{count} out, held since {ended['since']}.")
