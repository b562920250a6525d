"""Reading the database without a service, or beside one."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from rundun.config.settings import ServiceSettings
from rundun.core.urls import Urls
from rundun.store.sqlite import connection
from rundun.store.sqlite.transaction import Clock, Env, Quotas, Tx


@contextmanager
def reading(settings: ServiceSettings, clock: Clock) -> Iterator[Tx]:
    """Open the file through a connection of its own that cannot write, whoever else has the file open."""
    quotas = Quotas(settings.limits.organization_bytes)
    env = Env(clock, Urls(settings.public_url, b""), settings.runs.grace, quotas=quotas)
    with closing(connection.open_reader(settings.database.path)) as db:
        yield env.tx(db)
