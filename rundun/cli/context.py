"""What all commands share: options, settings, and where a command runs, here or in the service."""

import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

from rundun.actions.commands import READING, WRITING
from rundun.app import wall_clock
from rundun.config import loader
from rundun.config.loader import ConfigError, ServiceSettings
from rundun.control_socket import NotListening, send_command, socket_path
from rundun.core import times
from rundun.core.urls import Urls
from rundun.errors import Problem
from rundun.store import connection
from rundun.store.batches import read_once, write_once
from rundun.store.transaction import Env

F = TypeVar("F", bound=Callable[..., Any])
LOCK_SECONDS = 10  # how long a command waits for a process that holds the database without listening


def common(command: F) -> F:
    """Add the two options that every command takes."""
    options = (
        click.option("--config", "config_file", metavar="FILE", help="Settings; ./rundun.toml is read without it."),
        click.option("--database", metavar="FILE", help="The SQLite file; rundun.db without it."),
    )
    for option in options:
        command = option(command)
    return command


def settings_of(config_file: str | None, database: str | None, **flags: Any) -> ServiceSettings:
    """Read the effective settings; ends the process with all that is wrong with them."""
    values = {"database.path": database, **{name.replace("_", ".", 1): value for name, value in flags.items()}}
    try:
        return loader.load(config_file, flags=values)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(2)


def fail(problem: Problem) -> NoReturn:
    """Print a problem with all wrong fields, and end the process with 1."""
    click.echo(f"Error: {problem}", err=True)
    sys.exit(1)


def env_of(settings: ServiceSettings, key: bytes) -> Env:
    """Return what a transaction needs, outside the service."""
    return Env(wall_clock, Urls(settings.public_url, key), int(settings.runs.grace_hours * times.HOUR))


def run_writing(settings: ServiceSettings, command: str, **arguments: Any) -> Any:
    """Run a writing command here under the lock, or hand it to the service that holds the database."""
    try:
        for value in arguments.values():
            require_utf8(value)
        if command != "orgs create":  # the one command that makes sense before there is anything
            require_database(settings)
        return run_or_hand_over(settings, command, arguments)
    except Problem as problem:
        fail(problem)


def run_or_hand_over(settings: ServiceSettings, command: str, arguments: dict[str, Any]) -> Any:
    """Run a writing command here, or hand it over. Whoever holds the lock without listening starts, stops or is another
    command: wait for them.
    """
    path = settings.database.path
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            lock = connection.Lock(path)
            break
        except connection.DatabaseLocked:
            try:
                return send_command(socket_path(path), command, arguments)
            except NotListening:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
    try:
        db = connection.open_writer(path)
        try:
            env = env_of(settings, connection.signing_key(db))
            return write_once(db, env, WRITING[command], **arguments)
        finally:
            db.close()
    finally:
        lock.close()


def require_utf8(value: Any) -> None:
    """Refuse an argument in another encoding than UTF-8, which can't be stored."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise Problem("invalid", f"{value!a} is not UTF-8.") from None


def require_database(settings: ServiceSettings) -> None:
    """Refuse a database that does not exist: a mistyped path is better refused than made."""
    path = settings.database.path
    if not path.exists():
        raise Problem("not_found", f"There is no database {path} yet.")


def run_reading(settings: ServiceSettings, command: str) -> Any:
    """Run a reading command on the file, whoever else has it open."""
    try:
        require_database(settings)
        db = connection.open_reader(settings.database.path)
        try:
            return read_once(db, env_of(settings, b""), READING[command])
        finally:
            db.close()
    except Problem as problem:
        fail(problem)
