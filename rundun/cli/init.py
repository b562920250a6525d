"""`init`, which makes the database, and what the administrator sees of a new one."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from rundun import paths
from rundun.actions.first_start import FirstStart
from rundun.app import bootstrap
from rundun.cli.context import common, write_here
from rundun.config.settings import ServiceSettings
from rundun.errors import Problem
from rundun.store import connection, database_file
from rundun.store.access import require_reachable


@click.command()
@common
def init(settings: ServiceSettings) -> None:
    """Make the database, and print its key and a link for the first operator."""
    path = settings.database.path
    with database_file.translate_errors(path), _as_owner(path.resolve().parent):
        for needed in (path, paths.samples(), paths.templates()):  # the owner of the folder may reach less than root
            require_reachable(needed)
        database_file.require_together(path)
        if connection.is_in_use(path):
            raise _made_already(settings)
        was_there = path.exists()
        with closing(database_file.Lock(path)), _leaving_nothing(path.resolve(), was_there=was_there):
            opened = write_here(settings, bootstrap)
    if opened is None:  # two at once
        raise _made_already(settings)
    print_first_start(opened, settings, is_served=False)


@contextmanager
def _leaving_nothing(real: Path, *, was_there: bool) -> Iterator[None]:
    """Delete what was begun where nothing was before, if it is not finished. Hold the `Lock`."""
    is_new = not was_there and not real.stat().st_size  # else somebody else has made it meanwhile
    try:
        yield
    except BaseException:
        for suffix in ("", "-wal", "-shm", "-journal") if is_new else ():
            Path(f"{real}{suffix}").unlink(missing_ok=True)
        raise


@contextmanager
def _as_owner(folder: Path) -> Iterator[None]:
    """Be the owner of a folder where root has called: it is the service's, which has to open what is made in it, and
    whoever may write there must not have root follow a link.
    """
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _made_already(settings: ServiceSettings) -> Problem:
    return Problem(
        "invalid",
        f"There is a database {settings.database.path} already, and it stays as it is. For another key: rundun keys "
        "create; for another link: rundun operators setup-link.",
    )


def print_first_start(opened: FirstStart, settings: ServiceSettings, *, is_served: bool) -> None:
    """Print what a new database begins with: the only time that the key is shown."""
    how, later = "Dispatch a first run:", ""
    if not is_served:
        how = "Start the service (rundun serve, or its unit or container), and dispatch a first run:"
        later = "\nAfter that, rundun operators setup-link prints another.\n"
    click.echo(
        f"""
Rundun has made itself at home in {settings.database.path}:
an organization, {len(opened.template_ids)} sample checklists and one API key. The key is shown only this once:

  {opened.key}

{how}

  curl -s {settings.public_url}/v1/runs -H 'Authorization: Bearer {opened.key}' \\
    -H 'Content-Type: application/json' -d '{{"template_id": "{opened.template_ids[0]}"}}'

and open the link it answers with. How to build on it stands at {settings.public_url}/docs. To work in the console at
{settings.public_url}/console, make the first operator here, within an hour:

  {opened.setup}
{later}"""
    )
    sys.stdout.flush()
