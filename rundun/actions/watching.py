"""What the operator watches: runs in a list with the names their templates had, and one run with all its past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rundun.actions.sheet import Sheet, load
from rundun.core.answer import Answer
from rundun.core.run import Run
from rundun.store import answers, deliveries, events, run_changes, run_lists, runs, statistics, templates
from rundun.store.deliveries import Delivery
from rundun.store.events import Told
from rundun.store.pagination import Page, Slice
from rundun.store.run_changes import Change
from rundun.store.run_lists import Filter
from rundun.store.transaction import Tx

MOST_EVENTS = 1000  # shown of one run; a run of 500 steps has about as many
MOST_REPLACED = 2000  # of one run
MOST_DELIVERIES = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A run in a list; `name` is its template's as of the run's version."""

    run: Run
    name: str


@dataclass(frozen=True, slots=True)
class Watched:
    """One run with its past: `replaced` are each step's answers that are not in force any more, the newest first."""

    sheet: Sheet
    replaced: Mapping[str, Sequence[Answer]]
    events: Sequence[Told]
    changes: Sequence[Change]
    deliveries: Page[Delivery]
    now: int


@dataclass(frozen=True, slots=True)
class Failing:
    """Deliveries that have failed, each with its run's reference, the place to go on from, and how many are `pending`:
    counted to `tallies.MOST`, and one more means more. Of those counted the first is tried at `next_attempt_at`.
    """

    items: Sequence[tuple[Delivery, str | None]]
    next_before: tuple[int, ...] | None
    pending: int
    next_attempt_at: int | None


def failing(tx: Tx, org_id: str, wanted: Slice) -> Failing:
    """What has failed of an organization's deliveries, the newest first, and what is under way."""
    page = deliveries.page(tx, org_id, "failed", wanted)
    items = [(one, runs.get(tx, one.run_id).executor_ref) for one in page.items]
    return Failing(items, page.next_before, *statistics.pending_deliveries(tx, org_id))


def listed(tx: Tx, org_id: str, chosen: Filter, wanted: Slice) -> Page[Row]:
    """Runs of an organization as `runs.page` has them."""
    page = run_lists.page(tx, org_id, chosen, wanted)
    rows = [
        Row(run, templates.get_version(tx, run.template_id, run.template_v).template.name)
        for run in page.items
    ]
    return Page(rows, page.next_before)


def names(tx: Tx, org_id: str) -> list[tuple[str, str]]:
    """(id, name) of the organization's newest 100 templates, archived ones too, by name."""
    heads = templates.page(tx, org_id, Slice(100), include_archived=True).items
    named = [(head.template_id, templates.get_version(tx, head.template_id, head.v)) for head in heads]
    return sorted(
        ((template_id, version.template.name) for template_id, version in named),
        key=lambda one: (one[1].casefold(), one[0]),
    )


def run(tx: Tx, org_id: str, run_id: str, step_id: str = "") -> Watched:
    """All there is of an organization's run, or NotFound; of the step named all past answers, however many others of
    the run have.
    """
    sheet = load(tx, runs.get_of_org(tx, org_id, run_id))
    past = [*answers.replaced(tx, run_id, MOST_REPLACED)]
    if step_id:
        past = [one for one in past if one[0] != step_id] + answers.replaced_of_step(tx, run_id, step_id)
    return Watched(
        sheet,
        _replaced(past, sheet.answers),
        events.told_of_run(tx, run_id, MOST_EVENTS),
        run_changes.of_run(tx, run_id, MOST_EVENTS),
        deliveries.page_of_run(tx, run_id, Slice(MOST_DELIVERIES)),
        tx.now,
    )


def _replaced(found: Sequence[tuple[str, Answer]], in_force: Mapping[str, Answer]) -> dict[str, list[Answer]]:
    """By step, without those that said no more than the one after them: a phone that repeats itself."""
    replaced: dict[str, list[Answer]] = {}
    for step_id, answer in found:
        past = replaced.setdefault(step_id, [])
        after = past[-1] if past else in_force.get(step_id)
        if after is None or answer.content() != after.content():
            past.append(answer)
    return {step_id: past for step_id, past in replaced.items() if past}
