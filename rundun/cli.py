"""`python -m rundun …`: serve, and the operator's commands, which also work beside a running service."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import segno
from pydantic_core import from_json

from rundun import __version__, config
from rundun.actions.commands import READING, WRITING
from rundun.actions.office import Opened
from rundun.app import make_app, wall_clock
from rundun.config import ConfigError, Settings
from rundun.control import Nobody, ask, socket_path
from rundun.core import rules, times
from rundun.core.links import Links
from rundun.errors import Problem
from rundun.logs import configure, hush
from rundun.server import bind
from rundun.server import serve as run_server
from rundun.store import connection
from rundun.store.database import read_once, write_once
from rundun.store.tx import House

F = TypeVar("F", bound=Callable[..., Any])
LOCK_SECONDS = 10  # how long a command waits for whoever holds the database without listening


def common(command: F) -> F:
    """The two options that every command takes."""
    options = (
        click.option(
            "--config", "config_file", metavar="FILE", help="Settings; ./rundun.toml is read without it."
        ),
        click.option("--database", metavar="FILE", help="The SQLite file; rundun.db without it."),
    )
    for option in options:
        command = option(command)
    return command


def settings_of(config_file: str | None, database: str | None, **flags: Any) -> Settings:
    """The effective settings; ends the process with all that is wrong with them."""
    given = {"database.path": database, **{name.replace("_", ".", 1): value for name, value in flags.items()}}
    try:
        return config.load(config_file, flags=given)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(2)


def fail(problem: Problem) -> NoReturn:
    """Say what went wrong, with its places, and end with 1."""
    click.echo(f"Error: {problem}", err=True)
    sys.exit(1)


def house_of(settings: Settings, key: bytes) -> House:
    """What a transaction needs, outside the service."""
    return House(wall_clock, Links(settings.public_url, key), int(settings.runs.grace_hours * times.HOUR))


def write(settings: Settings, command: str, **arguments: Any) -> Any:
    """Do it here under the lock, or hand it to the service that holds the database."""
    try:
        for value in arguments.values():
            refuse_broken(value)
        if command != "orgs create":  # the one command that makes sense before there is anything
            expect_database(settings)
        return write_here_or_there(settings, command, arguments)
    except Problem as problem:
        fail(problem)


def write_here_or_there(settings: Settings, command: str, arguments: dict[str, Any]) -> Any:
    """Whoever holds the lock without listening is a service that starts or stops, or another command: wait for it."""
    path = settings.database.path
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            lock = connection.Lock(path)
            break
        except connection.Taken:
            try:
                return ask(socket_path(path), command, arguments)
            except Nobody:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
    try:
        db = connection.open_writer(path)
        try:
            house = house_of(settings, connection.signing_key(db))
            return write_once(db, house, WRITING[command], **arguments)
        finally:
            db.close()
    finally:
        lock.close()


def refuse_broken(value: Any) -> None:
    """An argument in another encoding than UTF-8 can't be kept."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise Problem("invalid", f"{value!a} is not UTF-8.") from None


def expect_database(settings: Settings) -> None:
    """A mistyped path is better refused than made."""
    path = settings.database.path
    if not path.exists():
        raise Problem("not_found", f"There is no database {path} yet.")


def look(settings: Settings, command: str) -> Any:
    """Read the file, whoever else has it open."""
    try:
        expect_database(settings)
        db = connection.open_reader(settings.database.path)
        try:
            return read_once(db, house_of(settings, b""), READING[command])
        finally:
            db.close()
    except Problem as problem:
        fail(problem)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rundun")
def main() -> None:
    """Rundun: send a checklist as a link, get the answers back as signed webhooks."""


@main.command()
@common
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 takes any free one.")
def serve(config_file: str | None, database: str | None, host: str | None, port: int | None) -> None:
    """Serve the API, the executors' pages and the loops in one process."""
    settings = settings_of(config_file, database, server_host=host, server_port=port)
    configure(settings.logs.level, settings.logs.format)
    refused: list[Problem] = []

    def refuse(problem: Problem) -> None:
        refused.append(problem)
        hush("uvicorn.error")  # its traceback tells the operator nothing more

    try:
        sockets = bind(settings.server.host, settings.server.port)
        if settings.server.port == 0:  # only now is it known where the links lead
            listening_on = replace(settings.server, port=sockets[0].getsockname()[1])
            settings = replace(settings, server=listening_on, public_url="")
        app = make_app(settings, announce=lambda opened: tell(opened, settings), refuse=refuse)
        started = run_server(
            app, settings, sockets, on_shutdown=lambda: app.state.bells and app.state.bells.end()
        )
    except Problem as problem:
        fail(problem)
    if refused:
        fail(refused[0])
    sys.exit(0 if started else 1)


def tell(opened: Opened, settings: Settings) -> None:
    """What the operator sees on the very first start: the only time the key is shown."""
    click.echo(
        f"""
Rundun has made itself at home in {settings.database.path}:
an organization, {len(opened.template_ids)} sample checklists and one API key. The key is shown only this once:

  {opened.key}

Dispatch a first run:

  curl -s {settings.public_url}/v1/runs -H 'Authorization: Bearer {opened.key}' \\
    -H 'Content-Type: application/json' -d '{{"template_id": "{opened.template_ids[0]}"}}'

and open the link it answers with.
"""
    )
    sys.stdout.flush()


@main.group()
def keys() -> None:
    """API keys."""


@keys.command("create")
@click.option("--org", required=True, help="Id or name of the organization.")
@click.option("--name", required=True, help="What the key is for.")
@common
def keys_create(org: str, name: str, config_file: str | None, database: str | None) -> None:
    """Make a key and print it, alone; it is shown only now."""
    click.echo(write(settings_of(config_file, database), "keys create", org=org, name=name)["key"])


@keys.command("list")
@common
def keys_list(config_file: str | None, database: str | None) -> None:
    """List the keys, revoked ones too."""
    for key in look(settings_of(config_file, database), "keys list"):
        state = f"revoked {key['revoked_at']}" if key["revoked_at"] else "valid"
        click.echo(f"{key['key_id']}  {key['org_id']}  {key['created_at']}  {state}  {key['name']}")


@keys.command("revoke")
@click.argument("key_id")
@common
def keys_revoke(key_id: str, config_file: str | None, database: str | None) -> None:
    """Make a key useless at once."""
    write(settings_of(config_file, database), "keys revoke", key_id=key_id)


@main.group()
def orgs() -> None:
    """Organizations."""


@orgs.command("create")
@click.argument("name")
@common
def orgs_create(name: str, config_file: str | None, database: str | None) -> None:
    """Make an organization and print its id."""
    click.echo(write(settings_of(config_file, database), "orgs create", name=name))


@orgs.command("list")
@common
def orgs_list(config_file: str | None, database: str | None) -> None:
    """List the organizations with their credits."""
    for one in look(settings_of(config_file, database), "orgs list"):
        credits = "unlimited" if one["credits"] is None else one["credits"]
        click.echo(f"{one['org_id']}  {credits}  {one['name']}  {one['contact'] or ''}".rstrip())


@orgs.command("credits")
@click.argument("org")
@click.option("--add", type=int, help="Credits to add; an unlimited organization then has just these.")
@click.option("--unlimited", is_flag=True, help="No limit from now on.")
@common
def orgs_credits(
    org: str, add: int | None, unlimited: bool, config_file: str | None, database: str | None
) -> None:
    """Give credits, and print the new balance."""
    if (add is None) != unlimited:
        raise click.UsageError("Say either --add N or --unlimited.")
    balance = write(settings_of(config_file, database), "orgs credits", org=org, amount=add)
    click.echo("unlimited" if balance is None else balance)


@orgs.command("contact")
@click.argument("org")
@click.argument("text")
@common
def orgs_contact(org: str, text: str, config_file: str | None, database: str | None) -> None:
    """Say how executors reach the organization."""
    write(settings_of(config_file, database), "orgs contact", org=org, contact=text)


@main.group()
def templates() -> None:
    """Checklists."""


def read_template_file(file: str) -> Any:
    """The JSON in `file`, or the end of the process."""
    try:
        return from_json(Path(file).read_bytes(), allow_inf_nan=False)  # as the API reads it
    except OSError as error:
        fail(Problem("not_found", f"{file}: {error.strerror}."))
    except ValueError as error:
        fail(Problem("malformed_json", f"{file} is not JSON: {error}."))


@templates.command("import")
@click.argument("file")
@click.option("--org", required=True, help="Id or name of the organization.")
@common
def templates_import(file: str, org: str, config_file: str | None, database: str | None) -> None:
    """Make a template of a JSON file and print its id."""
    template = read_template_file(file)
    click.echo(write(settings_of(config_file, database), "templates import", org=org, template=template))


@templates.command("check")
@click.argument("file")
@common
def templates_check(file: str, config_file: str | None, database: str | None) -> None:
    """Say all that is wrong with a template; exit 1 if anything is."""
    settings_of(config_file, database)
    try:
        rules.read_template(read_template_file(file), lambda prefix: f"{prefix}{next(_numbers)}")
    except Problem as problem:
        for place in problem.places:
            click.echo(f"{place.pointer or '/'}: {place.detail}")
        if not problem.places:
            click.echo(problem.detail)
        sys.exit(1)
    click.echo("ok")


_numbers = iter(range(10**9))


@main.group()
def runs() -> None:
    """Runs."""


@runs.command("dispatch")
@click.argument("template_id")
@common
def runs_dispatch(template_id: str, config_file: str | None, database: str | None) -> None:
    """Dispatch a run and print its link; on a terminal also as a QR code."""
    link = write(settings_of(config_file, database), "runs dispatch", template_id=template_id)
    click.echo(link)
    if sys.stdout.isatty():
        segno.make(link).terminal(compact=True)
