"""The command `runs dispatch`, with all fields of a dispatch as options and files."""

import asyncio
import os
import stat
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
from pydantic_core import from_json, to_jsonable_python

from rundun.actions.templates import templates
from rundun.cli.completion import FILE, ORG, TEMPLATE
from rundun.cli.context import is_beside_service, require_utf8, run_reading, run_writing, with_output
from rundun.cli.direct_reads import DirectReads
from rundun.cli.terminal import Output
from rundun.config.settings import ServiceSettings
from rundun.core.deliveries.webhook_url import Destination
from rundun.core.json_types.runs import WarnedJson
from rundun.core.runs.job import PLAIN_MEMBERS
from rundun.core.runs.run import WebhookFrom
from rundun.core.templates.template import Template
from rundun.errors import FieldError, Invalid, Problem
from rundun.read_only import reading
from rundun.store.sqlite.transaction import TemplateVersion, Tx, wall_clock
from rundun.store.templates import templates as template_rows
from rundun.web.dispatch.reading import read_dispatch_body
from rundun.web.dispatch.warnings import destination_warnings, link_warnings

STANDARD_INPUT, NEVER = "-", "never"
MAX_SECRET = 4096  # bytes read of a file; the limits of secrets are far lower
_WRITTEN_AS_JSON = ("boolean", "number", "rating", "multi_choice")  # types of steps whose values are not text


class Pair(click.ParamType[tuple[str, str]]):
    """A pair `ID=VALUE`."""

    name = "pair"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return (id, value), split at the first equals sign."""
        if isinstance(value, tuple):
            return value
        before, sign, after = str(value).partition("=")
        if not sign or not before:
            self.fail(f"Say {param.metavar if param else 'ID=VALUE'}.", param, ctx)
        return before, after


class Hours(click.ParamType[Any]):
    """A number of hours, or `never`."""

    name = "hours"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number, or any other value unchanged, such as `never`; the dispatch refuses a wrong one with all
        other errors.
        """
        number = _json_or_text(str(value))
        return number if isinstance(number, int | float) else value


@click.command("dispatch")
@click.argument("template", type=TEMPLATE, metavar="TEMPLATE")
@click.option("--org", type=ORG, help="Id or name of the organization, where several have a checklist of that name.")
@click.option("--title", help="What the executor reads first, in one line.")
@click.option("--note", help="What the executor reads after Start.")
@click.option("--due-at", metavar="TIME", help="When it should be done, such as 2026-01-31T09:00:00Z.")
@click.option(
    "--field", "fields", type=Pair(), metavar="ID=VALUE", multiple=True, help="A value of a field of the checklist."
)
@click.option(
    "--secret-field", "secret_fields", type=Pair(), metavar="ID=FILE", multiple=True, help="A field that is a secret."
)
@click.option(
    "--prefill", type=Pair(), metavar="STEP=VALUE", multiple=True, help="A value that the executor confirms or changes."
)
@click.option("--executor-ref", metavar="REF", help="Your own name for this job.")
@click.option("--language", metavar="TAG", help="The language in which the page opens, such as es.")
@click.option("--expires-in-hours", type=Hours(), metavar="HOURS", help="How long it is open, or never; 72 without it.")
@click.option("--webhook-url", metavar="URL", help="Where its events are sent.")
@click.option("--webhook-events", metavar="EVENTS", help="The events to send, separated by commas.")
@click.option("--webhook-secret-file", "webhook_secret", type=FILE, metavar="FILE", help="The secret that signs them.")
@click.option("--no-webhook", is_flag=True, help="Send its events nowhere, despite the webhook of the checklist.")
@click.option("--table", type=FILE, metavar="FILE", help="A run for each row of a table: CSV or XLSX.")
@click.option("--again", is_flag=True, help="Send a table again that was sent before.")
@with_output
def runs_dispatch(
    settings: ServiceSettings, template: str, org: str | None, table: str | None, again: bool, **given: Any
) -> Output:
    """Dispatch a run of a checklist, by its id or name, and print its link; on a terminal also as a QR code. With
    --table dispatch one for each row, all or none, and print the table with their links, as CSV.

    Secrets are read from files, or from standard input where FILE is -: others on this machine can read arguments.
    """
    for value in (template, org, *given.values()):
        require_utf8(value)
    if given["no_webhook"] and any(given[name] for name in ("webhook_url", "webhook_events", "webhook_secret")):
        raise click.UsageError("Say where its events are sent, or --no-webhook.")
    if table is None and again:
        raise click.UsageError("--again is for a --table.")
    if table is not None and any(value not in (None, ()) for name, value in given.items() if name != "no_webhook"):
        raise click.UsageError("With --table, everything about the runs stands in the table: omit the other options.")
    version = run_reading(settings, lambda tx: _find_version(tx, template, org))
    webhook_from: WebhookFrom = "request" if given["no_webhook"] else "default"
    if table is not None:
        from rundun.cli.runs.table import dispatch_table  # with the wording, hence not at the start

        return dispatch_table(settings, version, table, webhook_from=webhook_from, again=again)
    body = {"template_id": version.template_id, **_dispatch_json(version.template, given)}
    try:
        order, warnings = asyncio.run(_read_order(settings, version.org_id, body, webhook_from))
        made = run_writing(settings, "runs dispatch", org_id=version.org_id, order=order)
    except Invalid as invalid:
        raise Invalid([_point_to_option(error, version.template) for error in invalid.errors]) from None
    link = made["link"]
    all_warnings: list[Any] = [*link_warnings(link.partition("/r/")[0]), *warnings, *_unsigned_warnings(body)]
    notes = [f"warning: {each['detail']}" for each in all_warnings]
    if not is_beside_service():
        notes.append("warning: No service is running on this database: the link opens once it is started.")
    document = {**made, "assigned_to": None, "warnings": all_warnings}
    return Output(document, [link], notes, besides=lambda: _print_code(link))


def _find_version(tx: Tx, template: str, org: str | None) -> TemplateVersion:
    head = templates.get(tx, template, org)
    return template_rows.get_version(tx, head.template_id, head.v)


def _unsigned_warnings(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a list with a warning (`code` and `detail`) if `body` has a webhook without a secret, since receivers
    can't verify its events; else an empty list.
    """
    if "webhook" not in body or "secret" in body["webhook"]:
        return []
    detail = "Events are not signed, so who gets them can't tell who sent them; --webhook-secret-file FILE signs them."
    return [{"code": "webhook_unsigned", "detail": detail}]


def _print_code(link: str) -> None:
    import segno  # needed on a terminal only

    segno.make(link).terminal(compact=True)


async def _read_order(
    settings: ServiceSettings, org_id: str, body: Any, webhook_from: WebhookFrom
) -> tuple[Any, list[WarnedJson]]:
    """Read the body as the API does; return the `DispatchRequest` as a JSON object, and the warnings about its
    webhook's destination.
    """
    with reading(settings, wall_clock) as tx:
        order, destination = (await read_dispatch_body(DirectReads(tx), org_id, body)).order()
    warnings = await _check_webhook(settings, destination, org_id)
    return to_jsonable_python(replace(order, webhook_from=webhook_from)), warnings


async def _check_webhook(settings: ServiceSettings, destination: Destination | None, org_id: str) -> list[WarnedJson]:
    """Return the warnings about a webhook's destination, by the checks of the service; none without a destination."""
    if destination is None:
        return []
    from rundun.app import make_webhook_client  # with the whole service, hence not at the start

    client = make_webhook_client(settings, wall_clock)
    try:
        return await destination_warnings(client.check, destination, org_id)
    finally:
        await client.close()


def _dispatch_json(template: Template, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given options as the JSON body of a dispatch, with secrets read from their files."""
    kinds = {field.id: field.kind for field in template.fields}
    for name, _ in given["fields"]:
        if kinds.get(name) == "secret":
            why = f"“{name}” is a secret, and others on this machine can read arguments"
            raise Problem("invalid", f"{why}: say --secret-field {name}=FILE instead.")
    _require_unique("--field", [*given["fields"], *given["secret_fields"]])
    _require_unique("--prefill", given["prefill"])
    types = {step.id: step.type for step in template.all_steps()}
    names = (*PLAIN_MEMBERS, "executor_ref", "language", "expires_in_hours")
    body = {name: given[name] for name in names if given[name] is not None}
    if given["expires_in_hours"] == NEVER:
        body["expires_in_hours"] = None
    files, secret_file = given["secret_fields"], given["webhook_secret"]
    *values, secret = _read_secrets([*(file for _, file in files), secret_file])
    fields = dict(zip((name for name, _ in files), values, strict=True))
    fields |= {name: _json_or_text(value) if kinds.get(name) == "number" else value for name, value in given["fields"]}
    body["fields"] = fields
    body["prefill"] = {
        name: _json_or_text(value) if types.get(name) in _WRITTEN_AS_JSON else value for name, value in given["prefill"]
    }
    events = given["webhook_events"] and [name.strip() for name in given["webhook_events"].split(",")]
    webhook = {"url": given["webhook_url"], "secret": secret, "events": events}
    if webhook := {name: value for name, value in webhook.items() if value is not None}:
        body["webhook"] = webhook
    return body


def _require_unique(option: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Raise `UsageError` if a name occurs in more than one pair."""
    counts = Counter(name for name, _ in pairs)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise click.UsageError(
            f"{option} gives {', '.join(f'“{name}”' for name in twice)} more than one value: give one."
        )


def _point_to_option(error: FieldError, template: Template) -> FieldError:
    """Return the error with a pointer to `--secret-field` if its field is a secret, else unchanged."""
    name = error.pointer.removeprefix("/fields/")
    is_secret = any(field.id == name and field.kind == "secret" for field in template.fields)
    return replace(error, pointer=f"/secret_fields/{name}") if is_secret else error


def _json_or_text(value: str) -> Any:
    try:
        return from_json(value, allow_inf_nan=False)
    except ValueError:
        return value


def _read_secrets(files: Sequence[str | None]) -> list[str | None]:
    if files.count(STANDARD_INPUT) > 1:
        raise click.UsageError("Only one secret can be read from standard input.")
    return [None if file is None else read_secret(file) for file in files]


def _open_without_waiting(file: str, flags: int) -> int:
    """Return a file descriptor. Opening a named pipe does not wait for its writer; reading from it does."""
    opened = os.open(file, flags | os.O_NONBLOCK)
    os.set_blocking(opened, True)
    return opened


def read_secret(file: str) -> str:
    """Return a secret from a file, or for `-` from standard input, where a terminal is asked for it, without the
    newline at its end; raises `Problem`.
    """
    if file == STANDARD_INPUT and sys.stdin.isatty():
        return str(click.prompt("Secret", hide_input=True))
    try:
        is_file = file != STANDARD_INPUT
        with open(file, "rb", opener=_open_without_waiting) if is_file else click.open_file(file, "rb") as opened:
            content: bytes = opened.read(MAX_SECRET + 1)
            if is_file and not content and stat.S_ISFIFO(os.fstat(opened.fileno()).st_mode):
                raise Problem("not_found", f"{file} is a pipe that nobody writes into.")
        if len(content) > MAX_SECRET:
            raise Problem("too_large", f"{file} has more than {MAX_SECRET} bytes: that is no secret.")
        return content.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise Problem("not_found", f"{file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Problem("invalid", f"{file} is not UTF-8.") from None
