"""The context that all handlers share: made in `app.py`, attached to every request."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from starlette.requests import Request

from rundun.config.loader import ServiceSettings
from rundun.core.deliveries.attempt import AttemptResult, WebhookRequest
from rundun.core.deliveries.webhook_url import Destination
from rundun.core.json_types.base import BarcodeFormat
from rundun.core.picture import Barcode, Derivatives
from rundun.core.urls import Urls
from rundun.errors import Problem
from rundun.pool import BoundedPool, RefusalReason
from rundun.store.database import Database
from rundun.web.http.auth import KeyRing
from rundun.web.http.change_notifier import ChangeNotifier
from rundun.web.http.known_runs import KnownRuns
from rundun.web.http.rate_limit import RateLimiter
from rundun.web.http.session_use import SessionUse
from rundun.web.http.turns import TurnTaking
from rundun.web.http.upload_buffer import UploadBuffer
from rundun.web.pages.pages import Pages
from rundun.web.pages.preview_cache import PreviewCache

Read = Callable[[], bytes]


class Imaging(Protocol):
    """The interface of `imaging/worker.py`, which works on pictures in its own threads. `read` is called when the work
    begins, so that waiting work takes no memory. `owner` is an organization; organizations take turns. Each method
    raises `unreadable_image`, and `unavailable` where too much work is waiting.
    """

    async def derive(self, read: Read, owner: str) -> Derivatives:
        """Return a photo's JPEG, None if the original serves, and its thumbnail, with the original's type and EXIF
        data.
        """

    async def derive_picture(self, read: Read, owner: str) -> Derivatives:
        """Return the pictures derived from a template's picture: a JPEG and a thumbnail."""

    async def logo(self, read: Read, owner: str) -> bytes:
        """Return a picture converted to a logo for storing: the bytes of a PNG."""

    async def check_signature(self, read: Read, owner: str) -> object:
        """Raise `unreadable_image` unless the bytes are a decodable PNG; the result means nothing."""

    async def decode_barcode(
        self, read: Read, formats: tuple[BarcodeFormat, ...], owner: str, run_id: str
    ) -> Barcode | None:
        """Return text and format of the barcode of one of `formats` nearest to the picture's middle, None if none is
        found. Turned or inverted bars and small codes are looked for only if no other code is found. Raises
        `unavailable` at once while another picture of the run is in work.
        """


PostWebhook = Callable[[WebhookRequest], Awaitable[AttemptResult]]
CheckDestination = Callable[[Destination, str], Awaitable[tuple[Literal["forbidden", "unresolved"], str] | None]]


class WritePdf(Protocol):
    """Returns a page of HTML, in pieces, of an organization as PDF, see `pdf/writer.py`."""

    def __call__(
        self, html: AsyncIterator[bytes], owner: str, report: object, *, by_link: bool = False
    ) -> Awaitable[bytes]: ...


# Returns the table in a file of an organization as text, see `spreadsheets/reader.py`.
ReadSpreadsheet = Callable[[bytes, str], Awaitable[str]]
# Returns an XLSX file in pieces, made of rows as lines of JSON, see `spreadsheets/writer.py`.
WriteSpreadsheet = Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]


def _too_many_pages(why: RefusalReason) -> Problem:
    return Problem("rate_limited", "Too many pages are open at once.", retry_after=30)


def _too_many_downloads(why: RefusalReason) -> Problem:
    return Problem("request_in_progress", "Two downloads of the organization are still being sent.", retry_after=5)


def _too_many_diagnoses(why: RefusalReason) -> Problem:
    return Problem("rate_limited", "The service is being examined already; try again.", retry_after=5)


def _too_many_tables(why: RefusalReason) -> Problem:
    return Problem("unavailable", "Other tables are being read right now; try again shortly.", retry_after=5)


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of a running service."""

    settings: ServiceSettings
    database: Database
    keys: KeyRing
    session_use: SessionUse
    check_destination: CheckDestination
    post_webhook: PostWebhook
    imaging: Imaging
    read_spreadsheet: ReadSpreadsheet
    write_spreadsheet: WriteSpreadsheet
    write_pdf: WritePdf
    makes_pdf: bool
    pages: Pages
    upload_buffer: UploadBuffer
    rate_limiter: RateLimiter
    notifier: ChangeNotifier
    turns: TurnTaking
    known_runs: KnownRuns
    under_way: set[tuple[str, str, str]] = field(default_factory=set)  # (organization, path, Idempotency-Key)
    preview_cache: PreviewCache = field(default_factory=PreviewCache)
    streams: BoundedPool = field(default_factory=lambda: BoundedPool(_too_many_pages))  # open at the console
    downloads: BoundedPool = field(default_factory=lambda: BoundedPool(_too_many_downloads))  # being sent
    # Diagnoses being made, by organization; a disk that does not answer may block one.
    diagnoses: BoundedPool = field(default_factory=lambda: BoundedPool(_too_many_diagnoses, threads=4, sparing=True))
    tables: BoundedPool = field(default_factory=lambda: BoundedPool(_too_many_tables, threads=2))  # of jobs, being read

    @property
    def generation(self) -> int:
        """Return the generation of the database, which each restore changes; 0 before the first."""
        return self.database.env.generation

    @property
    def links(self) -> Urls:
        """Return the maker of URLs for runs, pictures and invitations."""
        return self.database.env.links

    def now(self) -> int:
        """Return the current time, in milliseconds since 1970 UTC."""
        return self.database.env.clock()


def context_of(request: Request) -> Context:
    """Return the context of the service that received `request`."""
    ctx: Context = request.scope["state"]["context"]
    return ctx
