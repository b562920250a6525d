"""The report of a run as a page that refers to the photos beside it, or contains them."""

import base64
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from rundun.actions.runs.runs import RunDetail
from rundun.core import times
from rundun.core.organizations import colour
from rundun.core.runs.report import ReportOptions
from rundun.store import files
from rundun.store.organizations.organizations import Organization
from rundun.web.http.turns import LongWork, Reads
from rundun.web.pages.branding import PNG, Branding
from rundun.web.pages.pages import Pages
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.file_names import FileNames
from rundun.wording.report_view import EVERYTHING, report_values
from rundun.wording.run_view import FileUrl, RunView
from rundun.wording.time_zone import Zone

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _ReportCall:
    """The part of a console call that a report's page needs; most reports have no request."""

    zone: Zone
    csrf: str


def report_page(
    pages: Pages,
    organization: Organization,
    language: ConsoleLanguage,
    detail: RunDetail,
    options: ReportOptions,
    file_url: FileUrl,
    branding: Branding,
    page: str = "report/report.html",
    csrf: str = "",
    **more: Any,
) -> Response:
    """Return the page of a run's report in `language`; `file_url` returns the URL of a picture. `page` is a
    template that extends the report's and gets `more`: `css` for a file that contains its styles, `has_originals` for
    links to the original photos, `choosable` for boxes to leave photos out.
    """
    zone = Zone(organization.time_zone, language.locale)
    view = RunView(detail, language, zone, file_url, detail.replaced)
    values = {"css": "", "has_originals": False, "choosable": False, "deadline": None, **more}
    return pages.render(
        page,
        call=_ReportCall(zone, csrf),
        branding=branding,
        options=options,
        wire=times.wire_or_none,
        **language.page_names(),
        **report_values(view, options, keeps_left_out=bool(values["choosable"])),
        **values,
    )


@dataclass(frozen=True, slots=True)
class ReportWriter:
    """A writer of reports of an organization's runs, in a language, as files of their own: styles and the `logo`, the
    bytes of a PNG or b"", are in them.
    """

    pages: Pages
    organization: Organization
    language: ConsoleLanguage
    logo: bytes = b""

    def write(self, detail: RunDetail, names: FileNames) -> bytes:
        """Return the full report of a run as the bytes of an HTML page, which refers to pictures by their `names`."""
        return self.render(detail, EVERYTHING, names.archive_path, has_originals=True)

    def render(
        self, detail: RunDetail, options: ReportOptions, file_url: FileUrl, *, has_originals: bool = False
    ) -> bytes:
        """Return the report of a run as the bytes of an HTML page. `file_url` returns the URL of a picture; if it
        `has_originals`, pictures are links to the original photos.
        """
        logo = f"data:{PNG};base64,{base64.b64encode(self.logo).decode()}" if self.logo else None
        branding = Branding(None, logo, self.organization.name)
        response = report_page(
            self.pages,
            self.organization,
            self.language,
            detail,
            options,
            file_url,
            branding,
            css=self._css(),
            has_originals=has_originals,
        )
        return bytes(response.body)

    def _css(self) -> Markup:
        rgb = self.organization.colour
        own = colour.stylesheet(colour.parse(rgb)) if rgb else ""
        return Markup(self.pages.assets.text("report.css") + own)  # noqa: S704  Rundun's own styles, and a colour


async def report_writer(
    reads: Reads, pages: Pages, organization: Organization, language: ConsoleLanguage
) -> ReportWriter:
    """Return a `ReportWriter` with the organization's logo."""
    logo = b"" if organization.logo is None else await reads.read(files.read_all, organization.logo)
    return ReportWriter(pages, organization, language, logo)


async def report_pieces(
    work: LongWork, writer: ReportWriter, detail: RunDetail, options: ReportOptions
) -> AsyncIterator[bytes]:
    """Yield the report of a run as an HTML page that contains its pictures, in pieces. A picture deleted meanwhile is
    left empty.
    """
    async for piece in fill_in(work, await report_parts(work, writer, detail, options)):
        yield piece


async def report_parts(work: LongWork, writer: ReportWriter, detail: RunDetail, options: ReportOptions) -> list[bytes]:
    """Return the report of a run as an HTML page in parts: between two texts the number and the media type of a picture
    that belongs there as a URL.
    """
    mark = f"picture-{secrets.token_hex(16)}"  # no person's text has it
    html = await work.run(writer.render, detail, options, lambda number, kind: f"{mark}:{number}:{kind};")
    return re.split(rf"{mark}:(\d+):([\w/]+);".encode(), html)


async def fill_in(work: LongWork, parts: list[bytes]) -> AsyncIterator[bytes]:
    """Yield the page of these `report_parts` with its pictures, in pieces."""
    yield parts[0]
    for number, kind, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        yield b"data:%b;base64,%b" % (kind, base64.b64encode(await work.read(files.read_all, int(number))))
        yield text
