"""Several runs at once: what fits is done, and what does not is named."""

import re
from typing import Any

import pytest

from tests.helpers.console import Browser, operator, shown, text_of
from tests.helpers.console_runs import rows
from tests.helpers.markup import NASTY_NAMES, is_text_only
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
    answer = await act(ann, "handled", [missed, done, gone])
    told = text_of(answer.text)
    assert "1 of 3 are done with Not possible for: BK-0 : It was neither missed nor flagged." in told
    assert f"{gone.run_id[2:10]} : It is not there any more." in told
    assert (await w.run(missed))["handled_at"]
    stranger = await operator(w, org_id=(await w.globex.get("/v1/organization")).json()["id"])
    assert "0 of 1 cancelled" in (await act(stranger, "cancel", [still], sure="yes")).text


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
