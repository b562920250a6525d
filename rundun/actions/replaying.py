"""Sending again what was sent before: one delivery, or all that have failed."""

from __future__ import annotations

from dataclasses import dataclass

from rundun.errors import NotFound
from rundun.store import deliveries, runs
from rundun.store.deliveries import Delivery, Failed, Place
from rundun.store.transaction import Tx

STEP = 500  # deliveries asked for in one transaction, which takes some ten milliseconds


@dataclass(frozen=True, slots=True)
class Step:
    """How many are sent again so far, and where to go on from."""

    count: int = 0
    after: Place = (0, 0)


def retry(tx: Tx, org_id: str, delivery_id: str) -> Delivery:
    """One delivery goes out now, also one that has arrived before; raises NotFound."""
    number = deliveries.get_of_org(tx, org_id, delivery_id).number
    deliveries.send_again(tx, number)
    return deliveries.get_of_org(tx, org_id, delivery_id)


def retry_of_run(tx: Tx, org_id: str, run_id: str, delivery_id: str) -> Delivery:
    """As `retry`, of a delivery of that run; raises NotFound for any other."""
    if deliveries.get_of_org(tx, org_id, delivery_id).run_id != run_id:
        raise NotFound("delivery")
    return retry(tx, org_id, delivery_id)


def is_more(tx: Tx, org_id: str, wanted: Failed, so_far: Step) -> bool:
    """True when more are left than `retry_failed` takes at once."""
    return len(deliveries.failed(tx, org_id, wanted, so_far.after, STEP + 1)) > STEP


def retry_failed(tx: Tx, org_id: str, wanted: Failed, so_far: Step) -> Step:
    """The next of all failed deliveries that are `wanted` go out now, at most `STEP` of them, so that nobody waits long
    for the file; raises NotFound for the run.
    """
    if wanted.run_id is not None:
        runs.get_of_org(tx, org_id, wanted.run_id)
    places = deliveries.failed(tx, org_id, wanted, so_far.after, STEP)
    for _, number in places:
        deliveries.send_again(tx, number)
    return Step(so_far.count + len(places), places[-1] if places else so_far.after)
