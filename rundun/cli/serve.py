"""The commands `serve`, which runs the service, and `check`, which examines it."""

import sys
from dataclasses import asdict, replace

import click

from rundun.app import make_app
from rundun.cli.context import has_service_settings, require_database, source_of, with_output, with_own_settings
from rundun.cli.init import print_first_start
from rundun.cli.terminal import Output
from rundun.config.settings import ServiceSettings
from rundun.control_socket import is_listening, socket_path
from rundun.errors import Problem
from rundun.logs import configure, silence
from rundun.maintenance import diagnostics, reachability
from rundun.maintenance.diagnostics import Finding
from rundun.pdf import writer as pdf_writer
from rundun.server import bind, serve as run_server
from rundun.store.sqlite import connection, database_file
from rundun.store.sqlite.access import require_no_others
from rundun.store.sqlite.transaction import wall_clock


class NotInitialized(click.ClickException):
    """Raised where there is no database to serve."""

    exit_code = 2  # as for wrong settings: a restart does not help


@click.command()
@with_own_settings
@click.option("--host", "server_host", help="Address to listen on.")
@click.option("--port", "server_port", type=int, help="Port to listen on; 0 takes any free one.")
@click.option("--existing", is_flag=True, help="Refuse to begin anew: the database was made by `rundun init`.")
def serve(settings: ServiceSettings, existing: bool) -> None:
    """Serve the API, the executors' pages and the loops in one process."""
    if existing:
        _require_initialized(settings)
    require_no_others(settings.database.path)
    configure(settings.logs.level, settings.logs.format)
    refused: list[Problem] = []

    def refuse(problem: Problem) -> None:
        refused.append(problem)
        silence("uvicorn.error")  # whose traceback adds nothing to the problem

    try:
        sockets = bind(settings.server.host, settings.server.port)
    except Problem:  # if this service holds the port, say that instead: another port would not help
        if is_listening(socket_path(settings.database.path)):
            raise database_file.DatabaseLocked(settings.database.path) from None
        raise
    if settings.server.port == 0:  # the port in links is known only now
        listening_on = replace(settings.server, port=sockets[0].getsockname()[1])
        settings = replace(settings, server=listening_on, public_url="")
    app = make_app(settings, announce=lambda opened: print_first_start(opened, settings, is_served=True), refuse=refuse)
    started = run_server(app, settings, sockets, on_shutdown=lambda: app.state.notifier and app.state.notifier.end())
    if refused:
        raise refused[0]
    sys.exit(0 if started else 1)


def _require_initialized(settings: ServiceSettings) -> None:
    """Raise `NotInitialized` if `serve` would make the database: its key would end up in a journal or log."""
    path = settings.database.path
    database_file.require_together(path)
    if not connection.is_in_use(path):
        raise NotInitialized(
            f"There is no database {path.absolute()} yet. Make it by “rundun init”, which prints its key to you alone."
        )


@click.command()
@with_output
@click.option("--alert", is_flag=True, help="Send a test alert, too, and say whether it arrived.")
def check(settings: ServiceSettings, alert: bool) -> Output:
    """Report whether the service is in order, by its own settings if it is running; exit 1 if anything is wrong."""
    require_database(settings)
    report, owner = diagnostics.report(settings, wall_clock), "service" if has_service_settings() else "command"
    outside = [*reachability.examine(settings, report.findings), *([reachability.try_alert(settings)] if alert else [])]
    if pdf_writer.is_installed():
        missing = pdf_writer.find_missing()
        told = f"Reports as PDF need {missing}." if missing else "Reports are made as PDF."
        outside.append(Finding("pdf", "wrong" if missing else "good", told))
    report = replace(report, findings=[*report.findings, *outside])
    findings = [f"{_STATES[finding.state]}  {finding.name}: {finding.text}" for finding in report.findings]
    return Output(
        {
            "settings_of": owner,
            "settings": {name: {"value": value, "source": source_of(name)} for name, value in report.settings.items()},
            "findings": [asdict(finding) for finding in report.findings],
        },
        [_SETTINGS_TITLES[owner], *(f"{name} = {value}" for name, value in report.settings_as_toml), "", *findings],
        exit_code=0 if report.is_fine else 1,
    )


_SETTINGS_TITLES = {
    "service": "# Settings of the running service:",
    "command": "# Settings of this command; no running service has reported others:",
}
_STATES = {"good": "ok   ", "note": "note ", "wrong": "WRONG"}
