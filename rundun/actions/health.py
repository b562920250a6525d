"""Data about the service's health, read from the database on one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rundun.actions.backups import backups
from rundun.actions.erasure import retention
from rundun.store import housekeeping
from rundun.store.erasure import erased_bytes, retention as retention_rows, slack_space
from rundun.store.housekeeping import FileInfo, OutboxInfo
from rundun.store.organizations import organizations as organization_rows, quotas as quota_rows
from rundun.store.organizations.quotas import StorageUse
from rundun.store.runs import lists
from rundun.store.runs.lists import OpenWebhook
from rundun.store.sqlite import service_state
from rundun.store.sqlite.pagination import END, PageRequest
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates as template_rows

MAX_TEMPLATES = 2000  # searched for steps that need HTTPS
MAX_OPEN = 20_000  # open runs whose receivers are read


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Data about the service's health; a damaged file has only the first three fields. Times are in milliseconds.

    `damage` has SQLite's messages, None where the file was not checked to its end. `newest` is the newest time in the
    file, `held_since` the time of a restore that holds deliveries, `backup_missed_at` since when backups fail or are
    overdue, `erased_since` since when erased data waits to be overwritten. `is_overwritten`: this SQLite can overwrite
    copies between rows. `webhooks` are those of open runs, `names` those of organizations by id, `needing_https` those
    of templates with steps that work on HTTPS pages only. `retention_due` and `retention_late` count the rows past
    their period, and those past it for an hour, by kind.
    """

    file: FileInfo
    damage: Sequence[str] | None
    now: int
    newest: int = 0
    held_since: int | None = None
    waiting: OutboxInfo | None = None
    storage: Sequence[StorageUse] = ()
    needing_https: Sequence[str] = ()
    webhooks: Sequence[OpenWebhook] = ()
    retention_due: Mapping[str, int] = field(default_factory=dict)
    retention_late: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    backup_missed_at: int | None = None
    erased_since: int | None = None
    is_overwritten: bool = True

    @property
    def first_damage(self) -> str:
        """Return the first message on damage, and the number of further ones; "" without damage or if not checked."""
        lines = self.damage or [""]
        return f"{lines[0][:300]}, and {len(lines) - 1} more like it" if len(lines) > 1 else lines[0]


def read_health(tx: Tx, org_id: str | None, seconds: float) -> HealthReport:
    """Return data about the health of the file, and of one organization, or of all for None; of a damaged file only its
    own. The file is checked for at most `seconds`; zero: not.
    """
    file = housekeeping.read_file_info(tx)
    damage = housekeeping.check_file(tx, seconds) if seconds else None
    if damage:
        return HealthReport(file, damage, tx.now)
    return HealthReport(
        file,
        damage,
        tx.now,
        newest=housekeeping.read_newest_time(tx),
        held_since=service_state.find_held_since(tx),
        waiting=housekeeping.read_outbox_info(tx, org_id),
        storage=[quota_rows.get(tx, org_id)] if org_id else quota_rows.list_all(tx),
        needing_https=_needing_https(tx, org_id),
        webhooks=lists.list_open_webhooks(tx, org_id, MAX_OPEN),
        retention_due=retention_rows.count_due(tx, org_id),
        retention_late=retention.count_late(tx, org_id),
        names={row.org_id: row.name for row in organization_rows.list_all(tx)},
        backup_missed_at=backups.missed_at(tx),
        erased_since=erased_bytes.find_since(tx),
        is_overwritten=slack_space.is_supported(tx),
    )


def _needing_https(tx: Tx, org_id: str | None) -> list[str]:
    """List the names of templates with a step that records the position or scans a barcode, without archived ones; of
    each organization only its newest `MAX_TEMPLATES` are searched.
    """
    needing: list[str] = []
    for owner in [org_id] if org_id else [row.org_id for row in organization_rows.list_all(tx)]:
        before: tuple[int, ...] = (END, END)
        for _ in range(MAX_TEMPLATES // 100):
            page = template_rows.page(tx, owner, PageRequest(100, before), include_archived=False)
            for head in page.items:
                version = template_rows.get_version(tx, head.template_id, head.v)
                if any(step.geo or step.type == "barcode" for step in version.steps):
                    needing.append(version.template.name)
            if page.next_before is None:
                break
            before = page.next_before
    return needing
