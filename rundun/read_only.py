"""Reading of the database without a service, or beside a running one."""

from collections.abc import Iterator
from contextlib import contextmanager

from rundun.config.settings import ServiceSettings
from rundun.core.urls import Urls
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Clock, Env, Quotas, Tx


@contextmanager
def reading(settings: ServiceSettings, clock: Clock) -> Iterator[Tx]:
    """Yield a read-only transaction, one state throughout, on the settings' database, which other processes may use."""
    quotas = Quotas(settings.limits.organization_bytes)
    env = Env(clock, Urls(settings.public_url, b""), settings.runs.grace, quotas=quotas)
    with connection.open_snapshot(settings.database.path) as db:
        yield env.tx(db)
