"""Any template with fields, and any dispatch with some mistakes: those are told, and no others."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.strategies.hypothesis_service import JSON, Property, Stage, check, stage_in
from tests.helpers.strategies.job_strategies import dispatches

# Some templates are long; their repr is only printed when something fails.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One world for all examples here."""
    with stage_in(tmp_path_factory.mktemp("stage")) as one:
        yield one


async def each_mistake_of_a_dispatch_is_told(stage: Stage, drawn: Any) -> None:
    template, body, places = drawn
    made = await stage.v1("POST", "/templates", template)
    assert bool(made["warnings"]) == any(field.get("required") for field in template["fields"])
    sent = json.dumps({"template_id": made["id"], **body}).encode()
    answer = await stage.call("POST", "/v1/runs", sent, (JSON, stage.acme))
    check(answer, sent)
    assert answer.status == (422 if places else 201), answer
    if places:
        assert sorted({one["pointer"] for one in answer.json["errors"]}) == places
        return
    record = await stage.v1("GET", f"/runs/{answer.json['run_id']}")
    said = {name: record[name] for name in ("title", "note", "due_at", "fields", "prefill")}
    assert said == {"title": None, "note": None, "due_at": None} | {name: body[name] for name in said if name in body}


EACH = Property(each_mistake_of_a_dispatch_is_told, {"drawn": dispatches()}, examples=60)


def test_each_mistake_of_a_dispatch_is_told(stage: Stage) -> None:
    EACH.tried(stage)


@pytest.mark.soak
def test_each_mistake_of_many_more_is_told(stage: Stage) -> None:
    EACH.tried_at_length(stage)
