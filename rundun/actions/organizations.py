"""Organizations: made, described, given credits."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from rundun.core import colour, times
from rundun.core.json_types.runs import OrganizationJson
from rundun.core.validation import cleaned
from rundun.errors import FieldError, Invalid, NotFound, Problem
from rundun.store import deliveries, files, organizations, runs
from rundun.store.organizations import Organization
from rundun.store.transaction import Tx


def summary(tx: Tx, org_id: str) -> OrganizationJson:
    """The organization on the wire; the month is the calendar's, in UTC."""
    organization = organizations.get(tx, org_id)
    today = datetime.fromtimestamp(tx.now / times.SECOND, UTC)
    month = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {
        "id": org_id,
        "name": organization.name,
        "contact": organization.contact,
        "credits": organization.credits,
        "runs_this_month": runs.count_since(tx, org_id, int(month.timestamp()) * times.SECOND),
        "deliveries_failed": deliveries.count_failed(tx, org_id),
    }


MAX_CREDITS = 2**53 - 1


def find(tx: Tx, name: str) -> Organization:
    """The one organization with that id, else with that name; raises NotFound, or says that the name is not unique."""
    found = organizations.named(tx, name)
    found = [one for one in found if one.org_id == name] or found
    if not found:
        raise NotFound("organization")
    if len(found) > 1:
        ids = ", ".join(one.org_id for one in found)
        raise Problem("invalid", f"Several organizations have that name; say which: {ids}.")
    return found[0]


def find_or_only(tx: Tx, name: str | None) -> Organization:
    """As `find`; without a name the only one there is."""
    if name is not None:
        return find(tx, name)
    found = organizations.everyone(tx)
    if len(found) != 1:
        raise Problem("invalid", "Say which organization, with --org." if found else "There is no organization yet.")
    return found[0]


def create(tx: Tx, name: str) -> Organization:
    """A new organization, unlimited until it is given a balance. Its name is its own, since commands go by names."""
    kept = _line(name)
    if found := organizations.named(tx, kept):
        raise Problem("invalid", f"There is an organization “{kept}” already: {found[0].org_id}.")
    return organizations.add(tx, kept)


def _line(words: str) -> str:
    kept = cleaned(words[:10_000])
    if not 0 < len(kept) <= 200 or not kept.isprintable():
        raise Problem("invalid", "A name has 1 to 200 printable characters.")
    return kept


def set_contact(tx: Tx, organization: str, contact: str) -> None:
    """How an executor reaches the organization; "" takes it away."""
    kept = _contact(contact)
    organizations.put_contact(tx, find(tx, organization).org_id, kept or None)


def _contact(words: str) -> str:
    kept = cleaned(words[:10_000])
    if len(kept) > 500:
        raise Problem("invalid", "A contact has at most 500 characters.")
    return kept


def put_profile(tx: Tx, org_id: str, name: str, contact: str, time_zone: str, own_colour: str | None) -> None:
    """What the organization says of itself; `time_zone` is known to be one. Raises `invalid` with every wrong field."""
    errors: list[FieldError] = []
    kept_name, kept_contact = "", ""
    try:
        kept_name = _line(name)
    except Problem as problem:
        errors.append(FieldError("/name", "bad_format", problem.detail))
    try:
        kept_contact = _contact(contact)
    except Problem as problem:
        errors.append(FieldError("/contact", "bad_format", problem.detail))
    try:
        kept_colour = None if own_colour is None else colour.css(colour.parse(own_colour))
    except ValueError as error:
        errors.append(FieldError("/colour", "bad_format", f"A colour {error}."))
    if errors:
        raise Invalid(errors)
    organizations.put_profile(tx, org_id, kept_name, kept_contact or None, time_zone, kept_colour)


def put_logo(tx: Tx, org_id: str, png: bytes | None) -> None:
    """Another logo, or none; the one before is erased."""
    before = organizations.get(tx, org_id).logo
    now = None if png is None else files.add_small(tx, "image/png", png, hashlib.sha256(png).hexdigest())
    organizations.put_logo(tx, org_id, now)
    if before is not None:
        files.remove(tx, before)


def add_credits(tx: Tx, organization: str, amount: int | None) -> int | None:
    """Give credits (an unlimited organization then has just these), or None to make it unlimited. Returns the new
    balance.
    """
    found = find(tx, organization)
    balance = None if amount is None else (found.credits or 0) + amount
    if balance is not None and not 0 <= balance <= MAX_CREDITS:
        raise Problem("invalid", f"That would make the balance {balance}.")
    organizations.put_credits(tx, found.org_id, balance)
    return balance
