"""PATCH /v1/runs/{run_id}: another webhook for a run that is out already, or none any more."""

import asyncio
from typing import Any

import pytest

from rundun.actions.runs import patches
from rundun.actions.runs.patches import REMOVED
from rundun.scheduler import delete_secrets
from rundun.store.sqlite.transaction import Tx
from tests.helpers.console.console import operator
from tests.helpers.failing_deliveries import failing
from tests.helpers.service import BOOLEAN, Ed, Receiver, World, answering
from tests.helpers.webhooks import DELAYS, SECRET, hooked, verify

OTHER = "another secret, of Ed"


async def patch(w: World, ed: Ed, webhook: Any, status: int = 200) -> Any:
    """Patch as Acme; the answer."""
    response = await w.acme.patch(f"/v1/runs/{ed.run_id}", json={"webhook": webhook})
    assert response.status_code == status, response.text
    return response.json()


async def waiting(w: World, receiver: Receiver, **webhook: Any) -> Ed:
    """A started run with one delivery that was refused once, and is tried again in half a minute."""
    receiver.answer = answering("500 Oops")
    ed = await hooked(w, receiver.url, events=["run.started", "run.completed"], **webhook)
    await w.deliver()
    receiver.received.clear()
    receiver.answer = answering("204 No Content")
    return ed


async def retried(w: World) -> None:
    w.clock.forward(seconds=DELAYS[0] * 1.1)
    await w.deliver()


async def test_another_url_keeps_secret_and_events_and_gets_what_waits(w: World, receiver: Receiver) -> None:
    ed = await waiting(w, receiver, secret=SECRET)
    before = await w.run(ed)
    async with Receiver().listening() as other:
        told = await patch(w, ed, {"url": other.url.replace("http", "HTTP")})
        after = await w.run(ed)
        assert told == {**{name: value for name, value in after.items() if name != "template"}, "warnings": []}
        assert after["webhook"] == {**before["webhook"], "url": other.url}
        assert after["revision"] == before["revision"] + 1
        assert await patch(w, ed, {"url": other.url}) == told, "the same patch changes nothing"
        await retried(w)
        await ed.answer("s-ok", True)
        await ed.complete()
        await w.deliver()
    assert receiver.received == []
    assert sorted(other.events()) == ["run.completed", "run.started"]
    for one in other.received:
        verify(other.url, one, SECRET)
    first, last = await w.deliveries(ed)
    assert [one["url"] for one in first["attempts"]] == [receiver.url, other.url]
    assert (first["status"], last["status"]) == ("delivered", "delivered")


async def test_another_secret_signs_the_next_attempt_and_null_none(w: World, receiver: Receiver) -> None:
    ed = await waiting(w, receiver, secret=SECRET)
    assert (await patch(w, ed, {"secret": OTHER}))["webhook"]["signed"]
    await retried(w)
    verify(receiver.url, receiver.received[0], OTHER)
    revision = (await w.run(ed))["revision"]
    told = await patch(w, ed, {"secret": None})
    assert (told["webhook"]["signed"], told["revision"]) == (False, revision + 1)
    assert (await patch(w, ed, {"secret": None}))["revision"] == revision + 1
    await ed.answer("s-ok", True)
    await ed.complete()
    await w.deliver()
    assert "signature" not in receiver.received[1].headers


async def test_other_events_are_sent_from_then_on(w: World, receiver: Receiver) -> None:
    ed = await hooked(w, receiver.url, events=["run.cancelled"])
    assert (await patch(w, ed, {"events": ["step.completed"]}))["webhook"]["events"] == ["step.completed"]
    await ed.answer("s-ok", True)
    told = await patch(w, ed, {"events": None})
    five = ["step.completed", "step.skipped", "run.completed", "run.cancelled", "run.expired"]
    assert told["webhook"]["events"] == five
    await ed.complete()
    await w.deliver()
    assert sorted(receiver.events()) == ["run.completed", "step.completed"]


async def test_a_run_gets_its_first_webhook(w: World, receiver: Receiver) -> None:
    ed = await w.dispatch(await w.template(BOOLEAN))
    await ed.start()
    for webhook in ({}, {"secret": SECRET}, {"events": ["*"]}):
        problem = await patch(w, ed, webhook, 422)
        assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/webhook/url", "required")]
    assert (await w.run(ed))["webhook"] is None
    assert (await patch(w, ed, {"url": receiver.url, "secret": SECRET}))["webhook"]["signed"]
    await ed.answer("s-ok", True)
    await w.deliver()
    verify(receiver.url, receiver.received[0], SECRET)
    assert receiver.events() == ["step.completed"]


async def test_without_a_webhook_what_waits_has_failed_and_says_why(w: World, receiver: Receiver) -> None:
    ed = await waiting(w, receiver, secret=SECRET)
    revision = (await w.run(ed))["revision"]
    told = await patch(w, ed, None)
    assert (told["webhook"], told["revision"]) == (None, revision + 1)
    assert (await patch(w, ed, None))["revision"] == revision + 1
    (failed,) = await w.deliveries(ed)
    assert (failed["status"], failed["next_attempt_at"]) == ("failed", None)
    assert [(one["number"], one["status"], one["error"]) for one in failed["attempts"]] == [
        (1, 500, "The answer was 500."), (2, None, REMOVED)
    ]  # fmt: skip
    assert (await w.acme.get("/v1/organization")).json()["deliveries_failed"] == 1
    await ed.answer("s-ok", True)
    await retried(w)
    assert len(await w.deliveries(ed)) == 1
    problem = await w.acme.post(f"/v1/deliveries/{failed['delivery_id']}/retry", json={})
    assert (problem.status_code, problem.json()["code"]) == (409, "wrong_status")
    page = await (await operator(w, "member")).post(f"/settings/webhooks/{failed['delivery_id']}/retry")
    assert (page.status_code, "Its run has no webhook any more" in page.text) == (409, True)
    all_of_it = await w.acme.post("/v1/deliveries/retry", json={"status": "failed"})
    assert all_of_it.json() == {"retried": 0}
    assert await w.deliveries(ed) == [failed]
    assert receiver.received == []
    await patch(w, ed, {"url": receiver.url})
    assert (await w.acme.post("/v1/deliveries/retry", json={"status": "failed"})).json() == {"retried": 1}
    await w.deliver()
    assert receiver.events() == ["run.started"]
    assert (await w.deliveries(ed))[0]["status"] == "delivered"


async def test_a_closed_run_is_patched_while_something_of_it_has_not_arrived(w: World, receiver: Receiver) -> None:
    ed = await waiting(w, receiver)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    async with Receiver().listening() as other:
        await patch(w, ed, {"url": other.url, "secret": OTHER})
        await retried(w)
        verify(other.url, other.received[0], OTHER)
        again = await patch(w, ed, {"url": other.url})
        assert again["status"] == "cancelled", "a patch that changes nothing is never refused"
        problem = await patch(w, ed, {"url": receiver.url}, 409)
        assert (problem["code"], problem["detail"]) == (
            "wrong_status", "This run is cancelled, and no delivery of it is left to send."
        )  # fmt: skip
        assert (await patch(w, ed, None, 409))["code"] == "wrong_status"


async def test_what_has_failed_is_sent_again_to_the_new_place(w: World, receiver: Receiver) -> None:
    """The receiver has moved, and its run is over: the reason for which there is this operation."""
    ed, failed = await failing(w, receiver)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    async with Receiver().listening() as other:
        await patch(w, ed, {"url": other.url})
        await w.acme.post(f"/v1/deliveries/{failed['delivery_id']}/retry", json={})
        await w.deliver()
        assert other.events() == ["run.started"]

    def destination(tx: Tx) -> str:
        return str(tx.db.execute("SELECT destination FROM deliveries").fetchone()[0])

    port = other.url.removesuffix("/hook").rpartition(":")[2]
    assert await w.database.read(destination) == f"{w.acme_id} http://127.0.0.1:{port}"


async def test_an_overdue_run_has_expired_by_then(w: World, receiver: Receiver) -> None:
    template_id = await w.template(BOOLEAN)
    silent = await w.dispatch(template_id, expires_in_hours=1)
    ed = await w.dispatch(template_id, expires_in_hours=1, webhook={"url": "http://127.0.0.1:1/"})
    w.clock.forward(hours=2)
    assert (await patch(w, silent, {"url": receiver.url}, 409))["code"] == "wrong_status"
    assert (await w.acme.get("/v1/runs?status=expired")).json()["data"][0]["run_id"] == silent.run_id
    assert (await patch(w, ed, {"url": receiver.url}))["status"] == "expired"
    await w.deliver()
    assert receiver.events() == ["run.expired"]


async def test_another_url_is_not_gone_as_the_one_before(w: World, receiver: Receiver) -> None:
    receiver.answer = answering("410 Gone")
    ed = await hooked(w, receiver.url)
    await ed.answer("s-ok", True)
    await w.deliver()
    async with Receiver(answering("500 Oops")).listening() as other:
        await patch(w, ed, {"secret": SECRET})
        await ed.answer("s-ok", False)
        receiver.answer = answering("500 Oops")
        await w.deliver()
        await patch(w, ed, {"url": other.url})
        await ed.answer("s-ok", True)
        await w.deliver()
    assert [one["status"] for one in await w.deliveries(ed)] == ["failed", "failed", "pending"]


async def test_slots_are_counted_by_the_new_place(w: World, receiver: Receiver) -> None:
    """A receiver that hangs has all its slots taken; what waits for it goes elsewhere at once."""
    hanging = asyncio.Event()
    post = w.dispatcher._post

    async def hang(request: Any) -> Any:
        if request.url == receiver.url:
            await hanging.wait()
        return await post(request)

    w.dispatcher._post = hang
    await hooked(w, receiver.url, events=["run.started"])  # the first one alone, as long as nobody knows the place
    ed = await hooked(w, receiver.url, events=["run.started"])
    async with Receiver().listening() as other:
        await patch(w, ed, {"url": other.url})
        w.clock.forward(seconds=1)
        await w.acme.post(f"/v1/deliveries/{(await w.deliveries(ed))[0]['delivery_id']}/retry", json={})
        while not other.received:
            await w.dispatcher.tick()
        hanging.set()
        await w.deliver()
    assert other.events() == ["run.started"]


@pytest.mark.parametrize("removed", [True, False])
async def test_however_much_waits_nobody_else_does(w: World, receiver: Receiver, removed: bool) -> None:
    ed = await waiting(w, receiver)
    count = 2 * patches.BATCH_SIZE + 7

    def fill(tx: Tx) -> None:
        columns = "event, run_id, org_id, destination, status, next_attempt_at, created_at"
        tx.db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            f"INSERT INTO deliveries (id, {columns}) SELECT 'dlv-' || i, {columns} FROM n, deliveries",
            (count - 1,),
        )

    await w.database.write(fill)
    changes: list[int] = []
    write = w.database.write

    async def counted(action: Any, *args: Any, **kwargs: Any) -> Any:
        def within(tx: Tx) -> Any:
            before = tx.db.total_changes
            result = action(tx, *args, **kwargs)
            changes.append(tx.db.total_changes - before)
            return result

        return await write(within)

    w.database.write = counted  # type: ignore[method-assign]
    await patch(w, ed, None if removed else {"url": "http://127.0.0.1:2/"})
    w.database.write = write  # type: ignore[method-assign]
    each = 2  # a delivery, and its last attempt or what it takes now
    assert changes == [500 * each, 500 * each, 7 * each + 3], "at last the run, its history and what it takes, too"

    def left(tx: Tx) -> list[tuple[str, int]]:
        rows = tx.db.execute("SELECT status, destination, count(*) FROM deliveries GROUP BY 1, 2").fetchall()
        return [(status, number) for status, _, number in rows]

    assert await w.database.read(left) == [("failed" if removed else "pending", count)]


async def test_a_new_secret_is_kept_no_longer_than_needed(w: World, receiver: Receiver) -> None:
    ed = await waiting(w, receiver)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    await patch(w, ed, {"secret": OTHER})
    await retried(w)
    w.clock.forward(hours=24 * 30)
    assert await delete_secrets(w.database, 30) == 1
    assert (await w.run(ed))["webhook"]["signed"] is False


async def test_the_history_says_who_has_changed_what_and_no_secret(w: World, receiver: Receiver) -> None:
    ed = await hooked(w, "http://127.0.0.1:1/hook?token=hidden", secret=SECRET)
    await patch(w, ed, {"url": "http://127.0.0.2:9/hook?token=hidden-too", "secret": OTHER})
    await patch(w, ed, {"events": ["run.cancelled"]})
    await patch(w, ed, None)
    stored = await w.database.read(lambda tx: str([tuple(row) for row in tx.db.execute("SELECT * FROM changes")]))
    assert "'test'" in stored, "the name of Acme's key"
    assert [one for one in (SECRET, OTHER, "hidden") if one in stored] == []
    page = (await (await operator(w, "member")).get(f"/runs/{ed.run_id}")).text
    await patch(w, ed, {"url": "http://127.0.0.3:9/hook"})
    again = (await (await operator(w, "member")).get(f"/runs/{ed.run_id}")).text
    by = " · API key: <bdi>test</bdi>"
    assert f"Webhook changed (address, secret), now 127.0.0.2{by}" in page
    assert f"Webhook changed (events), now 127.0.0.2{by}" in page
    assert f'Webhook removed – <bdi class="typed">127.0.0.2</bdi>{by}' in page
    assert f"Webhook set: 127.0.0.3{by}" in again
    assert [one for one in (SECRET, OTHER) if one in page] == []


async def test_of_many_at_once_one_is_done(w: World, receiver: Receiver) -> None:
    ed = await waiting(w, receiver)
    bodies = [{"webhook": {"url": f"http://127.0.0.1:{port}/"}} for port in range(2, 22)]
    answers = await asyncio.gather(*(w.acme.patch(f"/v1/runs/{ed.run_id}", json=body) for body in bodies))
    (done,) = [answer for answer in answers if answer.is_success]
    refused = [(one.status_code, one.json()["code"], one.headers["retry-after"]) for one in answers if one is not done]
    assert refused == [(409, "request_in_progress", "1")] * 19, "else they take the same deliveries from each other"
    assert (await w.run(ed))["webhook"] == done.json()["webhook"]
    assert (await patch(w, ed, {"url": "http://127.0.0.1:22/"}))["revision"] == done.json()["revision"] + 1
