"""`python -m rundun …`: serve, and the administrator's commands, which also work beside a running service."""

import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from pydantic_core import from_json

from rundun import __version__, diagnostics
from rundun.actions import organizations as organization_actions
from rundun.actions import templates as template_actions
from rundun.actions.first_start import FirstStart
from rundun.app import make_app, wall_clock
from rundun.cli import erasure
from rundun.cli.context import common, require_database, run_reading, run_writing
from rundun.cli.copies import backup
from rundun.cli.operators import operators
from rundun.cli.restore import live, restore
from rundun.cli.retention import orgs_retention
from rundun.cli.terminal import say
from rundun.config.settings import ServiceSettings
from rundun.core import template_rules, times
from rundun.core.template import Template
from rundun.errors import Invalid, Problem
from rundun.logs import configure, silence
from rundun.server import bind
from rundun.server import serve as run_server
from rundun.store import api_keys, organizations, quotas
from rundun.store.quotas import StorageUse

keys = click.Group("keys", help="API keys.")
orgs = click.Group("orgs", help="Organizations.")
templates = click.Group("templates", help="Checklists.")
runs = click.Group("runs", help="Runs.", commands=[erasure.runs_erase])


@click.group(
    commands=[backup, restore, live, keys, operators, orgs, templates, runs, erasure.person],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="rundun")
def main() -> None:
    """Rundun: send a checklist as a link, get the answers back as signed webhooks."""


@main.command()
@common
@click.option("--host", "server_host", help="Address to listen on.")
@click.option("--port", "server_port", type=int, help="Port to listen on; 0 takes any free one.")
def serve(settings: ServiceSettings) -> None:
    """Serve the API, the executors' pages and the loops in one process."""
    configure(settings.logs.level, settings.logs.format)
    refused: list[Problem] = []

    def refuse(problem: Problem) -> None:
        refused.append(problem)
        silence("uvicorn.error")  # its traceback tells the administrator nothing more

    sockets = bind(settings.server.host, settings.server.port)
    if settings.server.port == 0:  # only now is it known where the links lead
        listening_on = replace(settings.server, port=sockets[0].getsockname()[1])
        settings = replace(settings, server=listening_on, public_url="")
    app = make_app(settings, announce=lambda opened: print_first_start(opened, settings), refuse=refuse)
    started = run_server(app, settings, sockets, on_shutdown=lambda: app.state.notifier and app.state.notifier.end())
    if refused:
        raise refused[0]
    sys.exit(0 if started else 1)


def print_first_start(opened: FirstStart, settings: ServiceSettings) -> None:
    """Print what the administrator sees on the very first start: the only time the key is shown."""
    click.echo(
        f"""
Rundun has made itself at home in {settings.database.path}:
an organization, {len(opened.template_ids)} sample checklists and one API key. The key is shown only this once:

  {opened.key}

Dispatch a first run:

  curl -s {settings.public_url}/v1/runs -H 'Authorization: Bearer {opened.key}' \\
    -H 'Content-Type: application/json' -d '{{"template_id": "{opened.template_ids[0]}"}}'

and open the link it answers with. How to build on it stands at {settings.public_url}/docs. To work in the console at
{settings.public_url}/console, make the first operator here, within an hour:

  {opened.setup}
"""
    )
    sys.stdout.flush()


@main.command()
@common
def check(settings: ServiceSettings) -> None:
    """Say whether everything is as it should be; exit 1 if something is wrong."""
    require_database(settings)
    report = diagnostics.report(settings, wall_clock)
    for name, value in report.settings:
        say(f"{name} = {value}")
    click.echo()
    for finding in report.findings:
        say(f"{_STATES[finding.state]}  {finding.name}: {finding.text}")
    sys.exit(0 if report.is_fine else 1)


_STATES = {"good": "ok   ", "note": "note ", "wrong": "WRONG"}


@keys.command("create")
@click.option("--org", required=True, help="Id or name of the organization.")
@click.option("--name", required=True, help="What the key is for.")
@click.option("--may-erase", is_flag=True, help="Let it erase runs: whoever has it can destroy evidence.")
@common
def keys_create(settings: ServiceSettings, org: str, name: str, may_erase: bool) -> None:
    """Make a key and print it, alone; it is shown only now."""
    click.echo(run_writing(settings, "keys create", org=org, name=name, may_erase=may_erase)["key"])


@keys.command("list")
@common
def keys_list(settings: ServiceSettings) -> None:
    """List the keys, revoked ones too."""
    for key in run_reading(settings, api_keys.list_all):
        state = f"revoked {times.wire(key.revoked_at)}" if key.revoked_at else "valid"
        state += "  may erase" if key.may_erase else ""
        say(f"{key.key_id}  {key.org_id}  {times.wire(key.created_at)}  {state}  {key.name}")


@keys.command("revoke")
@click.argument("key_id")
@common
def keys_revoke(settings: ServiceSettings, key_id: str) -> None:
    """Make a key useless at once."""
    run_writing(settings, "keys revoke", key_id=key_id)


@keys.command("rotate-signing")
@common
def keys_rotate_signing(settings: ServiceSettings) -> None:
    """Sign with another key from now on: addresses of pictures and sessions of the console made before end."""
    ended = run_writing(settings, "keys rotate-signing")
    sessions = "1 session of the console has" if ended == 1 else f"{ended} sessions of the console have"
    click.echo(f"Pictures have new addresses, and {sessions} ended.")


@orgs.command("create")
@click.argument("name")
@common
def orgs_create(settings: ServiceSettings, name: str) -> None:
    """Make an organization and print its id."""
    click.echo(run_writing(settings, "orgs create", name=name))


@orgs.command("list")
@common
def orgs_list(settings: ServiceSettings) -> None:
    """List the organizations with their credits and what they store."""
    rows, storage = run_reading(settings, lambda tx: (organizations.list_all(tx), quotas.list_all(tx)))
    uses = {use.org_id: diagnostics.storage(use) for use in storage}
    for org in rows:
        credits = "unlimited" if org.credits is None else str(org.credits)
        say("  ".join(filter(None, [org.org_id, credits, org.name, org.contact, uses[org.org_id]])))


@orgs.command("credits")
@click.argument("org")
@click.option("--add", type=int, help="Credits to add; an unlimited organization then has just these.")
@click.option("--unlimited", is_flag=True, help="No limit from now on.")
@common
def orgs_credits(settings: ServiceSettings, org: str, add: int | None, unlimited: bool) -> None:
    """Give credits, and print the new balance."""
    if (add is None) != unlimited:
        raise click.UsageError("Say either --add N or --unlimited.")
    balance = run_writing(settings, "orgs credits", org=org, amount=add)
    click.echo("unlimited" if balance is None else balance)


@orgs.command("quota")
@click.argument("org")
@click.option("--mebibytes", type=click.IntRange(1), help="How many MiB may be stored.")
@click.option("--unlimited", is_flag=True, help="No limit from now on.")
@click.option("--default", is_flag=True, help="Use limits.organization_mebibytes again.")
@common
def orgs_quota(settings: ServiceSettings, org: str, mebibytes: int | None, unlimited: bool, default: bool) -> None:
    """Set how much an organization may store; print what it uses, and its quota."""
    chosen = [mebibytes is not None, unlimited, default].count(True)
    if chosen > 1:
        raise click.UsageError("Say one of --mebibytes N, --unlimited and --default, or none to see the quota.")
    if chosen:
        used, quota = run_writing(settings, "orgs quota", org=org, mebibytes=0 if unlimited else mebibytes)
        use = StorageUse(org, used, quota)
    else:
        use = run_reading(settings, lambda tx: organization_actions.storage_use(tx, org))
    click.echo(diagnostics.storage(use))


@orgs.command("contact")
@click.argument("org")
@click.argument("text")
@common
def orgs_contact(settings: ServiceSettings, org: str, text: str) -> None:
    """Say how executors reach the organization."""
    run_writing(settings, "orgs contact", org=org, contact=text)


orgs.add_command(orgs_retention)


def read_template_file(file: str) -> Any:
    """Read the JSON in `file`; raises Problem."""
    try:
        return from_json(Path(file).read_bytes(), allow_inf_nan=False)  # as the API reads it
    except OSError as error:
        raise Problem("not_found", f"{file}: {error.strerror}.") from None
    except ValueError as error:
        raise Problem("malformed_json", f"{file} is not JSON: {error}.") from None


@templates.command("import")
@click.argument("file")
@click.option("--org", required=True, help="Id or name of the organization.")
@common
def templates_import(settings: ServiceSettings, file: str, org: str) -> None:
    """Make a template of a JSON file and print its id; warnings go to standard error."""
    template = read_template_file(file)
    click.echo(run_writing(settings, "templates import", org=org, template=template))
    _print_warnings(_read_template(template))


@templates.command("check")
@click.argument("file")
@common
def templates_check(settings: ServiceSettings, file: str) -> None:
    """Say all that is wrong with a template; exit 1 if anything is."""
    template = read_template_file(file)
    try:
        read = _read_template(template)
        if errors := template_rules.search_cost_errors(template, read):
            raise Invalid(errors)
    except Problem as problem:
        for error in problem.errors:
            say(f"{error.pointer or '/'}: {error.detail}")
        if not problem.errors:
            say(problem.detail)
        sys.exit(1)
    click.echo("ok")
    _print_warnings(read)


def _read_template(template: Any) -> Template:
    numbers = itertools.count()
    return template_rules.read_template(template, lambda prefix: f"{prefix}{next(numbers)}")


def _print_warnings(template: Template) -> None:
    for warning in template_actions.warnings(template):
        say(f"warning: {warning['detail']}", err=True)


@runs.command("dispatch")
@click.argument("template_id")
@common
def runs_dispatch(settings: ServiceSettings, template_id: str) -> None:
    """Dispatch a run and print its link; on a terminal also as a QR code."""
    link = run_writing(settings, "runs dispatch", template_id=template_id)
    click.echo(link)
    if sys.stdout.isatty():
        import segno  # when first needed

        segno.make(link).terminal(compact=True)
