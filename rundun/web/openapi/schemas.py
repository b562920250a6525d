"""From pydantic models to the schemas of the document."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from rundun.core.shape import Shape
from rundun.web.openapi.told import Told

_NARROWED = {"type": "What kind of answer it takes.", "config": "What is particular to this type."}
REF = "#/components/schemas/"
Schema = dict[str, Any]


class _Plain(GenerateJsonSchema):
    """Without titles made of names, and without defaults that say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: the name is there already."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The default, where it is one that a person would write."""
        found = super().default_schema(schema)
        default = found.get("default")
        if default is None or isinstance(default, dict):
            found.pop("default", None)
        return found


def components(models: Iterable[type[BaseModel]]) -> dict[str, Schema]:
    """The schemas of all `models` and of what they consist of, by name."""
    given = sorted(set(models), key=lambda model: model.__name__)
    _, found = models_json_schema(
        [(model, "validation") for model in given], ref_template=REF + "{model}", schema_generator=_Plain
    )
    schemas: dict[str, Schema] = found["$defs"]
    told = {model.__name__ for model in _all_told(Told)}
    _close_patterns(schemas)
    for name, schema in schemas.items():
        schema.pop("title", None)
        if name in told:
            schema.pop("additionalProperties", None)  # members may be added to answers, never to what is sent
            for field in schema.get("properties", {}).values():
                field.pop("default", None)
        for field, words in _NARROWED.items():
            if name.endswith("Step"):
                schema["properties"][field].setdefault("description", words)
    return schemas


def _close_patterns(schema: Any) -> None:
    """Where keys have a pattern, there are no others."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            _close_patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            _close_patterns(value)


def _all_told(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in model.__subclasses__():
        yield one
        yield from _all_told(one)


def add_drafts(schemas: dict[str, Schema], roots: Iterable[str]) -> None:
    """For each of `roots` (and what it consists of) a `…Draft` whose ids may be left out: the server makes them."""
    concerned = {name for name, schema in schemas.items() if _asks_for_id(schema)}
    while more := {
        name
        for name, schema in schemas.items()
        if name not in concerned and set(_references(schema)) & concerned
    }:
        concerned |= more
    wanted: set[str] = set()
    waiting = [name for name in roots if name in concerned]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [one for one in _references(schemas[name]) if one in concerned]
    for name in sorted(wanted):
        draft = _renamed(copy.deepcopy(schemas[name]), wanted)
        if "required" in draft:
            draft["required"] = [field for field in draft["required"] if field != "id"]
        schemas[f"{name}Draft"] = draft


def _asks_for_id(schema: Schema) -> bool:
    return "id" in schema.get("required", ())


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(REF)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _renamed(schema: Any, names: set[str]) -> Any:
    if isinstance(schema, dict):
        return {key: _renamed(value, names) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_renamed(value, names) for value in schema]
    if isinstance(schema, str) and schema.startswith(REF) and schema.removeprefix(REF) in names:
        return schema + "Draft"
    return schema


def parameters(model: type[Shape], descriptions: dict[str, str]) -> list[dict[str, Any]]:
    """The query parameters that `model` reads; a parameter that is left out has no null."""
    schema = model.model_json_schema(schema_generator=_Plain)
    listed = []
    for name, field in schema["properties"].items():
        shown = next((one for one in field.get("anyOf", ()) if one.get("type") != "null"), field)
        if isinstance(field.get("default"), int) and shown.get("type") in ("integer", "boolean"):
            shown = {**shown, "default": field["default"]}
        shown = {
            key: value for key, value in shown.items() if key != "default" or not isinstance(value, list)
        }
        if shown.get("type") == "string":
            shown.pop("default", None)
        description = shown.pop("description", None) or field.get("description") or descriptions[name]
        listed.append({"name": name, "in": "query", "description": description, "schema": shown})
    return listed
