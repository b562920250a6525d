"""`serve` and `check`: the service itself, and whether all is well with it."""

import sys
from dataclasses import replace

import click

from rundun import diagnostics
from rundun.actions.first_start import FirstStart
from rundun.app import make_app, wall_clock
from rundun.cli.context import common, require_database
from rundun.cli.terminal import say
from rundun.config.settings import ServiceSettings
from rundun.errors import Problem
from rundun.logs import configure, silence
from rundun.server import bind
from rundun.server import serve as run_server


@click.command()
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


@click.command()
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
