"""Findings about a service, which `check` prints and the console shows."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from rundun import webhook_addresses
from rundun.actions import health
from rundun.actions.health import HealthReport
from rundun.actions.organizations import quotas
from rundun.config.settings import SETTINGS, ServiceSettings
from rundun.core import times
from rundun.core.deliveries.forbidden_addresses import is_literal
from rundun.core.deliveries.webhook_url import normalise
from rundun.core.text import MIB, join_names, size
from rundun.maintenance import backup_health, https_health
from rundun.read_only import reading
from rundun.store import housekeeping
from rundun.store.housekeeping import DiskSpace
from rundun.store.organizations.quotas import StorageUse
from rundun.store.sqlite import database_file
from rundun.store.sqlite.transaction import Clock

MIN_FREE, LOW_FREE = 64 * MIB, 1024 * MIB  # free bytes of the disk below which it is wrong, or a note
AHEAD = 5 * 60 * times.SECOND  # by which the newest time in the file may be ahead of the clock
OVERDUE = 10 * 60 * times.SECOND  # for which a delivery may be due
HELD_LONG = times.HOUR  # a hold that lasts longer looks like an oversight
NOT_OVERWRITTEN = times.HOUR  # after which erased data should be overwritten
MAX_LENGTH = 24 * 3600.0  # seconds for the check of the file's integrity
FIRST_DAY = 1_735_689_600_000  # 2025: a clock before it has been reset
RECEIVERS_NAMED, RUNS_NAMED = 10, 5  # refused receivers, and runs of each, that are named
MAX_LOOK_UPS, LOOK_UP_SECONDS = 100, 5.0  # names of receivers looked up, and the seconds for all of them

STARS = "*" * 8  # in place of a secret
State = Literal["good", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: the check's name, its state and a sentence. `note` deserves attention, `wrong` must be fixed."""

    name: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, and the effective `settings` by name, secrets starred."""

    settings: dict[str, Any]
    findings: list[Finding]

    @property
    def settings_as_toml(self) -> list[tuple[str, str]]:
        """Return (key, value as TOML text) pairs of the settings, stars for a secret, “not set” for None."""
        return [(name, _as_toml(value)) for name, value in self.settings.items()]

    @property
    def is_fine(self) -> bool:
        """Tell whether no finding is `wrong`."""
        return all(finding.state != "wrong" for finding in self.findings)


def report(
    settings: ServiceSettings, clock: Clock, *, org_id: str | None = None, seconds: float = MAX_LENGTH
) -> Report:
    """Return the findings about a service, running or not, and its settings; with `org_id` about the data of this
    organization only, and not about alerts. The file's integrity is checked for at most `seconds`; zero skips it, and
    the look-up of names. Blocks.
    """
    with reading(settings, clock) as tx:
        examined = health.read_health(tx, org_id, seconds)
    space = housekeeping.read_disk_space(settings.database.path)
    look_up_seconds = min(seconds, LOOK_UP_SECONDS)
    findings = [*_file(settings, examined, space, seconds), *_erased(examined)]
    findings += [*_clock(examined), *_deliveries(examined)]
    missed_at, is_held = examined.backup_missed_at, examined.held_since is not None
    judged = backup_health.judge(settings, missed_at, examined.file.bytes, space, examined.now, is_held=is_held)
    findings += [Finding(*result) for result in judged]
    findings += [*_quotas(examined, org_id), *_retention(examined)]
    findings += _receivers(settings, examined, look_up_seconds)
    if org_id is None:  # organizations don't see the administrator's alerts
        findings += _alerts(settings, look_up_seconds)
    findings += [Finding(*result) for result in https_health.judge(settings, examined.now, examined.needing_https)]
    return Report(effective_settings(settings), findings)


def effective_settings(settings: ServiceSettings) -> dict[str, Any]:
    """Return every setting's JSON value by its key, such as `server.port`: None if not set, stars for a secret, the
    effective `server.public_url`, “/…” for the path of `alerts.url`.
    """
    shown: dict[str, Any] = {}
    for setting in SETTINGS:
        value = getattr(getattr(settings, setting.section), setting.name)
        if setting.key == "server.public_url":
            value = settings.public_url
        if setting.key == "alerts.url" and value:
            value = without_path(value)
        shown[setting.key] = STARS if setting.kind.is_secret and value is not None else _json(value)
    return shown


def _as_toml(value: Any) -> str:
    """Return a setting's value as TOML, a secret as stars, and “not set” for None."""
    if value is None or value == STARS:
        return value or "not set"
    return json.dumps(value, ensure_ascii=False)


def without_path(url: str) -> str:
    """Return a URL with “/…” for its path and query, if any: often the secret of a chat's hook."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{'/…' if parts.path.strip('/') or parts.query else ''}"


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _file(settings: ServiceSettings, examined: HealthReport, space: DiskSpace, seconds: float) -> Iterator[Finding]:
    file = examined.file
    behind = f", and {size(space.log_bytes)} in its log" if space.log_bytes else ""
    says = f"{size(file.bytes)}{behind}, schema {file.schema}, journal mode {file.journal}"
    yield Finding("database", "good" if file.journal == "wal" else "wrong", f"{says}.")
    if others := database_file.list_open_to_others(settings.database.path):
        names = ", ".join(map(os.path.basename, others))
        text = f"Other users can read {names} with all its secrets: chmod 600."
        yield Finding("access", "wrong", text)
    else:
        yield Finding("access", "good", "Only its owner can read it.")
    if examined.damage:
        yield Finding("integrity", "wrong", f"The file is damaged: {examined.first_damage}. {database_file.RESTORE}")
    elif examined.damage is not None:
        yield Finding("integrity", "good", "SQLite finds no damage in the file.")
    elif seconds:
        text = f"The file is too large to be checked in {seconds:g} s; python -m rundun check has no such limit."
        yield Finding("integrity", "note", text)
    state: State = "wrong" if space.free_bytes < MIN_FREE else "note" if space.free_bytes < LOW_FREE else "good"
    yield Finding("disk", state, f"{size(space.free_bytes)} are free.")
    yield _sqlite(settings, file.sqlite)


def _sqlite(settings: ServiceSettings, version: tuple[int, ...]) -> Finding:
    """Return the finding about the version of SQLite. One before `SQLITE_SOUND` is `good` while Rundun alone makes
    checkpoints, and a `note` with `external_checkpoints`.
    """
    text = f"SQLite {'.'.join(map(str, version))}"
    if version >= housekeeping.SQLITE_SOUND:
        return Finding("sqlite", "good", f"{text}.")
    sound = ".".join(map(str, housekeeping.SQLITE_SOUND))
    text += f"; before {sound} it could damage a file that two connections checkpoint at once. "
    is_left = settings.database.external_checkpoints
    text += "Rundun leaves that to another program; " if is_left else "Rundun lets one connection do that; "
    text += "do not open the file for writing with anything else."
    return Finding("sqlite", "note" if is_left else "good", text)


def _erased(examined: HealthReport) -> Iterator[Finding]:
    since = examined.erased_since
    if not examined.is_overwritten:
        yield Finding(
            "erased",
            "note",
            "This SQLite was built without sqlite_dbpage: copies of erased texts, between rows of its pages, stay in "
            "the file until they happen to be overwritten. Any user who can read the file can find them.",
        )
    if since is not None and examined.now - since > NOT_OVERWRITTEN:
        text = f"Data erased since {times.wire(since)} is not overwritten in the file and its log yet: either the"
        yield Finding("erased", "note", f"{text} service doesn't run, or another process keeps an older snapshot open.")


def _clock(examined: HealthReport) -> Iterator[Finding]:
    now = times.wire(examined.now)
    if examined.newest > examined.now + AHEAD or examined.now < FIRST_DAY:
        newest = times.wire(examined.newest)
        yield Finding("clock", "wrong", f"It is {now}, but the newest time in the file is {newest}.")
    else:
        yield Finding("clock", "good", f"It is {now}, and no time in the file is later.")


def _deliveries(examined: HealthReport) -> Iterator[Finding]:
    waiting = examined.waiting
    if waiting is None:
        return
    text = f"{waiting.pending} pending, {waiting.failed} failed."
    late = 0 if waiting.oldest_due is None else examined.now - waiting.oldest_due
    if examined.held_since is not None:
        held = f"After a restore nothing goes out, since {times.wire(examined.held_since)}. {waiting.pending} wait; "
        is_long = examined.now - examined.held_since > HELD_LONG
        yield Finding("held", "wrong" if is_long else "note", f"{held}“rundun live” resumes them.")
        late = 0
    if waiting.oldest_due is not None:
        text += f" The oldest has been due since {times.wire(waiting.oldest_due)}."
    if late > OVERDUE:
        text += " Either the service is not running, or a receiver does not answer."
    state: State = "wrong" if late > OVERDUE else "note" if waiting.failed else "good"
    yield Finding("deliveries", state, text)


def _receivers(settings: ServiceSettings, examined: HealthReport, seconds: float) -> Iterator[Finding]:
    """Yield the findings about the receivers of open runs: those refused now, as after a change of a setting, interface
    or name (`RECEIVERS_NAMED` and the number of others), names not found, or that all may be sent to.
    """
    runs: dict[str, list[str]] = {}
    for webhook in examined.webhooks:
        runs.setdefault(webhook.destination, []).append(webhook.run_id.removeprefix("r-")[:8])
    hosts = {destination: destination.partition("://")[2].rpartition(":")[0] for destination in runs}
    refusals, unresolved, left_out = _judge(settings, hosts.values(), seconds)
    refused = [destination for destination, host in hosts.items() if host in refusals]
    for destination in refused[:RECEIVERS_NAMED]:
        org_id, _, receiver = destination.partition(" ")
        named = ", ".join(runs[destination][:RUNS_NAMED])
        others = len(runs[destination]) - RUNS_NAMED
        text = f"{examined.names.get(org_id, org_id)}: {receiver} is refused. {refusals[hosts[destination]]} "
        yield Finding("receivers", "note", f"{text}Open runs: {named}{f' and {others} more' if others > 0 else ''}.")
    if len(refused) > RECEIVERS_NAMED:
        yield Finding("receivers", "note", f"{len(refused) - RECEIVERS_NAMED} more receivers of open runs are refused.")
    if unresolved:
        yield Finding("receivers", "note", f"No address was found for {join_names(unresolved)}.")
    if runs and not refused and not unresolved:
        more = f" {left_out} names of them were not looked up." if left_out else ""
        yield Finding("receivers", "good", f"Those of open runs may be sent to.{more}")


def _alerts(settings: ServiceSettings, seconds: float) -> Iterator[Finding]:
    if settings.alerts.url is None:
        return
    try:
        host = normalise(settings.alerts.url).host
    except ValueError as error:
        yield Finding("alerts", "wrong", f"alerts.url: {error}")
        return
    refusals, unresolved, _ = _judge(settings, [host], seconds)
    if host in refusals:
        yield Finding("alerts", "wrong", f"alerts.url: {refusals[host]}")
    elif unresolved:
        yield Finding("alerts", "note", f"alerts.url: no address was found for {host}.")
    else:
        yield Finding(
            "alerts", "good", f"They go to {without_path(settings.alerts.url)}; rundun check --alert tries it."
        )


def _judge(
    settings: ServiceSettings, hosts: Iterable[str], seconds: float
) -> tuple[Mapping[str, str], tuple[str, ...], int]:
    """Return the reasons of refused hosts by host, the names without an address in time, and the number of names not
    looked up, which are those after the first `MAX_LOOK_UPS`, or all with zero seconds.
    """
    hosts = list(dict.fromkeys(hosts))
    all_names = [host for host in hosts if not is_literal(host)]
    names = all_names[: MAX_LOOK_UPS if seconds else 0]
    found = webhook_addresses.look_up([*filter(is_literal, hosts), *names], seconds)
    judge = webhook_addresses.make_judge(settings.webhooks.allow, settings.webhooks.allow_private)
    refusals = {
        host: webhook_addresses.host_refusal(host, {each: judge(each) for each in found[host]}) for host in found
    }
    unresolved = tuple(name for name in names if name not in found)
    return {host: why for host, why in refusals.items() if why}, unresolved, len(all_names) - len(names)


def _quotas(examined: HealthReport, org_id: str | None) -> Iterator[Finding]:
    """Yield one finding if, of several organizations, some have no quota, and one for each quota nearly used up."""
    unlimited = sum(use.quota is None for use in examined.storage)
    if unlimited and len(examined.storage) > 1:
        text = (
            f"{unlimited} of {len(examined.storage)} organizations may fill the disk for all; give each a quota "
            "with orgs quota, or set one for all with limits.organization_mebibytes."
        )
        yield Finding("quota", "note", text)
    for use in examined.storage:
        if use.is_near:
            named = "This organization" if org_id else f"{examined.names[use.org_id]} ({use.org_id})"
            text = f"{named} has used {size(use.used)} of {size(use.quota or 0)}{_refused(use)}."
            yield Finding("quota", "note", text)


def _retention(examined: HealthReport) -> Iterator[Finding]:
    """Yield the finding about data that is past its retention period, if there is any."""
    one = {"runs": "run", "photos": "run with photos", "attempts": "delivery with attempts"}
    many = {"runs": "runs", "photos": "runs with photos", "attempts": "deliveries with attempts"}
    counts = {what: count for what, count in examined.retention_due.items() if count}
    due = [f"{counts[what]:,} {(one if counts[what] == 1 else many)[what]}" for what in one if what in counts]
    text = f"Past their retention period, to be deleted by the next sweep: {', '.join(due)}."
    is_late = any(examined.retention_late.values())
    late = " Some is late: no Rundun has run for an hour, its clock jumps, or its sweep fails." if is_late else ""
    held = " There is none while deliveries are held."
    if due:
        yield Finding("retention", "note" if is_late else "good", text + (held if examined.held_since else late))


def _refused(use: StorageUse) -> str:
    """Return the end of a sentence on the requests that an organization is refused; "" for none."""
    if use.fraction >= quotas.MOST:
        return ": new runs are refused, and phones as well"
    return ": new runs are refused" if use.is_full else ""


def storage(use: StorageUse) -> str:
    """Return a line on the bytes that an organization stores, its quota, if any, and the requests it is refused."""
    if use.quota is None:
        return f"{size(use.used)} used, no quota"
    return f"{size(use.used)} used of {size(use.quota)}{_refused(use)}"
