"""Commands that erase runs by their ids, and list or erase all runs of one person."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rundun import paths
from rundun.actions.erasure import erased_runs
from rundun.actions.erasure.person_runs import PersonList
from rundun.actions.organizations import organizations
from rundun.cli.completion import FILE, ORG, RUN
from rundun.cli.context import raise_usage_errors, require_utf8, run_reading, run_writing, with_output, with_settings
from rundun.cli.direct_reads import DirectReads
from rundun.cli.terminal import Output, print_line
from rundun.config.settings import ServiceSettings
from rundun.core import times
from rundun.core.erasure.person import PERSON_FIELDS, Person
from rundun.core.request_bodies import read_person
from rundun.errors import Problem
from rundun.read_only import reading
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite import signing_key as signing_key_rows
from rundun.store.sqlite.database_file import OWNER_ONLY
from rundun.store.sqlite.transaction import Tx, wall_clock
from rundun.web.archives.person import archive_entries
from rundun.web.archives.runs import zip_pieces
from rundun.web.erasure.kept_copies import KeptCopy, find_copies
from rundun.web.erasure.person import list_runs, run_json

person = click.Group("person", help="All runs of one person: a copy of them, and erasing them.")


@click.command("erase")
@click.argument("run_ids", metavar="RUN_ID…", nargs=-1, required=True, type=RUN)
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_settings
def runs_erase(settings: ServiceSettings, run_ids: tuple[str, ...], yes: bool) -> None:
    """Erase runs for good, with everything that was entered or shown in them."""
    since = min(run_reading(settings, lambda tx: [erased_runs.get_dispatched_at(tx, run_id) for run_id in run_ids]))
    if not yes:
        _confirm(f"Erase {_count_text(len(run_ids))} for good?", "--yes")
    _erase_runs(settings, run_ids)
    _print_copies(settings, since)


def _person_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options that name a person."""
    options = [
        click.option("--email", help="E-mail address stated at Start."),
        click.option("--phone", help="Phone number stated at Start."),
        click.option("--name", help="Name stated at Start."),
        click.option("--executor-ref", help="Reference of the runs."),
        click.option("--assigned-to", help="Id that the executor got at Start, u-…"),
        click.option("--org", type=ORG, help="Id or name of the organization; not needed while there is only one."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@person.command("list")
@_person_options
@click.option("--zip", "zip_file", type=FILE, metavar="FILE", help="Write all that is kept of them into this new file.")
@with_output
def person_list(settings: ServiceSettings, org: str | None, zip_file: str | None, **named: str | None) -> Output:
    """List the runs of a person, and the digest that erases just these. Nothing is changed."""
    who, org_id = _read_person(named), _find_org_id(settings, org)
    found, copies = _find_runs(settings, org_id, who), find_copies(settings, 0)
    lines = [*_list_lines(found), *map(_copy_line, copies)]
    if zip_file is not None:
        _write_zip(settings, org_id, who, Path(zip_file))
        lines.append(f"{zip_file} has all data that is kept of them.")
    document = {
        "digest": found.digest,
        "runs": [run_json(run) for run in found.runs],
        "has_more": found.has_more,
        "copies": [copy.as_json() for copy in copies],
    }
    return Output(document, lines)


@person.command("erase")
@_person_options
@click.option("--digest", help="Of the list; without it you are shown the list, and asked.")
@with_settings
def person_erase(settings: ServiceSettings, org: str | None, digest: str | None, **named: str | None) -> None:
    """Erase all runs of a person for good."""
    who, org_id = _read_person(named), _find_org_id(settings, org)
    found = _find_runs(settings, org_id, who)
    if digest is None:
        for line in _list_lines(found):
            print_line(line)
        _confirm(f"Erase {_count_text(len(found.runs))} for good?", "--digest")
    else:
        found.require_digest(digest)
    if found.runs:
        _erase_runs(settings, [run.run_id for run in found.runs])
    _print_copies(settings)
    if found.has_more:
        click.echo("There may be more: list them again.")


def _read_person(named: dict[str, str | None]) -> Person:
    given = {field: value for field in PERSON_FIELDS if (value := named[field]) is not None}
    if len(given) != 1:
        options = ", ".join(f"--{field.replace('_', '-')}" for field in PERSON_FIELDS)
        raise click.UsageError(f"Say exactly one of {options}.")
    ((field, value),) = given.items()
    require_utf8(value)
    with raise_usage_errors():
        return read_person(field, value)


def _find_org_id(settings: ServiceSettings, org: str | None) -> str:
    return run_reading(settings, lambda tx: organizations.get_or_only(tx, org).org_id)


def _find_runs(settings: ServiceSettings, org_id: str, who: Person) -> PersonList:
    return run_reading(settings, lambda tx: asyncio.run(list_runs(DirectReads(tx), org_id, who)))


def _count_text(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _list_lines(found: PersonList) -> Iterator[str]:
    for run in found.runs:
        identity = run.identity.name or run.identity.email or run.identity.phone
        # Any of these tells two people of the same name apart.
        said = {"by": identity, "id": run.assigned_to, "reference": run.executor_ref, "title": run.title}
        words = [run.run_id, times.wire(run.created_at), run.status, run.template_name]
        yield "  ".join([*words, *(f"{name}: {each}" for name, each in said.items() if each)])
    more = "; there may be more, to be listed once these are erased" if found.has_more else ""
    yield f"{_count_text(len(found.runs))}{more}. Digest: {found.digest}"


def _confirm(question: str, option: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(f"There is no terminal to ask at; say {option}.")
    click.confirm(question, abort=True)


def _erase_runs(settings: ServiceSettings, run_ids: Iterable[str]) -> None:
    """Erase runs one by one, and print their number."""
    count = 0
    for run_id in run_ids:
        run_writing(settings, "runs erase", run_id=run_id)
        count += 1
    click.echo(f"{_count_text(count)} erased.")


def _print_copies(settings: ServiceSettings, since: int = 0) -> None:
    """Print the files that may still hold the erased data: copies made after `since`, in milliseconds."""
    for copy in find_copies(settings, since):
        print_line(_copy_line(copy))


def _copy_line(copy: KeptCopy) -> str:
    return f"{copy.name} may still hold some of the data, until about {times.wire(copy.until)}."


def _write_zip(settings: ServiceSettings, org_id: str, who: Person, path: Path) -> None:
    """Write a person's data into a new file that only its owner may read, or leave none; raises `Problem`."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY)
    except OSError as error:
        raise Problem("invalid", f"{path}: {error.strerror}.") from None
    try:
        with open(file, "wb") as opened, reading(settings, wall_clock) as tx:
            asyncio.run(_write_pieces(settings, DirectReads(tx), org_id, who, opened.write, tx))
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Problem("unavailable", f"{path}: {error.strerror}.") from None
        raise


async def _write_pieces(
    settings: ServiceSettings, reads: DirectReads, org_id: str, who: Person, write: Callable[[bytes], Any], tx: Tx
) -> None:
    from rundun.web.archives.report import report_writer  # with the templates of pages, hence not at the start
    from rundun.web.pages.pages import Pages
    from rundun.web.pages.static import Assets

    links = signing_key_rows.read_links(tx.db, settings.public_url)
    found = await list_runs(reads, org_id, who)
    at = datetime.fromtimestamp(tx.now / times.SECOND, UTC)
    pages = Pages(paths.templates(), Assets(paths.static()))
    report = await report_writer(reads, pages, organization_rows.get(tx, org_id), pages.console_words.language(["en"]))
    async for piece in zip_pieces(reads, archive_entries(reads, org_id, found, links, report), at):
        write(piece)
