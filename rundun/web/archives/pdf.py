"""The report of a run as PDF."""

import re
import secrets
from collections.abc import AsyncIterator

from starlette.responses import Response

from rundun.actions.runs import runs
from rundun.core.runs.report import ReportOptions
from rundun.core.text import MIB
from rundun.errors import Problem
from rundun.store import files
from rundun.store.organizations.organizations import Organization
from rundun.web.archives.report import fill_in, report_parts, report_writer
from rundun.web.archives.runs import report_name
from rundun.web.context import Context
from rundun.web.http.turns import Turns

# Each takes up to 15 of the 30 seconds that a PDF may take, alone on two processors, and half of each as long.
MAX_HTML = 448 * 1024  # bytes without pictures; the end of a line counts `_LINE` more
MAX_PICTURE_BYTES = 48 * MIB
MAX_PICTURES = 100
_LINE, _LINE_END = 10, re.compile("[\n\r]|\u2028|\u2029".encode())
_LETTER = "(?:&[^;]*;|[^&<])"
# A text is broken up behind the first space or line end after 300 letters, or after 400 without one.
_LONG = re.compile(
    rf"<style>.*?</style>|<title>.*?</title>|<[^>]*>|({_LETTER}{{300}}(?:[^&<\s]{{0,99}}[ \n]|{_LETTER}{{100}}))|[^<]+",
    re.DOTALL,
)


async def report_pdf(
    ctx: Context,
    turns: Turns,
    organization: Organization,
    run_id: str,
    language: str,
    options: ReportOptions,
    *,
    by_link: bool = False,
) -> Response:
    """Return the PDF of the report of an organization's run in `language`, a tag; `by_link`: for a reader with a link.
    Raises NotFound, `run_erased`, `pdf_too_large`, `pdf_unavailable`, `unavailable`.
    """
    detail = await turns.read(runs.get_detail, organization.org_id, run_id, language=language)
    writer = await report_writer(turns, ctx.pages, organization, ctx.pages.console_words.language([language]))
    report = (run_id, detail.state.run.revision, language, repr(options))
    parts = await report_parts(turns, writer, detail, options)
    numbers = [int(number) for number in parts[1::3]]
    _require_size(parts, len(numbers), await turns.read(files.count_bytes, numbers))
    pdf = await ctx.write_pdf(_pieces(turns, parts), organization.org_id, report, by_link=by_link)
    name = report_name(detail, "pdf")
    headers = {"cache-control": "no-store", "content-disposition": f'inline; filename="{name}"'}
    return Response(pdf, headers=headers, media_type="application/pdf")


async def _pieces(turns: Turns, parts: list[bytes]) -> AsyncIterator[bytes]:
    """Yield the page of these `report_parts` with its pictures, begun when the PDF has its place."""
    async for piece in fill_in(turns, await turns.run(_break_up, parts)):
        yield piece


def _break_up(parts: list[bytes]) -> list[bytes]:
    """Return the `report_parts` with places to break in long texts. WeasyPrint sets all the rest of a text anew for a
    line in which it finds none.
    """
    mark = secrets.token_hex(16).encode()  # no person's text has it
    html = mark.join(parts).decode()
    return _LONG.sub(lambda found: f"{found[0]}<wbr>" if found[1] else found[0], html).encode().split(mark)


def _require_size(parts: list[bytes], pictures: int, picture_bytes: int) -> None:
    """Raise `pdf_too_large` for a page of more HTML, its `parts`, and `picture_bytes`, or with more `pictures`, than a
    PDF may have.
    """
    html = sum(len(part) for part in parts)
    if html <= MAX_HTML:  # in a larger one to look for line ends would hold the loop
        html += _LINE * sum(len(_LINE_END.findall(part)) for part in parts)
    if html / MAX_HTML + picture_bytes / MAX_PICTURE_BYTES > 1 or pictures > MAX_PICTURES:
        raise Problem(
            "pdf_too_large",
            f"A PDF may have {MAX_HTML // 1024} KiB of HTML or {MAX_PICTURE_BYTES // MIB} MiB of pictures, or a part "
            f"of each, and at most {MAX_PICTURES} pictures; the end of a line counts as {_LINE} bytes "
            "more. Print the page, or leave photos out.",
        )
