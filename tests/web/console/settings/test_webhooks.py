"""Webhooks in the console: tried out, and what failed sent again."""

import html
import re

from rundun.store.sqlite import service_state
from tests.helpers.console.console import operator, text_of
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.service import BOOLEAN, Received, Receiver, World, answering


async def test_a_webhook_is_tried_out(w: World, receiver: Receiver) -> None:
    bob = await operator(w, "member")
    await bob.get("/settings/webhooks")
    nasty = NASTY_NAMES[0] + NASTY_NAMES[1]

    def answer(one: Received) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(nasty), nasty.encode())

    receiver.answer = answer
    secret = "whsec_0123456789abcdef"
    tried = await bob.post("/settings/webhooks/test", url=receiver.url, secret=secret)
    assert tried.status_code == 200
    (got,) = receiver.received
    page = html.unescape(tried.text)
    assert got.headers["signature"] in page and got.headers["signature-input"] in page
    assert got.body.decode() in page and secret not in page
    assert "It arrived: the answer was 200" in page
    assert is_text_only(tried.text, nasty)
    receiver.answer = answering("500 Oops")
    assert "The answer was 500." in (await bob.post("/settings/webhooks/test", url=receiver.url)).text
    for url, said in (
        ("ftp://127.0.0.1/", "no address of a web server"),
        (NASTY_NAMES[1], "no address of a web server"),
        ("http://169.254.169.254/", "Nothing may be sent to that address"),
    ):
        refused = await bob.post("/settings/webhooks/test", url=url)
        assert (refused.status_code, said in refused.text) == (422, True), refused.text
        assert is_text_only(refused.text, url)
    short = await bob.post("/settings/webhooks/test", url=receiver.url, secret="short")
    assert (short.status_code, "12" in short.text) == (422, True)
    codes = [(await bob.post("/settings/webhooks/test", url=receiver.url)).status_code for _ in range(9)]
    assert codes[-1] == 429 and len(receiver.received) <= 10


async def test_what_failed_is_sent_again_one_by_one_and_all_at_once(w: World, receiver: Receiver) -> None:
    bob = await operator(w, "member")
    assert "Nothing has failed." in (await bob.get("/settings/webhooks")).text
    receiver.answer = answering("410 <script>alert(1)</script>")
    template_id = await w.template(BOOLEAN)
    for number in range(27):
        more = {"executor_ref": "booking_26"} if number == 26 else {}
        ed = await w.dispatch(template_id, webhook={"url": receiver.url}, **more)
        await ed.start()
        await ed.answer("s-ok", True)
        w.clock.forward(seconds=1)
    await w.deliver()
    page = (await bob.get("/settings/webhooks")).text
    assert page.count('class="card delivery"') == 25
    assert "The answer was 410." in page and "<script>alert" not in page and "under way" not in page
    summaries = [text_of(one) for one in re.findall(r"<summary id=.*?</summary>", page, re.DOTALL)]
    host = receiver.url.split("/")[2]
    assert summaries[0].startswith(f"Failed step.completed booking_26 {host} The answer was 410. "), summaries[0]
    assert len(set(summaries)) == 25, "each says which run it is of"
    (older,) = re.findall(r"/settings/webhooks\?before=[\d.]+", page)
    assert (await bob.get(older)).text.count('class="card delivery"') == 2
    assert (await bob.get("/settings/webhooks?before=nonsense")).status_code == 200
    assert len(set(re.findall(r'name="group" value="([^"]+)"', page))) == 1
    assert f"27 updates for {host} did not arrive The answer was 410. Send again Dealt with" in text_of(page)
    first = re.search(r"/settings/webhooks/dlv-[0-9a-f-]+/retry", page)
    assert first
    receiver.answer = answering("204 No Content")
    assert (await bob.post(first[0])).status_code == 303
    await w.deliver()
    assert (await w.deliveries(ed))[0]["status"] == "delivered"
    all_again = await bob.post("/settings/webhooks/retry")
    assert all_again.headers["location"].endswith("all_sent_again")
    await w.deliver()
    assert "Nothing has failed." in (await bob.get("/settings/webhooks")).text


async def test_what_is_still_to_be_sent_is_told(w: World, receiver: Receiver) -> None:
    bob = await operator(w, "member")
    receiver.answer = answering("503 Busy")
    template_id = await w.template(BOOLEAN)
    for _ in range(2):
        ed = await w.dispatch(template_id, webhook={"url": receiver.url})
        await ed.start()
        await ed.answer("s-ok", True)
    await w.deliver()
    page = text_of((await bob.get("/settings/webhooks")).text)
    found = re.search(r"2 deliveries are under way. The next attempt is made at: 1 Jan 2026, (\S+)", page)
    assert found and found[1] > "00:00:00" and "Failed deliveries are listed here." in page
    assert "Nothing has failed." not in page
    w.clock.forward(hours=1)
    page = text_of((await bob.get("/settings/webhooks")).text)
    assert "2 deliveries are under way. The next attempt is made now." in page


async def test_what_is_held_after_a_restore_is_said_to_be(w: World, receiver: Receiver) -> None:
    bob = await operator(w, "member")
    receiver.answer = answering("500 Oops")
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    await ed.start()
    await ed.answer("s-ok", True)
    await w.deliver()

    async def said() -> tuple[str, str]:
        summary = re.findall(r"<summary id=.*?</summary>", (await bob.get(f"/runs/{ed.run_id}")).text, re.DOTALL)[0]
        return text_of(summary), text_of((await bob.get("/settings/webhooks")).text)

    run, all_of_them = await said()
    assert "· next " in run and "under way. The next attempt is made" in all_of_them and "held" not in run + all_of_them
    await w.database.write(service_state.put, service_state.HELD_SINCE, w.clock())
    run, all_of_them = await said()
    assert "held after a restore" in run and "next" not in run
    assert re.search(r"\d deliver\w+ (is|are) held after a restore, until the administrator", all_of_them)
    assert "The next attempt" not in all_of_them
