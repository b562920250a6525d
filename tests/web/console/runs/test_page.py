"""The page of one run: its answers in words, and its history."""

import asyncio
import hashlib
import re
from html import escape
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from rundun.core.runs.event import EVENTS, ON_REQUEST
from rundun.core.runs.run import CLOSED, STATUSES
from rundun.wording.run_history import HistoryEntry
from tests.helpers.console.console import operator, text_of
from tests.helpers.console.console_runs import PHOTO, PICTURE, PNG, everything
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import BOOLEAN, PUBLIC_URL, Receiver, World, answering, new_photo_id, pages

CHANGES = ("extended", "released", "photo_deleted")  # as the table has them


def line(page: str, step_id: str) -> str:
    """The card of one step."""
    found = re.search(rf'<article [^>]*id="{step_id}".*?</article>', page, re.DOTALL)
    assert found, step_id
    return found[0]


async def test_a_run_shows_every_answer_as_it_read(w: World) -> None:
    ann = await operator(w)
    ed = await everything(w)
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    said = text_of(page)
    for words in ("booking_77", "Ed Miller", "In progress", "Version 1", f"{PUBLIC_URL}/r/{ed.run_id}"):
        assert words in said or words in page, words
    for step_id, words in (
        ("s-ok", "Fine & dandy"),
        ("s-plain", "No"),
        ("s-one", "The cellar"),
        ("s-many", "A chair A desk"),
        ("s-text", "line one line two"),
        ("s-num", "1,234.5 kWh"),
        ("s-num", "phone’s clock 1 Jan 2026, 02:30:00 +00:00"),
        ("s-num", "51.503400, -0.127600 ±7 m"),
        ("s-rate", "5 of 5 (best)"),
        ("s-day", "3 Feb 2026"),
        ("s-when", "3 Feb 2026, 04:05:06 +00:00"),
        ("s-read", "Read"),
        ("s-way", "Could not be done: No key"),
        ("s-tip", "Skipped"),
        ("s-why", "Hidden"),
        ("s-last", "Not answered"),
        ("s-sign", "Name typed: E. Miller"),
        ("s-pic", "the camera"),
        ("s-pic", "1.500000, 2.500000 ±9 m"),
        ("s-pic", "Not part of the answer"),
        ("s-pic", hashlib.sha256(jpeg()).hexdigest()),
    ):
        assert words in text_of(line(page, step_id)), (step_id, text_of(line(page, step_id)))
    title = "<title>{} · Check · Rundun</title>"
    assert title.format("booking_77") in page and 'id="heading"><bdi>booking_77</bdi></h1>' in page
    nameless = await w.dispatch(await w.template(BOOLEAN))
    other = (await ann.get(f"/runs/{nameless.run_id}")).text
    assert title.format(nameless.run_id[2:10]) in other and 'id="heading"><bdi>Check</bdi></h1>' in other
    assert "1 replaced answer Received" not in line(page, "s-plain")
    past = re.search(r"<details class=\"replaced.*?</details>", line(page, "s-ok"), re.DOTALL)
    assert past and text_of(past[0]).startswith("1 replaced answer No Received")
    assert 'href="https://www.openstreetmap.org/?mlat=51.503400&amp;mlon=-0.127600' in page
    assert all('rel="noreferrer noopener"' in link for link in re.findall(r"<a href=\"https://[^>]*>", page))
    for path in set(re.findall(r'"(/media/[^"]+)"', page)):
        assert (await w.browser().get(path)).status_code == 200
    originals = re.findall(r'<a href="(/media/[^"]+)" download="([^"]+)">', line(page, "s-pic"))
    assert [name for _, name in originals] == ["booking-77-011-the-door-1.jpg", "booking-77-011-the-door-2.jpg"]
    assert (await w.browser().get(originals[0][0])).content == jpeg()
    timeline = text_of(page[page.index('id="timeline"') :])
    assert re.search(r"Sent .* Started .* Answered: All fine\? .* Skipped: A tip", timeline)
    assert re.search(
        r"Photo received: The door 1 Jan 2026, 00:00:41 \+00:00 \(phone’s clock 1 Jan 2026, 02:29:00 \+00:00 \) "
        r".*Signature received: Sign · E\. Miller .*Answered: The door .*Answered: Sign ",
        timeline,
    )
    assert "Could not be done: Way in? – No key" in timeline and "Answered: Way in?" not in timeline
    assert "Answered: Meter 1 Jan 2026, 00:00:41 +00:00 (phone’s clock 1 Jan 2026, 02:30:00 +00:00 )" in timeline
    assert "style=" not in page and "<script>" not in page and " onclick" not in page


def test_everything_that_can_be_told_has_words() -> None:
    """Also what no page of the tests shows: the pages' own tables of words have all that there is."""
    more = ("step_unable", "photo", "signature", "closing_signature", "remark", "remark_taken_back")
    told = {one.replace(".", "_") for one in (*EVENTS, *ON_REQUEST)} | {*CHANGES, *more}
    told -= {"run_erased"}  # of which no history is left
    english = pages().console_words.language(["en"])
    for entry in (HistoryEntry(one, 0) for one in told):
        assert "_" not in entry.text(english)
    assert set(STATUSES) <= set(words_of("parts")["statuses"])
    assert set(CLOSED) <= set(words_of("runs/parts")["closed_words"])


def words_of(page: str) -> dict[str, Any]:
    """The tables of words of a page of macros."""
    values = pages().console_words.language(["en"]).page_names()
    module = pages()._environment.get_template(f"console/{page}.html").make_module({**values, "call": None})
    return vars(module)


async def test_all_replaced_answers_can_be_seen(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rundun.actions.runs.runs.MAX_REPLACED", 30)
    ann = await operator(w)
    steps = [{"id": one, "type": "text", "label": one} for one in ("s-a", "s-b")]
    ed = await w.dispatch(await w.template(*steps))
    await ed.start()
    for step in ("s-a", "s-b"):
        for n in range(25):
            assert (await ed.answer(step, f"{step} no. {n}")).status_code == 200
    path = f"/runs/{ed.run_id}"
    few = line((await ann.get(path)).text, "s-b")
    assert "24 replaced answers" in few and few.count("<li>") == 20 and "and 4 earlier ones" in few
    link = re.search(r'href="/console([^"#]+)#past-s-b">Show all', few)
    assert link and 'id="past-s-b">' in few
    page = (await ann.get(link[1])).text
    whole = line(page, "s-b")
    assert re.findall(r"s-b no\. (\d+)", whole) == [str(n) for n in range(24, -1, -1)]
    assert 'id="past-s-b" open>' in whole and "Show all" not in whole
    assert line(page, "s-a").count("<li>") < 24, "asked for are those of the other"
    other = line((await ann.get(f"{path}?past=s-a")).text, "s-a")
    assert re.findall(r"s-a no\. (\d+)", other) == [str(n) for n in range(24, -1, -1)]
    assert (await ann.get(f"{path}?past=s-nobody")).status_code == 200


async def test_what_no_event_tells_of_is_in_a_runs_history(w: World) -> None:
    ann = await operator(w)
    once = {"execution": {"scope": "first_device"}, "settings": {"signature_on_complete": True}}
    ed = await w.dispatch(await w.template(PICTURE, **once))
    path, api = f"/runs/{ed.run_id}", f"/v1/runs/{ed.run_id}"
    await ann.get(path)
    await ed.start()
    w.clock.forward(hours=1)
    assert (await ann.post(f"{path}/extend", hours="168")).status_code == 303
    assert (await ann.post(f"{path}/extend", hours="24")).status_code == 422
    w.clock.forward(hours=1)
    assert (await w.acme.post(f"{api}/extend", json={"expires_in_hours": None})).is_success
    w.clock.forward(hours=1)
    taken = "source=camera&taken_at=2026-01-01T02:30:00Z"
    assert (await ed.call("PUT", f"/steps/s-pic/photos/{PHOTO}?{taken}", content=jpeg())).is_success
    w.clock.forward(hours=1)
    for _ in range(2):  # deleted once, however often that is said
        assert (await ed.call("DELETE", f"/steps/s-pic/photos/{PHOTO}")).is_success
    assert (await ed.call("PUT", "/signature?typed_name=E.+Miller", content=PNG)).is_success
    w.clock.forward(hours=1)
    assert (await ann.post(f"{path}/release")).status_code == 303
    assert (await w.acme.post(f"{api}/release", json={})).is_success
    page = (await ann.get(path)).text
    found = re.findall(r'<li><span class="what">.*?</li>', page[page.index('id="timeline"') :], re.DOTALL)
    day = "1 Jan 2026, 0{}:00:00 +00:00".format
    key, person = "· API key: test", "· Ann"
    assert [text_of(one) for one in found] == [
        f"Sent {day(0)}",
        f"Started {day(0)}",
        f"End changed 4 Jan 2026, 00:00 → 8 Jan 2026, 01:00 {person} {day(1)}",
        f"End changed 8 Jan 2026, 01:00 → never {key} {day(2)}",
        f"Photo received: The door {day(3)} (phone’s clock 1 Jan 2026, 02:30:00 +00:00 )",
        f"Signature at the end received · E. Miller {day(4)}",
        f"Photo deleted: The door {day(4)}",
        f"Another phone may go on {person} {day(5)}",
        f"Another phone may go on {key} {day(5)}",
    ]
    told = (await w.acme.get("/v1/events")).json()["data"]
    assert [one["event"] for one in told] == ["run.started"], "the wire has none of it"


async def test_how_a_job_was_sent_stands_behind_what_is_asked_of_it(w: World) -> None:
    ann = await operator(w)
    hook = {"url": "http://127.0.0.1:9/hook"}
    template_id = await w.template(BOOLEAN)
    for tag, name in (("es", "Spanish"), ("pt-BR", "Portuguese (Brazil)"), ("tlh", "tlh")):
        ed = await w.dispatch(template_id, language=tag, webhook=hook)
        page = (await ann.get(f"/runs/{ed.run_id}")).text
        first, _, more = page[page.index('id="facts"') : page.index('id="timeline"')].partition('id="more-facts">')
        assert "Person" in first and "Expires" in first and "Language" not in first
        assert text_of(more).startswith("More Checklist Check Version 1 Sent 1 Jan 2026, 00:00")
        assert f"Updates go to {hook['url']} Language {name} Number {ed.run_id[2:10]}" in text_of(more)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert page.index('id="more-facts"') < page.index("Expires") < page.index('id="timeline"')


async def test_the_label_is_the_one_of_the_runs_version(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN)
    ed = await w.dispatch(template_id)
    changed = {"name": "Other", "steps": [{**BOOLEAN, "label": "Something else?"}]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=changed)).status_code == 200
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "All fine?" in page and "Something else?" not in page
    await w.dispatch(template_id)
    assert re.findall(r'class="name"[^>]*><bdi>([^<]+)<', (await ann.get("/runs")).text) == ["Other", "Check"]


async def test_answers_after_the_end_are_marked_late_and_an_end_is_told(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN, PICTURE), expires_in_hours=1)
    await ed.start()
    w.clock.forward(hours=2)
    await ed.answer("s-ok", True)
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "Late" in text_of(line(page, "s-ok")) and "Takes answers until" in page
    assert 'class="status late">Late' in (await ann.get("/runs")).text
    w.clock.forward(hours=30)
    await w.sweep()
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "Expired 2 Jan 2026, 01:00:00 +00:00" in text_of(page)
    assert "Expired 2 Jan 2026, 01:00:00" in text_of(page[page.index('id="timeline"') :])
    assert "copy" not in page.lower() and "Cancel this job" not in page


async def test_a_failed_delivery_is_seen_and_sent_again(w: World, receiver: Receiver) -> None:
    ann = await operator(w)
    nasty = b"<script>alert(1)</script>"
    receiver.answer = lambda _: b"HTTP/1.1 410 Gone\r\nContent-Length: %d\r\n\r\n%s" % (len(nasty), nasty)
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    host = re.escape(receiver.url.split("/")[2])
    other = await w.dispatch(await w.template(BOOLEAN))
    post, go_on = w.dispatcher._post, asyncio.Event()

    async def held_up(request: Any) -> Any:
        await go_on.wait()
        return await post(request)

    w.dispatcher._post = held_up
    await ed.start()
    await ed.answer("s-ok", True)
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "data-again" in page and "No attempt yet." in page
    go_on.set()
    await w.deliver()
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    assert "data-again" not in page
    assert re.search(
        rf"Failed step.completed {host} The answer was 410. .* 1 attempt .*The answer was 410", text_of(page)
    )
    assert escape(nasty.decode()) in page and nasty.decode() not in page
    (delivery,) = await w.deliveries(ed)
    receiver.answer = answering("204 No Content")
    again = f"/deliveries/{delivery['delivery_id']}/retry"
    assert (await ann.post(f"/runs/{other.run_id}{again}")).status_code == 404
    assert (await ann.post(f"/runs/{ed.run_id}{again}")).status_code == 303
    await w.deliver()
    page = text_of((await ann.get(f"/runs/{ed.run_id}")).text)
    assert re.search(rf"Delivered step.completed {host} .* 2 attempts Attempt 2 \(by hand\): HTTP 204", page)


async def test_the_qr_code_is_the_link(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN))
    answer = await ann.get(f"/runs/{ed.run_id}/link.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "no-store"
    rects = Image.new("L", (8 * 45, 8 * 45), 255)  # the code as the picture draws it: strokes of one unit
    drawing = ImageDraw.Draw(rects)
    path = re.search(r'class="qrline"[^>]* d="([^"]+)"', answer.text)
    assert path
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]+)", path[1]):
        steps = [float(one) for one in re.findall(r"-?[\d.]+", numbers)]
        if command == "M":
            x, y = steps
        elif command == "m":
            x, y = x + steps[0], y + steps[1]
        else:
            drawing.rectangle((x * 8, (y - 0.5) * 8, (x + steps[0]) * 8 - 1, (y + 0.5) * 8 - 1), fill=0)
            x += steps[0]
    (found,) = zxingcpp.read_barcodes(rects)
    assert found.text == f"{PUBLIC_URL}/r/{ed.run_id}"


async def test_photos_of_what_needs_attention_come_first(w: World) -> None:
    ann = await operator(w)
    bad = {**BOOLEAN, "flag": {"when": {"op": "eq", "value": True}}}
    when = {"when": {"step": BOOLEAN["id"], "op": "eq", "value": True}}
    sides, close = {**PICTURE, "id": "s-sides"}, {**PICTURE, "id": "s-close", "condition": when}
    ed = await w.dispatch(await w.template(sides, bad, close))
    await ed.start()
    await ed.answer(BOOLEAN["id"], True)
    for step_id in ("s-sides", "s-close"):
        photo_id = new_photo_id()
        assert (await ed.photo(step_id, jpeg(), photo_id)).status_code == 201
        await ed.answer(step_id, photos=[photo_id])
    page = (await ann.get(f"/runs/{ed.run_id}")).text
    strip = re.findall(r'data-opens="open-([^"]+)"', page)
    shown = re.findall(r'id="open-([^"]+)"', page)
    assert (len(strip), strip) == (2, shown[::-1]), "the close-up, then the sides"
