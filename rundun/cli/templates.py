"""Commands about checklists: `templates …`."""

import itertools
import sys
from pathlib import Path
from typing import Any

import click
from pydantic_core import from_json

from rundun.actions import templates as template_actions
from rundun.cli.context import common, run_writing
from rundun.cli.terminal import say
from rundun.config.settings import ServiceSettings
from rundun.core import template_rules
from rundun.core.template import Template
from rundun.errors import Invalid, Problem

templates = click.Group("templates", help="Checklists.")


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
