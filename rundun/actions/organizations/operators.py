"""Operators of the console: inviting, signing in and out, changing and removing them. Callers hash the passwords."""

import re
import secrets
from dataclasses import dataclass

from rundun.actions.organizations import organizations
from rundun.core import times
from rundun.core.actor import ADMINISTRATOR, Actor
from rundun.core.tokens import digest
from rundun.core.validation import clean_input
from rundun.errors import NotFound, Problem, TooMany, choices_sentence, refused
from rundun.store.organizations import (
    changes as organization_changes,
    operators as operator_rows,
    organizations as organization_rows,
)
from rundun.store.organizations.operators import Invitation, Operator, Role
from rundun.store.organizations.organizations import Organization
from rundun.store.sqlite.transaction import Tx

SESSION_TTL_MS = 30 * 24 * times.HOUR
SESSION_IDLE_MS = 14 * 24 * times.HOUR
SETUP_TTL_MS = times.HOUR
INVITATION_TTL_MS = 7 * 24 * times.HOUR
SESSION_MARK = "s."  # prefix of session tokens; older tokens without it are in a cookie with another name
MAX_OPERATORS, MAX_INVITATIONS = 500, 100  # of one organization
MAX_SAME_EMAIL = 10  # operators of one address whose passwords are checked at sign-in
# Usual addresses: of the special characters that RFC 5321 allows, none that a shell interprets.
_EMAIL = re.compile(r"[\w.%+'=/\x80-\U0010ffff-]+@[\w\x80-\U0010ffff-]+(\.[\w\x80-\U0010ffff-]+)+")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A signed-in operator, the operator's organization, and the stored last use of the session, up to an hour old."""

    operator: Operator
    organization: Organization
    used_at: int


@dataclass(frozen=True, slots=True)
class SetUp:
    """The organization's name and time zone chosen by its first owner. The time zone is known to exist."""

    name: str
    time_zone: str


def new_token() -> str:
    """Return a new random token for a session or a link."""
    return secrets.token_urlsafe(32)


def clean_email(typed: str) -> str:
    """Return an e-mail address in its stored form, trimmed and in lower case; raises `invalid`."""
    email = _stored_email(typed)
    if len(email) > 254 or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise refused("/email", "bad_format", "That is no e-mail address.")
    return email


def _stored_email(typed: str) -> str:
    """Return an address trimmed and in lower case, its format unchecked, to find one stored under earlier rules."""
    return clean_input(typed[:10_000]).lower()


def clean_name(typed: str) -> str:
    """Return a person's name in its stored form, trimmed; raises `invalid`."""
    name = clean_input(typed[:10_000])
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise refused("/name", "bad_format", "A name has 1 to 200 characters.")
    return name


def find_signed_in(tx: Tx, token: str) -> SignedIn | None:
    """Return the operator of a session, with the organization and the stored last use, up to an hour old; None if the
    token is unknown, expired, or by that use idle for `SESSION_IDLE_MS`.
    """
    found = operator_rows.find_by_session(tx, digest(token), tx.now - SESSION_IDLE_MS)
    if found is None:
        return None
    operator, used_at = found
    return SignedIn(operator, organization_rows.get(tx, operator.org_id), used_at)


def sign_in(tx: Tx, operator_id: str, password_hash: str) -> str:
    """Begin a session for an operator after the right password; return its token. `password_hash` is the hash that was
    checked. Raises NotFound if the operator was removed or now has another password or a second factor.
    """
    if get_unchanged(tx, operator_id, password_hash).has_second_factor:
        raise NotFound("operator")
    return begin_session(tx, operator_id)


def get_unchanged(tx: Tx, operator_id: str, password_hash: str) -> Operator:
    """Return an operator if the password hash has not changed since it was checked; raises NotFound."""
    operator = operator_rows.get(tx, operator_id)
    if operator.password_hash != password_hash:
        raise NotFound("operator")
    return operator


def begin_session(tx: Tx, operator_id: str) -> str:
    """Begin a session of an operator and return its token, of which only the digest is stored."""
    token = SESSION_MARK + new_token()
    operator_rows.add_session(tx, operator_id, digest(token), tx.now + SESSION_TTL_MS)
    return token


def sign_out(tx: Tx, token: str) -> None:
    """End the session of a token."""
    operator_rows.remove_session(tx, digest(token))


def actor_of(operator: Operator) -> Actor:
    """Return an operator as the `Actor` of history entries."""
    return Actor("operator", operator.name, operator.operator_id)


def change_password(
    tx: Tx, operator_id: str, password_hash: str, token: str = "", actor: Actor = ADMINISTRATOR
) -> None:
    """Set an operator's password hash. All sessions but that of `token` end, and so does a link for setting it. An
    owner's change ends all password links of the organization, since anyone with the old password could have made them.
    """
    operator = operator_rows.get(tx, operator_id)
    operator_rows.put_password(tx, operator_id, password_hash)
    operator_rows.remove_sessions(tx, operator_id, but=digest(token))
    operator_rows.remove_password_reset(tx, operator_id)
    if operator.role == "owner":
        operator_rows.remove_password_resets(tx, operator.org_id)
    organization_changes.add(tx, operator.org_id, "password_set", actor, operator=operator.name)


def invite(tx: Tx, org_id: str, email: str, role: Role, actor: Actor = ADMINISTRATOR) -> str:
    """Invite a new operator; return the token of the link, valid for seven days. Earlier links for the address end.
    Raises `invalid` for a malformed address, that of an operator of the organization, or at its maximum of operators or
    invitations. Operators of other organizations are not considered, so nothing about them is revealed.
    """
    email = check_email(tx, org_id, email)
    operator_rows.remove_invitations(tx, org_id, email)
    if operator_rows.count_invitations(tx, org_id) >= MAX_INVITATIONS:
        detail = f"At most {MAX_INVITATIONS} invitations can be open; withdraw one first."
        raise TooMany("invitations", MAX_INVITATIONS, detail)
    token = new_token()
    operator_rows.add_invitation(tx, org_id, email, role, digest(token), tx.now + INVITATION_TTL_MS)
    organization_changes.add(tx, org_id, "operator_invited", actor, email=email, role=role)
    return token


def withdraw_invitation(tx: Tx, org_id: str, invitation_id: str, actor: Actor = ADMINISTRATOR) -> None:
    """Withdraw an invitation, so that its link no longer works; raises NotFound."""
    found = [row for row in operator_rows.list_invitations(tx, org_id) if row.invitation_id == invitation_id]
    if not found:
        raise NotFound("invitation")
    operator_rows.remove_invitation(tx, org_id, invitation_id)
    organization_changes.add(tx, org_id, "invitation_withdrawn", actor, email=found[0].email)


def create_setup_link(tx: Tx, org_id: str) -> str:
    """Create a setup link for an owner, valid for one hour; return its token. As the administrator's way in, it does
    not count towards `MAX_INVITATIONS`.
    """
    token = new_token()
    operator_rows.add_invitation(tx, org_id, None, "owner", digest(token), tx.now + SETUP_TTL_MS)
    organization_changes.add(tx, org_id, "setup_link_created", ADMINISTRATOR)
    return token


def get_invitation(tx: Tx, token: str) -> tuple[Invitation, Organization]:
    """Return the invitation of a link's token, and its organization; raises NotFound if it no longer works."""
    invitation = operator_rows.find_invitation(tx, digest(token))
    if invitation is None:
        raise NotFound("invitation")
    return invitation, organization_rows.get(tx, invitation.org_id)


def join_and_sign_in(
    tx: Tx, token: str, email: str, name: str, password_hash: str, set_up: SetUp | None = None
) -> tuple[Operator, str]:
    """Create an operator by an invitation link, which ends it, and begin a session; return the operator and the
    session's token. `email` counts only if the invitation has none. The first owner may `set_up` the organization; from
    others it is ignored. Raises `invalid` like `add`, also for a wrong name of the organization, and NotFound if the
    link was used in the meantime.
    """
    invitation, _ = get_invitation(tx, token)
    sets_up = is_first_owner(tx, invitation)
    operator = _add(tx, invitation.org_id, invitation.email or email, name, invitation.role, password_hash)
    operator_rows.remove_invitation(tx, invitation.org_id, invitation.invitation_id)
    organization_changes.add(tx, operator.org_id, "operator_joined", actor_of(operator), role=operator.role)
    if sets_up and set_up:
        organizations.set_up(tx, operator.org_id, set_up.name, set_up.time_zone, actor_of(operator))
    return operator, begin_session(tx, operator.operator_id)


def get_invitation_to_show(tx: Tx, token: str) -> tuple[Invitation, Organization, bool]:
    """Return the invitation, its organization, and whether joining makes the first owner; raises NotFound."""
    invitation, organization = get_invitation(tx, token)
    return invitation, organization, is_first_owner(tx, invitation)


def is_first_owner(tx: Tx, invitation: Invitation) -> bool:
    """Tell whether an invitation makes the first owner of its organization."""
    return invitation.role == "owner" and not operator_rows.has_owner(tx, invitation.org_id)


def add(tx: Tx, org_id: str, email: str, name: str, role: Role, password_hash: str) -> Operator:
    """Add an operator to an organization for the administrator; return the operator. Raises `invalid` for a malformed
    or taken address, a wrong name, or an organization with `MAX_OPERATORS`.
    """
    operator = _add(tx, org_id, email, name, role, password_hash)
    values = {"operator": operator.name, "email": operator.email, "role": role}
    organization_changes.add(tx, org_id, "operator_added", ADMINISTRATOR, **values)
    return operator


def _add(tx: Tx, org_id: str, email: str, name: str, role: Role, password_hash: str) -> Operator:
    """Add and return an operator. The first owner ends all setup links: a terminal or log may show them to others."""
    if role == "owner" and not operator_rows.has_owner(tx, org_id):
        operator_rows.remove_setup_links(tx, org_id)
    return operator_rows.add(tx, org_id, check_email(tx, org_id, email), clean_name(name), role, password_hash)


def check_email(tx: Tx, org_id: str, typed: str) -> str:
    """Return the stored form of an address for a new operator; raises `invalid` if it is malformed or taken in this
    organization, or the organization is full.
    """
    email = clean_email(typed)
    if operator_rows.find_in_org(tx, org_id, email) is not None:
        raise refused("/email", "duplicate", "There is an operator with that address.")
    if operator_rows.count_of_org(tx, org_id) >= MAX_OPERATORS:
        detail = f"An organization has at most {MAX_OPERATORS} operators; remove one first."
        raise TooMany("operators", MAX_OPERATORS, detail)
    return email


def list_candidates(tx: Tx, email: str) -> list[tuple[Operator, Organization]]:
    """List the first ten operators of all organizations with an address in its stored form, oldest first, each with the
    organization, to try their passwords at sign-in.
    """
    rows = operator_rows.list_by_email(tx, email)[:MAX_SAME_EMAIL]
    return [(row, organization_rows.get(tx, row.org_id)) for row in rows]


def get_by_email(tx: Tx, email: str, org: str | None = None) -> Operator:
    """Return the operator with an e-mail address. `org` is the id or name of the organization. Raises NotFound, and
    `invalid` without `org` if several organizations have one, or if several have the name `org`.
    """
    if org is not None:
        org_id = organizations.get(tx, org).org_id
        operator = operator_rows.find_in_org(tx, org_id, _stored_email(email))
        found = [] if operator is None else [operator]
    else:
        found = operator_rows.list_by_email(tx, _stored_email(email))
    if not found:
        everyone = operator_rows.list_all(tx) if org is None else operator_rows.list_of_org(tx, org_id)
        raise NotFound("operator", email, list(dict.fromkeys(operator.email for operator in everyone)))
    if len(found) > 1:
        theirs = organizations.labels(organization_rows.get(tx, operator.org_id) for operator in found)
        which = "Several organizations have an operator with that address; say which with --org."
        raise Problem("invalid", f"{which} {choices_sentence(theirs)}")
    return found[0]


def remove_by_email(tx: Tx, email: str, org: str | None = None) -> None:
    """Remove an operator for the administrator, even the last owner: a new setup link can be made."""
    remove_by_administrator(tx, get_by_email(tx, email, org).operator_id)


def remove_by_administrator(tx: Tx, operator_id: str) -> None:
    """Remove an operator, even the last owner; raises NotFound."""
    _remove(tx, operator_rows.get(tx, operator_id), ADMINISTRATOR)


def _remove(tx: Tx, operator: Operator, actor: Actor) -> None:
    _remove_links(tx, operator)
    operator_rows.remove(tx, operator.operator_id)
    values = {"operator": operator.name, "email": operator.email}
    organization_changes.add(tx, operator.org_id, "operator_removed", actor, **values)


def remove(tx: Tx, org_id: str, operator_id: str, actor: Actor = ADMINISTRATOR) -> None:
    """Remove an operator and the operator's sessions; raises NotFound, and `wrong_status` for the last owner. Removing
    an operator again succeeds, as the erasure journal may still lack the entry.
    """
    if operator_rows.is_removed(tx, operator_id):
        operator_rows.remove(tx, operator_id)
        return
    operator = get_of_org(tx, org_id, operator_id)
    _require_other_owner(tx, operator)
    _remove(tx, operator, actor)


def put_role(tx: Tx, org_id: str, operator_id: str, role: Role, actor: Actor = ADMINISTRATOR) -> None:
    """Change an operator's role; raises NotFound, and `wrong_status` for the last owner."""
    operator = get_of_org(tx, org_id, operator_id)
    if role != "owner":
        _require_other_owner(tx, operator)
        _remove_links(tx, operator)
    operator_rows.put_role(tx, operator.operator_id, role)
    if role != operator.role:
        values = {"operator": operator.name, "before": operator.role, "after": role}
        organization_changes.add(tx, org_id, "role_changed", actor, **values)


def get_of_org(tx: Tx, org_id: str, operator_id: str) -> Operator:
    """Return an organization's operator; raises NotFound."""
    operator = operator_rows.get(tx, operator_id)
    if operator.org_id != org_id:
        raise NotFound("operator")
    return operator


def _require_other_owner(tx: Tx, leaving: Operator) -> None:
    others = [row for row in operator_rows.list_of_org(tx, leaving.org_id) if row.operator_id != leaving.operator_id]
    if leaving.role == "owner" and not any(other.role == "owner" for other in others):
        raise Problem("wrong_status", "An organization keeps at least one owner; make somebody else one first.")


def _remove_links(tx: Tx, leaving: Operator) -> None:
    """Remove all links that an owner may have made for later use, as they must not outlive the owner's rights."""
    if leaving.role == "owner":
        operator_rows.remove_invitations(tx, leaving.org_id)
        operator_rows.remove_password_resets(tx, leaving.org_id)


def list_team(tx: Tx, org_id: str) -> tuple[list[Operator], list[Invitation]]:
    """Return an organization's operators and its open invitations, each oldest first."""
    return operator_rows.list_of_org(tx, org_id), operator_rows.list_invitations(tx, org_id)
