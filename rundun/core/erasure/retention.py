"""Retention: how long photos, runs and attempts are kept, and what of it holds for the runs of a template."""

from collections.abc import Mapping
from dataclasses import dataclass

from rundun.core import times

FOREVER = 0  # days of a template that keeps for ever what its organization does not
MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Retention:
    """How long an organization keeps what belongs to closed runs, and attempts of settled deliveries, in days; None is
    for ever. `tells`: executors read of it before they start.
    """

    photos_days: int | None = None
    runs_days: int | None = None
    attempts_days: int | None = 90
    tells: bool = True


@dataclass(frozen=True, slots=True)
class TemplateRetention:
    """What a template has of its own, in days: `FOREVER`, or None where it is as the organization has it."""

    photos_days: int | None = None
    runs_days: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """How long photos and the rest of a closed run are kept, in days; None is for ever."""

    photos_days: int | None
    runs_days: int | None


def in_force(organization: Retention, template: TemplateRetention) -> Kept:
    """Return what holds for the runs of a template: the template's own days where it has some. Photos are kept no
    longer than their run.
    """
    runs_days = _days(organization.runs_days, template.runs_days)
    photos_days = _days(organization.photos_days, template.photos_days)
    if runs_days is not None and (photos_days is None or photos_days > runs_days):
        photos_days = runs_days
    return Kept(photos_days, runs_days)


def _days(of_organization: int | None, of_template: int | None) -> int | None:
    return of_organization if of_template is None else of_template or None


def days_shown(kept: Kept) -> Mapping[str, int | None]:
    """Return the days that executors read of before they start: those of `photos` where these are fewer than those of
    `all`, None where there is nothing to be read.
    """
    return {"photos": None if kept.photos_days == kept.runs_days else kept.photos_days, "all": kept.runs_days}


NO_DAYS_SHOWN: Mapping[str, int | None] = {"photos": None, "all": None}


def is_due(kept_from: int | None, days: int | None, now: int) -> bool:
    """Tell whether what is kept for so many days from `kept_from` on is to be deleted now: of an open run nothing."""
    return kept_from is not None and days is not None and now - kept_from >= days * times.DAY


def is_shorter(before: int | None, after: int | None) -> bool:
    """Tell whether a change of the days deletes sooner, None being for ever."""
    return after is not None and (before is None or after < before)
