"""Operators of the console, their sessions, and the links that invite more of them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from rundun.errors import NotFound
from rundun.store.transaction import Tx

Role = Literal["owner", "member"]


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may use an organization's console; an owner may do all, a member not keys and people."""

    operator_id: str
    org_id: str
    email: str
    name: str
    role: Role
    password: str
    created_at: int
    signed_in_at: int | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that makes an operator; without `email` whoever opens it says who they are."""

    invitation_id: str
    org_id: str
    email: str | None
    role: Role
    created_at: int
    expires_at: int


# In the order of Operator's fields.
_WHOLE = "SELECT id, org_id, email, name, role, password, created_at, signed_in_at FROM operators "


def _operator(row: sqlite3.Row | None) -> Operator | None:
    return None if row is None else Operator(*row)


def get(tx: Tx, operator_id: str) -> Operator:
    """The operator of that id, or NotFound."""
    row = tx.db.execute(_WHOLE + "WHERE id = ?", (operator_id,)).fetchone()
    found = _operator(row)
    if found is None:
        raise NotFound("operator")
    return found


def find_by_email(tx: Tx, email: str) -> Operator | None:
    """The operator with that address, which is in lower case."""
    return _operator(tx.db.execute(_WHOLE + "WHERE email = ?", (email,)).fetchone())


def of_organization(tx: Tx, org_id: str) -> list[Operator]:
    """Its operators, the first one first."""
    query = _WHOLE + "WHERE org_id = ? ORDER BY created_at, id"
    return [Operator(*row) for row in tx.db.execute(query, (org_id,)).fetchall()]


def everyone(tx: Tx) -> list[Operator]:
    """All operators of all organizations, by address."""
    return [Operator(*row) for row in tx.db.execute(_WHOLE + "ORDER BY email")]


def add(tx: Tx, org_id: str, email: str, name: str, role: Role, password: str) -> Operator:
    """A new operator; `password` is hashed."""
    operator = Operator(tx.new_id("u"), org_id, email, name, role, password, tx.now, None)
    tx.insert(
        "operators",
        id=operator.operator_id,
        org_id=org_id,
        email=email,
        name=name,
        role=role,
        password=password,
        created_at=tx.now,
    )
    return operator


def put_password(tx: Tx, operator_id: str, password: str) -> None:
    """Another password, hashed."""
    tx.db.execute("UPDATE operators SET password = ? WHERE id = ?", (password, operator_id))


def put_role(tx: Tx, operator_id: str, role: Role) -> None:
    """What they may do from now on."""
    tx.db.execute("UPDATE operators SET role = ? WHERE id = ?", (role, operator_id))


def remove(tx: Tx, operator_id: str) -> None:
    """They are signed out everywhere and can't sign in again."""
    tx.db.execute("DELETE FROM operators WHERE id = ?", (operator_id,))


# --- sessions


def add_session(tx: Tx, operator_id: str, digest: bytes, expires_at: int) -> None:
    """An operator has signed in."""
    tx.insert("sessions", digest=digest, operator_id=operator_id, created_at=tx.now, expires_at=expires_at)
    tx.db.execute("UPDATE operators SET signed_in_at = ? WHERE id = ?", (tx.now, operator_id))


def find_by_session(tx: Tx, digest: bytes) -> Operator | None:
    """Who has signed in with that token, None when it is unknown or has expired."""
    row = tx.db.execute(
        "SELECT operator_id FROM sessions WHERE digest = ? AND expires_at > ?", (digest, tx.now)
    ).fetchone()
    return None if row is None else get(tx, row["operator_id"])


def remove_session(tx: Tx, digest: bytes) -> None:
    """Signed out here."""
    tx.db.execute("DELETE FROM sessions WHERE digest = ?", (digest,))


def remove_sessions(tx: Tx, operator_id: str, but: bytes = b"") -> None:
    """Signed out everywhere, `but` in the session of that digest."""
    tx.db.execute("DELETE FROM sessions WHERE operator_id = ? AND digest <> ?", (operator_id, but))


# --- invitations


def add_invitation(tx: Tx, org_id: str, email: str | None, role: Role, digest: bytes, expires_at: int) -> Invitation:
    """A link that makes an operator, once."""
    invitation = Invitation(tx.new_id("inv"), org_id, email, role, tx.now, expires_at)
    tx.insert(
        "invitations",
        digest=digest,
        id=invitation.invitation_id,
        org_id=org_id,
        email=email,
        role=role,
        created_at=tx.now,
        expires_at=expires_at,
    )
    return invitation


def find_invitation(tx: Tx, digest: bytes) -> Invitation | None:
    """The invitation of that link, None when it was used, taken back or has expired."""
    row = tx.db.execute(
        "SELECT id, org_id, email, role, created_at, expires_at FROM invitations WHERE digest = ? AND expires_at > ?",
        (digest, tx.now),
    ).fetchone()
    return None if row is None else Invitation(*row)


def invitations_of(tx: Tx, org_id: str) -> list[Invitation]:
    """Those that can still be used, the first one first."""
    rows = tx.db.execute(
        "SELECT id, org_id, email, role, created_at, expires_at FROM invitations "
        "WHERE org_id = ? AND expires_at > ? ORDER BY created_at, id",
        (org_id, tx.now),
    ).fetchall()
    return [Invitation(*row) for row in rows]


def remove_invitation(tx: Tx, org_id: str, invitation_id: str) -> None:
    """Used, or taken back."""
    tx.db.execute("DELETE FROM invitations WHERE org_id = ? AND id = ?", (org_id, invitation_id))


def remove_invitations(tx: Tx, org_id: str, email: str | None = None) -> None:
    """All of an organization's that have not been used, or those for one address."""
    tx.db.execute(
        "DELETE FROM invitations WHERE org_id = :org_id AND (:email IS NULL OR email = :email)",
        {"org_id": org_id, "email": email},
    )


def remove_expired(tx: Tx) -> None:
    """Forget sessions and invitations whose time is over."""
    tx.db.execute("DELETE FROM sessions WHERE expires_at <= ?", (tx.now,))
    tx.db.execute("DELETE FROM invitations WHERE expires_at <= ?", (tx.now,))


def is_any_expired(tx: Tx) -> bool:
    """True when there is a session or an invitation whose time is over."""
    query = (
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE expires_at <= :now) "
        "OR EXISTS (SELECT 1 FROM invitations WHERE expires_at <= :now)"
    )
    return bool(tx.db.execute(query, {"now": tx.now}).fetchone()[0])
