"""What the phone says is safe, is safe: the line cut, stalled, spoiled and lied on, and the server killed.

Each story ends with a look at the database file: the bytes there are those that the phone held.
"""

import asyncio
import random
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO
from tests.browser.phone import phone
from tests.browser.phone_with_a_disk import phone_with_a_disk
from tests.browser.pictures import file, noise
from tests.helpers.network.faulty_network import Cut, Lie, depot

ROOMS = [{"id": f"s-room{i}", "type": "photo", "label": f"Room {i}", "config": {"min": 1, "max": 10}} for i in (1, 2)]


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
        await ed.notes_photos()
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
        await ed.until_all_is_safe()
        assert acme.line.made > before + 2, "the line was not cut often enough"
        await ed.review()
        await ed.finish()
        await ed.until_thanked()
        there = acme.photos(run_id)
        assert dict(there) == await ed.noted_photos()
        assert len(there) == 20
        listed = [*acme.listed(run_id, "s-room1"), *acme.listed(run_id, "s-room2")]
        assert sorted(listed) == sorted(photo_id for photo_id, _ in there)
        assert acme.rows("SELECT count(*) FROM files WHERE NOT is_whole") == [(0,)]
        assert acme.answers(run_id) == {"s-room1": None, "s-room2": None}
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 2, "run.completed"]


@pytest.mark.long
async def test_a_line_cut_at_any_byte_loses_no_photo_and_doubles_none(tmp_path: Path, browser: Browser) -> None:
    await twenty_photos(tmp_path, browser, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(30))
async def test_a_line_cut_at_any_byte_at_length(tmp_path: Path, browser: Browser, round_: int) -> None:
    await twenty_photos(tmp_path, browser, secrets.randbits(32))


async def test_a_server_killed_in_the_middle_of_a_photo(tmp_path: Path, browser: Browser) -> None:
    chance = random.Random(1)
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.notes_photos()
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
        await ed.until_all_is_safe()
        await ed.is_done("s-ok", "s-pic")
        assert dict(acme.photos(run_id)) == await ed.noted_photos()
        assert len(acme.photos(run_id)) == 1
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert acme.rows("SELECT count(*) FROM files WHERE NOT is_whole") == [(0,)]
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 2]


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


async def test_a_proxy_that_spoils_or_lies_makes_nothing_safe(tmp_path: Path, browser: Browser) -> None:
    """It spoils every upload, then says that all is well, in two ways, and has done nothing."""
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.notes_photos()
        run_id = await acme.dispatched(YES_NO, PICTURE)
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        acme.line.down()
        await ed.pick("s-ok", "Yes")
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(2).randbytes)))
        await ed.until_kept(run_id, "answer", "s-pic")
        for lie in (halved, swallowed, agreed):
            uploads: list[str] = []

            def lying(target: str, head: bytes, body: bytes, lie: Lie = lie, uploads: list[str] = uploads) -> Any:
                uploads.extend([target] if head.startswith(b"PUT") else [])
                return lie(target, head, body)

            acme.line.down()
            acme.line.lie = lying
            acme.line.up()
            await ed.network_is_back()
            await ed.until(lambda uploads=uploads: len(uploads) >= 2)  # type: ignore[misc]
            await expect(ed.step("s-ok")).not_to_have_attribute("safety", "safe")
            await expect(ed.step("s-pic").locator(".tile")).not_to_have_attribute("state", "safe")
            await expect(ed.page.locator(".top .sending")).to_have_text("0 of 1 photos safe")
        assert acme.photos(run_id) == []
        assert len(await ed.kept(run_id)) >= 2
        acme.line.down()
        acme.line.lie = None
        acme.line.up()
        await ed.until_all_is_safe()
        await ed.is_done("s-ok", "s-pic")
        assert dict(acme.photos(run_id)) == await ed.noted_photos()
        assert len(acme.photos(run_id)) == 1
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 2]


def honest(target: str, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """As it came."""
    return head, body


async def test_a_photo_deleted_when_all_of_it_is_out_is_deleted_after_it_has_arrived(
    tmp_path: Path, browser: Browser
) -> None:
    reached, go = asyncio.Event(), asyncio.Event()

    async def late(target: str, head: bytes) -> None:
        if head.startswith(b"PUT") and "/photos/ph-" in target:
            reached.set()
            await go.wait()

    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        run_id = await acme.dispatched(YES_NO, {**PICTURE, "required": False})
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        acme.line.down()
        acme.line.lie, acme.line.late = honest, late
        acme.line.up()
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(11).randbytes)))
        await ed.until(reached.is_set)
        tile = ed.step("s-pic").locator(".tile")
        await expect(tile).to_have_css("--sent", "1")
        await tile.tap()
        await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await expect(tile).to_have_count(0)
        await ed.pick("s-ok", "Yes")
        await ed.is_safe("s-ok")  # a lane beside it; a delete that does not wait has overtaken the photo by now
        go.set()
        await ed.until_all_is_safe()
        methods = [one.split()[0] for one in acme.line.passed if "/photos/ph-" in one]
        assert methods == ["PUT", "DELETE"]
        assert acme.photos(run_id) == []
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert acme.listed(run_id, "s-pic") == []


@pytest.mark.browser
async def test_a_full_phone_says_so_and_claims_nothing(tmp_path: Path) -> None:
    async with depot(tmp_path) as acme, phone_with_a_disk(tmp_path / "phone", acme.base) as ed:
        await ed.notes_photos()
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
        assert acme.photos(run_id) == []
        acme.line.up()
        await ed.until_all_is_safe()  # from the open page, which still had it
        await expect(ed.page.locator(".notice.storage")).to_be_hidden()
        await ed.is_done("s-pic")
        assert dict(acme.photos(run_id)) == await ed.noted_photos()
        assert len(acme.photos(run_id)) == 1
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 2]


async def test_start_answers_and_finish_without_network_and_all_arrives_by_itself(
    tmp_path: Path, browser: Browser
) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.notes_photos()
        await ed.page.add_init_script(
            """window.awake = [];
            navigator.wakeLock.request = async (kind) => {
              awake.push(kind);
              return { release: async () => awake.push("off") };
            };"""
        )
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
            await expect(ed.page.locator(".unsent-card")).to_contain_text(words)
        assert await ed.page.evaluate("awake") == ["screen"]  # phones that sleep send nothing
        assert acme.events(run_id) == []
        acme.line.up()
        await ed.network_is_back()
        await ed.until_thanked()
        # The lock ends a moment after the screen that held it.
        await ed.page.wait_for_function("() => awake.length > 1")
        assert await ed.page.evaluate("awake") == ["screen", "off"]
        record = await acme.record(run_id)
        assert record["status"] == "completed"
        assert record["identity"]["name"] == "Ed"
        assert dict(acme.photos(run_id)) == await ed.noted_photos()
        assert len(acme.photos(run_id)) == 1
        assert acme.answers(run_id) == {"s-ok": True, "s-count": 7, "s-pic": None}
        assert acme.replaced(run_id) == 0
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 3, "run.completed"]
        await ed.until_kept_is(run_id, [])


async def test_a_photo_that_has_arrived_is_there_without_network(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base, service_workers="allow") as ed:
        run_id = await acme.dispatched({**YES_NO, "photo": {"min": 1, "max": 2}})
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        await ed.is_kept_as_page(run_id)
        await ed.photograph("s-ok", file("a.jpg", "image/jpeg", noise(random.Random(8).randbytes)))
        tile = ed.step("s-ok").locator(".tile")
        await expect(tile).to_have_attribute("state", "safe")
        await ed.until_kept_is(run_id, [])
        acme.line.down()
        await ed.page.reload()
        await expect(tile).to_have_attribute("state", "safe")


async def test_a_tab_closed_and_opened_again_without_network(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base, service_workers="allow") as ed:
        await ed.notes_photos()
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
            kept = await again.noted_photos()
            acme.line.up()
            await again.network_is_back()
            await expect(again.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
            assert dict(acme.photos(run_id)) == kept
            assert len(kept) == 2
            answers = {"s-ok": False, "s-count": 7, "s-pic": None, "s-more": None}
            assert acme.answers(run_id) == answers
            assert acme.replaced(run_id) == 0
            assert acme.events(run_id) == ["run.started", *["step.completed"] * 4, "run.completed"]
            # Nothing of a run that is over stays on the phone.
            await again.until_kept_is(run_id, [])
            await again.until_page_is_forgotten(run_id)
