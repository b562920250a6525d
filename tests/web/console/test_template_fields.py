"""What a template asks of each run, in words, and what is told when a field becomes required."""

import json
import re
from typing import Any

from rundun.web.console.template_text import template_text
from tests.helpers.console import operator, shown
from tests.helpers.console_jobs import FIELDS
from tests.helpers.service import BOOLEAN, World, pages

SAY = pages().console_words.language(["en"]).say


async def test_a_template_says_what_it_asks_of_each_run(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", await shown(ann, f"/templates/{template_id}")))
    assert "Asked of each run" in said
    required = "required: dispatches without it fail"
    assert f"Unit Text · {required} · shown to whoever opens the link · f-unit" in said
    assert "Door code Secret · shown after Start · f-door" in said and "never shown on the phone" in said
    assert said.count(required) == 1
    plain = await shown(ann, f"/templates/{await w.template(BOOLEAN)}")
    assert "Asked of each run" not in plain


async def test_saving_warns_of_a_field_that_becomes_required(w: World) -> None:
    ann = await operator(w)
    field_of = {"id": "f-unit", "label": "Unit", "kind": "text"}
    written: dict[str, Any] = {"name": "Check", "steps": [BOOLEAN], "fields": [field_of]}
    await shown(ann, "/templates/new")
    new = await ann.post("/templates/new", text=json.dumps(written), once="1")
    assert new.headers["location"].endswith("flash=told_template_saved")
    path = new.headers["location"].removeprefix("/console").partition("?")[0]
    strict = json.dumps({**written, "fields": [{**field_of, "required": True}]})
    saved = await ann.post(f"{path}/edit", text=strict, made_from="1")
    page = await shown(ann, saved.headers["location"].removeprefix("/console"))
    assert '<p class="notice warn" role="status">Saved. Mind the required fields' in page
    again = await ann.post(f"{path}/edit", text=strict.replace("Check", "Check it"), made_from="2")
    assert again.headers["location"].endswith("flash=told_template_saved"), "it was so before"
    another = await ann.post("/templates/new", text=strict, once="2")
    assert another.headers["location"].endswith("flash=told_warning_required")


def test_a_flag_is_told_in_words() -> None:
    tell = template_text(SAY, {})
    when = {"op": "or", "rules": [{"op": "eq", "value": True}, {"op": "lt", "value": 3}]}
    assert tell.flag({"when": when}) == "(“the answer” is “Yes” or “the answer” is below 3)"
    leak = {"when": {"op": "contains", "value": "leak"}, "tell": "Close the tap"}
    assert tell.flag(leak) == "“the answer” contains “leak”: Close the tap"
