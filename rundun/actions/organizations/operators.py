"""Operators, who may use the console: invite, sign in and out, remove. Passwords come here hashed."""

import re
import secrets
from dataclasses import dataclass

from rundun.actions.organizations import organizations as organization_actions
from rundun.core import times
from rundun.core.actor import ADMINISTRATOR, Actor
from rundun.core.tokens import digest
from rundun.core.validation import clean_input
from rundun.errors import NotFound, Problem, TooMany, choices_sentence, refused
from rundun.store.organizations import changes, operators, organizations
from rundun.store.organizations.operators import Invitation, Operator, Role
from rundun.store.organizations.organizations import Organization
from rundun.store.sqlite.transaction import Tx

SESSION_TTL_MS = 30 * 24 * times.HOUR
SESSION_IDLE_MS = 14 * 24 * times.HOUR
SETUP_TTL_MS = times.HOUR
INVITATION_TTL_MS = 7 * 24 * times.HOUR
SESSION_MARK = "s."  # what tokens of sessions begin with; those from before this mark have another cookie
MAX_OPERATORS, MAX_INVITATIONS = 500, 100  # of one organization
MAX_SAME_EMAIL = 10  # operators of one address whose password is checked at sign-in
# An address as people have them: of what RFC 5321 knows beside letters and digits, nothing a shell would run.
_EMAIL = re.compile(r"[\w.%+'=/\x80-\U0010ffff-]+@[\w\x80-\U0010ffff-]+(\.[\w\x80-\U0010ffff-]+)+")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An operator who is signed in, the organization they work for, and when the session was used last, up to an hour
    ago.
    """

    operator: Operator
    organization: Organization
    used_at: int


@dataclass(frozen=True, slots=True)
class SetUp:
    """What the first owner says of the organization: its name, and its time zone, which is known to be one."""

    name: str
    time_zone: str


def new_token() -> str:
    """Make a token for a session or a link; unguessable."""
    return secrets.token_urlsafe(32)


def clean_email(typed: str) -> str:
    """Return an e-mail address as it is stored; raises `invalid`."""
    email = _as_stored(typed)
    if len(email) > 254 or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise refused("/email", "bad_format", "That is no e-mail address.")
    return email


def _as_stored(typed: str) -> str:
    """Return an address as one is looked for that may be there since other characters were allowed."""
    return clean_input(typed[:10_000]).lower()


def clean_name(typed: str) -> str:
    """Return a person's name as it is stored; raises `invalid`."""
    name = clean_input(typed[:10_000])
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise refused("/name", "bad_format", "A name has 1 to 200 characters.")
    return name


def signed_in(tx: Tx, token: str) -> SignedIn | None:
    """Return who has signed in with a token, None for a token that is unknown, has expired or was idle for too long."""
    found = operators.find_by_session(tx, digest(token), tx.now - SESSION_IDLE_MS)
    if found is None:
        return None
    operator, used_at = found
    return SignedIn(operator, organizations.get(tx, operator.org_id), used_at)


def sign_in(tx: Tx, operator_id: str, password_hash: str) -> str:
    """Begin a session for who has given the right password, whose hash is `password_hash`; returns its token. Raises
    NotFound for an operator who was removed, has another password, or needs a second factor by now.
    """
    if get_unchanged(tx, operator_id, password_hash).has_second_factor:
        raise NotFound("operator")
    return begin_session(tx, operator_id)


def get_unchanged(tx: Tx, operator_id: str, password_hash: str) -> Operator:
    """Return an operator whose password has not been changed since it was checked, or raise NotFound."""
    operator = operators.get(tx, operator_id)
    if operator.password != password_hash:
        raise NotFound("operator")
    return operator


def begin_session(tx: Tx, operator_id: str) -> str:
    """Begin a session of an operator who has proved who they are; returns its token, which is known here only now."""
    token = SESSION_MARK + new_token()
    operators.add_session(tx, operator_id, digest(token), tx.now + SESSION_TTL_MS)
    return token


def sign_out(tx: Tx, token: str) -> None:
    """End the session of a token."""
    operators.remove_session(tx, digest(token))


def actor_of(operator: Operator) -> Actor:
    """Return an operator as the actor whom a history names."""
    return Actor("operator", operator.name, operator.operator_id)


def change_password(tx: Tx, operator_id: str, password: str, token: str = "", actor: Actor = ADMINISTRATOR) -> None:
    """Change an operator's password; all other sessions than that of `token` are over, and a link to set it is void: an
    owner's password voids all such links of the organization, any of which who knew it may have made for themselves.
    """
    operator = operators.get(tx, operator_id)
    operators.put_password(tx, operator_id, password)
    operators.remove_sessions(tx, operator_id, but=digest(token))
    operators.remove_password_reset(tx, operator_id)
    if operator.role == "owner":
        operators.remove_password_resets(tx, operator.org_id)
    changes.add(tx, operator.org_id, "password_set", actor, operator=operator.name)


def invite(tx: Tx, org_id: str, email: str, role: Role, actor: Actor = ADMINISTRATOR) -> str:
    """Invite a new operator; returns the token of a link, good for seven days, and the only one. Raises `invalid` where
    the organization has an operator with that address, or too many operators or invitations. Whether another one has is
    not told.
    """
    email = free_email(tx, org_id, email)
    operators.remove_invitations(tx, org_id, email)
    if operators.count_invitations(tx, org_id) >= MAX_INVITATIONS:
        detail = f"At most {MAX_INVITATIONS} invitations can be open; take one back first."
        raise TooMany("invitations", MAX_INVITATIONS, detail)
    token = new_token()
    operators.add_invitation(tx, org_id, email, role, digest(token), tx.now + INVITATION_TTL_MS)
    changes.add(tx, org_id, "operator_invited", actor, email=email, role=role)
    return token


def withdraw_invitation(tx: Tx, org_id: str, invitation_id: str, actor: Actor = ADMINISTRATOR) -> None:
    """Take back an invitation, whose link nobody can use any more; raises NotFound."""
    found = [row for row in operators.invitations_of(tx, org_id) if row.invitation_id == invitation_id]
    if not found:
        raise NotFound("invitation")
    operators.remove_invitation(tx, org_id, invitation_id)
    changes.add(tx, org_id, "invitation_withdrawn", actor, email=found[0].email)


def create_setup_link(tx: Tx, org_id: str) -> str:
    """Make a setup link for an owner, good for one hour; returns its token. It is the administrator's way in, and made
    however many invitations there are.
    """
    token = new_token()
    operators.add_invitation(tx, org_id, None, "owner", digest(token), tx.now + SETUP_TTL_MS)
    changes.add(tx, org_id, "setup_link_created", ADMINISTRATOR)
    return token


def invitation_of(tx: Tx, token: str) -> tuple[Invitation, Organization]:
    """Return the invitation behind a link's token; NotFound when it was used or has expired."""
    invitation = operators.find_invitation(tx, digest(token))
    if invitation is None:
        raise NotFound("invitation")
    return invitation, organizations.get(tx, invitation.org_id)


def join_and_sign_in(
    tx: Tx, token: str, email: str, name: str, password: str, set_up: SetUp | None = None
) -> tuple[Operator, str]:
    """Make an operator of whoever uses a link, once, and begin a session for them; returns its token, too. The first
    owner may `set_up` the organization, which nobody after them does here. Raises NotFound when somebody was faster,
    `invalid`.
    """
    invitation, _ = invitation_of(tx, token)
    sets_up = is_first_owner(tx, invitation)
    operator = _add(tx, invitation.org_id, invitation.email or email, name, invitation.role, password)
    operators.remove_invitation(tx, invitation.org_id, invitation.invitation_id)
    changes.add(tx, operator.org_id, "operator_joined", actor_of(operator), role=operator.role)
    if sets_up and set_up:
        organization_actions.set_up(tx, operator.org_id, set_up.name, set_up.time_zone, actor_of(operator))
    return operator, begin_session(tx, operator.operator_id)


def invitation_to_show(tx: Tx, token: str) -> tuple[Invitation, Organization, bool]:
    """Return what `invitation_of` does, and whether who uses the link is the first owner, who sets all up."""
    invitation, organization = invitation_of(tx, token)
    return invitation, organization, is_first_owner(tx, invitation)


def is_first_owner(tx: Tx, invitation: Invitation) -> bool:
    """Tell whether a link makes the first owner of an organization, who sets it up."""
    return invitation.role == "owner" and not operators.has_owner(tx, invitation.org_id)


def add(tx: Tx, org_id: str, email: str, name: str, role: Role, password: str) -> Operator:
    """Add an operator to an organization, for the administrator. Raises `invalid`."""
    operator = _add(tx, org_id, email, name, role, password)
    values = {"operator": operator.name, "email": operator.email, "role": role}
    changes.add(tx, org_id, "operator_added", ADMINISTRATOR, **values)
    return operator


def _add(tx: Tx, org_id: str, email: str, name: str, role: Role, password: str) -> Operator:
    """Add an operator. Links that make an owner, out since before there was one, end with the first: they stand in a
    terminal or in a journal that others may read.
    """
    if role == "owner" and not operators.has_owner(tx, org_id):
        operators.remove_setup_links(tx, org_id)
    return operators.add(tx, org_id, free_email(tx, org_id, email), clean_name(name), role, password)


def free_email(tx: Tx, org_id: str, typed: str) -> str:
    """Return an address as it is stored that may become one more operator's; raises `invalid`."""
    email = clean_email(typed)
    if operators.find_in_org(tx, org_id, email) is not None:
        raise refused("/email", "duplicate", "There is an operator with that address.")
    if operators.count_of_org(tx, org_id) >= MAX_OPERATORS:
        detail = f"An organization has at most {MAX_OPERATORS} operators; remove one first."
        raise TooMany("operators", MAX_OPERATORS, detail)
    return email


def of_email(tx: Tx, email: str) -> list[tuple[Operator, Organization]]:
    """List the operators, at most ten, who may be meant by an address at sign-in, each with the organization."""
    rows = operators.list_by_email(tx, email)[:MAX_SAME_EMAIL]
    return [(row, organizations.get(tx, row.org_id)) for row in rows]


def get_by_email(tx: Tx, email: str, org: str | None = None) -> Operator:
    """Return the operator with an e-mail address, of the organization with that id or name where several have one.
    Raises NotFound, and `invalid` where `org` is missing.
    """
    if org is not None:
        org_id = organization_actions.find(tx, org).org_id
        operator = operators.find_in_org(tx, org_id, _as_stored(email))
        found = [] if operator is None else [operator]
    else:
        found = operators.list_by_email(tx, _as_stored(email))
    if not found:
        everyone = operators.list_all(tx) if org is None else operators.list_of_org(tx, org_id)
        raise NotFound("operator", email, list(dict.fromkeys(operator.email for operator in everyone)))
    if len(found) > 1:
        theirs = organization_actions.choices(organizations.get(tx, operator.org_id) for operator in found)
        which = "Several organizations have an operator with that address; say which with --org."
        raise Problem("invalid", f"{which} {choices_sentence(theirs)}")
    return found[0]


def remove_by_email(tx: Tx, email: str, org: str | None = None) -> None:
    """Remove an operator for the administrator: also the last owner, since a new setup link is a command away."""
    remove_by_administrator(tx, get_by_email(tx, email, org).operator_id)


def remove_by_administrator(tx: Tx, operator_id: str) -> None:
    """Remove an operator, the last owner, too; raises NotFound."""
    _remove(tx, operators.get(tx, operator_id), ADMINISTRATOR)


def _remove(tx: Tx, operator: Operator, actor: Actor) -> None:
    _end_links(tx, operator)
    operators.remove(tx, operator.operator_id)
    values = {"operator": operator.name, "email": operator.email}
    changes.add(tx, operator.org_id, "operator_removed", actor, **values)


def remove(tx: Tx, org_id: str, operator_id: str, actor: Actor = ADMINISTRATOR) -> None:
    """Remove an operator, who may not come in any more. An organization keeps one owner. Who was removed already is
    once more, as the erasure journal may not have it yet.
    """
    if operators.is_removed(tx, operator_id):
        operators.remove(tx, operator_id)
        return
    operator = get_of_org(tx, org_id, operator_id)
    _keep_an_owner(tx, operator)
    _remove(tx, operator, actor)


def put_role(tx: Tx, org_id: str, operator_id: str, role: Role, actor: Actor = ADMINISTRATOR) -> None:
    """Change an operator's role: what they may do from now on. An organization keeps one owner."""
    operator = get_of_org(tx, org_id, operator_id)
    if role != "owner":
        _keep_an_owner(tx, operator)
        _end_links(tx, operator)
    operators.put_role(tx, operator.operator_id, role)
    if role != operator.role:
        values = {"operator": operator.name, "before": operator.role, "after": role}
        changes.add(tx, org_id, "role_changed", actor, **values)


def get_of_org(tx: Tx, org_id: str, operator_id: str) -> Operator:
    """Return an organization's operator, or raise NotFound."""
    operator = operators.get(tx, operator_id)
    if operator.org_id != org_id:
        raise NotFound("operator")
    return operator


def _keep_an_owner(tx: Tx, leaving: Operator) -> None:
    others = [row for row in operators.list_of_org(tx, leaving.org_id) if row.operator_id != leaving.operator_id]
    if leaving.role == "owner" and not any(other.role == "owner" for other in others):
        raise Problem("wrong_status", "An organization keeps at least one owner; make somebody else one first.")


def _end_links(tx: Tx, leaving: Operator) -> None:
    """Remove links that an owner may have made for themselves: they must not outlive what the owner was allowed."""
    if leaving.role == "owner":
        operators.remove_invitations(tx, leaving.org_id)
        operators.remove_password_resets(tx, leaving.org_id)


def of_organization(tx: Tx, org_id: str) -> tuple[list[Operator], list[Invitation]]:
    """List who may use an organization's console, and who is invited."""
    return operators.list_of_org(tx, org_id), operators.invitations_of(tx, org_id)
