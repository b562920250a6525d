"""Commands about runs: `runs …`."""

import sys

import click

from rundun.cli.context import common, run_writing
from rundun.cli.erasure import runs_erase
from rundun.config.settings import ServiceSettings

runs = click.Group("runs", help="Runs.", commands=[runs_erase])


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
