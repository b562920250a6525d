"""Operators of the console, their sessions, and the links for invitations and new passwords."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rundun.store.sqlite.transaction import JournalEntry, Tx

Role = Literal["owner", "member"]
MAX_SESSIONS = 100  # of one operator


@dataclass(frozen=True, slots=True)
class Operator:
    """A person with access to an organization's console. Only owners erase, and manage keys, people and settings.
    `language` is the tag of the chosen console language or None.
    """

    operator_id: str
    org_id: str
    email: str
    name: str
    role: Role
    password_hash: str
    created_at: int
    signed_in_at: int | None
    language: str | None = None
    has_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that makes an operator. Without `email`, its user may enter any."""

    invitation_id: str
    org_id: str
    email: str | None
    role: Role
    created_at: int
    expires_at: int


# In the order of the classes' fields.
_SELECT = (
    "SELECT id, org_id, email, name, role, password, created_at, signed_in_at, language, "
    "EXISTS (SELECT 1 FROM second_factors WHERE operator_id = operators.id) FROM operators "
)
_INVITATIONS = "SELECT id, org_id, email, role, created_at, expires_at FROM invitations "


def _operator(row: Sequence[Any]) -> Operator:
    return Operator(*[*row[:-1], bool(row[-1])])


def get(tx: Tx, operator_id: str) -> Operator:
    """Return the operator with the id; raises NotFound."""
    return _operator(tx.get_row("operator", _SELECT + "WHERE id = ?", operator_id))


def find_in_org(tx: Tx, org_id: str, email: str) -> Operator | None:
    """Return an organization's operator with the e-mail address, which is in lower case; None if there is none."""
    row = tx.db.execute(_SELECT + "WHERE org_id = ? AND email = ?", (org_id, email)).fetchone()
    return None if row is None else _operator(row)


def list_by_email(tx: Tx, email: str) -> list[Operator]:
    """List the operators with the e-mail address, which is in lower case, in all organizations, oldest first."""
    rows = tx.db.execute(_SELECT + "WHERE email = ? ORDER BY created_at, id", (email,))
    return [_operator(row) for row in rows.fetchall()]


def list_of_org(tx: Tx, org_id: str) -> list[Operator]:
    """List an organization's operators, oldest first."""
    query = _SELECT + "WHERE org_id = ? ORDER BY created_at, id"
    return [_operator(row) for row in tx.db.execute(query, (org_id,)).fetchall()]


def has_owner(tx: Tx, org_id: str) -> bool:
    """Tell whether an organization has an owner."""
    return tx.number("SELECT count(*) FROM operators WHERE org_id = ? AND role = 'owner'", org_id) > 0


def count_of_org(tx: Tx, org_id: str) -> int:
    """Return the number of an organization's operators."""
    return tx.number("SELECT count(*) FROM operators WHERE org_id = ?", org_id)


def list_all(tx: Tx) -> list[Operator]:
    """List the operators of all organizations, ordered by address."""
    return [_operator(row) for row in tx.db.execute(_SELECT + "ORDER BY email, created_at, id")]


def add(tx: Tx, org_id: str, email: str, name: str, role: Role, password_hash: str) -> Operator:
    """Store a new operator, without any check, and return it."""
    operator = Operator(tx.new_id("u"), org_id, email, name, role, password_hash, tx.now, None)
    tx.insert(
        "operators",
        id=operator.operator_id,
        org_id=org_id,
        email=email,
        name=name,
        role=role,
        password=password_hash,
        created_at=tx.now,
    )
    return operator


def put_password(tx: Tx, operator_id: str, password_hash: str) -> None:
    """Store an operator's new password hash."""
    tx.db.execute("UPDATE operators SET password = ? WHERE id = ?", (password_hash, operator_id))


def put_language(tx: Tx, operator_id: str, language: str | None) -> None:
    """Store an operator's console language, None for the browser's."""
    tx.db.execute("UPDATE operators SET language = ? WHERE id = ?", (language, operator_id))


def put_role(tx: Tx, operator_id: str, role: Role) -> None:
    """Store an operator's role."""
    tx.db.execute("UPDATE operators SET role = ? WHERE id = ?", (role, operator_id))


def remove(tx: Tx, operator_id: str) -> None:
    """Remove an operator, which ends all the operator's sessions."""
    tx.db.execute("DELETE FROM operators WHERE id = ?", (operator_id,))
    tx.replace("removed_operators", id=operator_id, at=tx.now)
    tx.journal.append(JournalEntry("operator", operator_id, tx.now))


def is_removed(tx: Tx, operator_id: str) -> bool:
    """Tell whether an operator with the id was removed."""
    return tx.number("SELECT count(*) FROM removed_operators WHERE id = ?", operator_id) > 0


# --- sessions


def add_session(tx: Tx, operator_id: str, digest: bytes, expires_at: int) -> None:
    """Store a new session of an operator; beyond `MAX_SESSIONS`, the oldest end. `expires_at` is in milliseconds."""
    oldest = "SELECT digest FROM sessions WHERE operator_id = ? ORDER BY created_at DESC LIMIT -1 OFFSET ?"
    tx.db.execute(f"DELETE FROM sessions WHERE digest IN ({oldest})", (operator_id, MAX_SESSIONS - 1))  # noqa: S608
    tx.insert(
        "sessions", digest=digest, operator_id=operator_id, created_at=tx.now, expires_at=expires_at, used_at=tx.now
    )
    tx.db.execute("UPDATE operators SET signed_in_at = ? WHERE id = ?", (tx.now, operator_id))


def find_by_session(tx: Tx, digest: bytes, used_after: int) -> tuple[Operator, int] | None:
    """Return the operator of the session with the token's digest, and the session's stored last use in milliseconds; a
    new one is stored once that is over an hour old. None if the session is unknown, expired, or not used since
    `used_after`.
    """
    query = "SELECT operator_id, used_at FROM sessions WHERE digest = ? AND expires_at > ? AND used_at > ?"
    row = tx.db.execute(query, (digest, tx.now, used_after)).fetchone()
    return None if row is None else (get(tx, row["operator_id"]), row["used_at"])


def put_sessions_used(tx: Tx, used: Mapping[bytes, int]) -> None:
    """Store when sessions were last used, in milliseconds by the digest of their token."""
    rows = [(at, digest) for digest, at in used.items()]
    tx.db.executemany("UPDATE sessions SET used_at = ? WHERE digest = ?", rows)


def remove_session(tx: Tx, digest: bytes) -> None:
    """Remove the session with the token's digest."""
    tx.db.execute("DELETE FROM sessions WHERE digest = ?", (digest,))


def remove_sessions(tx: Tx, operator_id: str, but: bytes = b"") -> None:
    """Remove all sessions of an operator except the one with the digest `but`."""
    tx.db.execute("DELETE FROM sessions WHERE operator_id = ? AND digest <> ?", (operator_id, but))


def remove_all_sessions(tx: Tx) -> int:
    """Remove the sessions of all operators; return their number."""
    return tx.db.execute("DELETE FROM sessions").rowcount


# --- invitations


def add_invitation(tx: Tx, org_id: str, email: str | None, role: Role, digest: bytes, expires_at: int) -> Invitation:
    """Store an invitation and return it; `digest` is that of its link's token, `expires_at` in milliseconds."""
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
    """Return the invitation with the token's digest; None if it was used or withdrawn, or has expired."""
    row = tx.db.execute(_INVITATIONS + "WHERE digest = ? AND expires_at > ?", (digest, tx.now)).fetchone()
    return None if row is None else Invitation(*row)


def list_invitations(tx: Tx, org_id: str) -> list[Invitation]:
    """List an organization's invitations that have not expired, oldest first."""
    query = _INVITATIONS + "WHERE org_id = ? AND expires_at > ? ORDER BY created_at, id"
    return [Invitation(*row) for row in tx.db.execute(query, (org_id, tx.now)).fetchall()]


def count_invitations(tx: Tx, org_id: str) -> int:
    """Return the number of an organization's invitations that have not expired."""
    return tx.number("SELECT count(*) FROM invitations WHERE org_id = ? AND expires_at > ?", org_id, tx.now)


def remove_invitation(tx: Tx, org_id: str, invitation_id: str) -> None:
    """Remove an invitation after its use or withdrawal."""
    tx.db.execute("DELETE FROM invitations WHERE org_id = ? AND id = ?", (org_id, invitation_id))


def remove_invitations(tx: Tx, org_id: str, email: str | None = None) -> None:
    """Remove an organization's unused invitations, all or those for one address."""
    tx.db.execute(
        "DELETE FROM invitations WHERE org_id = :org_id AND (:email IS NULL OR email = :email)",
        {"org_id": org_id, "email": email},
    )


def remove_setup_links(tx: Tx, org_id: str) -> None:
    """Remove an organization's invitations without an e-mail address, which make owners."""
    tx.db.execute("DELETE FROM invitations WHERE org_id = ? AND email IS NULL", (org_id,))


# --- links that set a new password


def put_password_reset(tx: Tx, operator_id: str, digest: bytes, expires_at: int) -> None:
    """Store an operator's link for setting a new password in place of an earlier one; expiry in milliseconds."""
    tx.replace("password_resets", operator_id=operator_id, digest=digest, created_at=tx.now, expires_at=expires_at)


def find_by_password_reset(tx: Tx, digest: bytes) -> Operator | None:
    """Return the operator of a password link by its token's digest; None if it was used or replaced, or has expired."""
    query = "SELECT operator_id FROM password_resets WHERE digest = ? AND expires_at > ?"
    row = tx.db.execute(query, (digest, tx.now)).fetchone()
    return None if row is None else get(tx, row["operator_id"])


def remove_password_reset(tx: Tx, operator_id: str) -> None:
    """Remove an operator's password link."""
    tx.db.execute("DELETE FROM password_resets WHERE operator_id = ?", (operator_id,))


def remove_password_resets(tx: Tx, org_id: str) -> None:
    """Remove the password links of all operators of an organization."""
    of_org = "SELECT id FROM operators WHERE org_id = ?"
    tx.db.execute(f"DELETE FROM password_resets WHERE operator_id IN ({of_org})", (org_id,))  # noqa: S608


# --- expiry

_EXPIRING = ("sessions", "invitations", "password_resets")


def remove_expired(tx: Tx) -> None:
    """Remove expired sessions and links."""
    for table in _EXPIRING:
        tx.db.execute(f"DELETE FROM {table} WHERE expires_at <= ?", (tx.now,))  # noqa: S608


def is_any_expired(tx: Tx) -> bool:
    """Tell whether there are expired sessions or links."""
    return any(
        tx.number(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE expires_at <= ?)", tx.now)  # noqa: S608
        for table in _EXPIRING
    )
