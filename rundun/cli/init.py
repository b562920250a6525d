"""The command `init`, which makes the database, and the text that introduces a new one."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from rundun.actions.first_start import FirstStart
from rundun.app import bootstrap
from rundun.cli.context import with_settings, write_here
from rundun.config.settings import ServiceSettings
from rundun.errors import Problem
from rundun.store.sqlite import connection, database_file
from rundun.store.sqlite.access import runuser_advice, user_name


@click.command()
@with_settings
def init(settings: ServiceSettings) -> None:
    """Make the database, and print its key and a link for the first operator."""
    path = settings.database.path
    _require_safe_folder(path)
    with database_file.translate_errors(path):
        database_file.require_together(path)
        if connection.is_in_use(path):
            raise _exists_problem(settings)
        was_there = path.exists()
        with closing(database_file.Lock(path)), _removing_on_failure(path.resolve(), was_there=was_there):
            opened = write_here(settings, bootstrap)
    if opened is None:  # another `init` was faster
        raise _exists_problem(settings)
    print_first_start(opened, settings, is_served=False)


@contextmanager
def _removing_on_failure(real: Path, *, was_there: bool) -> Iterator[None]:
    """If the body raises, delete the files of a database that did not exist before it. The caller holds the `Lock`."""
    is_new = not was_there and not real.stat().st_size  # otherwise another process made it meanwhile
    try:
        yield
    except BaseException:
        for suffix in ("", "-wal", "-shm", "-journal") if is_new else ():
            Path(f"{real}{suffix}").unlink(missing_ok=True)
        raise


def _require_safe_folder(path: Path) -> None:
    """Raise `Problem` if root would make the database where another user can redirect its path by a link: below a
    folder of that user, or in a folder that all may write into.
    """
    if os.geteuid() != 0:
        return
    named, real = path.absolute(), path.resolve()
    for part in (named, *named.parents, real, *real.parents):
        try:
            status = part.lstat()
        except FileNotFoundError:
            continue
        if status.st_uid != 0:
            user = user_name(status.st_uid)
            raise Problem("invalid", f"{part} belongs to {user}: {runuser_advice(user)}")
        if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
            raise Problem(
                "invalid", f"All may write into {part}: make the database in a folder that only one user may."
            )


def _exists_problem(settings: ServiceSettings) -> Problem:
    return Problem(
        "invalid",
        f"There is a database {settings.database.path} already, and it stays as it is. For another key: rundun keys "
        "create; for another link: rundun operators setup-link.",
    )


def print_first_start(opened: FirstStart, settings: ServiceSettings, *, is_served: bool) -> None:
    """Print the first steps with a new database: its key, never shown again, a first request, and a link for an
    operator.
    """
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
