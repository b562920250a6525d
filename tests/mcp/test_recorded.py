"""What assistants called who knew the tools' descriptions and one sentence, called again: each comes to a valid
checklist within three checks. A case in tests/cases/assistants/ is `{"wish", "calls": [{"tool", "arguments"}]}`.
"""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.helpers.assistants import in_this_process, key_of
from tests.helpers.service import PUBLIC_URL, World

CASES = sorted((Path(__file__).parents[1] / "cases" / "assistants").glob("*.json"))
ASKED = ("get_template", "list_templates", "list_runs")  # of another service than this one, whose ids it has not


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
async def test_a_wish_becomes_a_valid_checklist_within_three_checks(shared: World, case: Path) -> None:
    calls = json.loads(case.read_text("utf-8"))["calls"]
    checks: list[Any] = []
    async with in_this_process(PUBLIC_URL, key_of(shared), httpx2.ASGITransport(app=shared.app)) as assistant:
        for call in calls:
            is_error, content = await assistant.told(call["tool"], call["arguments"])
            if call["tool"] == "check_template":
                checks.append(content)
            elif call["tool"] not in ASKED:
                assert not is_error, content
    assert 1 <= len(checks) <= 3
    assert checks[-1]["valid"] is True, checks[-1]
    assert calls[-1]["tool"] in ("check_template", "create_template")
