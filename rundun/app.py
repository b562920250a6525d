"""The wiring, top to bottom: what is opened last is closed first."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pydantic_core import from_json

from rundun import places
from rundun.actions import evidence, office
from rundun.actions.alerting import Alert
from rundun.actions.office import Opened
from rundun.actions.sending import Result
from rundun.alerts import Alerts
from rundun.config import Settings
from rundun.control import listening, socket_path
from rundun.core import times
from rundun.core.destination import normalise
from rundun.core.slots import Slots
from rundun.courier import Courier, Letter, Outcome
from rundun.errors import Problem
from rundun.logs import log
from rundun.loops import Postman, schedule
from rundun.pool import BoundedPool, Why
from rundun.store.database import Database
from rundun.store.outbox import Claimed
from rundun.store.tx import Clock
from rundun.web.auth import KeyRing
from rundun.web.events import Bells
from rundun.web.pages import Pages
from rundun.web.quotas import Quotas
from rundun.web.service import Read, Service, TryWebhook
from rundun.web.site import site
from rundun.web.spool import Spool
from rundun.web.static import Assets

MEGAPIXEL = 1_000_000
PICTURE_THREADS = min(2, os.cpu_count() or 1)
PICTURES = {
    "of_owner": 64,
    "in_all": 96,
}  # that wait or are in work: as many as may be on their way, see `Spool`
PICTURE_WAIT = 25.0  # seconds until a picture's turn
BARCODES = {"of_owner": 1, "in_all": 5}


def wall_clock() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Pictures:
    """The imaging functions, in the pools' threads and within the settings' limits; an owner is an organization, of a
    barcode a run. Barcodes have a pool of their own: nobody's photo waits for them.
    """

    photos: BoundedPool
    barcodes: BoundedPool
    max_pixels: int

    async def derive(self, read: Read, owner: str) -> Any:
        """See `imaging.derive`."""
        return await self._in_turn(owner, lambda: _imaging().derive(read(), max_pixels=self.max_pixels))

    async def logo(self, read: Read, owner: str) -> Any:
        """See `imaging.logo`."""
        return await self._in_turn(owner, lambda: _imaging().logo(read(), max_pixels=self.max_pixels))

    async def check_signature(self, read: Read, owner: str) -> Any:
        """See `imaging.check_signature`."""
        return await self._in_turn(
            owner, lambda: _imaging().check_signature(read(), max_pixels=self.max_pixels)
        )

    async def decode_barcode(self, read: Read, formats: tuple[str, ...], owner: str) -> Any:
        """See `barcodes.decode_barcode`."""
        limits = {owner: BARCODES["of_owner"], "": BARCODES["in_all"]}
        return await self.barcodes.run(owner, limits, lambda: self._look_for(read(), formats))

    def _look_for(self, data: bytes, formats: tuple[str, ...]) -> Any:
        from rundun import barcodes  # as below

        return barcodes.decode_barcode(data, max_pixels=self.max_pixels, formats=formats)

    async def _in_turn(self, owner: str, work: Callable[[], Any]) -> Any:
        limits = {owner: PICTURES["of_owner"], "": PICTURES["in_all"]}
        return await self.photos.run(owner, limits, work)


def _imaging() -> ModuleType:
    """The codecs are loaded with the first picture, in its thread: they take as much time and memory as the rest."""
    from rundun import imaging

    return imaging


@asynccontextmanager
async def picture_pools(max_pixels: int) -> AsyncIterator[Pictures]:
    """The pools, for as long as the context lasts."""
    photos = BoundedPool(_too_many_pictures, threads=PICTURE_THREADS, wait_seconds=PICTURE_WAIT)
    barcodes = BoundedPool(_too_many_pictures, threads=1)
    try:
        yield Pictures(photos, barcodes, max_pixels)
    finally:
        left = await photos.close() + await barcodes.close()
        if left:
            log("warning", "pictures.left", running=left)


_REFUSALS: dict[Why, str] = {
    "owner": "Other pictures of yours are still in work; try again shortly.",
    "all": "Too many photos are in work; try again shortly.",
    "late": "Too many photos are in work; try again shortly.",
    "closed": "The service is stopping.",
}


def _too_many_pictures(why: Why) -> Problem:
    return Problem("unavailable", _REFUSALS[why], retry_after=5)


def make_app(
    settings: Settings,
    *,
    clock: Clock = wall_clock,
    announce: Callable[[Opened], None] = lambda opened: None,
    refuse: Callable[[Problem], None] = lambda problem: None,
    ticking: bool = True,
) -> Any:
    """The ASGI application. `announce` hears of the very first start, whose key is told only then; `refuse` hears why
    there was no start; `ticking` False leaves out the scheduler, so that a test decides when anything becomes due.
    """
    assets = Assets(places.static())
    pages = Pages(places.templates(), assets)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            try:
                service, postman = await stack.enter_async_context(
                    running(settings, pages, clock=clock, announce=announce, ticking=ticking)
                )
            except Problem as problem:
                refuse(problem)
                raise
            app.state.postman, app.state.bells = postman, service.bells
            yield {"service": service}

    made = site(assets, lifespan)
    made.state.bells = None
    return made


@asynccontextmanager
async def running(
    settings: Settings,
    pages: Pages,
    *,
    clock: Clock,
    announce: Callable[[Opened], None],
    ticking: bool,
) -> AsyncIterator[tuple[Service, Postman]]:
    """Everything that runs, for as long as the context lasts."""
    path = settings.database.path
    database = await Database.open(
        path,
        clock=clock,
        public_url=settings.public_url,
        grace=int(settings.runs.grace_hours * times.HOUR),
    )
    try:
        async with picture_pools(settings.limits.photo_megapixels * MEGAPIXEL) as pictures:
            courier = _courier(settings, clock)
            try:
                await _first_things(database, announce)
                alerts = _alerts(settings, database, courier)
                postman = Postman(
                    database,
                    _post(courier),
                    slots=Slots(settings.webhooks.concurrency, settings.webhooks.per_destination),
                    retry_delays=settings.webhooks.retry_delays_seconds,
                    alerting=alerts is not None,
                )
                await postman.start()
                ring = KeyRing(database)
                scheduler = schedule(
                    postman,
                    database,
                    alerts,
                    secrets_days=settings.retention.secrets_days,
                    each_minute=ring.keep_used,
                )
                if ticking:
                    scheduler.start()
                try:
                    async with listening(database, socket_path(path)):
                        log("info", "service.started", database=str(path), public_url=settings.public_url)
                        yield (
                            Service(
                                settings,
                                database,
                                ring,
                                courier.check,
                                _try_webhook(courier),
                                pictures,
                                pages,
                                Spool(),
                                Quotas(
                                    clock,
                                    requests_per_minute=settings.limits.requests_per_minute,
                                    failures_per_minute=settings.limits.failures_per_minute,
                                ),
                                Bells(database),
                            ),
                            postman,
                        )
                finally:
                    await postman.stop()
                    if ticking:
                        scheduler.shutdown(wait=False)
                    await _last_things(ring)
            finally:
                await courier.close()
    finally:
        await database.close()
    log("info", "service.stopped")


async def _first_things(database: Database, announce: Callable[[Opened], None]) -> None:
    await database.write(evidence.drop_unfinished)
    samples = [from_json(file.read_bytes()) for file in sorted(places.samples().glob("*.json"))]
    opened = await database.write(office.open_house, samples)
    if opened:
        announce(opened)


async def _last_things(ring: KeyRing) -> None:
    try:
        await ring.keep_used()
    except Problem as problem:  # on a full disk, say, the end is no worse for it
        log("warning", "keys.not_kept", error=problem.detail)


def _courier(settings: Settings, clock: Clock) -> Courier:
    webhooks = settings.webhooks
    try:
        return Courier(
            timeout_seconds=webhooks.timeout_seconds,
            allow=webhooks.allow,
            allow_private=webhooks.allow_private,
            ca_file=str(webhooks.ca_file) if webhooks.ca_file else None,
            clock=clock,
        )
    except ValueError as error:
        raise Problem("unavailable", str(error)) from None


def _alerts(settings: Settings, database: Database, courier: Courier) -> Alerts | None:
    if settings.alerts.url is None:
        return None
    try:
        url = normalise(settings.alerts.url).url
    except ValueError as error:
        raise Problem("unavailable", f"alerts.url: {error}") from None

    async def send(alert: Alert) -> Outcome:
        return await courier.post(
            Letter(url, settings.alerts.secret, alert.body, alert.delivery_id, "delivery.failed")
        )

    return Alerts(database, send)


def _try_webhook(courier: Courier) -> TryWebhook:
    async def try_webhook(url: str, secret: str | None, body: bytes, event_id: str) -> Outcome:
        return await courier.post(Letter(url, secret, body, event_id, "webhook.test"))

    return try_webhook


def _post(courier: Courier) -> Any:
    async def post(claimed: Claimed, body: bytes) -> tuple[Result, bool]:
        kept = claimed.kept
        outcome = await courier.post(
            Letter(claimed.url, claimed.secret, body, kept["event_id"], kept["event"])
        )
        result = Result(
            outcome.ok,
            outcome.status,
            outcome.error,
            outcome.retry_after,
            outcome.gone,
            outcome.duration_ms,
            outcome.excerpt,
        )
        return result, outcome.unreachable

    return post
