"""The commands `restore`, which replaces the database by a copy, and `live`, which ends the hold after it."""

from pathlib import Path

import click

from rundun.cli.context import require_utf8, run_writing, with_own_settings, with_settings
from rundun.config.settings import ServiceSettings
from rundun.errors import Problem
from rundun.maintenance.reachability import NO_KEY, has_key
from rundun.store.backups import restore as restoring
from rundun.store.sqlite.transaction import wall_clock


@click.command()
@click.argument("file")
@click.option("--live", is_flag=True, help="Let deliveries and alerts go out: it takes the service's place.")
@with_own_settings
def restore(settings: ServiceSettings, file: str, live: bool) -> None:
    """Replace the database by a copy, while the service is stopped."""
    require_utf8(file)
    path = settings.database.path
    kept = restoring.restore(path, Path(file), wall_clock(), is_live=live)
    click.echo(f"{path} is {file} now. Sessions of the console and links that invite have ended.")
    if kept:
        click.echo(f"The database before it is kept for 30 days: {kept}")
    _print_missing_key(settings)
    if live:
        click.echo("Deliveries go out once the service is started.")
    else:
        click.echo("Deliveries and alerts are held. If this is the service itself and no copy, send them: rundun live")


def _print_missing_key(settings: ServiceSettings) -> None:
    try:
        if not has_key(settings):
            click.echo(NO_KEY)
    except Problem:  # the file of an older version, which the next start upgrades; `check` reports a missing key then
        pass


@click.command()
@with_settings
def live(settings: ServiceSettings) -> None:
    """Send out the deliveries and alerts that a restore put on hold."""
    ended = run_writing(settings, "live")
    if ended["since"] is None:
        click.echo("Nothing is held.")
        return
    count = "1 delivery goes" if ended["deliveries"] == 1 else f"{ended['deliveries']} deliveries go"
    click.echo(f"{count} out, held since {ended['since']}.")
