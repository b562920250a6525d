"""A person's data for that person: their runs with all earlier states, but nothing that gives access."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import from_json, to_json

from rundun.actions.erasure.person_runs import PersonList
from rundun.actions.runs import runs
from rundun.actions.runs.runs import RunDetail
from rundun.core import times
from rundun.core.urls import Urls
from rundun.errors import Problem
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.deliveries.deliveries import Delivery
from rundun.store.runs import changes as run_changes, events as event_rows
from rundun.store.runs.changes import RunChange
from rundun.store.sqlite.pagination import PageRequest
from rundun.web.archives.report import ReportWriter
from rundun.web.archives.runs import ArchiveEntry, picture_entries, record_json
from rundun.web.erasure.person import run_json
from rundun.web.http.turns import LongWork, Reads
from rundun.wording.file_names import FileNames, file_names

PAGE = 100  # events or deliveries of one read
MAX_CHANGES = 1_000_000  # of one run, more than any has
_LEFT_OUT = ("link", "webhook")  # members of a record that give access


async def archive_entries(
    work: LongWork, org_id: str, found: PersonList, links: Urls, report: ReportWriter
) -> AsyncIterator[ArchiveEntry]:
    """Yield the files of an archive: runs.json, the list, and those of each run in a folder with its id as the name,
    unless it was erased meanwhile.
    """
    listed: Any = {"digest": found.digest, "has_more": found.has_more, "runs": [run_json(run) for run in found.runs]}
    yield ArchiveEntry("runs.json", to_json(listed, indent=2))
    for run in found.runs:
        try:
            detail = await work.read(runs.get_detail, org_id, run.run_id, language=report.language.tag)
        except Problem as problem:
            if problem.code not in ("not_found", "run_erased"):
                raise
            continue  # the run was erased meanwhile
        state = detail.state
        detail = replace(detail, state=replace(state, run=replace(state.run, webhook=None)))  # in the report, too
        names, folder = file_names(detail), f"{run.run_id}/"
        files = _Files(detail, names, links)
        changes = await work.read(run_changes.list_of_run, run.run_id, MAX_CHANGES)
        yield ArchiveEntry(f"{folder}run.json", await work.run(_run_record, detail, names, links, files, changes))
        told = [files.replace_urls(event) async for event in _read_events(work, run.run_id)]
        yield ArchiveEntry(f"{folder}events.json", to_json(told, indent=2))
        sent = [_delivery_json(delivery) async for delivery in _read_deliveries(work, run.run_id)]
        yield ArchiveEntry(f"{folder}deliveries.json", to_json(sent[::-1], indent=2))
        yield ArchiveEntry(f"{folder}report.html", await work.run(report.write, detail, names))
        for entry in picture_entries(names, folder):
            yield entry


class _Files:
    """The paths of a run's files in the archive by their URLs, which anyone could open without a key."""

    def __init__(self, detail: RunDetail, names: FileNames, links: Urls) -> None:
        self._media = re.compile(rf"{re.escape(links.public_url)}/media/[\w.-]+")
        self._paths = dict[str, str]()
        evidence = detail.state.evidence
        for stored in (*evidence.photos.values(), *evidence.remark_photos.values()):
            for photo in stored.values():
                original = names.paths.get(photo.original)
                for number, content_type in ((photo.original, photo.content_type), (photo.derived, "image/jpeg")):
                    if path := names.paths.get(number, original):
                        self._paths[links.media(number, content_type)] = path
        for signature in evidence.signatures.values():
            self._paths[links.media(signature.file, "image/png")] = names.paths[signature.file]

    def replace_urls(self, value: Any) -> Any:
        """Return a copy of a JSON value in which each text that is a media URL is replaced by the file's path in the
        archive, or by None if it is not in it.
        """
        if isinstance(value, Mapping):
            return {name: self.replace_urls(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.replace_urls(one) for one in value]
        if isinstance(value, str) and self._media.fullmatch(value):
            return self._paths.get(value)
        return value


def _run_record(detail: RunDetail, names: FileNames, links: Urls, files: _Files, changes: Sequence[RunChange]) -> bytes:
    whole = {**from_json(record_json(detail, names, links)), "changes": [_change_json(change) for change in changes]}
    given = {name: value for name, value in whole.items() if name not in _LEFT_OUT}
    return to_json(files.replace_urls(given), indent=2)


async def _read_events(reads: Reads, run_id: str) -> AsyncIterator[dict[str, Any]]:
    after, has_more = 0, True
    while has_more:
        feed = await reads.read(event_rows.page_of_run, run_id, after, PAGE)
        for number, event in feed.items:
            after = number
            yield event
        has_more = feed.has_more


async def _read_deliveries(reads: Reads, run_id: str) -> AsyncIterator[Delivery]:
    page_request: PageRequest | None = PageRequest(PAGE)
    while page_request is not None:
        page = await reads.read(delivery_rows.page_of_run, run_id, page_request)
        for delivery in page.items:
            yield delivery
        page_request = None if page.next_before is None else PageRequest(PAGE, page.next_before)


def _change_json(change: RunChange) -> dict[str, Any]:
    return {
        "what": change.what,
        "by": change.actor.by,
        "name": change.actor.name,
        "at": times.wire(change.at),
        **_format_times(change.details),
    }


def _format_times(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the details of a change, also of objects in them, with the times, which are the integers named
    `before`, `after` or `…_at`, in RFC 3339 instead of milliseconds.
    """
    readable: dict[str, Any] = {}
    for name, value in details.items():
        if isinstance(value, Mapping):
            value = _format_times(value)
        elif isinstance(value, int) and (name in ("before", "after") or name.endswith("_at")):
            value = times.wire(value)
        readable[name] = value
    return readable


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as a JSON object, with the host instead of the whole URL, whose path may be a secret."""
    return {
        "event_id": delivery.event_id,
        "event": delivery.event,
        "seq": delivery.seq,
        "host": delivery.host,
        "status": delivery.status,
        "created_at": times.wire(delivery.created_at),
        "settled_at": times.wire_or_none(delivery.settled_at),
        "attempts": [
            {"started_at": times.wire(attempt.started_at), "status": attempt.status, "error": attempt.error}
            for attempt in delivery.attempts
        ],
    }
