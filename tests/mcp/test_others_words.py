"""Words of others on their way to an assistant: what opens a run, what a person can't see, what is too long."""

import asyncio
import json
import unicodedata
from typing import Any

import httpx2
import pytest

from rundun.errors import FieldError, Problem
from rundun.mcp import server, views
from rundun.mcp.api_client import ApiClient
from rundun.mcp.others_words import sanitize, without_run_ids
from tests.helpers.assistants import in_this_process, key_of
from tests.helpers.service import PUBLIC_URL, Receiver, World

ID = "1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
KEY = "rdk_live_" + "k" * 32
STEP = {"id": "s-ok", "type": "boolean", "label": "Done?"}


@pytest.mark.parametrize(
    "written",
    [
        ID,
        ID.upper(),
        f"x{ID}",
        f"run_{ID}",
        f"0{ID}",
        ID[:-4],
        ID.replace("-", ""),
        ID.replace("-", "‑"),
        f"{ID} and {ID}",
    ],
)
def test_a_uuid_is_cut_whatever_stands_around_it(written: str) -> None:
    for before, after in (("", ""), ("r-", ""), ("R-", ""), ("https://x/r/r-", "?a"), ('{"id": "', '", "seq": 3}')):
        said = sanitize(f"{before}{written}{after}")
        assert "1a2b3c4d" in said.lower() and "5e6f" not in said.lower(), said
        assert said.endswith(after) and said.startswith(before)


@pytest.mark.parametrize("kept", ["12345678-1234-5678", "a" * 64, "T-12345678", r"C:\users\x2d", "100%25", "a &amp; b"])
def test_what_is_no_uuid_stays(kept: str) -> None:
    assert sanitize(kept) == kept


SEEN = {*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}  # signs of format that show


def test_what_is_not_seen_is_replaced() -> None:
    formats = {code for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"} - SEEN - {0x200C, 0x200D}
    for code in sorted(formats | {*range(0xE0100, 0xE01F0), 0x85, 0x1B}):
        assert sanitize(f"a{chr(code)}b") == "a�b", hex(code)
    for hidden in ("\u200c\u200d\u200c", "\ufe00\ufe05\ufe0f", "\u200d\ufe0f\u200d", "\ufe0f\u200d\ufe0f"):
        assert sanitize(f"a{hidden}b") == "a�b", ascii(hidden)


@pytest.mark.parametrize("kept", ["می‌خواهم", "👨‍👩‍👧", "❤️‍🔥", "1️⃣", "क्‍ष", "☎︎", "a\tb\nc", "؀1"])
def test_what_joins_letters_and_emoji_stays(kept: str) -> None:
    assert sanitize(kept) == kept


async def test_texts_of_a_checklist_are_cleaned_but_where_it_is_revised(w: World) -> None:
    nasty = f"Obey\U000e0041 r-{ID} می‌خواهم"
    shown = "Obey� r-1a2b3c4d می‌خواهم"
    options = [{"id": "o-a", "label": nasty}, {"id": "o-b", "label": "Left"}]
    steps = [
        STEP | {"label": nasty},
        {"id": "s-c", "type": "choice", "label": "Which?", "config": {"options": options}},
    ]
    template_id = await w.template(*steps, name=nasty, description=nasty, tags=[nasty[:-9]])
    ed = await w.dispatch(template_id)
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.answer("s-c", "o-a")
    async with in_this_process(PUBLIC_URL, key_of(w), httpx2.ASGITransport(app=w.app)) as assistant:
        (row,) = (await assistant.call("list_templates"))["data"]
        assert (row["name"], row["description"], row["tags"]) == (shown, shown, [shown[:-9]])
        read = await assistant.call("get_run", run=ed.run_id[:10])
        assert read["template_name"] == shown
        assert [(one["label"], one["value"]) for one in read["answers"]] == [(shown, True), ("Which?", shown)]
        whole = await assistant.call("get_template", template_id=template_id)
        assert whole["about_its_texts"] == f"{views.DATA} {views.HIDES}"
        assert whole["template"]["name"] == nasty.replace(ID, ID[:8]), "what is revised comes back to the letter"
        revised = await assistant.call(
            "revise_template", **{one: whole[one] for one in ("template_id", "v", "template")}
        )
        assert revised["name"] == shown
    assert without_run_ids({"a": [f"r-{ID}", f"https://x/{ID}", 1]}) == {"a": ["r-1a2b3c4d", f"https://x/{ID}", 1]}


def answering_problem(receiver: Receiver, **document: Any) -> None:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 422 No\r\nContent-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    receiver.answer = lambda _: head.encode() + body


async def test_a_huge_refusal_is_told_in_part(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {"pointer": f"/{ID}/" + '"' * 9000, "code": "c" * 9000, "detail": f"“r-{ID}” " + "\n" * 9000}
    answering_problem(receiver, code="invalid" * 9000, detail=f"See r-{ID}. " + "x" * 90_000, errors=[wrong] * 50)
    async with in_this_process(receiver.url.removesuffix("/hook"), KEY) as assistant:
        problem = await assistant.refused("list_runs")
        assert len(problem["errors"]) + problem["more_errors"] == 50 and problem["errors"]
        told = await assistant.call("check_template", template={"name": "Van"})
        assert told["valid"] is False and told["more_errors"]
    assert ID[9:] not in json.dumps([problem, told]) + "".join(capsys.readouterr())


async def test_what_cannot_be_told_is_no_traceback(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusal(problem: Problem) -> dict[str, Any]:
        return {"code": problem.code, "detail": problem.detail if problem.code == "unavailable" else "x" * 50_000}

    monkeypatch.setattr(server.views, "refusal", refusal)
    answering_problem(receiver, code="invalid", detail=f"r-{ID}")
    async with in_this_process(receiver.url.removesuffix("/hook"), KEY) as assistant:
        assert "can't read" in (await assistant.refused("list_runs"))["detail"]
    assert capsys.readouterr().err == "'list_runs' failed: Problem\n"


async def test_what_is_wrong_with_an_argument_is_not_put_on_the_service(receiver: Receiver) -> None:
    async with in_this_process(receiver.url.removesuffix("/hook"), KEY) as assistant:
        deep = "[" * 100_000 + "]" * 100_000
        for tool, arguments, why in [
            ("check_template", {"template": f'{{"name": {deep}}}'}, "is nested too deeply"),
            ("list_runs", {"created_after": "2026" * 25_000}, "must be an RFC 3339 time"),
            ("list_runs", {"due_before": "tomorrow"}, "must be an RFC 3339 time"),
        ]:
            (error,) = (await assistant.refused(tool, **arguments))["errors"]
            assert why in error["detail"] and error["pointer"] == f"/{next(iter(arguments))}"
    assert receiver.received == []


async def test_what_is_nested_too_deeply_to_be_sent_is_refused(receiver: Receiver) -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    api = ApiClient(receiver.url.removesuffix("/hook"), KEY)
    with pytest.raises(Problem, match="nested too deeply"):
        await asyncio.wait_for(api.post("/templates", deep), 10)
    await api.close()
    assert receiver.received == []


def test_a_refusal_names_each_wrong_place() -> None:
    errors = [FieldError("/steps/0/label", "required", "is missing")]
    told = views.refusal(Problem("invalid", "Wrong.", errors))
    assert told == {
        "code": "invalid",
        "detail": "Wrong.",
        "errors": [{"pointer": "/steps/0/label", "code": "required", "detail": "is missing"}],
    }
