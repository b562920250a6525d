"""Two at one draft, and what others wrote meanwhile, joined in the editor."""

import asyncio

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.console.desktop import desktop, label, labels, lose, publish, shown_in, type_over
from tests.helpers.service import BOOLEAN, World


async def begin_draft(page: Page, base: str, template_id: str) -> str:
    """Ask “All well?” in a template's first step; returns the draft's path in the API."""
    await page.goto(f"{base}/console/templates/{template_id}")
    await label(page, 1).fill("All well?")
    await expect(page.locator("#state")).to_have_text("Draft saved.")
    return f"/v1/templates/drafts/{await page.locator('#editor [name=draft]').input_value()}"


@pytest.mark.long
async def test_two_write_one_draft_at_different_and_equal_places(w: World, browser: Browser, base: str) -> None:
    second = {"id": "s-how", "type": "text", "label": "How?"}
    template_id = await w.template(BOOLEAN, second)
    async with desktop(w, browser, base) as ann, desktop(w, browser, base) as bob:
        for one in (ann, bob):
            await one.page.goto(f"{base}/console/templates/{template_id}")
            await expect(shown_in(one.page).locator("[id='s-ok']")).to_be_visible()

        # Bob is offline while both write, at different steps.
        await bob.page.context.set_offline(True)
        await label(bob.page, 2).fill("How so?")
        await bob.page.keyboard.press("Enter")
        await bob.page.keyboard.type("Bob’s step")
        await expect(bob.page.locator("#state")).to_contain_text("no connection")
        await label(ann.page, 1).fill("All well?")
        await expect(ann.page.locator("#state")).to_have_text("Draft saved.")
        await bob.page.context.set_offline(False)
        await expect(bob.page.locator("#said")).to_contain_text("Ann has written here, too.")
        await expect(bob.page.locator("#state")).to_have_text("Draft saved.")
        assert await labels(bob.page) == ["All well?", "How so?", "Bob’s step"]
        await bob.page.get_by_role("button", name="Undo").click()
        assert await labels(bob.page) == ["All well?", "How so?", ""], "his own change, not hers"
        await bob.page.get_by_role("button", name="Redo").click()
        await expect(bob.page.locator("#state")).to_have_text("Draft saved.")

        # Both change one step: the second to save is asked.
        await label(bob.page, 1).fill("Bob asks?")
        await expect(bob.page.locator("#state")).to_have_text("Draft saved.")
        await label(ann.page, 1).fill("Ann asks?")
        clash = ann.page.locator("#newer .clashes > div > ol > li")
        await expect(clash).to_have_count(1)
        await expect(clash).to_contain_text("Bob asks?")
        await expect(clash).to_contain_text("Ann asks?")
        await clash.get_by_role("combobox").select_option("Theirs")
        await ann.page.get_by_role("button", name="Go on").click()
        await expect(ann.page.locator("#state")).to_have_text("Draft saved.")
        assert await labels(ann.page) == ["Bob asks?", "How so?", "Bob’s step"]
        await ann.page.get_by_role("button", name="Undo").click()
        await expect(ann.page.locator("#said")).to_contain_text("somebody else has changed it meanwhile")
        assert await labels(ann.page) == ["Bob asks?", "How so?", "Bob’s step"]

        # An answer that is lost is no colleague.
        await ann.page.route("**/drafts/text?*", lose, times=1)
        await label(ann.page, 2).fill("How now?")
        await expect(ann.page.locator("#state")).to_contain_text("no connection")
        await label(ann.page, 2).fill("How then?")
        await expect(ann.page.locator("#state")).to_have_text("Draft saved.")
        await expect(ann.page.locator("#newer")).to_be_hidden()
        await publish(ann.page)
        await expect(ann.page.locator(".notice.good")).to_contain_text("Published.")

        await label(bob.page, 2).fill("How at all?")
        await expect(bob.page.locator("#gone")).to_be_visible()
        await publish(bob.page)
        await expect(bob.page.locator(".notice.good")).to_contain_text("Published.")
    texts = [
        one["steps"][1]["label"] for one in (await w.acme.get(f"/v1/templates/{template_id}/versions")).json()["data"]
    ]
    assert texts == ["How at all?", "How then?", "How?"]


@pytest.mark.long
async def test_what_is_joined_is_in_the_json_as_well(w: World, browser: Browser, base: str) -> None:
    template_id = await w.template(BOOLEAN, {"id": "s-how", "type": "text", "label": "How?"})
    async with desktop(w, browser, base) as ann:
        page = ann.page
        path = await begin_draft(page, base, template_id)

        async def write(texts: list[str]) -> None:
            """Somebody else's script changes the two texts."""
            draft = await w.acme.get(path)
            steps = [
                {**step, "label": text} for step, text in zip(draft.json()["template"]["steps"], texts, strict=True)
            ]
            changed = {**draft.json()["template"], "steps": steps}
            assert (await w.acme.put(path, json=changed, headers={"if-match": draft.headers["etag"]})).is_success

        await write(["All well?", "How so?"])
        await label(page, 1).fill("All good?")
        await page.get_by_role("button", name="JSON").click()
        await expect(page.locator("#said")).to_contain_text("Both changes are in the draft now.")
        await type_over(page, "All good?", "All great?")
        await expect(page.locator("#state")).to_have_text("Draft saved.")
        stored = (await w.acme.get(path)).json()["template"]["steps"]
        assert [step["label"] for step in stored] == ["All great?", "How so?"]

        await write(["Not so well?", "How come?"])
        await page.get_by_role("button", name="Checklist", exact=True).click()
        await label(page, 1).fill("Well?")
        clash = page.locator("#newer .clashes > div > ol > li")
        await clash.get_by_role("combobox").select_option("Theirs")
        await type_over(page, '"type"', '  "type"')
        await page.get_by_role("button", name="Go on").click()
        await expect(page.locator("#state")).to_have_text("Draft saved.")
        stored = (await w.acme.get(path)).json()["template"]["steps"]
        assert [step["label"] for step in stored] == ["Not so well?", "How come?"]


async def test_a_version_published_meanwhile_is_joined_before_publishing(w: World, browser: Browser, base: str) -> None:
    how = {"id": "s-how", "type": "text", "label": "How?"}
    template_id = await w.template(BOOLEAN, how)
    async with desktop(w, browser, base) as ann:
        page = ann.page
        await begin_draft(page, base, template_id)
        changed = {"name": "Check", "steps": [BOOLEAN, {**how, "label": "How so?"}]}
        assert (await w.acme.put(f"/v1/templates/{template_id}", json=changed)).is_success
        await page.reload()
        await expect(page.locator("#said")).to_contain_text("Version 2 was published after this draft was begun.")
        assert await labels(page) == ["All well?", "How so?"]
        await expect(page.locator("#state")).to_have_text("Draft saved.")
        await page.get_by_role("button", name="Publish…").click()
        await expect(page.get_by_text("Jobs sent from now on have version 3.")).to_be_visible()
        await expect(page.get_by_text("Publishing this draft replaces")).to_have_count(0)
        await page.get_by_role("button", name="Publish", exact=True).click()
        await expect(page.locator(".notice.good")).to_contain_text("Published.")
    versions = (await w.acme.get(f"/v1/templates/{template_id}/versions")).json()["data"]
    assert [step["label"] for step in versions[0]["steps"]] == ["All well?", "How so?"]


@pytest.mark.long
async def test_a_newer_draft_is_not_lost_to_a_newer_version(w: World, browser: Browser, base: str) -> None:
    """Ann publishes a page that is older than Bob's draft, and a version has been published, too."""
    how = {"id": "s-how", "type": "text", "label": "How?"}
    template_id = await w.template(BOOLEAN, how)
    async with desktop(w, browser, base) as ann:
        page = ann.page
        path = await begin_draft(page, base, template_id)
        draft = await w.acme.get(path)
        theirs = {"name": "Check", "steps": [BOOLEAN, how, {**how, "id": "s-new", "label": "Bob’s step"}]}
        assert (await w.acme.put(path, json=theirs, headers={"if-match": draft.headers["etag"]})).is_success
        published = {"name": "Check", "steps": [BOOLEAN, {**how, "label": "How so?"}]}
        assert (await w.acme.put(f"/v1/templates/{template_id}", json=published)).is_success
        await page.get_by_role("button", name="Publish…").click()
        await expect(page.locator("#newer")).to_be_visible()
        await expect(page.locator("#summary")).to_have_text("No problems.")
        stored = (await w.acme.get(path)).json()
        assert [step["label"] for step in stored["template"]["steps"]] == ["All fine?", "How?", "Bob’s step"]
        await page.get_by_role("button", name="Keep mine instead").click()
        await expect(page.locator("#state")).to_have_text("Draft saved.")
        stored = (await w.acme.get(path)).json()
        assert [step["label"] for step in stored["template"]["steps"]] == ["All well?", "How?"]


@pytest.mark.long
async def test_a_version_is_joined_after_a_write_under_way(w: World, browser: Browser, base: str) -> None:
    how = {"id": "s-how", "type": "text", "label": "How?"}
    template_id = await w.template(BOOLEAN, how)
    draft = {"id": template_id, "name": "Check", "steps": [{**BOOLEAN, "label": "All well?"}, how]}
    path = f"/v1/templates/drafts/{(await w.acme.post('/v1/templates/drafts', json=draft)).json()['id']}"
    published = {"name": "Check", "steps": [BOOLEAN, {**how, "label": "How so?"}]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=published)).is_success
    async with desktop(w, browser, base) as ann:
        page = ann.page
        exports, writes = asyncio.Event(), asyncio.Event()

        async def wait(route: Route, event: asyncio.Event) -> None:
            response = await route.fetch()
            await event.wait()
            await route.fulfill(response=response)

        await page.route("**/export?*", lambda route: wait(route, exports))
        await page.goto(f"{base}/console/templates/{template_id}")
        await page.route("**/drafts/text?*", lambda route: wait(route, writes))
        async with page.expect_request("**/drafts/text?*"):
            await label(page, 1).fill("All good?")
        async with page.expect_response("**/export?v=1"), page.expect_response("**/export?v=2"):
            exports.set()
        writes.set()
        await expect(page.locator("#said")).to_contain_text("Version 2 was published after this draft was begun.")
        await expect(page.locator("#state")).to_have_text("Draft saved.")
        stored = (await w.acme.get(path)).json()
        assert (stored["made_from"], [step["label"] for step in stored["template"]["steps"]]) == (
            2,
            ["All good?", "How so?"],
        )
