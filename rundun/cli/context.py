"""What all commands share: options, settings, and where a command runs, here or in the service."""

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from rundun.cli.completion import FILE
from rundun.cli.terminal import Shown, as_json, say, visible
from rundun.config import loader
from rundun.config.settings import SETTINGS, ServiceSettings
from rundun.control_socket import NotListening, ask_settings, is_listening, send_command, socket_path
from rundun.errors import FieldError, Problem
from rundun.read_only import reading
from rundun.store.batches import write_once
from rundun.store.erasure.journal import ErasureJournal
from rundun.store.sqlite import connection, database_file, service_state, signing_key
from rundun.store.sqlite.access import require_no_others, require_reachable
from rundun.store.sqlite.transaction import Env, Quotas, Tx, wall_clock

T = TypeVar("T")
_TELLS = "rundun.tells"  # in a click context's meta, where a service is running: whether it told its settings
_SOURCES = "rundun.sources"  # in the same: where each setting is from
LOCK_SECONDS = 10  # how long a command waits for a process that holds the database without listening


def common(command: Callable[..., None]) -> Callable[..., None]:
    """Add the two options that every command takes, and give the command the settings that are in force: those of the
    service that is running on the database, else of this process.
    """
    return _with_settings(command, _in_force)


def separate(command: Callable[..., None]) -> Callable[..., None]:
    """Add what `common` adds, for a command that has no service beside it: the settings are those of this process."""
    return _with_settings(command, loader.load)


def _with_settings(command: Callable[..., None], load: Callable[..., ServiceSettings]) -> Callable[..., None]:
    """Add the two options and give the command the settings: an option named as a setting is its flag. Ends the process
    with 2 and all that is wrong with the settings, or with 1 and a `Problem`.
    """

    @click.option("--database", "database_path", type=FILE, help="The SQLite file; rundun.db without it.")
    @click.option("--config", "config_file", type=FILE, help="Settings; ./rundun.toml is read without it.")
    @functools.wraps(command)
    def with_settings(config_file: str | None, **arguments: Any) -> None:
        flags = {one.key: arguments.pop(one.key.replace(".", "_"), None) for one in SETTINGS if one.flag}
        try:
            settings = load(config_file, flags=flags)
            require_reachable(settings.database.path)
            with database_file.telling_damage(settings.database.path):
                command(settings, **arguments)
        except loader.ConfigError as error:
            click.echo(f"Error: {_listed(error.problems)}", err=True)
            sys.exit(2)
        except Problem as problem:
            raise click.ClickException(_told(problem)) from None

    return with_settings


def _in_force(config_file: str | None, flags: dict[str, Any]) -> ServiceSettings:
    """Read the settings, and take those of a running service, which may have been started with others."""
    sources: dict[str, loader.Source] = {}
    settings = loader.load(config_file, flags=flags, sources=sources)
    meta = click.get_current_context().meta
    meta[_SOURCES] = sources
    try:
        running = ask_settings(socket_path(settings.database.path))
    except NotListening:
        return settings
    except Problem:  # it hangs, or is of a version that tells nothing
        meta[_TELLS] = False
        say("The running service does not say which settings it has: this command goes by its own.", err=True)
        return settings
    meta[_TELLS] = True
    return loader.load(config_file, flags=flags, running=running, sources=sources)


def source_of(key: str) -> str:
    """Return where a setting that is in force is from: `file`, `environment`, `flag`, `service` or `default`."""
    return str(click.get_current_context().meta[_SOURCES].get(key, "default"))


def is_beside_service() -> bool:
    """Tell whether a service was running when the command began."""
    return _TELLS in click.get_current_context().meta


def has_service_settings() -> bool:
    """Tell whether the command goes by the settings of a running service."""
    return bool(click.get_current_context().meta.get(_TELLS))


@contextmanager
def read_as_typed() -> Iterator[None]:
    """Refuse what is read from options alone as a command that makes no sense: the process ends with 2."""
    try:
        yield
    except Problem as problem:
        raise click.UsageError(_told(problem)) from None


def shown(command: Callable[..., Shown]) -> Callable[..., None]:
    """Add what `common` adds, and `--json`; what the command returns is printed, as lines or as one JSON document."""

    @click.option("--json", "is_json", is_flag=True, help="Print one JSON document.")
    @functools.wraps(command)
    def printing(settings: ServiceSettings, is_json: bool, **arguments: Any) -> None:
        result = command(settings, **arguments)
        if is_json:
            click.echo(as_json(result.document))
        else:
            if result.heading and result.lines and sys.stdout.isatty():
                say(result.heading)
            for line in result.lines:
                say(line)
            if result.raw:
                is_obeyed = sys.stdout.isatty()
                click.echo("\n".join(map(visible, result.raw.splitlines())) if is_obeyed else result.raw, nl=is_obeyed)
            for note in result.notes if result.lines else filter(None, [result.nothing, *result.notes]):
                say(note, err=True)
            if result.besides and sys.stdout.isatty():
                result.besides()
        if result.exit_code:
            sys.exit(result.exit_code)

    return common(printing)


def _told(problem: Problem) -> str:
    """Say what is wrong, each thing once: a field by the option or argument of that name, else by its JSON pointer."""
    return _listed(list(dict.fromkeys(map(_sentence, problem.errors))) or [problem.detail])


def _listed(lines: list[str]) -> str:
    if len(lines) > 1:
        lines = [f"{len(lines)} things are wrong:", *lines]
    return "\n  ".join(map(visible, lines))


def _sentence(error: FieldError) -> str:
    typed = _typed(error.pointer)
    if typed is None:
        return f"{error.pointer or '/'}: {error.detail}"
    if not error.detail[:1].isupper():
        return f"{typed} {error.detail.rstrip('.')}."
    return f"{typed}: {error.detail}" if typed.startswith("-") else error.detail


def _typed(pointer: str) -> str | None:
    """Return the option or argument that a pointer leads to, with what of it is meant: `/fields/plate` is the plate of
    `--field`, `/webhook/url` is `--webhook-url`; or None.
    """
    params = {str(param.name): param for param in click.get_current_context().command.params}
    parts = pointer.split("/")[1:]
    for count in range(len(parts), 0, -1):
        param = params.get("_".join(parts[:count]))
        if param is not None:
            name = param.opts[0] if param.opts[0][0] == "-" else str(param.name).upper()
            return " ".join([name, *(parts[count:] if getattr(param, "multiple", False) else ())])
    return None


def run_writing(settings: ServiceSettings, command: str, **arguments: Any) -> Any:
    """Run a writing command here under the lock, or hand it to the service that holds the database. Whoever holds the
    lock without listening starts, stops or is another command: wait for them.
    """
    for value in arguments.values():
        require_utf8(value)
    if command != "orgs create":  # the one command that makes sense before there is anything
        require_database(settings)
    path = settings.database.path
    if not is_beside_service():
        require_no_others(path)
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            lock = database_file.Lock(path)
            break
        except database_file.DatabaseLocked:
            try:
                return send_command(socket_path(path), command, arguments)
            except NotListening:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
    from rundun.actions.commands import COMMANDS  # all actions, when first needed

    with closing(lock):
        return write_here(settings, COMMANDS[command], **arguments)


def write_here(settings: ServiceSettings, action: Callable[..., T], **arguments: Any) -> T:
    """Run an action in this process, in a transaction of its own. Hold the `Lock`."""
    path, external = settings.database.path, settings.database.external_checkpoints
    with closing(connection.open_writer(path, external_checkpoints=external)) as db:
        links = signing_key.read_links(db, settings.public_url)
        quotas = Quotas(settings.limits.organization_bytes)
        journal = ErasureJournal(path)
        env = Env(wall_clock, links, settings.runs.grace, quotas=quotas, keep_journal=journal.append)
        env.event_floor = service_state.read_event_floor(db)
        return write_once(db, env, action, **arguments)


def require_utf8(value: Any) -> None:
    """Refuse an argument in another encoding than UTF-8, which can't be stored."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise Problem("invalid", f"{value!a} is not UTF-8.") from None


def require_database(settings: ServiceSettings) -> None:
    """Refuse a database that does not exist, since a mistyped path is better refused than made, or that was taken away
    from under the service.
    """
    path = settings.database.path
    if (not path.exists() or database_file.was_lost(path)) and is_listening(socket_path(path)):
        raise Problem("unavailable", f"The running service refuses everything: {_loss(path)}")
    database_file.require_together(path)
    if not path.exists():
        how = "Run this in the service's folder, or say --database FILE."
        lost = "any more: it was removed while it was served." if database_file.was_lost(path) else f"yet. {how}"
        raise Problem("not_found", f"There is no database {path.absolute()} {lost}")


def _loss(path: Path) -> str:
    """Say what was taken away from under the running service, and what to do; to remove anything would be wrong."""
    if database_file.is_away(path):
        return (
            f"{path} was moved away. Put the same file back and it goes on by itself. To use another file, stop the "
            "service first."
        )
    return f"{path}-wal or -shm was taken away from under it. Restart it; what they held is saved as it ends."


def run_reading(settings: ServiceSettings, read: Callable[[Tx], T]) -> T:
    """Run a read function on the file, whoever else has it open."""
    require_database(settings)
    with reading(settings, wall_clock) as tx:
        return read(tx)
