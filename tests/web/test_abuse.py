"""What is sent to do harm is answered at once, with no more than it is worth, and keeps nobody else from anything."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from rundun import passwords
from rundun.actions.organizations import operators, organizations
from rundun.errors import Problem
from rundun.web.console.runs import live
from rundun.web.console.sign_in import limits
from rundun.wording.time_zone import Zone
from tests.helpers.console.console import PASSWORD, Browser, operator
from tests.helpers.console.console_runs import listening
from tests.helpers.processes.served import served
from tests.helpers.service import BOOLEAN, World, world

MARKS = "a" + "\u0301" * 40
FAR = 253_402_300_799_000  # 9999-12-31T23:59:59Z


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "America/New_York"])
async def test_a_phone_in_another_age_takes_no_page_away(w: World, zone: str) -> None:
    ann = await operator(w)
    await w.database.write(organizations.put_profile, w.acme_id, "Acme", "", zone, None)
    step = {"id": "s-when", "type": "datetime", "label": "When?", "config": {"mode": "datetime"}}
    ed = await w.dispatch(await w.template(BOOLEAN, step))
    await ed.start()
    for at in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):
        assert (await ed.answer("s-ok", True, answered_at=at)).status_code == 200
        assert (await ed.answer("s-when", at)).status_code == 200
        assert (await ann.get(f"/runs/{ed.run_id}")).status_code == 200
        assert (await ann.get(f"/runs/{ed.run_id}/archive.zip")).content[-22:-18] == b"PK\x05\x06"
    assert Zone(zone).exact_time(FAR).startswith("3")


@pytest.mark.parametrize("path", ["//[", "//[::1", "//a\u2100", "/" + "\u0301\u0323" * 3000])
async def test_nothing_in_where_to_go_on_is_worked_out(w: World, path: str) -> None:
    page = await Browser(w.browser()).get("/sign-in", params={"next": path})
    assert page.status_code == 200
    assert 'name="next" value=""' in page.text


async def test_heaps_of_marks_are_refused_wherever_a_form_takes_text(w: World) -> None:
    ann = await operator(w)
    ed = await w.dispatch(await w.template(BOOLEAN))
    assert (await ann.post(f"/runs/{ed.run_id}/cancel", reason=MARKS)).status_code == 422
    invited = await ann.post("/settings/people/invitations", email=f"{MARKS}@example.com", role="member")
    assert invited.status_code == 422
    bob, token = Browser(w.browser()), await w.database.write(operators.create_setup_link, w.acme_id)
    await bob.get(f"/join/{token}")
    joined = await bob.post(f"/join/{token}", email="bob@example.com", name=MARKS, password=PASSWORD)
    assert joined.status_code == 422


async def test_a_long_name_is_not_told_for_each_thing_that_is_wrong_in_it(w: World) -> None:
    bad = {"s-1": {f"x{number}": 1 for number in range(1000)}}
    for language, texts in (("k" * 50_000, bad), ("es", {"s-" + "k" * 50_000: bad["s-1"]})):
        body = {"name": "N", "steps": [BOOLEAN], "translations": {language: texts}}
        answer = await w.acme.post("/v1/templates", json=body)
        assert answer.status_code == 422
        assert len(answer.content) < 500_000


async def test_the_editor_looks_for_what_is_wrong_only(w: World) -> None:
    ann = await operator(w)
    await ann.get("/templates/new")
    text = json.dumps({"k" * 100_000: [1] * 4000, "name": "N", "steps": [BOOLEAN]})
    path, headers = "/console/templates/drafts/text?check=true", {"x-csrf-token": ann.csrf}
    answer = await ann.client.post(path, json={"text": text}, headers=headers)
    assert [(one["line"], one["column"]) for one in answer.json()["faults"]] == [(1, 2)]
    assert len(answer.content) < 5000
    huge = await ann.client.post(path, json={"text": "[1," * 400_000}, headers=headers)
    assert [one["detail"] for one in huge.json()["faults"]] == ["A template may have at most 512 KiB."]


async def test_who_tries_links_is_counted_whatever_they_send(tmp_path: Path) -> None:
    async with world(tmp_path, limits__failures_per_minute=5) as w:
        browser, codes = w.browser(), []
        for number in range(7):
            path = f"/r/r-00000000-0000-4000-8000-{number:012}/start"
            codes.append((await browser.post(path, json={"x": 1})).status_code)
        assert codes == [404] * 5 + [429] * 2


async def test_a_removed_owner_leaves_no_link_behind(w: World) -> None:
    eve, ann = await operator(w), await operator(w)
    token = await w.database.write(operators.invite, w.acme_id, "backdoor@example.com", "owner")
    page = await ann.get("/settings/people")
    eves = next(one for one in re.findall(r"people/(u-[^/]+)/remove", page.text))
    assert (await ann.post(f"/settings/people/{eves}/remove")).status_code == 303
    assert (await Browser(w.browser()).get(f"/join/{token}")).status_code == 404
    assert {(await eve.get("")).status_code, (await ann.get("")).status_code} == {200, 303}


async def test_a_second_invitation_ends_the_first(w: World) -> None:
    first, second = [await w.database.write(operators.invite, w.acme_id, "bob@example.com", "member") for _ in range(2)]
    assert (await Browser(w.browser()).get(f"/join/{first}")).status_code == 404
    assert (await Browser(w.browser()).get(f"/join/{second}")).status_code == 200


async def test_a_name_that_is_anothers_id_is_a_name(w: World) -> None:
    def call(tx: Any, name: str) -> None:
        organizations.put_profile(tx, organizations.create(tx, "Globex 2").org_id, name, "", "UTC", None)

    await w.database.write(call, w.acme_id)
    ann = await operator(w)
    await ann.get("/settings/keys")
    assert (await ann.post("/settings/keys", name="backend")).status_code == 200


async def test_the_servers_settings_are_none_of_an_organizations_business(w: World) -> None:
    ann = await operator(w)
    assert "webhooks.allow" not in (await ann.get("/settings/health")).text, "Globex is served as well"


async def test_streams_are_counted_before_anything_is_waited_for(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_STREAMS", 1)
    ann, ed = await operator(w), await w.dispatch(await w.template(BOOLEAN))
    async with (
        served(w) as base,
        await listening(w, ann, base, f"?run_id={ed.run_id}") as one,
        await listening(w, ann, base, f"?run_id={ed.run_id}") as two,
    ):
        assert sorted([one.status_code, two.status_code]) == [200, 429]
        w.service.notifier.end()


async def test_a_stream_ends_with_the_session(w: World) -> None:
    ann, template_id = await operator(w), await w.template(BOOLEAN)
    async with served(w) as base, await listening(w, ann, base) as stream:
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        await ann.post("/sign-out")
        await w.dispatch(template_id)
        assert [one async for one in lines] == [""]


async def test_right_passwords_are_not_even_looked_at_for_who_has_failed_too_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = passwords.hash_password(PASSWORD)
    async with world(tmp_path, limits__failures_per_minute=5) as w:
        browser = Browser(w.browser())
        await browser.get("/sign-in")
        await w.database.write(operators.add, w.acme_id, "ann@example.com", "Ann", "owner", kept)
        for number in range(5):
            await browser.client.get(f"/r/r-00000000-0000-4000-8000-{number:012}/state")
        monkeypatch.setattr(passwords, "verify", None)
        refused = await browser.post("/sign-in", email="ann@example.com", password=PASSWORD)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "12")
        assert "tried too often" in refused.text
        assert 'value="ann@example.com"' in refused.text


async def test_so_many_passwords_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING", 0)
    with pytest.raises(passwords.Busy):
        await passwords.queue_check(None, PASSWORD, passwords.Turn("192.0.2.9", "unknown"))


async def test_guesses_at_somebody_keep_only_the_guesser_out(w: World) -> None:
    kept = passwords.hash_password(PASSWORD)
    await w.database.write(operators.add, w.acme_id, "ann@example.com", "Ann", "owner", kept)
    rate_limiter, request = (w.service.rate_limiter, Request({"type": "http", "client": ("192.0.2.9", 1)}))
    with pytest.raises(Problem):
        for _ in range(11):
            rate_limiter.count(request, limits.GUESSES, "ann@example.com 192.0.2.9")
    ann = Browser(w.browser())
    await ann.get("/sign-in")
    assert (await ann.post("/sign-in", email="ann@example.com", password=PASSWORD)).status_code == 303


async def test_what_was_written_survives_the_end_of_a_session(w: World) -> None:
    kept = passwords.hash_password(PASSWORD)
    await w.database.write(operators.add, w.acme_id, "ann@example.com", "Ann", "owner", kept)
    template_id, ann = await w.template(BOOLEAN), Browser(w.browser())
    await ann.get("/sign-in")
    asked = await ann.post(
        "/dispatch", template_id=template_id, executor_ref="Flat <7>", expires_in_hours="72", once="1"
    )
    assert asked.status_code == 403
    then = re.search(r'name="then" value="([^"]+)"', asked.text)
    token = re.search(r'name="csrf" value="([^"]+)"', asked.text)
    assert then
    assert token
    ann.csrf = token[1]
    signed = await ann.post(
        "/sign-in", email="ann@example.com", password=PASSWORD, next="/dispatch", then=then[1].replace("&amp;", "&")
    )
    assert signed.status_code == 200
    assert 'action="/console/dispatch"' in signed.text
    assert "Flat &lt;7&gt;" in signed.text
    token = re.search(r'name="csrf" value="([^"]+)"', signed.text)
    assert token
    ann.csrf = token[1]
    sent = await ann.post(
        "/dispatch", template_id=template_id, executor_ref="Flat <7>", expires_in_hours="72", once="1"
    )
    assert sent.status_code == 303
    ann.client.headers["accept"] = "text/html"
    stale = await ann.client.post("/console/dispatch", data={"csrf": "old", "executor_ref": "Flat <8>"})
    assert stale.status_code == 403
    assert "Flat &lt;8&gt;" in stale.text
    secret = await ann.client.post("/console/settings/account/password", data={"csrf": "old", "password": PASSWORD})
    assert PASSWORD not in secret.text


@pytest.mark.parametrize(("path", "leads_to"), [("/", "/console"), ("/runs/", "/console/runs")])
async def test_a_slash_too_many_leads_on(w: World, path: str, leads_to: str) -> None:
    assert (await (await operator(w)).get(path)).headers["location"] == leads_to


async def test_where_there_is_nothing_a_page_says_so(w: World) -> None:
    ann = await operator(w)
    for path in ("/nope", "/settings/webhooks/test", "/runs/r-1/extend"):
        page = await ann.get(path, headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
