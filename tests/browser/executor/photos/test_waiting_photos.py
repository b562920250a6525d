"""What waits on a phone's disk: pages that are opened meanwhile show all photos, of all sizes, and are pages."""

import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import YES_NO
from tests.browser.phone import Phone, phone
from tests.browser.phone_with_a_disk import kill_browser, opened
from tests.browser.pictures import file, noise
from tests.helpers.network.faulty_network import Cut, Depot, depot

HALL = {"id": "s-pic", "type": "photo", "label": "The hall", "config": {"min": 1, "max": 5}}
SIZES = [(116, 140), (300, 316), (334, 334), (810, 810), (2048, 2048)]  # as noise 10, 58, 67, 400 and 2,500 kB of JPEG


def pictures() -> Iterator[bytes]:
    some_bytes = random.Random(11).randbytes
    return (noise(some_bytes, size) for size in SIZES)


class Ed:
    """Ed, whose phone sends everything but photos, and keeps what it has on a disk."""

    def __init__(self, folder: Path, browser: Browser, acme: Depot, stack: AsyncExitStack) -> None:
        self.folder, self.browser, self.acme, self.stack = folder, browser, acme, stack

    async def takes_his_phone(self) -> Phone:
        """His browser, as it is after its start."""
        phone = await self.stack.enter_async_context(opened(self.browser.browser_type, self.folder, self.acme.base))
        await phone.page.context.route("**/r/*/steps/*/photos/**", lambda route: route.abort())
        return phone

    async def has_waiting_photos(self, phone: Phone) -> str:
        """A run with five photos on the phone; returns its id."""
        run_id = await self.acme.dispatched(HALL)
        await phone.open(run_id)
        await phone.start()
        await phone.photograph("s-pic", *(file(f"{n}.jpg", "image/jpeg", one) for n, one in enumerate(pictures())))
        await shows_all(phone)
        sizes = sorted(one["bytes"] for one in await phone.kept(run_id) if one["kind"] == "photo")
        assert all(low < size < high for size, low, high in zip(sizes, *LIMITS, strict=True)), sizes
        return run_id


# Until `mended()`, what is asked of the database is not there when it says that it is done.
UNREADY = """(() => {
  const { get } = Object.getOwnPropertyDescriptor(IDBRequest.prototype, "result");
  let isMended = false;
  window.mended = () => (isMended = true);
  Object.defineProperty(IDBRequest.prototype, "result", { get() {
    if (isMended || !(this.source instanceof IDBObjectStore)) return get.call(this);
    throw new DOMException("The request has not finished.", "InvalidStateError");
  } });
})()"""
LIMITS = [8_000, 50_000, 66_000, 350_000, 2_300_000], [12_000, 64_000, 75_000, 450_000, 4_000_000]


async def shows_all(phone: Phone) -> None:
    await expect(phone.step("s-pic").locator(".tile[state=waiting]")).to_have_count(len(SIZES))


async def test_a_page_that_is_opened_again_shows_them(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, AsyncExitStack() as stack:
        ed = Ed(tmp_path / "phone", browser, acme, stack)
        phone = await ed.takes_his_phone()
        run_id = await ed.has_waiting_photos(phone)
        await phone.page.reload()
        await shows_all(phone)
        async with phone.tab() as second:
            await second.open(run_id)
            await shows_all(second)
        kill_browser(ed.folder)
        await stack.aclose()
        phone = await ed.takes_his_phone()
        await phone.open(run_id)
        await shows_all(phone)
        await phone.page.context.unroute_all(behavior="wait")
        await phone.until_all_is_safe()
        await phone.is_done("s-pic")
        assert len(acme.photos(run_id)) == len(SIZES)


@pytest.mark.long
async def test_a_page_of_a_run_that_was_cancelled_meanwhile_offers_them(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, AsyncExitStack() as stack:
        ed = Ed(tmp_path / "phone", browser, acme, stack)
        phone = await ed.takes_his_phone()
        run_id = await ed.has_waiting_photos(phone)
        await phone.is_safe("s-pic")
        answer = await acme.client.post(f"/v1/runs/{run_id}/cancel", json={"reason": "The door is gone"})
        assert answer.status_code == 200
        await phone.look_again()
        await offers_all(phone)
        await phone.page.reload()
        await offers_all(phone)
        kill_browser(ed.folder)
        await stack.aclose()
        phone = await ed.takes_his_phone()
        await phone.open(run_id)
        await offers_all(phone)


async def offers_all(phone: Phone) -> None:
    await expect(phone.page.locator(".unsent .notice")).to_contain_text(f"still holds {len(SIZES)}")
    await expect(phone.page.locator(".unsent").get_by_role("button", name="Save")).to_be_visible()


@pytest.mark.long
async def test_a_page_that_cannot_read_what_the_phone_keeps_can_be_used(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, AsyncExitStack() as stack:
        ed = Ed(tmp_path / "phone", browser, acme, stack)
        phone = await ed.takes_his_phone()
        run_id = await ed.has_waiting_photos(phone)
        await phone.is_safe("s-pic")  # the answer that names them
        await phone.page.add_init_script(UNREADY)
        await phone.page.reload()
        await expect(phone.page.locator(".list")).to_be_visible()
        await expect(phone.page.locator("[id^=guard-]:visible")).to_have_count(0)
        await expect(phone.step("s-pic").locator(".tile")).to_have_count(len(SIZES))
        await phone.page.evaluate("mended()")
        await phone.look_again()
        await shows_all(phone)
        await phone.page.context.unroute_all(behavior="wait")
        await phone.until_all_is_safe()
        assert len(acme.photos(run_id)) == len(SIZES)


@pytest.mark.long
async def test_an_answer_whose_head_was_cut_is_no_page_to_keep(tmp_path: Path, browser: Browser) -> None:
    """Over plain http Chromium takes it for a whole one without a body."""
    async with depot(tmp_path) as acme, phone(browser, acme.base, service_workers="allow") as ed:
        run_id = await acme.dispatched(YES_NO)
        await ed.open(run_id)
        await ed.start()
        await ed.is_kept_as_page(run_id)
        acme.line.cuts = iter([Cut(down=60)])
        acme.line.down()
        acme.line.up()
        await ed.page.reload()
        acme.line.down()
        await ed.page.reload()
        await expect(ed.step("s-ok")).to_be_visible()
