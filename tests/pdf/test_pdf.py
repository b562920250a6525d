"""PDF of reports, each made by a process that reads nothing but the page, its code and fonts."""

import asyncio
import re
import threading
import zlib
from typing import Any

import pytest

from rundun.errors import Problem
from rundun.pdf import writer
from rundun.pdf.writer import PdfWriter
from tests.helpers.console.console import operator, shown
from tests.helpers.sample_runs import flat
from tests.helpers.service import BOOLEAN, Receiver, World
from tests.web.test_share import path_of, share

SMALL = "<!doctype html><p>Hello</p>"
WITH_LIBRARIES = pytest.mark.browser  # which `make test` installs with the browser's packages


def sheets(pdf: bytes) -> int:
    return len(re.findall(rb"/Type */Page\b(?!s)", pdf))


def streams(pdf: bytes) -> bytes:
    """All of it unpacked."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            found.append(stream)
    return pdf + b"".join(found)


@WITH_LIBRARIES
async def test_a_report_is_a_pdf_of_few_sheets(w: World) -> None:
    assert writer.find_missing() is None, "`check` names it, too"
    ed = await flat(w)
    for language in ("en", "ar"):
        answer = await w.acme.get(f"/v1/runs/{ed.run_id}/report.pdf?language={language}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text
        assert answer.content.startswith(b"%PDF") and 1 <= sheets(streams(answer.content)) <= 2
        assert streams(answer.content).count(b"/FontFile2") >= 1, "with its fonts"
        assert b"/URI" not in streams(answer.content) and ed.run_id.encode() not in streams(answer.content)
    ann = await operator(w)
    path = f"/runs/{ed.run_id}/report.pdf"
    assert path in await shown(ann, f"/runs/{ed.run_id}")
    without = await ann.get(f"{path}?chosen=1")
    assert without.content.startswith(b"%PDF") and len(without.content) < len(answer.content)
    shared = path_of((await share(w, ed))["url"])
    assert f'href="{shared}/report.pdf"' in (await w.browser().get(shared)).text
    pdf = await w.browser().get(f"{shared}/report.pdf")
    assert pdf.content.startswith(b"%PDF") and pdf.headers["x-robots-tag"] == "noindex"
    assert (await w.globex.get(f"/v1/runs/{ed.run_id}/report.pdf")).status_code == 404


async def test_without_the_extra_there_is_print(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "find_spec", lambda name: None)
    ed = await w.dispatch(await w.template(BOOLEAN))
    refused = await w.acme.get(f"/v1/runs/{ed.run_id}/report.pdf")
    assert (refused.status_code, refused.json()["code"]) == (503, "pdf_unavailable")


@WITH_LIBRARIES
async def test_a_page_reads_nothing_else(receiver: Receiver) -> None:
    places = (receiver.url, "file:///etc/hostname", "file:///etc/passwd", "/etc/passwd", "ftp://127.0.0.1/x")
    page = "".join(f'<img src="{place}"><link rel="stylesheet" href="{place}">' for place in places)
    page += f"<style>@import url({receiver.url}); p {{ background: url({receiver.url}) }}</style>{SMALL}"
    attached = '<link rel="attachment" href="file:///etc/passwd">'
    pdf = await PdfWriter().write((page + attached).encode(), "org-1")
    assert pdf.startswith(b"%PDF") and b"root:" not in streams(pdf)
    assert receiver.received == []


@WITH_LIBRARIES
async def test_a_page_that_takes_too_long_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "TIMEOUT_SECONDS", 1)
    endless = "<table>" + "<tr><td>x<table><tr><td>y</table>" * 20_000
    with pytest.raises(Problem, match="could not be made"):
        await PdfWriter().write(endless.encode(), "org-1")


async def test_one_is_made_and_three_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, order = asyncio.Event(), list[str]()
    loop, pdfs = asyncio.get_running_loop(), PdfWriter()
    monkeypatch.setattr(writer, "is_installed", lambda: True)
    held = threading.Event()

    def write(html: bytes) -> bytes:
        loop.call_soon_threadsafe(begun.set)
        held.wait(60)
        order.append(html.decode())
        return html

    monkeypatch.setattr(writer, "_write", write)
    asked: list[Any] = [asyncio.ensure_future(pdfs.write(b"a1", "a"))]
    await begun.wait()
    asked += [asyncio.ensure_future(pdfs.write(name.encode(), name[0])) for name in ("a2", "a3", "b1")]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await pdfs.write(b"c1", "c")
    assert refused.value.code == "unavailable" and refused.value.retry_after
    held.set()
    await asyncio.gather(*asked)
    assert order == ["a1", "b1", "a2", "a3"], "another organization does not wait for all of one"
