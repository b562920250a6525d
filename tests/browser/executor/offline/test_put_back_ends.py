"""The server is put back to an older copy of its data, and the run has ended before or afterwards, or is unknown."""

import asyncio

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, YES_NO
from tests.browser.executor.offline.at_work import PIC, at_work, does_all
from tests.browser.pictures import file, jpeg
from tests.helpers.network.faulty_network import Depot


@pytest.mark.long
async def test_a_run_that_was_finished_says_so_where_the_server_has_it_open_again(
    browser: Browser, acme: Depot
) -> None:
    """Also where its page is opened again first."""
    for is_left_open in (True, False):
        async with at_work(browser, acme, YES_NO) as (ed, run_id):
            copy = await acme.backs_up()
            await ed.pick("s-ok", "Yes")
            await ed.is_done("s-ok")
            await ed.review()
            await ed.finish()
            await ed.until_thanked()
            await ed.until_page_is_forgotten(run_id)
            if not is_left_open:
                await ed.open(run_id)
            await ed.until_kept_is(run_id, [])
            await acme.restored(copy)
            await ed.network_is_back()  # and the page asks, as it does every fifteen seconds
            finished = "It was finished before: please look at all of it again."
            await expect(ed.page.locator(".put-back")).to_contain_text(finished)
            await ed.pick("s-ok", "No")
            await ed.is_done("s-ok")
            await ed.until_kept_is(run_id, [])
            await expect(ed.page.locator(".top .sending")).to_have_text("")
            await ed.page.reload()
            await expect(ed.page.locator(".put-back")).to_contain_text(finished)
            await ed.page.get_by_role("button", name="Close").tap()
            await ed.until_all_is_safe()
            await ed.page.reload()
            await ed.until_all_is_safe()
            await expect(ed.page.locator(".put-back")).to_have_count(0)


@pytest.mark.soak
async def test_a_run_finished_without_network_is_finished_when_all_is_there_again(
    browser: Browser, acme: Depot
) -> None:
    """And nothing is refused on the way: an answer that is sent again names what it replaces on the restored server."""
    async with at_work(browser, acme, YES_NO | {"photo": {"max": 2}}, PIC) as (ed, run_id):
        await ed.everything_is_loaded()
        await ed.until_kept_is(run_id, [])
        copy = await acme.backs_up()
        await ed.pick("s-ok", "Yes")
        await ed.photograph("s-ok", file("1.jpg", "image/jpeg", jpeg(comment=b"1")))
        await ed.photograph("s-pic", file("2.jpg", "image/jpeg", jpeg(comment=b"2")))
        await ed.is_done("s-ok", "s-pic")
        await ed.until_all_is_safe()
        acme.line.down()
        await ed.review()
        await ed.finish()
        await expect(ed.page.locator("main.waiting")).to_be_visible()
        await acme.restored(copy)
        statuses: list[int] = []
        ed.page.on("response", lambda response: statuses.append(response.status))
        acme.line.up()
        await ed.until_thanked()
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert len(acme.photos(run_id)) == 2
        assert 409 not in statuses


async def test_an_unknown_run_is_offered_as_a_file(browser: Browser, acme: Depot) -> None:
    copy = await acme.backs_up()
    async with at_work(browser, acme) as (ed, _):
        await does_all(ed)
        await acme.restored(copy)
        await ed.network_is_back()
        await expect(ed.page.get_by_role("heading", name="This link does not work")).to_be_visible()
        await expect(ed.page.locator(".unsent .notice")).to_contain_text("still holds 9 items")
        await ed.page.reload()
        await expect(ed.page.locator(".unsent .notice")).to_contain_text("still holds 9 items")


@pytest.mark.long
async def test_an_end_of_another_generation_deletes_nothing(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme, YES_NO, COUNT) as (ed, run_id):
        copy = await acme.backs_up()
        await ed.fill("s-count", "17")
        await ed.is_safe("s-count")
        await acme.restored(copy)
        assert (await acme.client.post(f"/v1/runs/{run_id}/cancel", json={})).status_code == 200
        await ed.network_is_back()
        await expect(ed.page.locator(".unsent .notice")).to_contain_text("still holds 1 item")


@pytest.mark.soak
@pytest.mark.parametrize("unheard", ["**/state?*", "**/steps/*"])
async def test_a_cancelled_run_that_is_open_again_goes_on_with_what_its_page_still_holds(
    browser: Browser, acme: Depot, unheard: str
) -> None:
    """Whichever request the page hears of the end by."""
    async with at_work(browser, acme, YES_NO, COUNT) as (ed, run_id):
        await ed.until_kept_is(run_id, [])
        copy = await acme.backs_up()
        acme.line.down()
        await ed.pick("s-ok", "Yes")
        await ed.until_kept(run_id, "answer", "s-ok")
        assert (await acme.client.post(f"/v1/runs/{run_id}/cancel", json={})).status_code == 200
        await ed.page.route(unheard, lambda route: route.abort())
        acme.line.up()
        await ed.network_is_back()
        await expect(ed.page.locator(".unsent .notice")).to_contain_text("still holds 1 item")
        await ed.page.unroute_all()
        await acme.restored(copy)
        await ed.network_is_back()
        await expect(ed.page.locator(".list")).to_be_visible()
        await ed.until_all_is_safe()
        assert acme.answers(run_id) == {"s-ok": True}
        ed.trouble.clear()


@pytest.mark.soak
async def test_nothing_is_deleted_while_it_is_not_known_what_is_kept(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme, YES_NO, COUNT) as (ed, run_id):
        copy = await acme.backs_up()
        await ed.fill("s-count", "17")
        await ed.is_safe("s-count")
        await ed.until_kept_is(run_id, [])
        await ed.page.goto("about:blank")
        await acme.restored(copy)
        assert (await acme.client.post(f"/v1/runs/{run_id}/cancel", json={})).status_code == 200
        await ed.page.add_init_script(
            "const remove = IDBObjectStore.prototype.delete;"
            "window.heal = () => { IDBObjectStore.prototype.delete = remove; };"
            "IDBObjectStore.prototype.delete = () => { throw new DOMException('', 'UnknownError'); };"
        )
        await ed.open(run_id)
        again = ed.page.locator(".unsent").get_by_role("button", name="Try again")
        await expect(again).to_be_visible()
        await ed.page.evaluate("window.heal()")
        await again.tap()
        await expect(ed.page.locator(".unsent .notice")).to_contain_text("still holds 1 item")
        ed.trouble.clear()


async def test_an_end_of_the_same_generation_deletes_what_is_kept(browser: Browser, acme: Depot) -> None:
    async with at_work(browser, acme, YES_NO, COUNT) as (ed, run_id):
        await ed.fill("s-count", "17")
        await ed.is_safe("s-count")
        await ed.until_kept_is(run_id, [])
        assert [one["kind"] for one in await ed.kept(run_id, received=True)] == ["start", "answer"]
        assert (await acme.client.post(f"/v1/runs/{run_id}/cancel", json={})).status_code == 200
        await ed.network_is_back()
        await expect(ed.page.locator("main.end")).to_be_visible()
        async with asyncio.timeout(60):
            while await ed.kept(run_id, received=True):
                pass
        await expect(ed.page.locator(".unsent")).to_have_count(0)
