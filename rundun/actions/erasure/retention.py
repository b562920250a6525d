"""Retention: the periods of organizations and templates, and the deletion of runs, photos and attempts past them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from rundun.actions.erasure import erasures
from rundun.actions.organizations import organizations
from rundun.core import times
from rundun.core.actor import ADMINISTRATOR, Actor
from rundun.core.erasure import retention as rules
from rundun.core.erasure.retention import MAX_DAYS, Kept, Retention, TemplateRetention
from rundun.core.runs.run import Run
from rundun.errors import FieldError, Invalid
from rundun.store.erasure import erasure, retention as retention_rows, retention_days
from rundun.store.organizations import changes as organization_changes
from rundun.store.runs import changes as run_changes, runs as run_rows
from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates as template_rows

STEP_BYTES = 512 * 1024  # of pictures deleted in one write: SQLite overwrites each byte
STEP_PHOTOS = 10  # photos whose pictures are deleted in one write
LATE = times.HOUR  # rows due for longer are late: there is a sweep every ten minutes
_SET_AT = "retention_set_at"  # when any organization last set periods

# ---- periods


@dataclass(frozen=True, slots=True)
class DueByRule:
    """The effect of new retention periods, in all templates with a shorter one than before: the number of runs that
    must lose their `photos` now, and of `runs` to be removed now; and whether a period `is_shorter`.
    """

    photos: int
    runs: int
    is_shorter: bool


@dataclass(frozen=True, slots=True)
class RetentionOfTemplate:
    """The retention periods of an organization and of one of its templates."""

    organization: Retention
    template: TemplateRetention

    @property
    def kept(self) -> Kept:
        """Return the effective periods of the template's runs and of their photos, in days, None for ever."""
        return rules.effective_days(self.organization, self.template)


def get_of_organization(tx: Tx, org_id: str) -> Retention:
    """Return an organization's retention periods, in days, None for ever; raises NotFound."""
    return retention_days.get(tx, org_id)


def get_of_template(tx: Tx, org_id: str, template_id: str) -> RetentionOfTemplate:
    """Return the retention periods of an organization, in days, None for ever, and apart from them the template's own,
    None for the organization's and 0 for ever; raises NotFound.
    """
    template_rows.get(tx, org_id, template_id)
    return RetentionOfTemplate(retention_days.get(tx, org_id), retention_days.get_of_template(tx, template_id))


def days_shown(tx: Tx, org_id: str, template_id: str) -> Mapping[str, int | None]:
    """Return the days that executors see before they start a run of a template, for `photos` and for `all`: None for
    ever, for `photos` also if as long as `all`, and for both where the organization shows none. Raises NotFound.
    """
    periods = get_of_template(tx, org_id, template_id)
    return rules.days_shown(periods.kept) if periods.organization.tells else rules.NO_DAYS_SHOWN


def put(tx: Tx, org_id: str, new: Retention, actor: Actor = ADMINISTRATOR) -> None:
    """Store an organization's retention periods; raises `Invalid` with every wrong field."""
    _require_of_organization(new)
    before = retention_days.get(tx, org_id)
    retention_days.put(tx, org_id, new)
    if new != before:
        values = {"before": asdict(before), "after": asdict(new)}
        organization_changes.add(tx, org_id, "retention_changed", actor, **values)
    service_state.put(tx, _SET_AT, tx.now)


def put_of_template(
    tx: Tx, org_id: str, template_id: str, new: TemplateRetention, actor: Actor = ADMINISTRATOR
) -> None:
    """Store a template's own retention periods; raises NotFound, and `Invalid` with every wrong field."""
    head = template_rows.get(tx, org_id, template_id)
    _require_of_template(new)
    before = retention_days.get_of_template(tx, template_id)
    retention_days.put_of_template(tx, template_id, new)
    if new != before:
        name = template_rows.get_version(tx, template_id, head.v).template.name
        values = {"template_id": template_id, "template": name, "before": asdict(before), "after": asdict(new)}
        organization_changes.add(tx, org_id, "template_retention_changed", actor, **values)
    service_state.put(tx, _SET_AT, tx.now)


def count_late(tx: Tx, org_id: str | None) -> Mapping[str, int]:
    """Return the numbers of runs with `photos`, of `runs`, and of deliveries with `attempts` that retention should have
    removed an hour ago or earlier, of one organization or all, each at most `statistics.MAX_COUNTED` + 1. Empty where
    periods of any organization or template were set within the last hour: rows may be due only since then.
    """
    set_at = service_state.find(tx, _SET_AT)
    is_new = set_at is not None and set_at <= tx.now < set_at + LATE
    return {} if is_new else retention_rows.count_due(tx, org_id, LATE)


def _require_of_organization(new: Retention) -> None:
    _require_days(photos_days=new.photos_days, runs_days=new.runs_days, attempts_days=new.attempts_days)


def _require_of_template(new: TemplateRetention) -> None:
    _require_days(photos_days=new.photos_days or None, runs_days=new.runs_days or None)


def _require_days(**days_of: int | None) -> None:
    detail = f"is a whole number of days from 1 to {MAX_DAYS:,}"
    wrong = [name for name, days in days_of.items() if days is not None and not 0 < days <= MAX_DAYS]
    if wrong:
        raise Invalid([FieldError(f"/{name}", "out_of_range", detail) for name in wrong])


def set_by_command(tx: Tx, org: str, changes: dict[str, int | bool | None]) -> dict[str, int | bool | None]:
    """Change the given fields of an organization's `Retention` (`orgs retention`) and return all of them, periods in
    days, None for ever; `org` is its id or name. Raises NotFound, and `invalid` for a wrong field or if several
    organizations have the name.
    """
    org_id = organizations.get(tx, org).org_id
    new = replace(retention_days.get(tx, org_id), **changes)  # type: ignore[arg-type]
    if changes:
        put(tx, org_id, new)
    return {
        "photos_days": new.photos_days,
        "runs_days": new.runs_days,
        "attempts_days": new.attempts_days,
        "tells": new.tells,
    }


def due_by_rule(tx: Tx, org_id: str, new: Retention) -> DueByRule:
    """Return the number of runs that would lose their photos, and of those removed, if an organization's retention
    periods became `new` now, counting templates whose period gets shorter; and whether one of the organization's does.
    Nothing is stored. Raises `Invalid` with every wrong field.
    """
    _require_of_organization(new)
    before = retention_days.get(tx, org_id)
    changes = [
        (template_id, rules.effective_days(before, own), rules.effective_days(new, own))
        for template_id in retention_days.list_template_ids(tx, org_id)
        for own in [retention_days.get_of_template(tx, template_id)]
    ]
    kept = ("photos_days", "runs_days", "attempts_days")
    is_shorter = any(rules.is_shorter(getattr(before, name), getattr(new, name)) for name in kept)
    return DueByRule(*_count_due_by_rules(changes, tx), is_shorter=is_shorter)


def due_by_template_rule(tx: Tx, org_id: str, template_id: str, new: TemplateRetention) -> DueByRule:
    """Return the number of runs that would lose their photos, and of those removed, if a template's own periods became
    `new` now, each counted if its period gets shorter; and whether one does. Nothing is stored. Raises NotFound, and
    `Invalid` with every wrong field.
    """
    now = get_of_template(tx, org_id, template_id)
    _require_of_template(new)
    before, after = now.kept, rules.effective_days(now.organization, new)
    is_shorter = rules.is_shorter(before.photos_days, after.photos_days)
    is_shorter = is_shorter or rules.is_shorter(before.runs_days, after.runs_days)
    return DueByRule(*_count_due_by_rules([(template_id, before, after)], tx), is_shorter=is_shorter)


def _count_due_by_rules(changes: Sequence[tuple[str, Kept, Kept]], tx: Tx) -> tuple[int, int]:
    photos = runs_ = 0
    for template_id, before, after in changes:
        goes_before = after.photos_days != after.runs_days  # else photos are deleted with their run
        if goes_before and after.photos_days is not None and rules.is_shorter(before.photos_days, after.photos_days):
            photos += retention_rows.count_older(tx, "photos", template_id, tx.now - after.photos_days * times.DAY)
        if after.runs_days is not None and rules.is_shorter(before.runs_days, after.runs_days):
            runs_ += retention_rows.count_older(tx, "runs", template_id, tx.now - after.runs_days * times.DAY)
    return photos, runs_


# ---- deletion


def _kept(tx: Tx, run: Run) -> Kept:
    return rules.effective_days(retention_days.get(tx, run.org_id), retention_days.get_of_template(tx, run.template_id))


def remove_photos(tx: Tx, run_ids: Sequence[str]) -> int:
    """Delete pictures of closed runs past the period of their photos, run by run, few enough for one short write, and
    return how many of `run_ids`, from the first on, have none to be deleted any more. The photos' rows stay, with
    steps, times and digests, for the record.
    """
    photos, size = STEP_PHOTOS, STEP_BYTES
    for number, run_id in enumerate(run_ids):
        run = run_rows.get(tx, run_id)
        if not rules.is_due(retention_rows.find_kept_from(tx, run_id), _kept(tx, run).photos_days, tx.now):
            continue  # the period was changed meanwhile
        for photo in retention_rows.list_photos_left(tx, run_id):
            if photos <= 0 or size <= 0:
                return number
            size -= retention_rows.remove_bytes(tx, run.org_id, photo, size)
            photos -= 1
        if size <= 0:
            return number  # the last photo may have bytes left
        if count := retention_rows.count_removed_photos(tx, run_id):
            run_changes.add(tx, run, "photos_removed", Actor("retention"), tx.now, count=count)
        retention_rows.put_photos_removed(tx, run_id)
        tx.touched.add(run_rows.TOUCHED + run.org_id)
    return len(run_ids)


def erase_run(tx: Tx, run_id: str) -> None:
    """Erase a closed run if it is past its retention period."""
    run = run_rows.get(tx, run_id)
    kept_from = retention_rows.find_kept_from(tx, run_id)
    if rules.is_due(kept_from, _kept(tx, run).runs_days, tx.now):  # else the period was changed meanwhile
        erasures.erase(tx, None, run_id, "retention", journal=False)


def remove_attempts(tx: Tx, limit: int) -> int:
    """Delete the attempts of at most `limit` settled deliveries past their period, and return the number of deliveries.
    With them the webhook of an erased run is erased: its `run.erased` can't be retried.
    """
    numbers = retention_rows.list_due_attempts(tx, limit)
    for number in numbers:
        retention_rows.remove_attempts(tx, number)
        if run_id := erasure.find_by_delivery(tx, number):
            erasure.erase_webhook(tx, run_id)
    return len(numbers)
