"""The last use of console sessions: noted in memory, so that no page waits for a write, and stored by the scheduler."""

from rundun.actions.organizations.operators import SignedIn
from rundun.core import times
from rundun.core.tokens import digest
from rundun.store.database import Database
from rundun.store.organizations import operators as operator_rows

BEHIND_MS = times.HOUR  # how old a stored last use may be before the next one is stored


class SessionUse:
    """The times of last use that are not stored yet, by the digest of the session token."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[bytes, int] = {}

    def note(self, token: str, signed_in: SignedIn) -> None:
        """Note that a session is used now, if its stored last use is more than an hour old."""
        now = self._database.env.clock()
        if now - signed_in.used_at > BEHIND_MS:
            self._noted[digest(token)] = now

    async def store_used(self) -> None:
        """Store the times of use noted since the last call."""
        if noted := self._noted:
            self._noted = {}
            await self._database.write(operator_rows.put_sessions_used, noted)
