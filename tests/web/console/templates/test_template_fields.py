"""What a template asks and what changed in it, in words, and what is told when a field becomes required."""

import re
from typing import Literal, get_args, get_origin

from rundun.core.templates import steps, template
from rundun.core.templates.diff import parts
from rundun.core.validation import StrictModel
from rundun.wording.template_text import template_text
from tests.helpers.console.console import operator, shown, text_of
from tests.helpers.console.console_jobs import FIELDS
from tests.helpers.pictures import images
from tests.helpers.service import BOOLEAN, World, pages

ENGLISH = pages().console_words.language(["en"])


async def test_a_template_says_what_it_asks_of_each_run(w: World) -> None:
    ann = await operator(w)
    template_id = await w.template(BOOLEAN, fields=FIELDS)
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", await shown(ann, f"/templates/{template_id}?v=1")))
    assert "Asked for each job" in said
    required = "required: no job is sent without it"
    assert f"Unit Text · {required} · shown to whoever opens the link · f-unit" in said
    assert "Door code Hidden value · shown after Start · f-door" in said and "never shown on the phone" in said
    assert said.count(required) == 1
    plain = await shown(ann, f"/templates/{await w.template(BOOLEAN)}?v=1")
    assert "Asked for each job" not in plain


def test_every_value_that_has_a_name_is_told_by_a_word() -> None:
    tell, told = template_text(ENGLISH, {}), list[str]()
    for model in (value for module in (steps, template) for value in vars(module).values() if isinstance(value, type)):
        for name, info in model.model_fields.items() if issubclass(model, StrictModel) else ():
            (inner, *_) = [*get_args(info.annotation), None] if name == "formats" else [info.annotation]
            if get_origin(inner) is Literal:
                told += [tell.value((name, ""), value) for value in get_args(inner)]
    assert {"made capital", "only the one that started it", "Data Matrix", "Barcode"} <= set(told) and len(told) > 30
    assert not [each for each in told if "_" in each]


async def test_what_changed_is_told_in_words(w: World) -> None:
    ann = await operator(w)
    small, large = [
        (await w.acme.post("/v1/pictures", content=images.jpeg(64, height))).json()["picture_id"] for height in (48, 64)
    ]
    plate = {"id": "s-plate", "type": "text", "label": "Plate"}
    leak = {**BOOLEAN, "flag": {"when": {"op": "eq", "value": True}, "tell": "Call us"}}
    template_id = await w.template({**plate, "pictures": [small]}, leak, fields=FIELDS[:2])
    after = {
        "name": "Check",
        "execution": {"scope": "first_device"},
        "fields": [{**FIELDS[0], "show": "office"}, {**FIELDS[1], "kind": "secret"}],
        "steps": [
            {
                **plate,
                "hint": "As on the car",
                "required": False,
                "config": {"case": "upper"},
                "pictures": [large, small],
            },
            {**BOOLEAN, "photo": {"min": 1, "max": 1}},
        ],
    }
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=after)).status_code == 200
    html = await shown(ann, f"/templates/{template_id}/changes")
    said = text_of(html)
    for words in (
        "Capital letters Was as typed → Is now made capital",
        "Hint Added: As on the car",
        "Required Was Yes → Is now No",
        "Phones Was any may go on with it → Is now only the one that started it",
        "Flagged when Removed: the answer is “Yes”; told then: “Call us”",
        "Photos Was No → Is now 1 photo",
        "Shown to Was shown to whoever opens the link → Is now never shown on the phone",
        "Kind Was Number → Is now Hidden value",
    ):
        assert words in said, (words, said)
    assert "pic-" not in said and "not set" not in said
    (pictures,) = re.findall(r"<dt>Pictures</dt>.*?</dd>", html, re.DOTALL)
    assert [part.count("<img ") for part in pictures.split("→")] == [1, 2]
    page = text_of(await shown(ann, f"/templates/{template_id}?v=2"))
    assert "Capital letters made capital" in page and "Phones only the one that started it" in page


def test_a_flag_is_told_in_words() -> None:
    tell = template_text(ENGLISH, {})
    when = {"op": "or", "rules": [{"op": "eq", "value": True}, {"op": "lt", "value": 3}]}
    assert tell.flag({"when": when}, "s-ok") == "the answer is “Yes” or the answer is below 3"
    leak = {"when": {"op": "contains", "value": "leak"}, "tell": "Close the tap"}
    assert tell.flag(leak, "s-ok") == "the answer contains “leak”; told then: “Close the tap”"


def test_yes_and_no_are_told_in_the_words_of_their_step() -> None:
    lights = {**BOOLEAN, "config": {"false_label": "Not all"}}
    other = {"id": "s-2", "type": "boolean", "label": "Dark?"}
    tell = template_text(ENGLISH, parts({"name": "T", "steps": [lights, other]}))
    for step_id, value, word in (("s-ok", False, "Not all"), ("s-ok", True, "Yes"), ("s-2", False, "No")):
        when = {"op": "eq", "value": value}
        assert tell.flag({"when": when}, step_id) == f"the answer is “{word}”"
        assert tell.condition({"when": {**when, "step": step_id}}).endswith(f"is “{word}”")
