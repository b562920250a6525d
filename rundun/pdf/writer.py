"""PDF of a page: one at a time, each in a process of its own, which a hostile page ends alone."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib.util import find_spec

from rundun.errors import Problem
from rundun.logs import log
from rundun.pool import BoundedPool, RefusalReason
from rundun.subprocess_environment import subprocess_environment

TIMEOUT_SECONDS = 30
MAX_QUEUED = 4  # the PDF being made, and three that wait; as many more for readers with links
MAX_OF_OWNER = 2  # PDFs of an organization, made or waiting; as many more for readers with its links
MAX_FAILED = 1000  # reports that are remembered because they could not be made
_LINKS = "links "  # before an organization as an owner: its readers with links
COMMAND = (sys.executable, "-BP", "-m", "rundun.pdf.child")


def is_installed() -> bool:
    """Tell whether the extra `pdf` is installed. Libraries of the system may still be missing."""
    return find_spec("weasyprint") is not None


@dataclass(frozen=True, slots=True)
class PdfWriter:
    """The service's writer; organizations take turns, and readers with links theirs after them."""

    pool: BoundedPool = field(
        default_factory=lambda: BoundedPool(
            _refuse,
            threads=1,
            waits_for_others=lambda owner: owner.startswith(_LINKS),
            wait_seconds=TIMEOUT_SECONDS,
            close_seconds=0,
        )
    )
    _failed: dict[object, None] = field(default_factory=dict)

    async def write(self, html: AsyncIterator[bytes], owner: str, report: object, *, by_link: bool = False) -> bytes:
        """Return a page of HTML, which comes in pieces, with its pictures in it, as PDF. `owner` is an organization,
        `report` what tells this page from others; `by_link`: for a reader with a link. Raises `pdf_unavailable` without
        the extra or what it needs, and where it takes too long, at once where the same report did; `unavailable` while
        too many wait.
        """
        if not is_installed():
            raise Problem(
                "pdf_unavailable", "This service makes no PDF: the extra “pdf” is not installed.", retry_after=3600
            )
        if report in self._failed:
            raise _too_slow()
        owner, everybody = (f"{_LINKS}{owner}", _LINKS) if by_link else (owner, "")
        with self.pool.place({owner: MAX_OF_OWNER, everybody: MAX_QUEUED}):  # before the page is made
            try:
                return await self.pool.run(owner, {}, _write, b"".join([piece async for piece in html]))
            except _Unmade:
                self._failed[report] = None
                if len(self._failed) > MAX_FAILED:
                    del self._failed[next(iter(self._failed))]
                raise _too_slow() from None


class _Unmade(Exception):
    """The process has failed, or was late."""


def _refuse(why: RefusalReason) -> Problem:
    return Problem("unavailable", "Other PDFs are being made right now; try again shortly.", retry_after=10)


def environment() -> dict[str, str]:
    """Return the environment: a home without files, for which no socket is asked, and one heap, not one a thread."""
    return {**subprocess_environment(), "HOME": "/nonexistent", "MALLOC_ARENA_MAX": "1"}


def _write(html: bytes) -> bytes:
    try:
        pdf, status = _run_child(html=html), None
    except subprocess.SubprocessError as error:
        pdf, status = b"", getattr(error, "returncode", None)
    if pdf.startswith(b"%PDF"):
        return pdf
    log("warning", "pdf.unwritten", bytes=len(html), status=status)
    if status == 1 and find_missing():
        detail = "This service makes no PDF: something that it needs is missing. `rundun check` says what."
        raise Problem("pdf_unavailable", detail, retry_after=3600)
    raise _Unmade


def _too_slow() -> Problem:
    detail = f"The PDF needs more than {TIMEOUT_SECONDS} seconds or 512 MiB. Print the page, or leave photos out."
    return Problem("pdf_unavailable", detail, retry_after=3600)


def find_missing() -> str | None:
    """Return the name of a missing part that PDFs need, or None. Blocks for a second."""
    try:
        missing: str | None = json.loads(_run_child("--probe"))["missing"]
    except (subprocess.SubprocessError, ValueError):
        return "a process that this machine does not start"
    return missing


def _run_child(*arguments: str, html: bytes = b"") -> bytes:
    """Return the standard output of the process; raise `subprocess.SubprocessError` for a failed or a late one."""
    return subprocess.run(
        (*COMMAND, *arguments),
        input=html,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        timeout=TIMEOUT_SECONDS,
        check=True,
    ).stdout
