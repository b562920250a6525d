"""What an operator does with a run: cancel, extend, release."""

from rundun.store.organizations import operators as operator_rows
from tests.helpers.console.console import operator, text_of
from tests.helpers.service import BOOLEAN, Ed, Receiver, World


async def test_an_operator_cancels_and_the_event_says_who(w: World, receiver: Receiver) -> None:
    ann = await operator(w, "member")
    ed = await w.dispatch(await w.template(BOOLEAN), webhook={"url": receiver.url})
    path = f"/runs/{ed.run_id}"
    await ann.get(path)
    refused = await ann.post(f"{path}/cancel", reason="x" * 2001)
    assert (refused.status_code, "2000 characters are allowed" in refused.text) == (422, True)
    assert "x" * 2001 in refused.text, "what was typed is not lost"
    done = await ann.post(f"{path}/cancel", reason=" Rebooked ")
    assert (done.status_code, done.headers["location"]) == (303, f"/console{path}?flash=run_cancelled")
    assert (await w.run(ed))["cancellation"] == {
        "by": "operator",
        "reason": "Rebooked",
        "at": "2026-01-01T00:00:00Z",
        "last_step_id": None,
    }
    await w.deliver()
    (told,) = [one.json for one in receiver.received]
    (made,) = await w.database.read(operator_rows.list_of_org, w.acme_id)
    assert told["identity"] == {"mode": "member", "user_id": made.operator_id, "name": "Ann"}
    assert told["data"]["cancelled_by"] == "operator"
    assert (await w.acme.get("/v1/events")).json()["data"][0]["identity"]["mode"] == "member"
    page = text_of((await ann.get(path)).text)
    assert "Your team" in page and "Cancelled · Ann" in page and "Rebooked" in page
    again = await ann.post(f"{path}/cancel")
    assert (again.status_code, "Something has changed meanwhile" in again.text) == (409, True)


async def test_an_operator_extends_but_never_shortens(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN))
    path = f"/runs/{ed.run_id}"
    await ann.get(path)
    offered, hint, _ = text_of((await ann.get(path)).text).partition("Open until 4 Jan 2026, 00:00. How long")
    assert hint
    assert "1 week from now · 8 Jan 2026, 00:00 30 days from now · 31 Jan 2026, 00:00 without end" in offered
    assert "days from now · 4 Jan" not in offered and "hours from now" not in offered
    refused = await ann.post(f"{path}/extend", hours="24")
    assert refused.status_code == 422
    assert "It can be given more time, not less." in refused.text
    for nonsense in ("", "x", "-1", "99999", "nan"):
        assert (await ann.post(f"{path}/extend", hours=nonsense)).status_code == 422, nonsense
    assert (await ann.post(f"{path}/extend", hours="168")).status_code == 303
    assert (await w.run(ed))["expires_at"] == "2026-01-08T00:00:00Z"
    assert (await ann.post(f"{path}/extend", hours="never")).status_code == 303
    assert (await w.run(ed))["expires_at"] is None
    assert "more time, not less" in (await ann.post(f"{path}/extend", hours="168")).text


async def test_an_operator_releases_the_device(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN, execution={"scope": "first_device"}))
    path = f"/runs/{ed.run_id}"
    assert "Let another phone go on" not in (await ann.get(path)).text
    await ed.start()
    olga = Ed(w, ed.run_id)
    assert (await olga.start()).status_code == 403
    assert "Let another phone go on" in (await ann.get(path)).text
    assert (await ann.post(f"{path}/release")).status_code == 303
    assert (await olga.start()).status_code == 200
