"""Fields of a template: what each run of it may say of its job."""

from pathlib import Path
from typing import Any

import pytest

from rundun.core.languages import translate
from rundun.core.templates.diff import difference
from tests.helpers.cli import CHECK, FIRST
from tests.helpers.processes.service_process import done, rundun
from tests.helpers.service import BOOLEAN, World
from tests.helpers.strategies.wrong_templates import of, read, wrong
from tests.helpers.templates import step

UNIT = {"id": "f-unit", "label": "Unit", "kind": "text"}
DOOR = {"id": "f-door", "label": "Door code", "kind": "secret", "required": True, "show": "start"}


def test_fields_are_kept_as_they_were_written_and_ids_are_made() -> None:
    assert read(of(step(), fields=[UNIT, DOOR]))["fields"] == [UNIT, DOOR]
    assert read(of(step(), fields=[{"label": "Unit", "kind": "text"}]))["fields"] == [
        {"id": "f-made1", "label": "Unit", "kind": "text"}
    ]


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ([UNIT, {**DOOR, "id": "f-unit"}], [("/fields/1/id", "duplicate")]),
        ([{**UNIT, "id": "s-unit"}], [("/fields/0/id", "bad_format")]),
        ([{**UNIT, "kind": "photo"}], [("/fields/0/kind", "not_allowed")]),
        ([{**UNIT, "show": "all"}], [("/fields/0/show", "not_allowed")]),
        ([{**UNIT, "label": ""}, {"id": "f-x"}], [
            ("/fields/0/label", "too_short"), ("/fields/1/label", "required"), ("/fields/1/kind", "required"),
        ]),
        ([{**UNIT, "colour": 1}], [("/fields/0/colour", "unknown_field")]),
        ([{**UNIT, "id": f"f-{n}"} for n in range(31)], [("/fields", "too_long")]),
        ("f-unit", [("/fields", "wrong_type")]),
        ([None], [("/fields/0", "wrong_type")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_fields_is_told(fields: Any, places: Any) -> None:
    assert wrong(of(step(), fields=fields)) == places


def test_thirty_fields_are_taken() -> None:
    assert wrong(of(step(), fields=[{**UNIT, "id": f"f-{n}"} for n in range(30)])) == []


def test_labels_of_fields_are_translated() -> None:
    template = of(step(), fields=[UNIT, DOOR], translations={"es": {"f-unit": {"label": "Unidad"}}})
    assert wrong(template) == []
    assert [field["label"] for field in translate(template, "es")["fields"]] == ["Unidad", "Door code"]
    for target, words, place in (
        ("f-unit", {"kind": "text"}, ("/translations/es/f-unit/kind", "unknown_field")),
        ("f-x", {"label": "x"}, ("/translations/es/f-x", "unknown_reference")),
        ("f-unit", {"label": "x" * 201}, ("/translations/es/f-unit/label", "too_long")),
    ):
        assert wrong({**template, "translations": {"es": {target: words}}}) == [place]


def test_changes_of_fields_are_told_between_versions() -> None:
    before = of(step(), fields=[UNIT, DOOR])
    changes = difference(before, of(step(), fields=[{**UNIT, "label": "Flat", "required": True}]))
    assert [(one.kind, one.part.kind, one.part.id) for one in changes] == [
        ("removed", "field", "f-door"),
        ("changed", "field", "f-unit"),
    ]
    assert [(edit.field, edit.before, edit.after) for edit in changes[1].edits] == [
        (("label", ""), "Unit", "Flat"),
        (("required", ""), None, True),
    ]
    moved = difference(before, of(step(), fields=[DOOR, UNIT]))
    assert [(one.kind, one.part.kind) for one in moved] == [("moved", "field")]


async def test_a_required_field_is_warned_of_when_a_template_is_saved(w: World) -> None:
    plain = (await w.acme.post("/v1/templates", json=of(BOOLEAN, fields=[UNIT]))).json()
    assert plain["warnings"] == []
    made = (await w.acme.post("/v1/templates", json=of(BOOLEAN, fields=[UNIT, DOOR]))).json()
    assert [one["code"] for one in made["warnings"]] == ["required_fields"]
    told = "Dispatches without {} will be refused: the template requires it. Tell everyone who dispatches it."
    assert made["warnings"][0]["detail"] == told.format("f-door")
    both = (await w.acme.post("/v1/templates", json=of(BOOLEAN, fields=[{**UNIT, "required": True}, DOOR]))).json()
    assert both["warnings"][0]["detail"] == told.format("f-unit, f-door")
    path = f"/v1/templates/{made['id']}"
    assert "warnings" not in (await w.acme.get(path)).json()

    again = await w.acme.put(path, json=made)  # the answer itself, as with `id` and `v`
    assert (again.status_code, again.json()) == (200, made)
    edited = await w.acme.put(path, json={**made, "fields": [UNIT]})
    assert (edited.status_code, edited.json()["v"], edited.json()["warnings"]) == (200, 2, [])
    stale = await w.acme.put(path, json={**edited.json(), "warnings": made["warnings"]})
    assert [(one["pointer"], one["code"]) for one in stale.json()["errors"]] == [("/warnings", "read_only")]
    new = await w.acme.post("/v1/templates", json={**of(BOOLEAN), "warnings": []})
    assert [one["pointer"] for one in new.json()["errors"]] == ["/warnings"]


def test_the_command_line_warns_of_a_required_field(tmp_path: Path) -> None:
    import json

    done(rundun(tmp_path, "orgs", "create", FIRST))
    file = tmp_path / "check.json"
    file.write_text(json.dumps({**CHECK, "fields": [DOOR]}))
    for arguments in (("templates", "check", str(file)), ("templates", "import", str(file), "--org", FIRST)):
        result = rundun(tmp_path, *arguments)
        assert result.exit_code == 0
        assert "warning: Dispatches without f-door will be refused" in result.stderr
    file.write_text(json.dumps({**CHECK, "fields": [UNIT]}))
    assert rundun(tmp_path, "templates", "check", str(file)).stderr == ""
