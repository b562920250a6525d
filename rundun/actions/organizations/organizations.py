"""Organizations: creating them, and changing profile, logo, credits and quota."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from rundun.actions.organizations.quotas import require_quota_left
from rundun.core import times
from rundun.core.actor import ADMINISTRATOR, Actor
from rundun.core.json_types.runs import OrganizationJson
from rundun.core.organizations import colour
from rundun.core.text import MIB
from rundun.core.validation import clean_input
from rundun.errors import FieldError, Invalid, NotFound, Problem, choices_sentence, refused
from rundun.store import files
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.organizations import (
    changes as organization_changes,
    organizations as organization_rows,
    quotas as quota_rows,
    statistics,
)
from rundun.store.organizations.organizations import Organization
from rundun.store.organizations.quotas import StorageUse
from rundun.store.sqlite.transaction import Tx


def organization_json(tx: Tx, org_id: str) -> OrganizationJson:
    """Return an organization as on the wire: with the runs dispatched since the first of the month in UTC, its failed
    deliveries, handled ones included, and the bytes used and allowed, None for unlimited.
    """
    organization, use = organization_rows.get(tx, org_id), quota_rows.get(tx, org_id)
    today = datetime.fromtimestamp(tx.now / times.SECOND, UTC)
    month = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {
        "id": org_id,
        "name": organization.name,
        "contact": organization.contact,
        "credits": organization.credits,
        "runs_this_month": statistics.count_since(tx, org_id, "dispatched", int(month.timestamp()) * times.SECOND),
        "deliveries_failed": delivery_rows.count_failed(tx, org_id),
        "bytes_used": use.used,
        "bytes_quota": use.quota,
    }


UNNAMED = "My organization"  # the name of the first organization until its first owner sets it up
MAX_CREDITS = 2**53 - 1
MAX_MEBIBYTES = 2**30  # a pebibyte


def get(tx: Tx, name: str) -> Organization:
    """Return the organization with an id, else with a name; raises NotFound, and `invalid` if several have the name."""
    matches = organization_rows.list_by_name(tx, name)
    matches = [match for match in matches if match.org_id == name] or matches
    if not matches:
        raise NotFound("organization", name, labels(organization_rows.list_all(tx)))
    if len(matches) > 1:
        ids = ", ".join(match.org_id for match in matches)
        raise Problem("invalid", f"Several organizations have that name; say which: {ids}.")
    return matches[0]


def get_or_only(tx: Tx, name: str | None) -> Organization:
    """Return the organization with an id, else with a name; for None the only one. Raises NotFound, and `invalid` where
    several have the name, or for None where there is none or more than one.
    """
    if name is not None:
        return get(tx, name)
    everyone = organization_rows.list_all(tx)
    if not everyone:
        raise Problem("invalid", "There is no organization yet.")
    if len(everyone) > 1:
        raise Problem("invalid", f"Say which organization, with --org. {choices_sentence(labels(everyone))}")
    return everyone[0]


def labels(everyone: Iterable[Organization]) -> list[str]:
    """Return organizations as “name (id)”."""
    return [f"{organization.name} ({organization.org_id})" for organization in everyone]


def create(tx: Tx, name: str) -> Organization:
    """Create an organization with unlimited credits, and return it. Raises `invalid` for a wrong name, and for one in
    use, since commands name it.
    """
    name = clean_name(name)
    if others := organization_rows.list_by_name(tx, name):
        raise Problem("invalid", f"There is an organization “{name}” already: {others[0].org_id}.")
    made = organization_rows.add(tx, name)
    organization_changes.add(tx, made.org_id, "organization_created", ADMINISTRATOR)
    return made


def clean_name(typed: str) -> str:
    name = clean_input(typed[:10_000])
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise refused("/name", "bad_format", "A name has 1 to 200 printable characters.")
    return name


def set_contact(tx: Tx, org: str, contact: str) -> None:
    """Store the contact shown to executors, of an organization given by id or name; "" removes it."""
    contact = _contact(contact)
    before = get(tx, org)
    organization_rows.put_contact(tx, before.org_id, contact or None)
    _add_change(tx, before, ADMINISTRATOR)


def _contact(typed: str) -> str:
    contact = clean_input(typed[:10_000])
    if len(contact) > 500:
        raise refused("/contact", "bad_format", "A contact has at most 500 characters.")
    return contact


_PROFILE = ("name", "contact", "time_zone", "colour")  # fields of `Organization`


def _add_change(tx: Tx, before: Organization, actor: Actor) -> None:
    """Add the changed fields of an organization's profile to its history."""
    after = organization_rows.get(tx, before.org_id)
    then, now = ({field: getattr(one, field) for field in _PROFILE} for one in (before, after))
    changed = [field for field in _PROFILE if then[field] != now[field]]
    if changed:
        values = {
            "before": {field: then[field] for field in changed},
            "after": {field: now[field] for field in changed},
        }
        organization_changes.add(tx, before.org_id, "organization_changed", actor, **values)


def put_profile(
    tx: Tx, org_id: str, name: str, contact: str, time_zone: str, own_colour: str | None, actor: Actor = ADMINISTRATOR
) -> None:
    """Store an organization's profile; `time_zone` is known to exist. Raises `Invalid` with every wrong field."""
    errors: list[FieldError] = []
    try:
        name = clean_name(name)
    except Problem as problem:
        errors.append(FieldError("/name", "bad_format", problem.detail))
    try:
        contact = _contact(contact)
    except Problem as problem:
        errors.append(FieldError("/contact", "bad_format", problem.detail))
    try:
        own_colour = None if own_colour is None else colour.css(colour.parse(own_colour))
    except ValueError as error:
        errors.append(FieldError("/colour", "bad_format", f"A colour {error}."))
    if errors:
        raise Invalid(errors)
    before = organization_rows.get(tx, org_id)
    organization_rows.put_profile(tx, org_id, name, contact or None, time_zone, own_colour)
    _add_change(tx, before, actor)


def set_up(tx: Tx, org_id: str, name: str, time_zone: str, actor: Actor) -> None:
    """Store the name and time zone that the first owner chose; `time_zone` is known to exist. Raises `Invalid`."""
    try:
        name = clean_name(name)
    except Problem as problem:
        raise Invalid([FieldError("/organization", "bad_format", problem.detail)]) from None
    before = organization_rows.get(tx, org_id)
    organization_rows.put_profile(tx, org_id, name, before.contact, time_zone, before.colour)
    _add_change(tx, before, actor)


def put_logo(tx: Tx, org_id: str, png: bytes | None, actor: Actor = ADMINISTRATOR) -> None:
    """Store an organization's logo, None for none, and remove the previous one. Raises `quota_exceeded`."""
    if png is not None:
        require_quota_left(tx, org_id)
    before = organization_rows.get(tx, org_id).logo
    logo = None if png is None else files.add_small(tx, "image/png", png, hashlib.sha256(png).hexdigest())
    organization_rows.put_logo(tx, org_id, logo)
    if before is not None:
        files.remove(tx, before)
    if logo != before:
        organization_changes.add(tx, org_id, "logo_removed" if logo is None else "logo_changed", actor)


def add_credits(tx: Tx, org: str, amount: int | None, actor: Actor = ADMINISTRATOR) -> int | None:
    """Add credits to an organization, given by id or name, and return the new balance. An unlimited balance becomes
    just `amount`; None makes it unlimited. Raises NotFound, and `invalid` for a balance below 0 or above `MAX_CREDITS`,
    or if several have the name.
    """
    owner = get(tx, org)
    balance = None if amount is None else (owner.credits or 0) + amount
    if balance is not None and not 0 <= balance <= MAX_CREDITS:
        raise refused("/add", "out_of_range", f"That would make the balance {balance}.")
    organization_rows.put_credits(tx, owner.org_id, balance)
    if balance != owner.credits:
        organization_changes.add(tx, owner.org_id, "credits_changed", actor, before=owner.credits, after=balance)
    return balance


def set_quota(tx: Tx, org: str, mebibytes: int | None) -> tuple[int, int | None]:
    """Set the quota of an organization, given by id or name, in MiB: 0 for none, None for the setting's. Return the
    bytes used, and the quota in bytes, None for none. Raises NotFound, and `invalid` out of range or if several have
    the name.
    """
    if mebibytes is not None and not 0 <= mebibytes <= MAX_MEBIBYTES:
        raise Problem("invalid", f"A quota has at most {MAX_MEBIBYTES:,} MiB.")
    owner = get(tx, org)
    before = quota_rows.get(tx, owner.org_id).quota
    quota_rows.put(tx, owner.org_id, None if mebibytes is None else mebibytes * MIB)
    use = get_storage_use(tx, org)
    if use.quota != before:
        organization_changes.add(tx, owner.org_id, "quota_changed", ADMINISTRATOR, before=before, after=use.quota)
    return use.used, use.quota


def get_storage_use(tx: Tx, org: str) -> StorageUse:
    """Return the bytes that an organization, given by id or name, uses, and its quota, None for unlimited; raises
    NotFound, and `invalid` if several have the name.
    """
    return quota_rows.get(tx, get(tx, org).org_id)
