"""From the TypedDicts of answers and the pydantic models of bodies to the schemas of the document."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from rundun.core.json_types import base, deliveries, events, execution, problems, runs
from rundun.core.validation import StrictModel

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


def name_of(described: type) -> str:
    """What a class is called in the document: `RunListedJson` is `RunListed`."""
    return described.__name__.removesuffix("Json")


def components(described: Iterable[type]) -> dict[str, Schema]:
    """The schemas of all classes `described` and of what they consist of, by name."""
    given = sorted(set(described), key=lambda one: one.__name__)
    _, found = TypeAdapter.json_schemas(
        [(one.__name__, "validation", TypeAdapter(one)) for one in given],
        ref_template=REF + "{model}",
        schema_generator=_Plain,
    )
    for name, schema in found["$defs"].items():
        schema.pop("title", None)
        for member, words in _members().get(name, {}).items():
            schema["properties"][member].setdefault("description", words)
        for member, words in _NARROWED.items():
            if name.endswith("Step"):
                schema["properties"][member].setdefault("description", words)
    schemas: dict[str, Schema] = _named(found["$defs"])
    _close_patterns(schemas)
    return {name.removesuffix("Json"): schema for name, schema in schemas.items()}


@cache
def _members() -> dict[str, dict[str, str]]:
    """By TypedDict, what the string below each member says, inherited ones too."""
    known: dict[str, dict[str, str]] = {}
    for module in (base, runs, deliveries, problems, execution, events):
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                bases = [known.get(one.id, {}) for one in node.bases if isinstance(one, ast.Name)]
                known[node.name] = {name: words for one in bases for name, words in one.items()}
                known[node.name].update(_below_members(node))
    return known


def _below_members(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for member, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            assert isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant), member.target.id
            yield member.target.id, inspect.cleandoc(str(below.value.value))


def _named(schema: Any) -> Any:
    """`schema` with each reference under the name that the document has for it."""
    if isinstance(schema, list):
        return [_named(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    named = {key: _named(value) for key, value in schema.items()}
    if "$component" in named:
        named["$ref"] = REF + named.pop("$component")
    elif isinstance(named.get("$ref"), str):
        named["$ref"] = named["$ref"].removesuffix("Json")
    return named


def with_members(of: Schema, head: Schema, *, description: str = "") -> Schema:
    """The object `of` with what the server says of it, `head`, as further members; given a `description` they may be
    left out, and are described so.
    """
    members = head["properties"]
    if description:
        members = {name: {**member, "description": description} for name, member in members.items()}
    return {
        **of,
        "properties": {**of["properties"], **members},
        "required": [*of["required"], *(() if description else head["required"])],
    }


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


def add_drafts(schemas: dict[str, Schema], roots: Iterable[str]) -> None:
    """For each of `roots` (and what it consists of) a `…Draft` whose ids may be left out: the server makes them."""
    concerned = {name for name, schema in schemas.items() if "id" in schema.get("required", ())}
    while more := {
        name for name, schema in schemas.items() if name not in concerned and set(_references(schema)) & concerned
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


def parameters(model: type[StrictModel], together: tuple[str, type[StrictModel]] | None = None) -> list[dict[str, Any]]:
    """The query parameters that `model` reads; one that is left out has no null. Those that belong together are one
    object, spread over the query.
    """
    schema = model.model_json_schema(schema_generator=_Plain)
    listed = []
    for name, field in schema["properties"].items():
        shown = next((one for one in field.get("anyOf", ()) if one.get("type") != "null"), field)
        if isinstance(field.get("default"), int) and shown.get("type") in ("integer", "boolean"):
            shown = {**shown, "default": field["default"]}
        shown = {key: value for key, value in shown.items() if key != "default" or not isinstance(value, list)}
        if shown.get("type") == "string":
            shown.pop("default", None)
        description = shown.pop("description", None) or field["description"]
        listed.append({"name": name, "in": "query", "description": description, "schema": shown})
    return listed if together is None else _joined(listed, *together)


def _joined(listed: list[dict[str, Any]], name: str, model: type[StrictModel]) -> list[dict[str, Any]]:
    fields = model.model_fields
    members = {
        one["name"]: {**one["schema"], "description": one["description"]} for one in listed if one["name"] in fields
    }
    schema = {
        "type": "object",
        "properties": members,
        "required": [field for field in members if fields[field].is_required()],
    }
    what = inspect.cleandoc(model.__doc__ or "")
    spread = {"name": name, "in": "query", "style": "form", "explode": True, "description": what}
    return [*(one for one in listed if one["name"] not in fields), {**spread, "schema": schema}]
