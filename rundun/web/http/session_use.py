"""When sessions of the console were used last: noted here, so that no page waits for it, and stored now and then."""

from rundun.actions.organizations.operators import SignedIn
from rundun.core import times
from rundun.core.tokens import digest
from rundun.store.database import Database
from rundun.store.organizations import operators as operator_rows

BEHIND_MS = times.HOUR  # what is stored of a session may be behind: one write in that time is enough


class SessionUse:
    """The uses of sessions that are not stored yet, by the digest of their token."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[bytes, int] = {}

    def note(self, token: str, signed_in: SignedIn) -> None:
        """Note that a session is used now, where what is stored of it is more than an hour behind."""
        now = self._database.env.clock()
        if now - signed_in.used_at > BEHIND_MS:
            self._noted[digest(token)] = now

    async def keep_used(self) -> None:
        """Store when sessions were used, as noted since the last call."""
        if noted := self._noted:
            self._noted = {}
            await self._database.write(operator_rows.put_sessions_used, noted)
