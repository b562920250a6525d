"""Several runs at once: what fits is done, and what does not is named."""

import re
from typing import Any

import pytest

from tests.helpers.console.console import Browser, operator, put_zone, shown, text_of
from tests.helpers.console.console_runs import rows
from tests.helpers.console.markup import NASTY_NAMES, is_text_only
from tests.helpers.service import BOOLEAN, Ed, World


async def act(ann: Browser, what: str, runs: list[Ed], **more: str) -> Any:
    return await ann.post("/runs/several", do=what, **{ed.run_id: "1" for ed in runs}, **more)


async def test_three_are_cancelled_once_that_is_sure(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    made = [await w.dispatch(template_id, title=f"Flat {number}") for number in range(4)]
    asked = await act(ann, "cancel", made[:3], query="tab=open")
    assert asked.status_code == 200 and "Cancel 3 jobs?" in asked.text
    assert {(await w.run(ed))["status"] for ed in made} == {"pending"}, "it only asks"
    wrong = await act(ann, "cancel", made[:3], sure="yes", reason="x" * 2001)
    assert wrong.status_code == 422 and "2000" in wrong.text
    done = await act(ann, "cancel", made[:3], sure="yes", reason="Rain", query="tab=open")
    assert done.headers["location"].startswith("/console/runs?tab=open&flash=")
    records = [await w.run(ed) for ed in made]
    assert [record["status"] for record in records] == ["cancelled"] * 3 + ["pending"]
    assert records[0]["cancellation"]["reason"] == "Rain"


async def test_what_does_not_fit_is_named(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    made = [await w.dispatch(template_id, executor_ref=f"BK-{number}", expires_in_hours=9) for number in range(4)]
    done, missed, gone, still = made
    await done.start()
    await done.answer("s-ok", True)
    await done.complete()
    told = text_of((await act(ann, "cancel", [done, still], sure="yes")).text)
    assert "1 of 2 cancelled Not possible for: BK-0 : It is already done." in told
    told = text_of((await act(ann, "extend", [done, missed, gone, still], sure="yes", hours="72")).text)
    assert "2 of 4 extended Not possible for: BK-0 : It is already done. BK-3 : It is already cancelled." in told
    assert "It is already open for longer." in (await act(ann, "extend", [missed, done], sure="yes", hours="24")).text
    await w.acme.delete(f"/v1/runs/{gone.run_id}")
    w.clock.forward(hours=72)
    await w.sweep()
    told = text_of((await act(ann, "handled", [done])).text)
    assert "0 of 1 are done with Not possible for: BK-0 : It was neither missed nor flagged." in told
    answer = await act(ann, "handled", [missed, done, gone])
    told = text_of(answer.text)
    assert f"1 of 2 are done with Not possible for: {gone.run_id[2:10]} : It is not there any more." in told
    assert (await w.run(missed))["handled_at"]
    stranger = await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    assert "0 of 1 cancelled" in (await act(stranger, "cancel", [still], sure="yes")).text


async def test_what_has_ended_is_left_out_before_anything_is_asked(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    ended, *open_ = [await w.dispatch(template_id, title=f"Flat {number}") for number in range(3)]
    await w.acme.post(f"/v1/runs/{ended.run_id}/cancel", json={})
    for what, title in (("cancel", "Cancel 2 jobs?"), ("extend", "Extend 2 jobs"), ("due", "Move when 2 jobs are due")):
        page = (await act(ann, what, [ended, *open_])).text
        assert f"{title} 1 chosen job has ended and is left out." in text_of(page), what
        assert ended.run_id not in page and all(f'name="{ed.run_id}"' in page for ed in open_), what
    page = await shown(ann, "/runs")
    states = dict(re.findall(r'<li id="row-([^"]+)" class="([^"]*)">', page))
    assert states == {ended.run_id: "", **{ed.run_id: "is-open" for ed in open_}}


async def test_due_times_are_moved_to_an_evening_or_to_any_time(w: World) -> None:
    await put_zone(w, "Europe/Madrid")
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    w.clock.forward(hours=9)  # ten in the morning there
    one, two, three = [await w.dispatch(template_id, due_at="2026-01-01T10:00:00Z") for _ in range(3)]
    for path in ("/runs?tab=open", f"/runs/{one.run_id}"):
        assert "Today 18:00 Tomorrow 18:00" in text_of(await shown(ann, path)), path

    async def due(ed: Ed) -> tuple[str, str]:
        record = await w.run(ed)
        return record["due_at"], record["expires_at"]

    answer = await ann.post(f"/runs/{one.run_id}/due", when="2026-01-01T18:00", query="tab=open")
    assert answer.headers["location"] == "/console/runs?tab=open&flash=due_moved"
    assert await due(one) == ("2026-01-01T17:00:00Z", "2026-01-04T09:00:00Z")
    answer = await ann.post(f"/runs/{one.run_id}/due", when="2026-01-02T18:00", to="overview")
    assert answer.headers["location"] == "/console?flash=due_moved"
    assert (await due(one))[0] == "2026-01-02T17:00:00Z"
    answer = await ann.post(f"/runs/{one.run_id}/due", at="2026-02-01T08:30")
    assert answer.headers["location"] == f"/console/runs/{one.run_id}?flash=due_moved"
    assert await due(one) == ("2026-02-01T07:30:00Z", "2026-02-02T07:30:00Z"), "and open for a day more"
    for at in ("", "soon", "2026-01-01T08:00"):
        assert (await ann.post(f"/runs/{one.run_id}/due", at=at)).status_code == 422, at
    assert (await act(ann, "due", [two, three], sure="yes", at="")).status_code == 422
    answer = await act(ann, "due", [two, three], sure="yes", when="2026-01-02T18:00", query="tab=late")
    assert answer.headers["location"] == "/console/runs?tab=late&flash=several_due"
    assert [(await due(ed))[0] for ed in (two, three)] == ["2026-01-02T17:00:00Z"] * 2
    await w.acme.post(f"/v1/runs/{two.run_id}/cancel", json={})
    told = text_of((await act(ann, "due", [two, three], sure="yes", when="2026-01-02T18:00")).text)
    assert "1 of 2 moved Not possible for:" in told and "It is already cancelled." in told
    assert (await ann.post(f"/runs/{two.run_id}/due", when="2026-01-02T18:00", query="")).status_code == 409
    w.clock.forward(hours=8, seconds=1)  # just after six in the evening
    assert "Today 18:00" not in text_of(await shown(ann, "/runs?tab=open"))
    assert (await ann.post(f"/runs/{three.run_id}/due", when="2026-01-01T18:00")).status_code == 422, (
        "from a page of before"
    )
    stranger = await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    assert (await stranger.post(f"/runs/{three.run_id}/due", when="2026-01-02T18:00")).status_code == 404


async def test_what_extending_changes_is_said(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN), due_at="2026-01-02T10:00:00Z")
    assert "When the job is due stays as it is." in await shown(ann, f"/runs/{ed.run_id}")
    assert "when each is due stays as it is." in (await act(ann, "extend", [ed])).text


async def test_only_what_is_longer_is_offered_and_each_says_how_it_stands(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    long, endless = [await w.dispatch(template_id, expires_in_hours=hours) for hours in (100, None)]
    due = await w.dispatch(template_id, due_at="2026-01-05T01:00:00Z")
    page = (await act(ann, "extend", [long, due])).text
    assert re.findall(r'<option value="(\w+)"', page) == ["168", "720", "never"]
    assert re.search(r"Due 5 Jan .* · Open until 6 Jan ", text_of(page))
    page = (await act(ann, "extend", [endless])).text
    assert "None of these can be open for longer." in page and "Open without end" in page and "<select" not in page


async def test_a_table_of_those_chosen(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    made = [await w.dispatch(template_id, title=f"Flat {number}") for number in range(3)]
    answer = await act(ann, "csv", made[:2])
    assert answer.headers["content-type"].startswith("text/csv")
    assert [name for name in ("Flat 0", "Flat 1", "Flat 2") if name in answer.text] == ["Flat 0", "Flat 1"]
    assert answer.text.splitlines()[0] == (await ann.get("/runs.csv")).text.splitlines()[0]


async def test_nothing_chosen_and_nothing_known_leads_back(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN))
    for form in ({"do": "cancel", "sure": "yes"}, {"do": "explode", ed.run_id: "1"}, {ed.run_id: "1"}):
        answer = await ann.post("/runs/several", query="q=a%0ab&tab=late", **form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/runs?q=a%0Ab&tab=late")
    assert (await w.run(ed))["status"] == "pending"
    assert (
        (await act(ann, "extend", [ed], sure="yes", hours="720", to="overview"))
        .headers["location"]
        .startswith("/console?flash=")
    )


@pytest.mark.parametrize("nasty", NASTY_NAMES)
async def test_what_is_typed_is_never_markup(w: World, nasty: str) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN), title=nasty)
    assert is_text_only((await act(ann, "cancel", [ed], query=nasty)).text, nasty)
    assert is_text_only(await shown(ann, "/runs", params={"q": nasty, "ref": nasty, "template": nasty}), nasty)
    await act(ann, "cancel", [ed], sure="yes")
    assert is_text_only((await act(ann, "cancel", [ed], sure="yes")).text, nasty)
    assert await rows(ann) == [ed.run_id]
