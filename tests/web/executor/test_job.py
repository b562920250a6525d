"""What of a run's job leaves the server: to whoever finds the link, to who has tapped Start, to nobody."""

import html
import json

import pytest

from tests.helpers.jobs import FIELDS, JOB, LATER, NEVER, SECRET, STEPS, found_in, rewritten, translated, with_job
from tests.helpers.service import BOOLEAN, World

# What fetches a link that was sent to somebody, before any person opens it.
AGENTS = {
    "WhatsApp": "WhatsApp/2.23.20.0",
    "iMessage": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
    "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Telegram": "TelegramBot (like TwitterBot)",
    "Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Teams": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Outlook": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 "
    "Safari/537.36 Edg/120.0 SafeLinks",
    "Twitter": "Twitterbot/1.0",
    "Google": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
}


@pytest.mark.parametrize("agent", AGENTS)
async def test_before_start_a_link_gives_its_title_and_what_is_for_anybody(w: World, agent: str) -> None:
    run = await with_job(w)
    visitor = w.browser(**{"user-agent": AGENTS[agent]})
    for path in (f"/r/{run.run_id}", f"/r/{run.run_id}?lang=ar", f"/r/{run.run_id}/state"):
        told = html.unescape((await visitor.get(path)).text)
        assert found_in(told, [*LATER, *NEVER, SECRET]) == set(), path
        assert JOB["title"] in told and "Flat 12" in told
    page = (await visitor.get(f"/r/{run.run_id}")).text
    head = page.partition("</head>")[0]
    assert "<title>Rundun</title>" in head and 'og:title" content="Rundun"' in head
    assert found_in(head, ["beach house", "flat 12", "check"]) == set()
    assert (await run.state())["job"] == {
        "title": JOB["title"],
        "due_at": "2026-01-01T14:00:00Z",
        "fields": [{"id": "f-unit", "label": "Unit", "kind": "text", "value": "Flat 12"}],
    }


async def test_with_start_comes_the_rest_but_for_the_office_s_and_a_secret_never_in_html(w: World) -> None:
    run = await with_job(w)
    started = await run.start()
    state, page = await run.call("GET", "/state"), await run.call("GET", "")
    job = state.json()["job"]
    assert started.json()["job"] == job
    given = [field["id"] for field in FIELDS if field["id"] not in ("f-price", "f-empty")]
    assert [field["id"] for field in job["fields"]] == given
    assert {field["id"]: field["value"] for field in job["fields"]}["f-door"] == SECRET
    assert (job["note"], job["prefill"]) == (JOB["note"], JOB["prefill"])
    for told in (started.text, state.text, page.text):
        assert found_in(html.unescape(told), LATER) == set(LATER)
        assert found_in(told, NEVER) == set()
        assert "fields" not in json.loads(state.text)["template"]
    assert SECRET not in page.text
    assert "<title>Rundun</title>" in page.text and 'og:title" content="Rundun"' in page.text
    assert (await run.start()).json()["job"] == job  # again: the reply may have been lost
    answered = await run.answer("s-ok", True)
    assert found_in(answered.text, [*LATER, SECRET]) == set()


async def test_a_secret_that_was_changed_is_there_as_well(w: World) -> None:
    run, code = await with_job(w), "canary-0815-code"
    await rewritten(w, run, fields={"f-door": code})
    assert found_in((await run.call("GET", "/state")).text, [SECRET, code]) == set()
    fields = (await run.start()).json()["job"]["fields"]
    assert {field["id"]: field["value"] for field in fields}["f-door"] == code
    assert found_in((await run.call("GET", "")).text, [SECRET, code]) == set()


async def test_a_run_without_a_job_says_so_in_few_words(w: World) -> None:
    run = await w.dispatch(await w.template(BOOLEAN))
    assert (await run.state())["job"] == {"title": None, "due_at": None, "fields": []}
    job = {"title": None, "due_at": None, "fields": [], "note": None, "prefill": {}}
    assert (await run.start()).json()["job"] == job == (await run.state())["job"]


async def test_labels_of_fields_are_translated_and_those_that_are_not_shown_stay_here(w: World) -> None:
    words = {"f-unit": {"label": "Wohnung"}, "f-door": {"label": "Türcode"}, "f-price": {"label": "Preis"}}
    run = await w.dispatch(await translated(w, de=words), **JOB)
    before = [(await run.call("GET", path)).text for path in ("?lang=de", "/state")]
    for told in before:
        assert "Wohnung" in told and "Türcode" not in told and "Preis" not in told
    started = await run.start(language="de-AT")
    labels = {field["id"]: field["label"] for field in started.json()["job"]["fields"]}
    assert (labels["f-unit"], labels["f-door"], labels["f-text"]) == ("Wohnung", "Türcode", "Canary-label-text")
    assert (await run.state())["job"] == started.json()["job"]
    page, english = [(await run.call("GET", f"?lang={lang}")).text for lang in ("de", "en")]
    assert "Türcode" in page and "Canary-label-door" in english
    assert "Preis" not in page


async def test_a_run_that_is_over_names_its_job_to_the_phone_that_did_it_alone(w: World) -> None:
    done, given_up, missed = [await with_job(w) for _ in range(3)]
    await done.start()
    await done.answer("s-ok", True)
    assert (await done.complete()).status_code == 200
    await given_up.start()
    await given_up.call("POST", "/cancel", json={"reason": "No key"})
    w.clock.forward(hours=200)
    for run in (done, given_up, missed):
        ours, others = await run.call("GET", ""), await w.browser().get(f"/r/{run.run_id}")
        assert (JOB["title"] in ours.text) is (run is not missed)
        assert ours.status_code == others.status_code == 410
        for told in (ours.text, others.text):
            assert found_in(html.unescape(told), [*LATER, *NEVER, SECRET, "flat 12"]) == set()
        assert "Beach house" not in others.text
        assert "Beach house" not in (await run.call("GET", "/state")).text


def test_the_canaries_are_all_in_the_job() -> None:
    told = json.dumps([JOB, FIELDS, STEPS], ensure_ascii=False)
    assert found_in(told, [*LATER, *NEVER, SECRET]) == {*LATER, *NEVER, SECRET}
