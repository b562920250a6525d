"""A webhook by default, at the console: kept by owners, tried out when it is saved, copied by what people dispatch."""

import html
from typing import Any

import pytest

from rundun.actions.deliveries import default_webhooks
from rundun.core.runs import event
from rundun.store.sqlite import service_state
from tests.helpers.console.console import Browser, operator, text_of
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.service import BOOLEAN, Ed, Receiver, World, answering
from tests.helpers.webhooks import SECRET, verify

ORGANIZATION = "/settings/webhooks/default"
DONE = {"event run.completed": "on"}


async def stored(w: World, template_id: str | None = None) -> Any:
    return await w.database.read(default_webhooks.find_own, w.acme_id, template_id)


async def saved(ann: Browser, path: str, url: str, **more: str) -> str:
    """What the page says once it is saved."""
    await ann.get(path)
    answer = await ann.post(path, url=url, **more)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


@pytest.mark.parametrize("of_template", [False, True])
async def test_an_owner_keeps_one_that_is_tested_when_it_is_saved(
    w: World, receiver: Receiver, of_template: bool
) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN) if of_template else None
    path = f"/templates/{template_id}/webhook" if template_id else ORGANIZATION
    back = f"/templates/{template_id}" if template_id else "/settings/webhooks"
    assert "go nowhere" in text_of((await ann.get(back)).text)
    said = await saved(ann, path, receiver.url.upper().replace("/HOOK", "/hook"), secret=SECRET, **DONE)
    assert "Saved. A test arrived there: the answer was 204" in said and SECRET not in said
    (test,) = receiver.received
    assert test.json["event"] == event.TEST
    verify(receiver.url, test)
    webhook = await stored(w, template_id)
    assert (webhook.url, webhook.secret, webhook.events) == (receiver.url, SECRET, ("run.completed",))
    page = (await ann.get(path)).text
    assert SECRET not in page and "never shown" in page and receiver.url in page
    host = "go to 127.0.0.1"
    assert host in text_of((await ann.get(back)).text)

    receiver.answer = answering("500 Oops")
    said = await saved(ann, path, receiver.url, **{f"event {name}": "on" for name in event.EVENTS})
    assert "Saved, but a test did not arrive there. The answer was 500." in said
    verify(receiver.url, receiver.received[1])  # the secret was kept
    assert (await stored(w, template_id)).events == tuple(event.EVENTS)
    await saved(ann, path, receiver.url, unsigned="yes", **DONE)
    assert (await stored(w, template_id)).secret is None
    assert "signature" not in receiver.received[2].headers
    removed = await ann.post(f"{path}/remove")
    assert removed.headers["location"] == f"/console{back}?flash=default_webhook_removed"
    assert await stored(w, template_id) is None
    assert "go nowhere" in text_of((await ann.get(back)).text)


async def test_what_is_wrong_is_said_at_its_place_and_nothing_is_stored(w: World) -> None:
    ann = await operator(w)
    await ann.get(ORGANIZATION)
    for given, said in (
        ({"url": "ftp://x", **DONE}, "no address of a web server"),
        ({"url": NASTY_NAMES[1], **DONE}, "no address of a web server"),
        ({"url": "http://169.254.169.254/", **DONE}, "Nothing may be sent to that address"),
        ({"url": "http://x.example/", "secret": "short", **DONE}, "12"),
        ({"url": "http://x.example/"}, "Choose at least one event."),
    ):
        refused = await ann.post(ORGANIZATION, **given)
        assert (refused.status_code, said in html.unescape(refused.text)) == (422, True), refused.text
        assert refused.text.count('class="wrong"') == 1
        assert is_text_only(refused.text, given["url"])
        assert await stored(w) is None


async def test_it_is_stored_untested_where_nothing_may_go_out_and_after_many_tests(
    w: World, receiver: Receiver
) -> None:
    ann = await operator(w)
    await w.database.write(service_state.put, service_state.HELD_SINCE, w.clock.now)
    assert "Saved, but not tested. The data was put back from a backup." in await saved(
        ann, ORGANIZATION, receiver.url, **DONE
    )
    await w.database.write(service_state.remove, service_state.HELD_SINCE)
    for _ in range(10):
        await saved(ann, ORGANIZATION, receiver.url, **DONE)
    last = await saved(ann, ORGANIZATION, receiver.url, secret=SECRET, **DONE)
    assert "Saved, but not tested." in last and len(receiver.received) == 10
    assert (await stored(w)).secret == SECRET


async def test_only_owners_see_and_change_it(w: World, receiver: Receiver) -> None:
    template_id = await w.template(BOOLEAN)
    ann, bob = await operator(w), await operator(w, "member")
    for path in (ORGANIZATION, f"/templates/{template_id}/webhook"):
        await saved(ann, path, receiver.url, **DONE)
        await bob.get("/settings/webhooks")
        answers = [
            await bob.get(path),
            await bob.post(path, url=receiver.url, **DONE),
            await bob.post(f"{path}/remove"),
        ]
        assert [one.status_code for one in answers] == [403] * 3
    for path in ("/settings/webhooks", f"/templates/{template_id}"):
        assert "Default webhook" not in (await bob.get(path)).text
    assert (await stored(w)).url == (await stored(w, template_id)).url == receiver.url


async def test_a_job_that_is_sent_here_reports_to_it_unless_none_is_chosen(w: World, receiver: Receiver) -> None:
    bob, template_id = await operator(w, "member"), await w.template(BOOLEAN)
    await saved(await operator(w), ORGANIZATION, receiver.url, secret=SECRET, **DONE)

    async def sent(**fields: str) -> Any:
        await bob.get("/dispatch")
        answer = await bob.post("/dispatch", template_id=template_id, **fields)
        assert answer.status_code == 303, answer.text
        return await w.run(Ed(w, answer.headers["location"].rpartition("/")[2]))

    run = await sent()
    assert run["webhook"] == {"url": receiver.url, "events": ["run.completed"], "signed": True}
    assert (await sent(webhook="none"))["webhook"] is None
    ed = Ed(w, run["run_id"])
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.complete()
    await w.deliver()
    assert receiver.events() == [event.TEST, "run.completed"]
    verify(receiver.url, receiver.received[1])
