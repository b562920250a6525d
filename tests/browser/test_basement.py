"""What the phone says is safe, is safe: the line cut, stalled, spoiled and lied on, and the server killed.

Each story ends with a look at the database file: the bytes there are those that the phone held.
"""

from __future__ import annotations

import hashlib
import random
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.basement import Cut, Depot, depot
from tests.browser.checklists import COUNT, PICTURE, YES_NO
from tests.browser.phone import Phone, phone, phone_with_a_disk
from tests.browser.pictures import file, noise

ROOMS = [
    {"id": f"s-room{i}", "type": "photo", "label": f"Room {i}", "config": {"min": 1, "max": 10}}
    for i in (1, 2)
]
# Writes down what this phone was told to keep of each photo, as it is kept: the last version is what is sent.
WATCH = """(() => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (record) {
    if (record.kind === "photo" && !record.hold && !record.problem) {
      crypto.subtle.digest("SHA-256", record.body).then((hash) => localStorage.setItem(record.photo,
        [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, "0")).join("")));
    }
    return put.call(this, record);
  };
})()"""


async def watched(ed: Phone) -> dict[str, str]:
    """Photo id → SHA-256 of every photo this phone has kept."""
    kept: dict[str, str] = await ed.page.evaluate("({...localStorage})")
    return {name: value for name, value in kept.items() if name.startswith("ph-")}


async def arrived(ed: Phone) -> None:
    """Wait until the page says that all is safe, as a phone does that finds its network again and again."""
    sending = ed.page.locator(".top .sending")
    for _ in range(200):
        await ed.network_is_back()
        try:
            await expect(sending).to_have_text("All safe", timeout=150)
        except AssertionError:
            continue
        return
    raise AssertionError(await sending.text_content())


async def thanked(ed: Phone) -> None:
    """The same, until the run is over."""
    heading = ed.page.get_by_role("heading", name="All done, thank you")
    for _ in range(200):
        await ed.network_is_back()
        try:
            await expect(heading).to_be_visible(timeout=150)
        except AssertionError:
            continue
        return
    raise AssertionError(await ed.page.locator("h1").all_text_contents())


def seeded_cuts(chance: random.Random) -> Iterator[Cut]:
    """Before, during and after an upload: no byte of it, some, all of it but its receipt; after forty it holds."""
    for _ in range(40):
        how = chance.random()
        if how < 0.1:
            yield Cut(up=0)
        elif how < 0.6:
            yield Cut(up=chance.randrange(1, 60_000))
        elif how < 0.85:
            yield Cut(down=chance.randrange(0, 600))
        else:
            yield Cut(up=chance.randrange(30_000, 120_000))


async def twenty_photos(tmp_path: Path, browser: Browser, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    pictures = [file(f"{i}.jpg", "image/jpeg", noise(chance.randbytes)) for i in range(20)]
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.add_init_script(WATCH)
        run_id = await acme.dispatched(*ROOMS)
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        acme.line.cuts = seeded_cuts(chance)
        acme.line.down()  # ends the connections that are open, so that the next ones are cut
        acme.line.up()
        before = acme.line.made
        await ed.photograph("s-room1", *pictures[:10])
        await ed.photograph("s-room2", *pictures[10:])
        await arrived(ed)
        assert acme.line.made > before + 2, "the line was not cut often enough"
        await ed.review()
        await ed.finish()
        await thanked(ed)
        there = acme.photos(run_id)
        assert dict(there) == await watched(ed)
        assert len(there) == 20
        listed = [*acme.listed(run_id, "s-room1"), *acme.listed(run_id, "s-room2")]
        assert sorted(listed) == sorted(photo_id for photo_id, _ in there)
        assert acme.rows("SELECT count(*) FROM files WHERE NOT is_whole") == [(0,)]
        assert acme.events(run_id).count("step.completed") == 2
        assert acme.events(run_id).count("run.completed") == 1


@pytest.mark.parametrize("seed", range(4))
async def test_a_line_cut_at_any_byte_loses_no_photo_and_doubles_none(
    tmp_path: Path, browser: Browser, seed: int
) -> None:
    await twenty_photos(tmp_path, browser, seed)


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(30))
async def test_a_line_cut_at_any_byte_at_length(tmp_path: Path, browser: Browser, round_: int) -> None:
    await twenty_photos(tmp_path, browser, secrets.randbits(32))


async def test_a_server_killed_in_the_middle_of_a_photo(tmp_path: Path, browser: Browser) -> None:
    chance = random.Random(1)
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.add_init_script(WATCH)
        run_id = await acme.dispatched(YES_NO, PICTURE)
        await ed.open(run_id)
        await ed.start()
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        acme.line.down()
        acme.line.cuts = iter([Cut(up=20_000, stalls=True)] * 8)
        acme.line.up()
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(chance.randbytes)))
        await ed.until(acme.line.stalled.is_set)
        assert acme.photos(run_id) == []
        acme.line.cuts = iter(())
        await acme.killed_and_restarted()
        await arrived(ed)
        await ed.is_done("s-ok", "s-pic")
        assert dict(acme.photos(run_id)) == await watched(ed)
        assert len(acme.photos(run_id)) == 1


def halved(target: str, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Half of every upload, and a header that says this was all."""
    if not body:
        return head, body
    half = body[: len(body) // 2]
    return re.sub(rb"(?i)\r\ncontent-length: *\d+", f"\r\nContent-Length: {len(half)}".encode(), head), half


def swallowed(target: str, head: bytes, body: bytes) -> bytes | tuple[bytes, bytes]:
    """200, and nothing was done."""
    if head.startswith(b"GET"):
        return head, body
    return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def agreed(target: str, head: bytes, body: bytes) -> bytes | tuple[bytes, bytes]:
    """A gateway's own cheerful JSON."""
    if head.startswith(b"GET"):
        return head, body
    told = b'{"ok":true}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\nConnection: close\r\n\r\n"
    return head + told


@pytest.mark.parametrize("lie", [halved, swallowed, agreed])
async def test_a_proxy_that_spoils_or_lies_makes_nothing_safe(
    tmp_path: Path, browser: Browser, lie: Any
) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.add_init_script(WATCH)
        run_id = await acme.dispatched(YES_NO, PICTURE)
        await ed.open(run_id)
        await ed.start()
        tries = 0

        def lying(target: str, head: bytes, body: bytes) -> Any:
            nonlocal tries
            tries += b"PUT" in head[:4]
            return lie(target, head, body)

        acme.line.down()
        acme.line.lie = lying
        acme.line.up()
        await ed.pick("s-ok", "Yes")
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(2).randbytes)))
        await ed.until(lambda: tries >= 2)
        await expect(ed.step("s-ok")).not_to_have_attribute("safety", "safe")
        await expect(ed.step("s-pic").locator(".tile")).not_to_have_attribute("state", "safe")
        await expect(ed.page.locator(".top .sending")).to_have_text("0 of 1 photos safe")
        assert acme.photos(run_id) == []
        assert len(await ed.kept(run_id)) >= 2
        acme.line.down()
        acme.line.lie = None
        acme.line.up()
        await arrived(ed)
        await ed.is_done("s-ok", "s-pic")
        assert dict(acme.photos(run_id)) == await watched(ed)
        assert acme.events(run_id).count("step.completed") == 2


async def test_a_full_phone_says_so_and_claims_nothing(tmp_path: Path) -> None:
    async with depot(tmp_path) as acme, phone_with_a_disk(tmp_path / "phone", acme.base) as ed:
        run_id = await acme.dispatched(YES_NO, PICTURE)
        chrome = await ed.page.context.new_cdp_session(ed.page)
        # Before the page writes for the first time: Chromium remembers for a while how much room there was.
        await chrome.send("Storage.overrideQuotaForOrigin", {"origin": acme.base, "quotaSize": 1000})
        await ed.open(run_id)
        await ed.start()
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await ed.everything_is_loaded()
        acme.line.down()
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(3).randbytes)))
        await expect(ed.page.locator(".notice.storage")).to_contain_text("storage is full")
        await expect(ed.step("s-pic").locator(".status").last).to_have_text(
            "Not kept on this phone. Leave this page open."
        )
        await expect(ed.page.locator(".top .sending")).to_have_text("0 of 1 photos safe")
        acme.line.up()
        await arrived(ed)  # from the open page, which still had it
        await expect(ed.page.locator(".notice.storage")).to_be_hidden()
        await ed.is_done("s-pic")
        assert len(acme.photos(run_id)) == 1


async def test_start_answers_and_finish_without_network_and_all_arrives_by_itself(
    tmp_path: Path, browser: Browser
) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.add_init_script(WATCH)
        run_id = await acme.dispatched(YES_NO, COUNT, PICTURE, execution={"identity_required": "name"})
        await ed.open(run_id)
        await ed.everything_is_loaded()
        acme.line.down()
        await ed.page.get_by_label("Your name").fill("Ed")
        await ed.start()
        await ed.pick("s-ok", "Yes")
        await ed.fill("s-count", "7")
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(4).randbytes)))
        await expect(ed.step("s-ok").locator(".status")).to_contain_text("On this phone")
        await expect(ed.page.locator(".done-count")).to_have_text("3 of 3 done")
        await ed.review()
        await ed.finish()
        await expect(ed.page.get_by_role("heading", name="Finished on this phone")).to_be_visible()
        for words in ("3 answers", "1 photo", "No network at the moment."):
            await expect(ed.page.locator(".owed-card")).to_contain_text(words)
        assert acme.events(run_id) == []
        acme.line.up()
        await ed.network_is_back()
        await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
        record = await acme.record(run_id)
        assert record["status"] == "completed"
        assert record["identity"]["name"] == "Ed"
        assert record["answers"]["s-count"]["value"] == 7
        assert dict(acme.photos(run_id)) == await watched(ed)
        assert acme.events(run_id).count("run.completed") == 1
        await ed.until_kept_is(run_id, [])


async def test_a_tab_closed_and_opened_again_without_network(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base, service_workers="allow") as ed:
        await ed.page.context.add_init_script(WATCH)
        run_id = await acme.dispatched(YES_NO, COUNT, PICTURE, {**PICTURE, "id": "s-more", "label": "More"})
        await ed.open(run_id)
        await ed.start()
        await ed.pick("s-ok", "No")
        await ed.is_done("s-ok")
        await ed.everything_is_loaded()
        await ed.is_kept_as_page(run_id)
        acme.line.down()
        await ed.fill("s-count", "7")
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(5).randbytes)))
        await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "waiting")
        await ed.until_kept(run_id, "answer", "s-pic")
        await ed.page.close()
        async with ed.tab() as again:
            await again.open(run_id)
            await expect(again.step("s-ok").get_by_label("No")).to_be_checked()
            await expect(again.step("s-ok")).to_have_attribute("safety", "safe")
            await expect(again.step("s-count").locator("input")).to_have_value("7")
            await expect(again.step("s-count").locator(".status")).to_contain_text("On this phone")
            image = again.step("s-pic").locator(".tile img")
            await expect(image).to_be_visible()
            await expect(again.page.locator(".top .sending")).to_have_text("0 of 1 photos safe")
            await again.photograph("s-more", file("b.jpg", "image/jpeg", noise(random.Random(6).randbytes)))
            await again.review()
            await again.finish()
            await expect(again.page.get_by_role("heading", name="Finished on this phone")).to_be_visible()
            await again.until_kept(run_id, "complete", "complete")
            await again.page.reload()
            await expect(again.page.get_by_role("heading", name="Finished on this phone")).to_be_visible()
            kept = await watched(again)
            acme.line.up()
            await again.network_is_back()
            await expect(again.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
            assert dict(acme.photos(run_id)) == kept
            assert len(kept) == 2
            assert acme.events(run_id).count("step.completed") == 4
            assert acme.events(run_id).count("run.completed") == 1
            # Nothing of a run that is over stays on the phone.
            await again.until_kept_is(run_id, [])
            await again.until_page_is_forgotten(run_id)


async def test_two_tabs_share_one_outbox_and_send_nothing_twice(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.context.add_init_script(WATCH)
        run_id = await acme.dispatched(YES_NO, COUNT, PICTURE)
        await ed.open(run_id)
        await ed.start()
        async with ed.tab() as other:
            await other.open(run_id)
            await expect(other.step("s-ok")).to_be_visible()
            for tab in (ed, other):
                await tab.everything_is_loaded()
            acme.line.down()
            await ed.pick("s-ok", "Yes")
            await expect(other.step("s-ok").get_by_label("Yes")).to_be_checked()
            await other.fill("s-count", "7")
            await expect(ed.step("s-count").locator("input")).to_have_value("7")
            await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(7).randbytes)))
            await ed.until_kept(run_id, "answer", "s-pic")
            acme.line.up()
            for tab in (ed, other):
                await tab.network_is_back()
            for tab in (ed, other):
                await arrived(tab)
                await tab.is_done("s-ok", "s-count", "s-pic")
        assert dict(acme.photos(run_id)) == await watched(ed)
        assert acme.events(run_id).count("step.completed") == 3
        await ed.until_kept_is(run_id, [])


def replaced(acme: Depot, run_id: str) -> int:
    """Answers in the record that are not in force any more: none when nothing was sent twice."""
    ((count,),) = acme.rows("SELECT count(*) FROM answers WHERE run_id = ? AND NOT is_current", run_id)
    return int(count)


async def test_a_phone_whose_clock_is_two_days_ahead(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.add_init_script(
            """{ const Real = Date, ahead = 2 * 86400e3;
                 Date = class extends Real {
                   constructor(...given) { given.length ? super(...given) : super(Real.now() + ahead); }
                   static now() { return Real.now() + ahead; }
                 }; }"""
        )
        run_id = await acme.dispatched({**YES_NO, "geo": True}, PICTURE)
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        acme.line.down()
        await ed.pick("s-ok", "Yes")
        await ed.photograph(
            "s-pic", file("a.jpg", "image/jpeg", noise(random.Random(8).randbytes)), source="camera"
        )
        await expect(ed.page.locator(".done-count")).to_have_text("2 of 2 done")
        acme.line.up()
        await arrived(ed)
        await ed.review()
        await ed.finish()
        await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
        answer = (await acme.record(run_id))["answers"]["s-ok"]
        assert answer["answered_at"] > answer["at"], "the phone's clock and the server's, each as it was"
        assert answer["geo"] is not None, answer
        assert replaced(acme, run_id) == 0


async def test_a_phone_that_clears_its_storage_loses_nothing_that_an_open_page_holds(
    tmp_path: Path, browser: Browser
) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.add_init_script(WATCH)
        run_id = await acme.dispatched(YES_NO, PICTURE)
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        acme.line.down()
        await ed.pick("s-ok", "Yes")
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(9).randbytes)))
        await ed.until_kept(run_id, "answer", "s-pic")
        # The database closes under the page, which opens it anew.
        await ed.page.evaluate(
            "new Promise((done, failed) => Object.assign(indexedDB.deleteDatabase('rundun'), "
            "{ onsuccess: done, onerror: failed, onblocked: failed }))"
        )
        await expect(ed.page.locator(".top .sending")).to_have_text("0 of 1 photos safe")
        await ed.network_is_back()
        await ed.until_kept(run_id, "photo", "s-pic")  # on the phone again, before it is sent
        acme.line.up()
        await arrived(ed)
        await ed.is_done("s-ok", "s-pic")
        assert dict(acme.photos(run_id)) == await watched(ed)
        assert len(acme.photos(run_id)) == 1
        assert acme.events(run_id).count("step.completed") == 2


async def test_a_tab_that_dies_while_it_makes_a_picture_small_has_kept_it(
    tmp_path: Path, browser: Browser
) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.add_init_script(
            "if (!sessionStorage.died) createImageBitmap = () => new Promise(() => { sessionStorage.died = 1; })"
        )
        await ed.page.clock.install()
        run_id = await acme.dispatched(PICTURE)
        await ed.open(run_id)
        await ed.start()
        picture = noise(random.Random(10).randbytes)
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", picture), source="camera")
        await ed.page.wait_for_function("sessionStorage.died")
        await ed.until_kept(run_id, "photo", "s-pic")
        ed.page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?", which a crash does not ask
        await ed.page.reload()
        tile = ed.step("s-pic").locator(".tile")
        await expect(tile).to_have_attribute("state", "waiting")
        await ed.page.clock.run_for(26_000)  # whoever held it is gone
        await expect(tile).to_have_attribute("state", "safe")
        await ed.is_done("s-pic")
        ((_, sha256),) = acme.photos(run_id)
        assert sha256 == hashlib.sha256(picture).hexdigest(), "as the camera made it"
