"""Runs taken away as files, and that nothing anybody typed is markup, a formula or a path anywhere at the console."""

import csv
import hashlib
import io
import json
import re
import unicodedata
import zipfile
from html.parser import HTMLParser
from typing import Any

import pytest

from rundun.store.runs import runs as run_rows
from rundun.web.archives import runs
from rundun.web.console.runs import export
from rundun.wording import file_names
from rundun.wording.job_tables import csv_cells
from tests.helpers.console.console import Browser, operator, text_of
from tests.helpers.console.console_runs import PHOTO, PICTURE, PNG, everything
from tests.helpers.pictures.images import heic, jpeg
from tests.helpers.service import BOOLEAN, Ed, World

# ---- the table


async def table(browser: Browser, query: str = "") -> list[dict[str, str]]:
    """The rows of a CSV by their columns."""
    answer = await browser.get(f"/runs.csv{query}")
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf") and answer.content.endswith(b"\r\n")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_a_filtered_list_is_a_table(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    ann = await operator(w)
    template_id = await w.template(BOOLEAN)
    runs_of_ed = [await w.dispatch(template_id, executor_ref=f"booking_{n}") for n in range(5)]
    await w.dispatch(template_id, executor_ref="other")
    await runs_of_ed[1].start()
    w.clock.forward(seconds=61)
    await runs_of_ed[1].answer("s-ok", True)
    await runs_of_ed[1].complete()
    found = await table(ann, "?ref=booking_")
    assert [row["reference"] for row in found] == [f"booking_{n}" for n in (4, 3, 2, 1, 0)]
    assert tuple(found[0]) == export.COLUMNS
    done = found[3]
    assert (done["status"], done["steps"], done["answered"], done["duration_seconds"]) == ("completed", "1", "1", "61")
    assert done["closed_at"] == "2026-01-01T00:01:01+00:00"
    assert done["link"] == f"http://rundun.test/r/{runs_of_ed[1].run_id}"
    assert [row["reference"] for row in await table(ann, "?status=completed")] == ["booking_1"]
    assert await table(ann, "?status=expired") == []
    answer = await ann.get("/runs.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="runs-2026-01-01.csv"'
    monkeypatch.setattr(export, "MAX_ROWS", 3)
    assert len(await table(ann)) == 3


# ---- the archive


async def archive(browser: Browser, ed: Ed) -> zipfile.ZipFile:
    """What comes down, which a strict reader accepts."""
    answer = await browser.get(f"/runs/{ed.run_id}/archive.zip")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="run-{ed.run_id[2:10]}.zip"'
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    assert all(not one.flag_bits & 8 for one in found.infolist()), "sizes stand before what they are of"
    return found


async def archive_by_api(w: World, ed: Ed) -> zipfile.ZipFile:
    """What integrators get."""
    answer = await w.acme.get(f"/v1/runs/{ed.run_id}/archive")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="run-{ed.run_id[2:10]}.zip"'
    return zipfile.ZipFile(io.BytesIO(answer.content))


async def test_an_archive_has_the_whole_run(w: World) -> None:
    ann = await operator(w)
    ed = await everything(w)
    sideways = heic()
    assert (await ed.photo("s-pic", sideways)).status_code == 201
    found, by_api = await archive(ann, ed), await archive_by_api(w, ed)
    assert {name: found.read(name) for name in found.namelist()} == {
        name: by_api.read(name) for name in by_api.namelist()
    }, "console and API give out the same"
    names = found.namelist()
    assert sorted(names) == [
        "photos/011-the-door-1.jpg",
        "photos/011-the-door-2.jpg",
        "photos/011-the-door-3.heic",
        "photos/011-the-door-shown-1.jpg",
        "report.html",
        "run.json",
        "signatures/012-sign-1.png",
    ]
    assert found.read("photos/011-the-door-1.jpg") == jpeg()
    assert found.read("photos/011-the-door-3.heic") == sideways
    assert found.read("signatures/012-sign-1.png") == PNG
    stored = {one.filename: one.compress_type for one in found.infolist()}
    assert {stored[name] for name in names if "/" in name} == {zipfile.ZIP_STORED}
    record = json.loads(found.read("run.json"))
    files = record.pop("files")["photos"]
    assert files[PHOTO] == {
        "file": "photos/011-the-door-1.jpg",
        "sha256": hashlib.sha256(jpeg()).hexdigest(),
        "step_id": "s-pic",
    }
    assert [one["value"] for one in record.pop("replaced_answers")["s-ok"]] == [False]
    assert record.pop("replaced_remarks") == {}
    assert record == await w.run(ed)
    report = found.read("report.html").decode()
    for words in ("booking_77", "Ed Miller", "The cellar", "1,234.5 kWh", "Could not be done: No key", "E. Miller"):
        assert words in text_of(report), words
    shown = set(re.findall(r'(?:src|href)="((?!https:|#)[^"]*)"', report))
    assert shown <= set(names) and {name for name in names if "/" in name} == shown
    assert "<script" not in report and "/media/" not in report


async def test_a_report_has_all_replaced_answers(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template({"id": "s-text", "type": "text", "label": "Say it"}))
    await ed.start()
    for n in range(25):
        await ed.answer("s-text", f"answer no. {n}")
    report = (await archive(ann, ed)).read("report.html").decode()
    assert re.findall(r"answer no\. (\d+)", report) == [str(n) for n in range(24, -1, -1)]


async def test_an_archive_of_a_large_run_comes_in_pieces(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger than what is kept in memory, and more files than one: each is on its way before the next is read."""
    monkeypatch.setattr(runs, "IN_MEMORY", 1000)
    ann = await operator(w)
    ed = await w.dispatch(await w.template({**PICTURE, "config": {"max": 10}}))
    await ed.start()
    pictures = [jpeg(200 + 10 * n, 200) for n in range(8)]
    for picture in pictures:
        assert (await ed.photo("s-pic", picture)).status_code == 201
    largest = 0
    taken = runs.StreamingZipBuffer.take

    def watched(pen: Any) -> Any:
        nonlocal largest
        full = taken(pen)
        largest = max(largest, len(full.read()))
        full.seek(0)
        return full

    monkeypatch.setattr(runs.StreamingZipBuffer, "take", watched)
    found = await archive(ann, ed)
    assert [found.read(f"photos/001-the-door-{n}.jpg") for n in range(1, 9)] == pictures
    assert largest < max(map(len, pictures)) + 20_000


async def test_a_photo_deleted_meanwhile_is_left_out(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(PICTURE))
    await ed.start()
    await ed.photo("s-pic", jpeg(), PHOTO)
    await ed.photo("s-pic", jpeg(64, 64))
    looked = runs.file_names

    def late(watched: Any) -> Any:
        names = looked(watched)
        names.paths = {10**6: "photos/gone.jpg", **names.paths}
        return names

    monkeypatch.setattr(runs, "file_names", late)
    assert (await archive(ann, ed)).namelist()[2:] == ["photos/001-the-door-1.jpg", "photos/001-the-door-2.jpg"]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("The door", "the-door"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "step"),
        ("C:\\Windows\\con", "c-windows-con"),
        ("a/b\0c\nd", "a-b-c-d"),
        ("Tür öffnen?", "tur-offnen"),
        ("الباب", "step"),
        ("\u202egpj.exe", "gpj-exe"),
        ("x" * 500, "x" * 40),
        ("-rf", "rf"),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_names_are_made_of_letters_and_digits(label: str, expected: str) -> None:
    assert file_names.slug(label) == expected


# ---- what people type

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea></title></style></script><b>bold",
    "<!-- --><svg/onload=alert(1)>",
    "{{ 7*7 }} {% raw %} ${7*7}",
    "javascript:alert(1)",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "＝1+1",
    "a\r\nb\tc",
    "\u202eevil\u202c \u2066x",
    "null",
    "None",
    "undefined",
    "\\N",
    "'; DROP TABLE runs; --",
    "%00%0d%0aSet-Cookie: a=b",
    "../../../etc/passwd",
    "con.txt:stream",
    "😀 مرحبا 日本語 e\u0301",
    "long " * 40,
    "W" * 200,
]
ELEMENTS = """
html head meta title link body a header nav div span bdi form input button main h1 h2 h3 h4 p section dl dt dd time br
code label select option textarea details summary article ul ol li figure figcaption dialog pre table caption thead
tbody tr th td progress script style b img kbd aside
"""
ALLOWED = set(ELEMENTS.split())  # of our pages; nothing of the corpus is among them
OF_LONG_TEXTS = {"class", "title"}  # these show fewer lines, and all of it in a title
OURS = ("/", "https://www.openstreetmap.org/", "data:image/svg", "data:,", "#", "photos/", "signatures/")


class Markup(HTMLParser):
    """Every element with its attributes, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def is_harmless(html: str, ours: str) -> Markup:
    """Nothing that was typed is markup: elements, scripts and addresses are those of a page where all was plain."""
    page, plain = Markup(), Markup()
    page.feed(html)
    plain.feed(ours)
    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    for (tag, attributes), (_, expected) in zip(page.elements, plain.elements, strict=True):
        assert set(attributes) - OF_LONG_TEXTS == set(expected) - OF_LONG_TEXTS, tag
        assert not {name for name in attributes if name.startswith("on")}
        for name in ("href", "src", "action"):
            address = attributes.get(name) or ""
            assert not address or address.startswith(OURS), address
    return page


async def typed(w: World, words: str) -> Ed:
    """A run in which everybody has typed `words` wherever one can type."""
    steps: list[dict[str, Any]] = [
        {"id": "s-yes", "type": "boolean", "label": words, "hint": words, "config": {"true_label": words}},
        {"id": "s-one", "type": "choice", "label": words, "config": {"options": [{"id": "o-a", "label": words}]}},
        {"id": "s-all", "type": "multi_choice", "label": words, "config": {"options": [{"id": "o-b", "label": words}]}},
        {"id": "s-text", "type": "text", "label": words},
        {"id": "s-code", "type": "barcode", "label": words},
        {"id": "s-num", "type": "number", "label": words, "config": {"unit": words[:40]}},
        {"id": "s-rate", "type": "rating", "label": words, "config": {"max_label": words}},
        {"id": "s-pic", "type": "photo", "label": words},
        {"id": "s-sign", "type": "signature", "label": words},
        {"id": "s-way", "type": "boolean", "label": words},
    ]
    sections = [{"id": "g-a", "title": words, "description": words, "steps": steps}]
    body = {"name": words, "description": words, "sections": sections, "execution": {"identity_required": "name"}}
    made = await w.acme.post("/v1/templates", json=body)
    assert made.status_code == 201, made.text
    ed = await w.dispatch(made.json()["id"], executor_ref=words)
    assert (await ed.start(name=words)).status_code == 200
    for step, value in (
        ("s-yes", True),
        ("s-one", "o-a"),
        ("s-all", ["o-b"]),
        ("s-text", "before"),
        ("s-text", words),
        ("s-code", words),
        ("s-num", 1),
        ("s-rate", 5),
    ):
        assert (await ed.answer(step, value)).status_code == 200
    assert (await ed.photo("s-pic", jpeg(64, 64))).status_code == 201
    await ed.answer("s-pic")
    signed = await ed.call("PUT", "/steps/s-sign/signature", content=PNG, params={"typed_name": words})
    assert signed.status_code == 201, signed.text
    await ed.answer("s-sign")
    await ed.put("s-way", {"unable": {"reason": words}})
    assert (await ed.call("POST", "/cancel", json={"reason": words})).status_code == 200
    return ed


async def test_what_people_type_is_never_markup(w: World) -> None:
    ann, plain = await operator(w), await typed(w, "plain")
    ours = (await ann.get(f"/runs/{plain.run_id}")).text
    our_report = (await archive(ann, plain)).read("report.html").decode()
    for words in NASTY:
        kept = unicodedata.normalize("NFC", words.strip())
        ed = await typed(w, words)
        page = is_harmless((await ann.get(f"/runs/{ed.run_id}")).text, ours)
        said = " ".join(page.text.split())
        assert said.count(" ".join(kept.split())) >= 15
        found = await archive(ann, ed)
        is_harmless(found.read("report.html").decode(), our_report)
        for name in found.namelist():
            assert re.fullmatch(r"run\.json|report\.html|(photos|signatures)/[a-z0-9-]{1,60}\.(jpg|png)", name), name

        await w.database.write(lambda tx: tx.db.execute("UPDATE runs SET created_at = created_at + number"))
        query = {"ref": words, "match": "exact"}
        listed = await ann.get("/runs", params=query)
        both = is_harmless(listed.text, (await ann.get("/runs", params={"ref": "plain", "match": "exact"})).text)
        assert f"row-{ed.run_id}" in listed.text and " ".join(kept.split()) in " ".join(both.text.split())
        (row,) = list(csv.DictReader(io.StringIO((await ann.get("/runs.csv", params=query)).text[1:], newline="")))
        stored = (await w.database.read(run_rows.get, ed.run_id)).executor_ref
        assert stored is not None
        for column in ("reference", "template", "executor", "cancel_reason"):
            assert not re.match(r"[\s=+\-@＝]", row[column]), (column, row[column])
            assert row[column] == csv_cells.safe_cell(stored)
            assert row[column].replace("'", "") == stored.replace("'", "")
