"""Parts that all commands share: options, settings, and running a command in this process or in the service."""

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from rundun.cli.completion import FILE
from rundun.cli.terminal import Output, as_json, print_line, replace_controls
from rundun.config import loader
from rundun.config.settings import SETTINGS, ServiceSettings
from rundun.control_socket import NotListening, ask_settings, is_listening, send_command, socket_path
from rundun.errors import FieldError, Problem
from rundun.read_only import reading
from rundun.store.batches import write_once
from rundun.store.erasure.journal import ErasureJournal
from rundun.store.sqlite import connection, database_file, service_state, signing_key as signing_key_rows
from rundun.store.sqlite.access import require_no_others, require_reachable
from rundun.store.sqlite.transaction import Env, Quotas, Tx, wall_clock

T = TypeVar("T")
_TELLS = "rundun.tells"  # a key of click's `meta`, set while a service is running: whether it sent its settings
_SOURCES = "rundun.sources"  # a key of click's `meta`: the source of each setting
LOCK_SECONDS = 10  # that a command waits for a process that locks the database and does not listen


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with `--database` and `--config`, called with the settings in force: this process's,
    but those that a running service sends where neither `--config` nor an option sets them.
    """
    return _add_settings(command, _load_in_force)


def with_own_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with `--database` and `--config`, called with this process's settings, not a service's."""
    return _add_settings(command, loader.load)


def _add_settings(command: Callable[..., None], load: Callable[..., ServiceSettings]) -> Callable[..., None]:
    """Return the command with `--database` and `--config`. It is called with the settings from `load`; options named
    like a setting override them. The process lists wrong settings and exits with 2; on a `Problem` it exits with 1.
    """

    @click.option("--database", "database_path", type=FILE, help="The SQLite file; rundun.db without it.")
    @click.option("--config", "config_file", type=FILE, help="Settings; ./rundun.toml is read without it.")
    @functools.wraps(command)
    def configured(config_file: str | None, **arguments: Any) -> None:
        flags = {one.key: arguments.pop(one.key.replace(".", "_"), None) for one in SETTINGS if one.flag}
        try:
            settings = load(config_file, flags=flags)
            require_reachable(settings.database.path)
            with database_file.translate_damage(settings.database.path):
                command(settings, **arguments)
        except loader.ConfigError as error:
            click.echo(f"Error: {_list_text(error.problems)}", err=True)
            sys.exit(2)
        except Problem as problem:
            raise click.ClickException(_problem_text(problem)) from None

    return configured


def _load_in_force(config_file: str | None, flags: dict[str, Any]) -> ServiceSettings:
    """Return this process's settings, overridden by those that a running service sends, since it may have been started
    with others, except for those in the named `config_file` or in `flags`.
    """
    sources: dict[str, loader.Source] = {}
    settings = loader.load(config_file, flags=flags, sources=sources)
    meta = click.get_current_context().meta
    meta[_SOURCES] = sources
    try:
        running = ask_settings(socket_path(settings.database.path))
    except NotListening:
        return settings
    except Problem:  # the service hangs, or its version sends no settings
        meta[_TELLS] = False
        print_line("The running service did not send its settings: this command uses its own.", err=True)
        return settings
    meta[_TELLS] = True
    return loader.load(config_file, flags=flags, running=running, sources=sources)


def source_of(key: str) -> str:
    """Return the source of a setting in force: `file`, `environment`, `flag`, `service` or `default`; raises KeyError
    in a command that `with_settings` did not make.
    """
    return str(click.get_current_context().meta[_SOURCES].get(key, "default"))


def is_beside_service() -> bool:
    """Tell whether a service was running on the database when the command, one by `with_settings`, began; False in one
    by `with_own_settings`.
    """
    return _TELLS in click.get_current_context().meta


def has_service_settings() -> bool:
    """Tell whether the command uses the settings of a running service."""
    return bool(click.get_current_context().meta.get(_TELLS))


@contextmanager
def raise_usage_errors() -> Iterator[None]:
    """Turn a `Problem` raised inside into a `UsageError`, with which the process exits with 2."""
    try:
        yield
    except Problem as problem:
        raise click.UsageError(_problem_text(problem)) from None


def with_output(command: Callable[..., Output]) -> Callable[..., None]:
    """Return the command with `--json` and the options of `with_settings`; its `Output` is printed as lines or JSON."""

    @click.option("--json", "is_json", is_flag=True, help="Print one JSON document.")
    @functools.wraps(command)
    def printing(settings: ServiceSettings, is_json: bool, **arguments: Any) -> None:
        result = command(settings, **arguments)
        if is_json:
            click.echo(as_json(result.document))
        else:
            if result.heading and result.lines and sys.stdout.isatty():
                print_line(result.heading)
            for line in result.lines:
                print_line(line)
            if result.raw:
                is_tty = sys.stdout.isatty()
                raw = "\n".join(map(replace_controls, result.raw.splitlines())) if is_tty else result.raw
                click.echo(raw, nl=is_tty)
            for note in result.notes if result.lines else filter(None, [result.nothing, *result.notes]):
                print_line(note, err=True)
            if result.besides and sys.stdout.isatty():
                result.besides()
        if result.exit_code:
            sys.exit(result.exit_code)

    return with_settings(printing)


def _problem_text(problem: Problem) -> str:
    """Return the distinct errors of a problem as text: each field by the option or argument of its name, else by its
    JSON pointer; without errors the detail.
    """
    return _list_text(list(dict.fromkeys(map(_error_text, problem.errors))) or [problem.detail])


def _list_text(lines: list[str]) -> str:
    if len(lines) > 1:
        lines = [f"{len(lines)} things are wrong:", *lines]
    return "\n  ".join(map(replace_controls, lines))


def _error_text(error: FieldError) -> str:
    option = _option_name(error.pointer)
    if option is None:
        return f"{error.pointer or '/'}: {error.detail}"
    if not error.detail[:1].isupper():
        return f"{option} {error.detail.rstrip('.')}."
    return f"{option}: {error.detail}" if option.startswith("-") else error.detail


def _option_name(pointer: str) -> str | None:
    """Return the option or argument that a pointer leads to, such as `--webhook-url` for `/webhook/url`; behind one
    that may be repeated, the rest of the pointer: `--field plate` for `/fields/plate`. None if no parameter fits.
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
    """Run a writing command in this process under the lock, or send it to the service that holds the database; return
    its result, in which a tuple may have become a list. Raises its `Problem`, and `not_found` where there is no
    database, which only `orgs create` makes. While another process holds the lock without listening (it starts, stops,
    or is another command), wait up to `LOCK_SECONDS`, then raise `DatabaseLocked`.
    """
    for value in arguments.values():
        require_utf8(value)
    if command != "orgs create":  # the only command that may create the database
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
    from rundun.actions.commands import COMMANDS  # imports all actions, hence not at the start

    with closing(lock):
        return write_here(settings, COMMANDS[command], **arguments)


def write_here(settings: ServiceSettings, action: Callable[..., T], **arguments: Any) -> T:
    """Run an action in this process, in its own transaction, and return its result. The caller holds the `Lock`."""
    path, external = settings.database.path, settings.database.external_checkpoints
    with closing(connection.open_writer(path, external_checkpoints=external)) as db:
        links = signing_key_rows.read_links(db, settings.public_url)
        quotas = Quotas(settings.limits.organization_bytes)
        journal = ErasureJournal(path)
        env = Env(wall_clock, links, settings.runs.grace, quotas=quotas, keep_journal=journal.append)
        env.event_floor = service_state.read_event_floor(db)
        return write_once(db, env, action, **arguments)


def require_utf8(value: Any) -> None:
    """Raise `Problem` unless an argument is valid UTF-8; other bytes can't be stored."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise Problem("invalid", f"{value!a} is not UTF-8.") from None


def require_database(settings: ServiceSettings) -> None:
    """Raise `Problem` if the database does not exist, since creating one at a mistyped path would hide the mistake, or
    if its files were moved or deleted while the service runs.
    """
    path = settings.database.path
    if (not path.exists() or database_file.was_lost(path)) and is_listening(socket_path(path)):
        raise Problem("unavailable", f"The running service refuses everything: {_loss_text(path)}")
    database_file.require_together(path)
    if not path.exists():
        how = "Run this in the service's folder, or say --database FILE."
        lost = "any more: it was removed while it was served." if database_file.was_lost(path) else f"yet. {how}"
        raise Problem("not_found", f"There is no database {path.absolute()} {lost}")


def _loss_text(path: Path) -> str:
    """Return a sentence on the files that the running service lost, and the remedy, which is never to delete one."""
    if database_file.is_away(path):
        return (
            f"{path} was moved away. Put the same file back and it goes on by itself. To use another file, stop the "
            "service first."
        )
    lost = f"{path}-wal or -shm was moved or deleted while the service was running"
    return f"{lost}. Restart the service; it saves their content as it stops."


def run_reading(settings: ServiceSettings, read: Callable[[Tx], T]) -> T:
    """Open the database read-only, beside any other process, and return what `read` returns in a transaction. Raises
    `not_found` where there is no database, and `unavailable` if a running service has lost it.
    """
    require_database(settings)
    with reading(settings, wall_clock) as tx:
        return read(tx)
