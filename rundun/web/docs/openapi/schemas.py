"""Schemas of the OpenAPI document, made of the TypedDicts of responses and the pydantic models of bodies."""

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
    """A generator of schemas without titles made of names, and without defaults that say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Refuse every title: the name is there already."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema with its default, where it is one that a person would write."""
        result = super().default_schema(schema)
        default = result.get("default")
        if default is None or isinstance(default, dict):
            result.pop("default", None)
        return result


def name_of(described: type) -> str:
    """Return the name of a class in the document: `RunListedJson` is `RunListed`."""
    return described.__name__.removesuffix("Json")


def components(described: Iterable[type]) -> dict[str, Schema]:
    """Return the schemas of all classes `described` and of what they consist of, by name."""
    classes = sorted(set(described), key=lambda cls: cls.__name__)
    _, generated = TypeAdapter.json_schemas(
        [(cls.__name__, "validation", TypeAdapter(cls)) for cls in classes],
        ref_template=REF + "{model}",
        schema_generator=_Plain,
    )
    for name, schema in generated["$defs"].items():
        schema.pop("title", None)
        for member, words in _members().get(name, {}).items():
            schema["properties"][member].setdefault("description", words)
        for member, words in _NARROWED.items():
            if name.endswith("Step"):
                schema["properties"][member].setdefault("description", words)
    schemas: dict[str, Schema] = _renamed_references(generated["$defs"])
    _close_patterns(schemas)
    return {name.removesuffix("Json"): schema for name, schema in schemas.items()}


@cache
def _members() -> dict[str, dict[str, str]]:
    """Return by TypedDict what the string below each member says, inherited members too."""
    members: dict[str, dict[str, str]] = {}
    for module in (base, runs, deliveries, problems, execution, events):
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                bases = [members.get(parent.id, {}) for parent in node.bases if isinstance(parent, ast.Name)]
                members[node.name] = {name: words for inherited in bases for name, words in inherited.items()}
                members[node.name].update(_below_members(node))
    return members


def _below_members(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for member, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            assert isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant), member.target.id
            yield member.target.id, inspect.cleandoc(str(below.value.value))


def _renamed_references(schema: Any) -> Any:
    """Return `schema` with each reference under the name that the document has for it."""
    if isinstance(schema, list):
        return [_renamed_references(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {key: _renamed_references(value) for key, value in schema.items()}
    if "$component" in renamed:
        renamed["$ref"] = REF + renamed.pop("$component")
    elif isinstance(renamed.get("$ref"), str):
        renamed["$ref"] = renamed["$ref"].removesuffix("Json")
    return renamed


def with_members(of: Schema, head: Schema, *, description: str = "") -> Schema:
    """Return the schema of the object `of` with the members of `head`, which the server assigns; given a `description`
    these may be left out, and are described so.
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
    """Forbid other keys wherever keys have a pattern."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            _close_patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            _close_patterns(value)


def add_drafts(schemas: dict[str, Schema], roots: Iterable[str]) -> None:
    """Add a `…Draft` of each of `roots` (and what it consists of) whose ids may be left out: the server makes them."""
    with_ids = {name for name, schema in schemas.items() if "id" in schema.get("required", ())}
    while more := {
        name for name, schema in schemas.items() if name not in with_ids and set(_references(schema)) & with_ids
    }:
        with_ids |= more
    drafted: set[str] = set()
    waiting = [name for name in roots if name in with_ids]
    while waiting:
        name = waiting.pop()
        if name not in drafted:
            drafted.add(name)
            waiting += [part for part in _references(schemas[name]) if part in with_ids]
    for name in sorted(drafted):
        draft = _with_draft_references(copy.deepcopy(schemas[name]), drafted)
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


def _with_draft_references(schema: Any, names: set[str]) -> Any:
    if isinstance(schema, dict):
        return {key: _with_draft_references(value, names) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_with_draft_references(value, names) for value in schema]
    if isinstance(schema, str) and schema.startswith(REF) and schema.removeprefix(REF) in names:
        return schema + "Draft"
    return schema


def parameters(model: type[StrictModel], together: tuple[str, type[StrictModel]] | None = None) -> list[dict[str, Any]]:
    """List the query parameters that `model` reads; what is left out has no null. Those that belong together are one
    object, spread over the query.
    """
    schema = model.model_json_schema(schema_generator=_Plain)
    listed = []
    for name, field in schema["properties"].items():
        own = next((option for option in field.get("anyOf", ()) if option.get("type") != "null"), field)
        if isinstance(field.get("default"), int) and own.get("type") in ("integer", "boolean"):
            own = {**own, "default": field["default"]}
        own = {key: value for key, value in own.items() if key != "default" or not isinstance(value, list)}
        if own.get("type") == "string":
            own.pop("default", None)
        description = own.pop("description", None) or field["description"]
        listed.append({"name": name, "in": "query", "description": description, "schema": own})
    return listed if together is None else _joined(listed, *together)


def _joined(listed: list[dict[str, Any]], name: str, model: type[StrictModel]) -> list[dict[str, Any]]:
    fields = model.model_fields
    members = {
        parameter["name"]: {**parameter["schema"], "description": parameter["description"]}
        for parameter in listed
        if parameter["name"] in fields
    }
    schema = {
        "type": "object",
        "properties": members,
        "required": [field for field in members if fields[field].is_required()],
    }
    description = inspect.cleandoc(model.__doc__ or "")
    spread = {"name": name, "in": "query", "style": "form", "explode": True, "description": description}
    return [*(parameter for parameter in listed if parameter["name"] not in fields), {**spread, "schema": schema}]
