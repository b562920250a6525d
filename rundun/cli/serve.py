"""`serve` and `check`: the service itself, and whether all is well with it."""

import sys
from dataclasses import asdict, replace

import click

from rundun.app import make_app
from rundun.cli.context import has_service_settings, require_database, separate, shown, source_of
from rundun.cli.init import print_first_start
from rundun.cli.terminal import Shown
from rundun.config.settings import ServiceSettings
from rundun.control_socket import is_listening, socket_path
from rundun.errors import Problem
from rundun.logs import configure, silence
from rundun.maintenance import diagnostics, reachability
from rundun.server import bind
from rundun.server import serve as run_server
from rundun.store.sqlite import connection, database_file
from rundun.store.sqlite.access import require_no_others
from rundun.store.sqlite.transaction import wall_clock


class NotMade(click.ClickException):
    """Raised where there is no database to serve."""

    exit_code = 2  # as where the settings are wrong: it does not help to start again


@click.command()
@separate
@click.option("--host", "server_host", help="Address to listen on.")
@click.option("--port", "server_port", type=int, help="Port to listen on; 0 takes any free one.")
@click.option("--existing", is_flag=True, help="Refuse to begin anew: the database was made by `rundun init`.")
def serve(settings: ServiceSettings, existing: bool) -> None:
    """Serve the API, the executors' pages and the loops in one process."""
    if existing:
        _require_made(settings)
    require_no_others(settings.database.path)
    configure(settings.logs.level, settings.logs.format)
    refused: list[Problem] = []

    def refuse(problem: Problem) -> None:
        refused.append(problem)
        silence("uvicorn.error")  # its traceback tells the administrator nothing more

    try:
        sockets = bind(settings.server.host, settings.server.port)
    except Problem:  # where the other program is this service, no other port would do
        if is_listening(socket_path(settings.database.path)):
            raise database_file.DatabaseLocked(settings.database.path) from None
        raise
    if settings.server.port == 0:  # only now is it known where the links lead
        listening_on = replace(settings.server, port=sockets[0].getsockname()[1])
        settings = replace(settings, server=listening_on, public_url="")
    app = make_app(settings, announce=lambda opened: print_first_start(opened, settings, is_served=True), refuse=refuse)
    started = run_server(app, settings, sockets, on_shutdown=lambda: app.state.notifier and app.state.notifier.end())
    if refused:
        raise refused[0]
    sys.exit(0 if started else 1)


def _require_made(settings: ServiceSettings) -> None:
    """Refuse a database that would have to be made: its key would stand in a journal, or in a container's log."""
    path = settings.database.path
    database_file.require_together(path)
    if not connection.is_in_use(path):
        raise NotMade(
            f"There is no database {path.absolute()} yet. Make it by “rundun init”, which prints its key to you alone."
        )


@click.command()
@shown
@click.option("--alert", is_flag=True, help="Send a test alert, too, and say whether it arrived.")
def check(settings: ServiceSettings, alert: bool) -> Shown:
    """Say whether everything is as it should be, by the settings of the running service if there is one; exit 1 if
    something is wrong.
    """
    require_database(settings)
    report, whose = diagnostics.report(settings, wall_clock), "service" if has_service_settings() else "command"
    outside = [*reachability.examine(settings, report.findings), *([reachability.try_alert(settings)] if alert else [])]
    report = replace(report, findings=[*report.findings, *outside])
    findings = [f"{_STATES[finding.state]}  {finding.name}: {finding.text}" for finding in report.findings]
    return Shown(
        {
            "settings_of": whose,
            "settings": {name: {"value": value, "source": source_of(name)} for name, value in report.settings.items()},
            "findings": [asdict(finding) for finding in report.findings],
        },
        [_WHOSE[whose], *(f"{name} = {value}" for name, value in report.settings_as_toml), "", *findings],
        exit_code=0 if report.is_fine else 1,
    )


_WHOSE = {
    "service": "# Settings of the running service:",
    "command": "# Settings of this command; no running service says that it has others:",
}
_STATES = {"good": "ok   ", "note": "note ", "wrong": "WRONG"}
