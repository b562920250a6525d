"""Second factors of operators: the secrets of their codes, and digests of recovery codes."""

from collections.abc import Iterable
from dataclasses import dataclass

from rundun.store.sqlite.transaction import Tx


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor in force. `secret` is base32, `last_step` the time step (RFC 6238) of the last accepted code."""

    operator_id: str
    secret: str
    last_step: int


def find(tx: Tx, operator_id: str) -> SecondFactor | None:
    """Return an operator's second factor, None if there is none."""
    query = "SELECT operator_id, secret, last_step FROM second_factors WHERE operator_id = ?"
    row = tx.db.execute(query, (operator_id,)).fetchone()
    return None if row is None else SecondFactor(*row)


def add(tx: Tx, operator_id: str, secret: str, last_step: int) -> None:
    """Store the second factor of an operator without one."""
    tx.insert("second_factors", operator_id=operator_id, secret=secret, last_step=last_step, created_at=tx.now)


def put_last_step(tx: Tx, operator_id: str, last_step: int) -> None:
    """Store the time step of the last accepted code."""
    tx.db.execute("UPDATE second_factors SET last_step = ? WHERE operator_id = ?", (last_step, operator_id))


def remove(tx: Tx, operator_id: str) -> None:
    """Remove an operator's second factor with its recovery codes."""
    tx.db.execute("DELETE FROM second_factors WHERE operator_id = ?", (operator_id,))


def put_recovery_codes(tx: Tx, operator_id: str, digests: Iterable[bytes]) -> None:
    """Store the digests of an operator's recovery codes in place of all earlier ones."""
    tx.db.execute("DELETE FROM recovery_codes WHERE operator_id = ?", (operator_id,))
    rows = [(operator_id, digest) for digest in digests]
    tx.db.executemany("INSERT INTO recovery_codes (operator_id, digest) VALUES (?, ?)", rows)


def remove_recovery_code(tx: Tx, operator_id: str, digest: bytes) -> bool:
    """Remove a used recovery code by its digest; return False if the operator does not have it."""
    query = "DELETE FROM recovery_codes WHERE operator_id = ? AND digest = ?"
    return tx.db.execute(query, (operator_id, digest)).rowcount == 1


def count_recovery_codes(tx: Tx, operator_id: str) -> int:
    """Return the number of an operator's unused recovery codes."""
    return tx.number("SELECT count(*) FROM recovery_codes WHERE operator_id = ?", operator_id)
