"""The command `orgs retention`: how long an organization keeps photos, runs and attempts."""

import re
from dataclasses import asdict

import click

from rundun.actions.erasure import retention
from rundun.actions.organizations import organizations
from rundun.cli.completion import ORG
from rundun.cli.context import run_reading, run_writing, with_output
from rundun.cli.terminal import Output
from rundun.config.settings import ServiceSettings
from rundun.core.erasure.retention import MAX_DAYS, Retention
from rundun.store.sqlite.transaction import Tx


class Days(click.ParamType[int]):
    """A number of days, or `forever`, which is 0."""

    name = "days"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of days, 0 for `forever`, or fail with the values that are allowed."""
        typed = str(value)
        if typed == "forever":
            return 0
        if not re.fullmatch(r"[1-9][0-9]{0,8}", typed, re.ASCII) or int(typed) > MAX_DAYS:
            self.fail(f"Say a whole number from 1 to {MAX_DAYS:,}, or forever.", param, ctx)
        return int(typed)


@click.command("retention")
@click.argument("org", type=ORG)
@click.option("--photos-days", type=Days(), help="How long photos are kept once their run is closed, or forever.")
@click.option("--runs-days", type=Days(), help="How long whole runs are kept once closed, or forever.")
@click.option("--attempts-days", type=Days(), help="How long attempts are kept once their delivery ends, or forever.")
@click.option("--tell/--no-tell", default=None, help="Whether executors read these periods before they start.")
@with_output
def orgs_retention(
    settings: ServiceSettings,
    org: str,
    photos_days: int | None,
    runs_days: int | None,
    attempts_days: int | None,
    tell: bool | None,
) -> Output:
    """Set how long an organization keeps photos, runs and attempts; print the periods in force."""
    given = {"photos_days": photos_days, "runs_days": runs_days, "attempts_days": attempts_days}
    changes: dict[str, int | bool | None] = {name: days or None for name, days in given.items() if days is not None}
    if tell is not None:
        changes["tells"] = tell
    if changes:
        periods = Retention(**run_writing(settings, "orgs retention", org=org, changes=changes))
    else:
        periods = run_reading(settings, lambda tx: _get_retention(tx, org))
    kept = {"photos": periods.photos_days, "runs": periods.runs_days, "attempts": periods.attempts_days}
    lines = [f"{what} {_days_text(days)}" for what, days in kept.items()]
    return Output(asdict(periods), [*lines, "executors are told" if periods.tells else "executors are not told"])


def _get_retention(tx: Tx, org: str) -> Retention:
    return retention.get_of_organization(tx, organizations.get(tx, org).org_id)


def _days_text(days: int | None) -> str:
    return "forever" if days is None else f"{days} day{'s' if days > 1 else ''}"
