"""What a run is about, at each place: where it is given, told and filtered by. A place either has each member, or this
page names the member as not its own, with the reason; `tests/store/runs/test_columns.py` asks the same of columns.
"""

import re
from typing import Any, get_args

import pytest

from rundun.actions.runs import runs
from rundun.cli.runs.dispatch import runs_dispatch
from rundun.cli.runs.runs import runs_list
from rundun.cli.runs.text import run_lines
from rundun.core.json_types.events import Changed, JobJson
from rundun.core.json_types.runs import RunHeadJson
from rundun.core.request_bodies import DispatchBody, RepeatBody, RunPatch
from rundun.core.validation import read
from rundun.mcp import views
from rundun.mcp.arguments import DispatchRun, ListRuns
from rundun.store.organizations import organizations as organization_rows
from rundun.store.runs import lists
from rundun.store.sqlite.transaction import Tx
from rundun.web.console.runs import filters
from rundun.web.http.query_params import RunsQuery
from rundun.wording import run_history
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.job_tables import table
from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.service import BOOLEAN, NOON, Ed, World

# Plain values of a dispatch: what each of them is here, and the words that say it to people.
GIVEN: dict[str, Any] = {
    "title": "canarytitle",
    "note": "canarynote",
    "due_at": "2026-01-02T14:00:00Z",
    "executor_ref": "canaryreference",
    "language": "fr",
    "expires_in_hours": 71,
}
WORDS = {"due_at": "2 Jan 2026, 14:00"}
NOT_PLAIN = {"template_id", "webhook", "fields", "prefill"}

MADE_ANEW = {"expires_in_hours": "extend", "language": "the person chooses it"}
PLACES_OF_GIVING = {
    "PATCH": (set(RunPatch.model_fields), MADE_ANEW),
    "repeat": (set(RepeatBody.model_fields), {}),
    "table": (set(table.COLUMNS), {"expires_in_hours": "for all rows alike"}),
    "table, other languages": (set(table.OTHER_WORDS), {"expires_in_hours": "for all rows alike"}),
    "command line": ({option.name for option in runs_dispatch.params}, {}),
    "MCP": (set(DispatchRun.model_fields), {}),
}

# How each filter of `GET /v1/runs` finds nothing, where there is one open run that is `GIVEN`.
FINDS_NOTHING = {
    "status": "completed",
    "template_id": "t-00000000-0000-4000-8000-000000000000",
    "executor_ref": "another",
    "created_after": "2027-01-01T00:00:00Z",
    "created_before": "2025-01-01T00:00:00Z",
    "updated_after": "2027-01-01T00:00:00Z",
    "due_before": "2025-01-01T00:00:00Z",
    "late": "true",
    "missed": "true",
    "flagged": "true",
    "q": "another",
}
AT_THE_CONSOLE = {
    "template_id": "template=t-00000000-0000-4000-8000-000000000000",
    "executor_ref": "ref=another&match=exact",
    "created_after": "from=2027-01-01",
    "created_before": "to=2025-01-01",
    "due_before": "due=2025-01-01",
    "late": "tab=late",
    "missed": "tab=missed",
    "flagged": "tab=flagged",
}
# Members of a run in a list, and why no filter is about them.
NOT_FILTERED = {
    **dict.fromkeys(("run_id", "title", "identity"), "`q`"),
    **dict.fromkeys(("started_at", "completed_at", "cancelled_at", "expired_at", "expires_at"), "`status`"),
    **dict.fromkeys(("link", "revision", "template_v", "progress", "duration_seconds"), "of one run alone"),
    **dict.fromkeys(("clock_skew_seconds", "previous_run_id", "language", "assigned_to"), "of one run alone"),
    "handled_note": "of one run alone",
    "handled_at": "at the console, in *Missed* and *Flagged*",
}
FILTERED_AS = {"created_at": "created_after", "updated_at": "updated_after", "due_at": "due_before"}
IN_ORDER = {"created_after", "created_before", "executor_ref", "q"}  # as the list is, or decided by themselves
NOT_AT_MCP = {"updated_after": "for integrators", "q": "others' words"}
NOT_AT_THE_CONSOLE = {"updated_after": "for integrators"}


def input_names(page: str) -> set[str]:
    return set(re.findall(r'<(?:input|textarea|select)[^>]* name="(\w+)"', page))


async def full_run(w: World) -> Ed:
    return await w.dispatch(await w.template(BOOLEAN), **GIVEN)


def test_each_member_of_a_dispatch_is_here() -> None:
    assert GIVEN.keys() | NOT_PLAIN == DispatchBody.model_fields.keys()


@pytest.mark.parametrize("place", PLACES_OF_GIVING)
def test_each_place_takes_each_member(place: str) -> None:
    has, not_its_own = PLACES_OF_GIVING[place]
    assert GIVEN.keys() - has == not_its_own.keys()


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_a_table_has_a_name_for_each_of_its_columns(language: str) -> None:
    assert table._common_names(ConsoleLanguage(language)).keys() == table.COLUMNS.keys()


async def test_both_forms_have_an_input_for_each_member(w: World) -> None:
    ann, ed = await operator(w), await full_run(w)
    for path, not_its_own in (
        (f"/dispatch?template_id={(await w.run(ed))['template_id']}", {}),
        (f"/runs/{ed.run_id}/edit", MADE_ANEW),
    ):
        assert GIVEN.keys() - input_names(await shown(ann, path)) == not_its_own.keys(), path


async def test_a_form_that_repeats_is_filled_in_with_each_member(w: World) -> None:
    ann, ed = await operator(w), await full_run(w)
    await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={})
    page = await shown(ann, f"/dispatch?again={ed.run_id}")
    for name, value in GIVEN.items():
        if name not in ("due_at", "expires_in_hours"):
            assert re.search(rf'value="{value}"(?: selected| checked)?|>\s*{value}</textarea>', page), name


async def test_people_and_assistants_are_told_each_member(w: World) -> None:
    ann, ed = await operator(w), await full_run(w)
    await ed.start()
    record = await w.run(ed)

    def lines(tx: Tx) -> str:
        detail = runs.get_detail(tx, w.acme_id, ed.run_id)
        return "\n".join(run_lines(detail, organization_rows.get(tx, w.acme_id), tx.links))

    places = {
        "page": text_of(await shown(ann, f"/runs/{ed.run_id}")),
        "command line": await w.database.read(lines),
        "MCP": str(views.run(record, lambda run_id: run_id, only_flagged=False, first=0)),
    }
    for place, text in places.items():
        for name, value in GIVEN.items():
            if name not in ("language", "expires_in_hours"):
                assert WORDS.get(name, value) in text or value in text, f"{name} is not told: {place}"


async def test_events_tell_each_member(w: World) -> None:
    ed = await full_run(w)
    await ed.start()
    (started,) = await w.events(ed)
    told = {**started["data"], **started["data"]["job"]}
    not_told = {"note": "long", **MADE_ANEW}
    assert {name for name, value in GIVEN.items() if told.get(name) != value} == not_told.keys()
    assert started["data"]["job"].keys() == JobJson.__annotations__.keys()


async def test_a_change_of_each_member_is_told(w: World) -> None:
    ed = await full_run(w)
    for name in GIVEN.keys() - MADE_ANEW.keys():
        headers = {"content-type": "application/merge-patch+json"}
        changed = await w.acme.patch(f"/v1/runs/{ed.run_id}", json={name: None}, headers=headers)
        assert (changed.status_code, changed.json()[name]) == (200, None), name
        assert (await w.events(ed))[-1]["data"]["changed"] == [name]
        assert name in get_args(Changed) and name in run_history.CHANGED
    ann = await operator(w)
    assert "Changed" in await shown(ann, f"/runs/{ed.run_id}")


def test_each_member_of_a_listed_run_is_filtered() -> None:
    asked = RunsQuery.model_fields.keys() - {"limit", "cursor"}
    assert asked == FINDS_NOTHING.keys()
    members = RunHeadJson.__annotations__.keys() - NOT_FILTERED.keys()
    assert {FILTERED_AS.get(name, name) for name in members} <= asked
    assert asked - {option.name for option in runs_list.params} == set()
    assert asked - ListRuns.model_fields.keys() == NOT_AT_MCP.keys()


async def test_each_filter_finds_what_it_should(w: World) -> None:
    ann, ed = await operator(w), await full_run(w)
    for name, value in FINDS_NOTHING.items():
        answer = await w.acme.get("/v1/runs", params={name: value})
        assert answer.json()["data"] == [], name
        if name not in NOT_AT_THE_CONSOLE:
            query = AT_THE_CONSOLE.get(name, f"{name}={value}")
            page = await shown(ann, f"/runs?{query}")
            assert ed.run_id not in page, name
            is_chip = query.partition("=")[0] not in ("tab", "template")  # of no checklist there is no name to show
            assert "Remove this filter" in page or not is_chip, name
    assert ed.run_id in await shown(ann, "/runs")


def test_each_filter_has_an_index() -> None:
    for name in FINDS_NOTHING.keys() - IN_ORDER:
        value: Any = FINDS_NOTHING[name]
        asked = read(RunsQuery, {name: [value] if name in RunsQuery.repeated else value}).filter(NOON)
        assert lists._candidate_indexes(asked), name


async def test_the_form_of_the_list_has_each_filter(w: World) -> None:
    ann, ed = await operator(w), await full_run(w)
    fields = set(filters.FIELDS) - {"tab", "sort"}
    assert fields <= input_names(await shown(ann, "/runs"))
    for name in fields - {"q", "ref", "template", "flagged"}:
        assert ed.run_id in await shown(ann, f"/runs?{name}=nonsense"), f"{name} filters what can't be read"
