"""Schemas of the OpenAPI document, made from the TypedDicts of responses and the pydantic models of bodies."""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from rundun.core.json_types import alerts, base, deliveries, erasures, events, execution, problems, runs, templates
from rundun.core.validation import StrictModel

_NARROWED = {"type": "What kind of answer it takes.", "config": "What is particular to this type."}
_ID_LENGTH = "{1,32}"  # of ids in templates, after a letter and a hyphen
REF = "#/components/schemas/"
Schema = dict[str, Any]


class _Plain(GenerateJsonSchema):
    """A generator of schemas without titles derived from names and without meaningless defaults."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False: names need no title."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema, without its default if that is None or an object, or has several types."""
        result = super().default_schema(schema)
        default = result.get("default")
        if default is None or isinstance(default, dict) or "oneOf" in result:
            result.pop("default", None)
        return result


def schema_name(described: type) -> str:
    """Return the schema name of a class: `RunListedJson` is `RunListed`."""
    return described.__name__.removesuffix("Json")


def components(described: Iterable[type]) -> dict[str, Schema]:
    """Return the schemas, by name, of the classes in `described` and of the classes they consist of."""
    classes = sorted(set(described), key=lambda cls: cls.__name__)
    _, generated = TypeAdapter.json_schemas(
        [(cls.__name__, "validation", TypeAdapter(cls)) for cls in classes],
        ref_template=REF + "{model}",
        schema_generator=_Plain,
    )
    for name, schema in generated["$defs"].items():
        schema.pop("title", None)
        for member, words in _member_descriptions().get(name, {}).items():
            schema["properties"][member].setdefault("description", words)
        for member, words in _NARROWED.items():
            if name.endswith("Step"):
                schema["properties"][member].setdefault("description", words)
    schemas: dict[str, Schema] = _rewrite(generated["$defs"], _document_form)
    return {name.removesuffix("Json"): schema for name, schema in schemas.items()}


@cache
def _member_descriptions() -> dict[str, dict[str, str]]:
    """Return, by the names of TypedDict and member, the string below the member, including inherited members."""
    members: dict[str, dict[str, str]] = {}
    for module in (base, runs, templates, deliveries, problems, execution, events, alerts, erasures):
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                bases = [members.get(parent.id, {}) for parent in node.bases if isinstance(parent, ast.Name)]
                members[node.name] = {name: words for inherited in bases for name, words in inherited.items()}
                members[node.name].update(_read_descriptions(node))
    return members


def _read_descriptions(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for member, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            assert isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant), member.target.id
            yield member.target.id, inspect.cleandoc(str(below.value.value))


def _rewrite(schema: Any, rewrite: Callable[[Schema], Schema]) -> Any:
    """Return a copy of `schema` in which `rewrite` has replaced each object, innermost first."""
    if isinstance(schema, list):
        return [_rewrite(value, rewrite) for value in schema]
    if isinstance(schema, dict):
        return rewrite({key: _rewrite(value, rewrite) for key, value in schema.items()})
    return schema


def _document_form(schema: Schema) -> Schema:
    """Name references as in the document, forbid other keys where keys have a pattern, write the length of ids as
    `maxLength`, and return the same schema, changed.
    """
    if "$component" in schema:
        schema["$ref"] = REF + schema.pop("$component")
    elif isinstance(schema.get("$ref"), str):
        schema["$ref"] = schema["$ref"].removesuffix("Json")
    if "patternProperties" in schema:
        schema["additionalProperties"] = False
    if _ID_LENGTH in str(schema.get("pattern", "")):  # a comma ends a pattern for the validator of clients in Go
        schema |= {"pattern": schema["pattern"].replace(_ID_LENGTH, "+"), "maxLength": 34}
    return schema


def join_members(of: Schema, head: Schema, *, description: str = "") -> Schema:
    """Return the object schema `of` with the members of `head`, which the server assigns; with a `description` they are
    optional and described by it.
    """
    members = head["properties"]
    if description:
        members = {name: {**member, "description": description} for name, member in members.items()}
    return {
        **of,
        "properties": {**of["properties"], **members},
        "required": [*of["required"], *(() if description else head["required"])],
    }


def add_drafts(schemas: dict[str, Schema], roots: Iterable[str]) -> None:
    """Add a `…Draft` of each schema in `roots`, and of its parts, with optional ids, which the server assigns."""
    parts = {name: set(references(schema)) for name, schema in schemas.items()}
    with_ids = {name for name, schema in schemas.items() if "id" in schema.get("required", ())}
    while more := {name for name in schemas if parts[name] & with_ids} - with_ids:
        with_ids |= more
    drafted = with_ids.intersection(roots)
    while more := (with_ids & {part for name in drafted for part in parts[name]}) - drafted:
        drafted |= more
    new_names = {REF + name: f"{REF}{name}Draft" for name in drafted}

    def refer_to_drafts(schema: Schema) -> Schema:
        return {key: new_names.get(value, value) if isinstance(value, str) else value for key, value in schema.items()}

    for name in sorted(drafted):
        draft = _rewrite(schemas[name], refer_to_drafts)
        if "required" in draft:
            draft["required"] = [field for field in draft["required"] if field != "id"]
        schemas[f"{name}Draft"] = draft


def references(schema: Any) -> Iterator[str]:
    """Yield the names of the schemas that `schema` itself refers to, each as often as it does."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(REF)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def parameters(model: type[StrictModel], together: tuple[str, type[StrictModel]] | None = None) -> list[dict[str, Any]]:
    """Return the query parameters of `model`, without null. The fields of `together`, a name and a model, become one
    object parameter that is spread over them.
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
    return listed if together is None else _join_parameters(listed, *together)


def _join_parameters(listed: list[dict[str, Any]], name: str, model: type[StrictModel]) -> list[dict[str, Any]]:
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
