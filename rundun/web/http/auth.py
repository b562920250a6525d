"""Authentication of integrators: an API key in `Authorization: Bearer` (RFC 6750)."""

import re

from starlette.requests import Request

from rundun.core.tokens import digest
from rundun.errors import Problem
from rundun.store.database import Database
from rundun.store.organizations import api_keys as key_rows
from rundun.store.organizations.api_keys import ApiKey

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +(rdk_live_[A-Za-z0-9]{32})")
MAX_REMEMBERED = 10_000


class KeyRing:
    """A cache of API keys with their organizations. Every commit that touches keys clears it; as no other process
    writes, it is never older than the database. `used` has the last use by key id: noted in memory, so that no request
    waits for a write, and stored by `store_used`, which the scheduler calls.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached: dict[bytes, ApiKey] = {}
        self.used: dict[str, int] = {}
        self._generation = 0
        database.subscribe(self._clear_cached)

    def _clear_cached(self, touched: set[str]) -> None:
        if "keys" in touched:
            self._cached.clear()
            self._generation += 1

    async def get_key(self, request: Request) -> ApiKey:
        """Return the API key of `request`, and note its use. A missing, unknown, revoked or malformed key raises the
        same `unauthorized`.
        """
        hashed = digest(bearer_of(request))
        key = self._cached.get(hashed)
        if key is None:
            generation = self._generation
            key = await self._database.read(key_rows.find, hashed)
            if key is None:
                raise _unauthorized()
            if generation == self._generation and len(self._cached) < MAX_REMEMBERED:
                self._cached[hashed] = key
        self.used[key.key_id] = self._database.env.clock()
        return key

    async def store_used(self) -> None:
        """Store the times of use noted since the last call."""
        if noted := self.used:
            self.used = {}
            await self._database.write(key_rows.put_used, noted)


def bearer_of(request: Request) -> str:
    """Return the bearer token of `request`, not looked up in the database; raises `unauthorized` if it is missing or
    malformed.
    """
    match = _BEARER.fullmatch(request.headers.get("authorization", ""))
    if not match:
        raise _unauthorized()
    return match[1]


def _unauthorized() -> Problem:
    return Problem("unauthorized", "Send “Authorization: Bearer rdk_live_…” with a key that is valid.")
