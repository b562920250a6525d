"""Commands for checklists: `templates …`."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from pydantic_core import from_json

from rundun.actions.templates import templates as template_actions
from rundun.cli.completion import FILE, ORG, TEMPLATE
from rundun.cli.context import run_reading, run_writing, with_output, with_settings
from rundun.cli.terminal import Output, listing, print_line, printable_name
from rundun.config.settings import ServiceSettings
from rundun.core import json_text, times
from rundun.core.templates import rules
from rundun.errors import Invalid, Problem
from rundun.store.sqlite.transaction import TemplateVersion, Tx
from rundun.store.templates import templates as template_rows

NAMED = 3  # ids that a warning about checklists of the same name lists

templates = click.Group("templates", help="Checklists.")
_OF_ORG = click.option("--org", type=ORG, help="Id or name of the organization, where several have one of that name.")


def read_template_file(file: str) -> Any:
    """Return the JSON value in `file`, parsed as the API parses it; raises `Problem`, with `errors` for duplicate
    members.
    """
    try:
        return json_text.parse(Path(file).read_bytes())
    except OSError as error:
        raise Problem("not_found", f"{file}: {error.strerror}.") from None
    except ValueError as error:
        raise Problem("malformed_json", f"{file} is not JSON: {error}.") from None


@templates.command("list")
@click.option("--org", type=ORG, help="Id or name of the organization; of all without it.")
@with_output
def templates_list(settings: ServiceSettings, org: str | None) -> Output:
    """List the checklists, including archived ones, newest first."""
    data, rows = [], []
    for head, name in run_reading(settings, lambda tx: template_actions.list_named(tx, org)):
        archived_at = times.wire_or_none(head.archived_at)
        state = f"archived {archived_at}" if archived_at else "in use"
        rows.append((head.template_id, f"v{head.v}", head.org_id, state, name))
        data.append(
            {
                "id": head.template_id,
                "v": head.v,
                "org_id": head.org_id,
                "name": name,
                "created_at": times.wire(head.created_at),
                "updated_at": times.wire(head.updated_at),
                "archived_at": archived_at,
            }
        )
    heading = ("CHECKLIST", "VERSION", "ORGANIZATION", "STATE", "NAME")
    return listing({"data": data}, rows, heading=heading, nothing="No checklists.")


@templates.command("import")
@click.argument("file", type=FILE)
@click.option("--org", type=ORG, help="Id or name of the organization; not needed while there is only one.")
@with_output
def templates_import(settings: ServiceSettings, file: str, org: str | None) -> Output:
    """Make a template of a JSON file and print its id; warnings go to standard error."""
    template_id = run_writing(settings, "templates import", org=org, template=read_template_file(file))
    version, twins = run_reading(settings, lambda tx: _get_with_warnings(tx, template_id, printable_name(file)))
    warnings = [*template_actions.warnings(version.template), *twins]
    return Output(_version_json(version, warnings), [template_id], _warning_lines(warnings))


@templates.command("revise")
@click.argument("template", type=TEMPLATE, metavar="TEMPLATE")
@click.argument("file", type=FILE)
@_OF_ORG
@with_output
def templates_revise(settings: ServiceSettings, template: str, file: str, org: str | None) -> Output:
    """Make a JSON file the next version of a checklist, named by its id or name, unless it says the same. Runs that
    exist keep theirs; an archived checklist comes back.
    """
    content = read_template_file(file)
    made = run_writing(settings, "templates revise", template=template, org=org, content=content)
    version = run_reading(settings, lambda tx: template_rows.get_version(tx, made["template_id"], made["v"]))
    warnings = template_actions.warnings(version.template)
    how = "is at version" if made["is_new"] else f"is as {printable_name(file)} says already, at version"
    said = f"“{version.template.name}” ({version.template_id}) {how} {version.v}."
    return Output(_version_json(version, warnings), [said], _warning_lines(warnings))


@templates.command("archive")
@click.argument("template", type=TEMPLATE, metavar="TEMPLATE")
@_OF_ORG
@with_settings
def templates_archive(settings: ServiceSettings, template: str, org: str | None) -> None:
    """Take a checklist, named by its id or name, out of use: no new runs of it, and those that exist go on."""
    archived = run_writing(settings, "templates archive", template=template, org=org)
    print_line(f"“{archived['name']}” ({archived['template_id']}) is archived; templates revise brings it back.")


def _get_with_warnings(tx: Tx, template_id: str, file: str) -> tuple[TemplateVersion, list[dict[str, str]]]:
    """Return the version just made of `file`, and a list of warnings (JSON objects with `code` and `detail`): one if
    other checklists in use have the same name, else none.
    """
    version = template_rows.get_version(tx, template_id, 1)
    named = template_rows.list_named(tx, version.org_id, include_archived=False)
    twins = [head.template_id for head, name in named if name == version.template.name]
    if not (others := [twin for twin in twins if twin != template_id]):
        return version, []
    there = f"There is a checklist “{version.template.name}” already ({', '.join(others[:NAMED])})"
    detail = f"{there}: rundun templates revise {others[0]} {file} would have made its next version."
    return version, [{"code": "same_name", "detail": detail}]


def _version_json(version: TemplateVersion, warnings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {**template_actions.assigned_json(version), **from_json(version.body), "warnings": warnings}


@templates.command("check")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=FILE)
@with_output
def templates_check(settings: ServiceSettings, files: tuple[str, ...]) -> Output:
    """Print all errors of templates; exit 1 if there are any."""
    verdicts, lines, notes = [], [], []
    for file in files:
        named = f"{file}: " if len(files) > 1 else ""
        try:
            verdict = _check_file(file, read_template_file(file))
        except Problem as unreadable:
            if len(files) == 1 and not unreadable.errors:
                raise
            verdict = _refusal_json(file, unreadable)
            named = named if unreadable.errors else ""  # else the detail names the file
        lines += [f"{named}{said}" for said in _verdict_lines(verdict)]
        verdicts.append(verdict)
        notes += [f"{named}{note}" for note in _warning_lines(verdict["warnings"])]
    return Output({"data": verdicts}, lines, notes, exit_code=0 if all(each["valid"] for each in verdicts) else 1)


def _check_file(file: str, template: Any) -> dict[str, Any]:
    """Return the verdict on a template, by the checks of `POST /v1/templates` that need no database, as a JSON object:
    `file`, whether it is `valid`, its `errors` and `warnings`, and if invalid a sentence as `detail`.
    """
    numbers = itertools.count()
    try:
        read = rules.read_template(template, lambda prefix: f"{prefix}{next(numbers)}")
        if errors := rules.search_cost_errors(template, read):
            raise Invalid(errors)
    except Problem as problem:
        return _refusal_json(file, problem)
    return {"file": printable_name(file), "valid": True, "errors": [], "warnings": template_actions.warnings(read)}


def _refusal_json(file: str, problem: Problem) -> dict[str, Any]:
    errors = [asdict(error) for error in problem.errors]
    return {"file": printable_name(file), "valid": False, "detail": problem.detail, "errors": errors, "warnings": []}


def _verdict_lines(verdict: dict[str, Any]) -> list[str]:
    if verdict["valid"]:
        return ["ok"]
    return [f"{error['pointer'] or '/'}: {error['detail']}" for error in verdict["errors"]] or [verdict["detail"]]


def _warning_lines(warnings: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"warning: {warning['detail']}" for warning in warnings]
