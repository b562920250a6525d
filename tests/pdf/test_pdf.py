"""PDF of reports, each made by a process that reads nothing but the page, its code and fonts."""

import asyncio
import html
import re
import sys
import threading
import unicodedata
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from hypothesis import given, strategies as st

from rundun.errors import Problem
from rundun.pdf import writer
from rundun.pdf.writer import PdfWriter
from rundun.web.archives import pdf as report_pdf
from tests.helpers.console.console import operator, shown
from tests.helpers.sample_runs import flat
from tests.helpers.service import BOOLEAN, HOUR, TEXT, Ed, Receiver, World
from tests.web.test_share import path_of, share

SAME = ("de", "es", "fr", "pt")
SMALL = "<!doctype html><p>Hello</p>"
WITH_LIBRARIES = pytest.mark.browser  # which `make test` installs with the browser's packages


def streams(pdf: bytes) -> bytes:
    """All of it unpacked."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            found.append(stream)
    return pdf + b"".join(found)


async def pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def words_of(page: str) -> list[str]:
    """The texts of a page of HTML."""
    body = re.sub(r"<(style|script).*?</\1>", "", page[page.index("<body") :], flags=re.DOTALL)
    return [words for found in re.findall(r">([^<]+)<", body) if (words := found.strip())]


def letters(text: str, between: str = "") -> str:
    """A text with `between` for spaces, which PDFs have only as places, without other invisible characters, and without
    vowel marks, which have places of their own.
    """
    text = re.sub(
        r"[\u00ad\u200e\u200f\u2066-\u2069\u064b-\u0652\x02-]+", "", unicodedata.normalize("NFKC", html.unescape(text))
    )
    return re.sub(r"\s+", between, text)


async def pdf_and_words(w: World, ed: Ed, language: str) -> tuple[bytes, list[str]]:
    """The report of a run as PDF, and all texts that it has as HTML; in Arabic each word of them, since a line there
    comes in the order of the page.
    """
    answer = await w.acme.get(f"/v1/runs/{ed.run_id}/report.pdf?language={language}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text
    texts = words_of((await w.acme.get(f"/v1/runs/{ed.run_id}/report?language={language}")).text)
    words = re.findall(r"\w+", letters(" ".join(texts), " ")) if language == "ar" else [letters(text) for text in texts]
    assert len(words) > 70
    return answer.content, words


@pytest.mark.parametrize("language", ["en", "ar", *(pytest.param(tag, marks=pytest.mark.soak) for tag in SAME)])
@WITH_LIBRARIES
async def test_a_report_is_a_pdf_of_few_sheets_with_all_of_its_words(w: World, language: str) -> None:
    assert writer.find_missing() is None, "`check` names it, too"
    ed = await flat(w)
    made, words = await pdf_and_words(w, ed, language)
    with pypdfium2.PdfDocument(made) as pdf:
        assert 1 <= len(pdf) <= 2
        written = letters("".join(page.get_textpage().get_text_bounded() for page in pdf))
    assert [word for word in words if word not in written] == []
    assert streams(made).count(b"/FontFile2") >= 1, "with its fonts"
    assert b"/URI" not in streams(made) and ed.run_id.encode() not in streams(made)


@WITH_LIBRARIES
async def test_pages_lead_to_the_pdf(w: World) -> None:
    ed = await flat(w)
    whole = await w.acme.get(f"/v1/runs/{ed.run_id}/report.pdf")
    ann = await operator(w)
    path = f"/runs/{ed.run_id}/report.pdf"
    assert path in await shown(ann, f"/runs/{ed.run_id}")
    without = await ann.get(f"{path}?chosen=1")
    assert without.content.startswith(b"%PDF") and len(without.content) < len(whole.content)
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
    told = await (await operator(w)).get(f"/runs/{ed.run_id}/report.pdf", headers={"accept": "text/html"})
    assert told.status_code == 503 and "Print the report in its place" in told.text


@pytest.mark.parametrize("bound", ["MAX_HTML", "MAX_PICTURES", "MAX_PICTURE_BYTES"])
async def test_what_would_take_too_long_is_refused_at_once(
    w: World, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(writer, "_run_child", pytest.fail)
    ed = await flat(w)
    monkeypatch.setattr(report_pdf, bound, 1)
    refused = await w.acme.get(f"/v1/runs/{ed.run_id}/report.pdf")
    assert (refused.status_code, refused.json()["code"]) == (413, "pdf_too_large")
    told = await (await operator(w)).get(f"/runs/{ed.run_id}/report.pdf", headers={"accept": "text/html"})
    assert told.status_code == 413 and "Print the report in its place" in told.text


@pytest.mark.parametrize("line_end", ["\n", "\r", "\u2028", "\u2029"])
async def test_many_lines_are_refused_at_once(w: World, monkeypatch: pytest.MonkeyPatch, line_end: str) -> None:
    monkeypatch.setattr(writer, "_run_child", pytest.fail)
    monkeypatch.setattr(report_pdf, "MAX_HTML", 20_000)
    ed = await w.dispatch(await w.template(TEXT | {"config": {"max_length": 2000}}))
    await ed.start()
    await ed.answer("s-why", f"a{line_end}" * 999 + "a")
    refused = await w.acme.get(f"/v1/runs/{ed.run_id}/report.pdf?depth=full")
    assert (refused.status_code, refused.json()["code"]) == (413, "pdf_too_large")


@given(st.lists(st.tuples(st.sampled_from(["w", "w ", "\n", "&<", "漢", "a\u0301"]), st.integers(0, 900))))
def test_long_texts_are_broken_up_and_all_else_stays(texts: list[tuple[str, int]]) -> None:
    text = html.escape("".join(letter * count for letter, count in texts))
    page = f'<style>{"p>a " * 200}</style><p title="{text}">{text}</p><img alt="{text}" src="data:'.encode()
    parts = report_pdf._break_up([page, b"1", b"image/png", b'">'])
    broken = b"".join(parts).decode()
    assert [part.replace(b"<wbr>", b"") for part in parts] == [page, b"1", b"image/png", b'">']
    assert broken.count("<wbr>") == re.sub("<style>.*?</style>|<(?!wbr)[^>]*>", "", broken).count("<wbr>")
    for between in re.split("<[^>]*>", broken.partition("</style>")[2]):
        assert len(html.unescape(between)) <= 400
        assert "&" not in re.sub("&[^;]+;", "", between), "letters are whole"


def test_text_and_pictures_share_one_bound() -> None:
    half, pictures = b"x" * (report_pdf.MAX_HTML // 2), report_pdf.MAX_PICTURE_BYTES
    report_pdf._require_size([half, half], 0, 0)
    report_pdf._require_size([half], 1, pictures // 2)
    for parts, number in (([half, half + b"x"], 0), ([half, b"x"], 1), ([half, half[1:], b"\n"], 0)):
        with pytest.raises(Problem):
            report_pdf._require_size(parts, number, number * pictures // 2)


@WITH_LIBRARIES
async def test_whoever_did_a_run_gets_its_report_for_a_day(w: World) -> None:
    step = {**BOOLEAN, "label": "Fine?"}
    silent, ed = [
        await w.dispatch(await w.template(step, settings=settings)) for settings in ({}, {"executor_report": True})
    ]
    for run in (silent, ed):
        await run.start()
        assert (await run.client.get(f"/r/{run.run_id}/report.pdf")).status_code == 404, "not completed"
        await run.answer("s-ok", True)
        await run.complete()
    path = f"/r/{ed.run_id}/report.pdf"
    assert (await silent.client.get(f"/r/{silent.run_id}/report.pdf")).status_code == 404
    assert (await w.browser().get(path)).status_code == 404, "another phone"
    pdf = await ed.client.get(path)
    assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
    assert '"has_report":true' in (await ed.client.get(f"/r/{ed.run_id}")).text
    w.clock.forward(seconds=24 * HOUR // 1000)
    assert (await ed.client.get(path)).status_code == 404
    assert '"has_report":false' in (await ed.client.get(f"/r/{ed.run_id}")).text


@WITH_LIBRARIES
async def test_a_page_reads_nothing_else(receiver: Receiver) -> None:
    places = (receiver.url, "file:///etc/hostname", "file:///etc/passwd", "/etc/passwd", "ftp://127.0.0.1/x")
    page = "".join(f'<img src="{place}"><link rel="stylesheet" href="{place}">' for place in places)
    page += f"<style>@import url({receiver.url}); p {{ background: url({receiver.url}) }}</style>{SMALL}"
    attached = '<link rel="attachment" href="file:///etc/passwd">'
    pdf = await PdfWriter().write(pieces((page + attached).encode()), "org-1", 1)
    assert pdf.startswith(b"%PDF") and b"root:" not in streams(pdf)
    assert receiver.received == []


@WITH_LIBRARIES
async def test_a_page_that_takes_too_long_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "TIMEOUT_SECONDS", 1)
    endless = "<table>" + "<tr><td>x<table><tr><td>y</table>" * 20_000
    with pytest.raises(Problem, match="needs more than"):
        await PdfWriter().write(pieces(endless.encode()), "org-1", 1)


async def test_what_could_not_be_made_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[bytes]()

    def fails(html: bytes) -> bytes:
        tried.append(html)
        raise writer._Unmade

    monkeypatch.setattr(writer, "is_installed", lambda: True)
    monkeypatch.setattr(writer, "_write", fails)
    pdfs = PdfWriter()
    for report in ("r-1 at 7", "r-1 at 7", "r-1 at 8"):
        with pytest.raises(Problem, match="needs more than") as refused:
            await pdfs.write(pieces(report.encode()), "org-1", report)
        assert refused.value.code == "pdf_unavailable"
    assert tried == [b"r-1 at 7", b"r-1 at 8"]
    for report in range(writer.MAX_FAILED):
        with pytest.raises(Problem):
            await pdfs.write(pieces(b"x"), "org-1", report)
    assert len(pdfs._failed) == writer.MAX_FAILED


async def test_readers_with_links_take_no_place_and_no_turn_from_members(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, held, order = asyncio.Event(), threading.Event(), list[str]()
    loop, pdfs = asyncio.get_running_loop(), PdfWriter()

    def write(html: bytes) -> bytes:
        loop.call_soon_threadsafe(begun.set)
        held.wait(60)
        order.append(html.decode())
        return html

    monkeypatch.setattr(writer, "is_installed", lambda: True)
    monkeypatch.setattr(writer, "_write", write)
    links = [(owner, f"link {owner}{n}") for owner in "ab" for n in (1, 2)]
    members = [(owner, f"member {owner}") for owner in "abcd"]
    asked = list[Any]()
    for owner, name in links[:1]:
        asked.append(asyncio.ensure_future(pdfs.write(pieces(name.encode()), owner, name, by_link=True)))
        await begun.wait()
    for owner, name in links[1:]:
        asked.append(asyncio.ensure_future(pdfs.write(pieces(name.encode()), owner, name, by_link=True)))
    while pdfs.pool.count_taken("links ") < 4:
        await asyncio.sleep(0)  # one turn of the loop
    with pytest.raises(Problem, match="try again shortly"):
        await pdfs.write(pieces(b"x"), "c", 1, by_link=True)
    for owner, name in members:
        asked.append(asyncio.ensure_future(pdfs.write(pieces(name.encode()), owner, name)))
    while pdfs.pool.count_taken() < 4:
        await asyncio.sleep(0)  # one turn of the loop
    held.set()
    await asyncio.gather(*asked)
    assert order[0] == "link a1" and sorted(order[1:5]) == [name for _, name in members]


async def test_without_libraries_of_the_system_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As WeasyPrint does without Pango: it prints how to install it, and can't be imported."""
    module = 'print("-----\\nWeasyPrint could not import some external libraries.")\nraise OSError("no libpango")\n'
    (tmp_path / "weasyprint.py").write_text(module)
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from rundun.pdf import child; child.main()"
    monkeypatch.setattr(writer, "COMMAND", (sys.executable, "-BPc", start))
    monkeypatch.setattr(writer, "is_installed", lambda: True)
    assert str(writer.find_missing()).startswith("libraries of the system: apt-get install libpango-1.0-0")
    with pytest.raises(Problem, match="something that it needs is missing"):
        await PdfWriter().write(pieces(SMALL.encode()), "org-1", 1)


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
    asked: list[Any] = [asyncio.ensure_future(pdfs.write(pieces(b"a1"), "a", 1))]
    await begun.wait()
    asked += [asyncio.ensure_future(pdfs.write(pieces(name), name[:1].decode(), 1)) for name in (b"a2", b"b1", b"c1")]
    while pdfs.pool.count_taken() < 4:
        await asyncio.sleep(0)
    for owner, others in (("a", "an organization has two"), ("d", "four are under way")):
        with pytest.raises(Problem) as refused:
            await pdfs.write(pieces(b"x"), owner, 1)
        assert refused.value.code == "unavailable" and refused.value.retry_after, others
    held.set()
    await asyncio.gather(*asked)
    assert order[0] == "a1" and sorted(order) == ["a1", "a2", "b1", "c1"]
    assert order[-1] == "a2", "others do not wait for all of one organization"
