"""The wiring of all parts of the service; they are closed in reverse order of their opening."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from rundun import paths
from rundun.actions import first_start
from rundun.actions.erasure import replay
from rundun.actions.first_start import FirstStart
from rundun.config import loader
from rundun.config.loader import ServiceSettings
from rundun.control_socket import ALERT_TEST_COMMAND, listening, socket_path
from rundun.core import times
from rundun.core.deliveries.slots import DeliverySlots
from rundun.core.deliveries.webhook_url import normalise
from rundun.errors import Problem
from rundun.imaging.worker import picture_pools
from rundun.logs import log
from rundun.loop_beat import beating
from rundun.maintenance.backups import Backups
from rundun.pdf.writer import PdfWriter, is_installed
from rundun.scheduler import Ticks, schedule, started
from rundun.spreadsheets import writer
from rundun.spreadsheets.reader import SpreadsheetReader
from rundun.store import files
from rundun.store.database import Database
from rundun.store.deliveries import outbox
from rundun.store.erasure import journal
from rundun.store.sqlite import service_state
from rundun.store.sqlite.database_file import translate_damage
from rundun.store.sqlite.transaction import Clock, JournalEntry, Tx, wall_clock
from rundun.web import samples
from rundun.web.context import Context
from rundun.web.http.auth import KeyRing
from rundun.web.http.change_notifier import ChangeNotifier
from rundun.web.http.known_runs import KnownRuns
from rundun.web.http.rate_limit import RateLimiter
from rundun.web.http.session_use import SessionUse
from rundun.web.http.turns import TurnTaking
from rundun.web.http.upload_buffer import UploadBuffer
from rundun.web.pages.pages import Pages
from rundun.web.pages.static import Assets
from rundun.web.routes import Application, starlette_app
from rundun.webhooks.alerts import Alerts
from rundun.webhooks.client import WebhookClient
from rundun.webhooks.dispatcher import Dispatcher

MEGAPIXEL = 1_000_000


def make_app(
    settings: ServiceSettings,
    *,
    clock: Clock = wall_clock,
    announce: Callable[[FirstStart], None] = lambda opened: None,
    refuse: Callable[[Problem], None] = lambda problem: None,
    ticking: bool = True,
) -> Application:
    """Return the ASGI application. `announce` is called at the very first start, with the key that is shown only then;
    `refuse` with the reason of a failed start. Without `ticking` there is no scheduler: a test calls the ticks.
    """
    assets = Assets(paths.static())
    pages = Pages(paths.templates(), assets, is_https=settings.is_https)

    @asynccontextmanager
    async def lifespan(app: Application) -> AsyncIterator[dict[str, Context]]:
        async with AsyncExitStack() as stack:
            try:
                with translate_damage(settings.database.path):
                    context, dispatcher = await stack.enter_async_context(
                        running(settings, pages, clock=clock, announce=announce, ticking=ticking)
                    )
            except Problem as problem:
                refuse(problem)
                raise
            app.state.dispatcher, app.state.notifier = dispatcher, context.notifier
            yield {"context": context}

    application = starlette_app(assets, lifespan)
    application.state.notifier = None
    return application


@asynccontextmanager
async def running(
    settings: ServiceSettings, pages: Pages, *, clock: Clock, announce: Callable[[FirstStart], None], ticking: bool
) -> AsyncIterator[tuple[Context, Dispatcher]]:
    """Start every part, and stop them in reverse order on exit; yield the handlers' context and the dispatcher."""
    async with AsyncExitStack() as stack:
        database = await Database.open(
            settings.database.path,
            clock=clock,
            public_url=settings.public_url,
            grace=settings.runs.grace,
            default_quota=settings.limits.organization_bytes,
            external_checkpoints=settings.database.external_checkpoints,
        )
        stack.push_async_callback(database.close)
        pictures = await stack.enter_async_context(picture_pools(settings.limits.photo_megapixels * MEGAPIXEL))
        webhook_client = make_webhook_client(settings, clock)
        stack.push_async_callback(webhook_client.close)
        backups = None
        if settings.backup.folder:
            backups = Backups(database, settings.backup.folder, settings.backup)
            stack.push_async_callback(backups.close)
        alerts = await _make_alerts(settings, database, webhook_client, backups)
        await _replay_erasures(database, await backups.read_journal_copy() if backups else [])
        await _prepare_database(database, announce)
        keys, session_use = KeyRing(database), SessionUse(database)
        uses = {"keys": keys.store_used, "sessions": session_use.store_used}
        stack.push_async_callback(_store_uses, uses)
        pdf_writer = PdfWriter()
        stack.push_async_callback(pdf_writer.pool.close)
        turns = TurnTaking(database.long_reader)
        stack.push_async_callback(turns.close)
        dispatcher = Dispatcher(
            database,
            webhook_client.post,
            slots=DeliverySlots(settings.webhooks.concurrency, settings.webhooks.per_destination, outbox.owner_id),
            retry_delays=settings.webhooks.retry_delays_seconds,
            alerting=alerts is not None,
        )
        scheduler = schedule(
            dispatcher,
            database,
            alerts,
            backups=backups,
            secrets_days=settings.retention.secrets_days,
            each_minute=uses,
        )
        if ticking:
            await stack.enter_async_context(started(scheduler))
        await dispatcher.start()
        stack.push_async_callback(dispatcher.stop)
        context = Context(
            settings=settings,
            database=database,
            keys=keys,
            session_use=session_use,
            check_destination=webhook_client.check,
            post_webhook=webhook_client.post,
            imaging=pictures,
            read_spreadsheet=SpreadsheetReader().read,
            write_spreadsheet=writer.write,
            write_pdf=pdf_writer.write,
            makes_pdf=is_installed(),
            pages=pages,
            upload_buffer=UploadBuffer(),
            rate_limiter=RateLimiter(
                clock,
                requests_per_minute=settings.limits.requests_per_minute,
                organization_requests_per_minute=settings.limits.organization_requests_per_minute,
                failures_per_minute=settings.limits.failures_per_minute,
            ),
            notifier=ChangeNotifier(database),
            turns=turns,
            known_runs=KnownRuns(database),
        )
        told = loader.settings_json(settings)
        errands = {ALERT_TEST_COMMAND: alerts.send_test} if alerts else {}
        await stack.enter_async_context(listening(database, socket_path(settings.database.path), told, errands))
        stack.enter_context(beating())
        url, host, port = settings.public_url, settings.server.host, settings.server.port
        listens = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        stored = str(settings.database.path)
        log("info", "service.started", database=stored, listens=listens, public_url=url, console=f"{url}/console")
        yield context, dispatcher
    log("info", "service.stopped")


async def _prepare_database(database: Database, announce: Callable[[FirstStart], None]) -> None:
    await database.write(files.remove_unfinished, await database.read(files.list_unfinished))
    opened = await database.write(bootstrap)
    if opened:
        announce(opened)


def bootstrap(tx: Tx) -> FirstStart | None:
    """Fill an empty database; return the first key, template ids and setup link, or None for a database in use."""
    return first_start.bootstrap(tx, [samples.read(name) for name in samples.FIRST], samples.first_pictures())


async def _replay_erasures(database: Database, copied: Sequence[JournalEntry]) -> None:
    """Bring database and erasure journal to the same state, before the first request: after a restore, all later
    erasures and revocations are applied again; entries that a lost journal lacks are added from the database and from
    its copy, which has the entries `copied`.
    """
    since = await database.read(service_state.find_held_since)
    entries = await asyncio.to_thread(database.journal.merge, copied)
    left = await database.read(journal.list_unapplied, entries)
    for start in range(0, len(left), replay.BATCH_SIZE):
        ended = await database.write_last(replay.replay_erasures, left[start : start + replay.BATCH_SIZE])
        log("warning", "journal.applied", what=" ".join(f"{count} {what}" for what, count in ended.items()))
    known = await database.read(lambda tx: journal.list_known(tx.db))
    await asyncio.to_thread(database.journal.merge, known)
    if since is not None:
        log("warning", "service.held", since=times.wire(since), until="rundun live")


async def _store_uses(uses: Ticks) -> None:
    for name, keep in uses.items():
        try:
            await keep()
        except Problem as problem:  # for example, a full disk; these times may be lost
            log("warning", f"{name}.not_kept", error=problem.detail)


def make_webhook_client(settings: ServiceSettings, clock: Clock) -> WebhookClient:
    """Return the sender of webhooks with these settings; raise Problem if its certificates are unusable."""
    webhooks = settings.webhooks
    try:
        return WebhookClient(
            timeout_seconds=webhooks.timeout_seconds,
            allow=webhooks.allow,
            allow_private=webhooks.allow_private,
            ca_file=webhooks.ca_file,
            clock=clock,
        )
    except ValueError as error:
        raise Problem("unavailable", str(error)) from None


async def _make_alerts(
    settings: ServiceSettings, database: Database, webhook_client: WebhookClient, backups: Backups | None
) -> Alerts | None:
    if settings.alerts.url is None:
        return None
    try:
        destination = normalise(settings.alerts.url)
    except ValueError as error:
        raise Problem("unavailable", f"alerts.url: {error}") from None
    verdict, detail = await webhook_client.check(destination, "") or (None, "")
    if verdict == "forbidden":
        raise Problem("unavailable", f"alerts.url: {detail}")
    if verdict == "unresolved":  # the name may be found when the first alert is due
        log("warning", "alerts.unresolved", error=detail)
    return Alerts(
        database,
        webhook_client.post,
        destination.url,
        settings.alerts.secret,
        lambda: backups.error if backups else None,
    )
