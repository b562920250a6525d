"""The sample checklists of a first start: valid, and showing what the template language can do."""

import hashlib
import io
import json

import pytest
from PIL import Image

from rundun import paths
from rundun.core.languages import translate
from rundun.core.picture import PICTURE_PIXELS, THUMBNAIL_PIXELS
from rundun.core.templates.outdated import author_texts
from rundun.core.templates.rules import read_template
from rundun.web import samples
from rundun.web.samples import NAMES

LANGUAGES = {"ar", "de", "en", "es", "fr", "pt"}


def raw(name):
    return json.loads((paths.samples() / f"{name}.json").read_text("utf-8"))


def steps(template):
    return [step for section in template["sections"] for step in section["steps"]]


def test_all_files_are_samples():
    assert sorted(f"{name}.json" for name in NAMES) == sorted(path.name for path in paths.samples().glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_a_valid_template_that_needs_nothing_made_up(name):
    def refuse(prefix):
        raise AssertionError(f"an id {prefix}… is missing")

    assert read_template(raw(name), refuse).name == raw(name)["name"]


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_takes_the_time_it_says_and_lets_people_leave_things_out(name):
    template = raw(name)
    assert template["settings"]["est_minutes"] in range(5, 21)
    assert template["settings"]["allow_skip"] and template["settings"]["allow_unable"]
    assert any(step.get("required") is False for step in steps(template))
    assert any("condition" in step for step in steps(template))
    assert any("tell" in step.get("flag", {}) for step in steps(template))
    assert {"start", "job", "office"} == {field.get("show", "job") for field in template["fields"]}
    assert "secret" in {field["kind"] for field in template["fields"]}
    assert not any(field.get("required") for field in template["fields"]), "the README's dispatch names none"


def test_between_them_they_use_everything():
    both = [step for name in NAMES for step in steps(raw(name))]
    assert {step["type"] for step in both} == {
        *("boolean", "choice", "multi_choice", "text", "number", "rating"),
        *("photo", "signature", "instruction", "barcode", "datetime"),
    }
    assert any(step.get("geo") for step in both)
    for name in set(NAMES) - {"turnover"}:
        assert any(step.get("config", {}).get("slots") for step in steps(raw(name)))
    assert any(step.get("config", {}).get("case") == "upper" for step in both)
    assert any(isinstance(step.get("photo"), dict) for step in both)
    for name in NAMES:
        rules = [step["config"] if step["type"] == "photo" else step.get("photo", {}) for step in steps(raw(name))]
        assert any(rule.get("annotate") for rule in rules), "damage is drawn on"
    assert {step["config"]["mode"] for step in both if step["type"] == "datetime"} == {"date", "datetime"}


def test_what_was_not_done_calls_for_attention_and_is_not_what_could_not_be_done():
    both = [step for name in NAMES for step in steps(raw(name)) if step["type"] == "boolean"]
    labels = {step["id"]: step.get("config", {}).get("false_label") for step in both}
    assert "Not possible" not in labels.values(), "that asks for a reason"
    undone = [step for step in both if labels[step["id"]] == "Not done"]
    assert len(undone) >= 6
    assert all(step["flag"]["when"] == {"op": "eq", "value": False} and step["flag"]["tell"] for step in undone)


def test_each_picture_that_is_named_comes_along_and_is_one_that_an_upload_would_make():
    both = [step for name in NAMES for step in steps(raw(name))]
    named = [picture_id for step in both for picture_id in step.get("pictures", [])]
    come_along = samples.all_pictures()
    assert set(named) == set(come_along)
    assert all(samples.read_thumbnail(name) for name in NAMES), "what it is chosen by"
    for picture_id, picture in come_along.items():
        assert picture_id == f"pic-{hashlib.sha256(picture.jpeg).hexdigest()}"
        for data, longest, most in (
            (picture.jpeg, PICTURE_PIXELS, 20_000),
            (picture.thumbnail, THUMBNAIL_PIXELS, 9000),
        ):
            image = Image.open(io.BytesIO(data))
            assert (image.format, image.mode, dict(image.getexif())) == ("JPEG", "RGB", {})
            assert max(image.size) <= longest and len(data) <= most
        assert Image.open(io.BytesIO(picture.jpeg)).size == (picture.width, picture.height)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_wholly_translated_and_can_begin_in_each_language(name):
    def refuse(prefix):
        raise AssertionError(f"an id {prefix}… is missing")

    english = raw(name)
    assert english["translations"].keys() == LANGUAGES - {"en"}
    for tag, texts in english["translations"].items():
        places = {(part_id, member) for part_id, words in texts.items() for member in words}
        assert places == author_texts(english).keys(), tag
        begun = samples.read_in(name, tag)
        assert begun["translations"].keys() == LANGUAGES - {tag}
        assert read_template(begun, refuse).name == texts[""]["name"]
        assert author_texts(begun) == {place: texts[place[0]][place[1]] for place in places}
        assert translate(begun, "en") == {**english, "translations": begun["translations"]}
    assert samples.read_in(name, "en") == english
