"""Retention periods of photos, runs and attempts: the organization's, the template's, and the effective ones."""

from collections.abc import Mapping
from dataclasses import dataclass

from rundun.core import times

FOREVER = 0  # days of a template that keeps its runs or photos for ever, although its organization does not
MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Retention:
    """An organization's retention periods, in days, of closed runs, their photos, and attempts of settled deliveries;
    None is for ever. `tells`: executors read the periods before they start.
    """

    photos_days: int | None = None
    runs_days: int | None = None
    attempts_days: int | None = 90
    tells: bool = True


@dataclass(frozen=True, slots=True)
class TemplateRetention:
    """A template's own retention periods, in days; `FOREVER` for no end, None for the organization's period."""

    photos_days: int | None = None
    runs_days: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The effective retention periods, in days, of photos and of the rest of a closed run; None is for ever."""

    photos_days: int | None
    runs_days: int | None


def effective_days(organization: Retention, template: TemplateRetention) -> Kept:
    """Return the retention periods of a template's runs and of their photos, in days, None for ever: the template's own
    or the organization's; photos are kept no longer than their run.
    """
    runs_days = _days(organization.runs_days, template.runs_days)
    photos_days = _days(organization.photos_days, template.photos_days)
    if runs_days is not None and (photos_days is None or photos_days > runs_days):
        photos_days = runs_days
    return Kept(photos_days, runs_days)


def _days(of_organization: int | None, of_template: int | None) -> int | None:
    return of_organization if of_template is None else of_template or None


def days_shown(kept: Kept) -> Mapping[str, int | None]:
    """Return the retention periods, in days, that executors read before they start, by the names `photos` and `all`.
    None where nothing is to be read: for ever, and for `photos` as long as `all`.
    """
    return {"photos": None if kept.photos_days == kept.runs_days else kept.photos_days, "all": kept.runs_days}


NO_DAYS_SHOWN: Mapping[str, int | None] = {"photos": None, "all": None}


def is_due(kept_from: int | None, days: int | None, now: int) -> bool:
    """Tell whether a retention period of `days` from `kept_from` (milliseconds) has ended by `now`. False if one is
    None: the run is still open, or kept for ever.
    """
    return kept_from is not None and days is not None and now - kept_from >= days * times.DAY


def is_shorter(before: int | None, after: int | None) -> bool:
    """Tell whether the retention period `after` is shorter than `before`, in days; None is for ever."""
    return after is not None and (before is None or after < before)
