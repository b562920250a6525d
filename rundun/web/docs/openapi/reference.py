"""The OpenAPI document for readers: operations and schemas as rows of a page, and lines of curl."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from rundun.web.docs.openapi.document import EXAMPLES, document
from rundun.web.docs.openapi.schemas import REF, Schema, references

METHODS = ("get", "post", "put", "patch", "delete")
# Shell variables of curl lines for ids that only the reader knows; a photo's id is made by the client.
VARIABLES = {
    "run_id": "$RUN",
    "template_id": "$TEMPLATE",
    "draft_id": "$DRAFT",
    "share_id": "$SHARE",
    "delivery_id": "$DELIVERY",
    "step_id": "$STEP",
    "picture_id": "$PICTURE",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row about a field, a parameter or a header; `kinds` are pairs of words and, for links, schema names."""

    name: str
    kinds: tuple[tuple[str, str | None], ...]
    description: str
    is_required: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class ReferenceResponse:
    """A response of an operation: its schema (`model`) or its problem codes, and the names of its headers."""

    status: str
    description: str
    model: str | None
    codes: tuple[str, ...]
    headers: tuple[str, ...]
    example: str | None


@dataclass(frozen=True, slots=True)
class ReferenceOperation:
    """An operation with its parameters, body, responses and a line of curl."""

    name: str
    subject: str
    method: str
    path: str
    summary: str
    description: str
    needs_key: bool
    parameters: tuple[tuple[str, tuple[Row, ...]], ...]
    body: str | None
    body_kinds: tuple[str, ...]
    responses: tuple[ReferenceResponse, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Model:
    """A schema: `rows` are the fields of an object, `kinds` the types of any other schema."""

    name: str
    description: str
    rows: tuple[Row, ...]
    kinds: tuple[tuple[str, str | None], ...]
    used_by: tuple[str, ...]


def format_json(value: Any) -> str:
    """Return a value as indented JSON text."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@cache
def operations(site: str) -> tuple[ReferenceOperation, ...]:
    """Return all operations in the document's order; curl lines go to `site`."""
    return tuple(
        _operation(site, path, method, item[method], item.get("parameters", ()))
        for path, item in document()["paths"].items()
        for method in item
        if method in METHODS
    )


@cache
def models() -> tuple[Model, ...]:
    """Return a `Model` of each schema, sorted by name."""
    schemas = document()["components"]["schemas"]
    used_by: dict[str, list[str]] = {name: [] for name in schemas}
    for name, schema in schemas.items():
        for other in sorted(set(references(schema)) - {name}):
            used_by[other].append(name)
    return tuple(
        Model(
            name,
            schema.get("description", ""),
            tuple(fields(schema)),
            () if "properties" in schema else kinds(schema),
            tuple(used_by[name]),
        )
        for name, schema in schemas.items()
    )


def fields(schema: Schema) -> list[Row]:
    """Return the fields of an object's schema as rows."""
    required = schema.get("required", ())
    return [
        Row(
            name,
            kinds(field),
            field.get("description") or _resolve(field).get("description", ""),
            name in required,
            json.dumps(field["default"], ensure_ascii=False) if "default" in field else None,
        )
        for name, field in schema.get("properties", {}).items()
    ]


def common_fields() -> list[Row]:
    """Return the fields of a sent step that all types have, as rows."""
    schemas = document()["components"]["schemas"]
    types = [schema["properties"]["type"]["const"] for name, schema in schemas.items() if name.endswith("StepDraft")]
    words = {"type": ", ".join(json.dumps(name) for name in types), "config": "object, see below"}
    return [
        replace(row, kinds=((words[row.name], None),)) if row.name in words else row
        for row in fields(schemas["BooleanStepDraft"])
    ]


@cache
def step_types(steps: str) -> list[dict[str, Any]]:
    """Return an object for each step in `steps`, a template as JSON text: its `type`, the type's `description`, the
    step as `example`, and the rows of its config as `fields`.
    """
    schemas = document()["components"]["schemas"]
    types = []
    for step in json.loads(steps)["steps"]:
        name = "".join(part.title() for part in step["type"].split("_"))
        config = schemas.get(f"{name}ConfigDraft") or schemas.get(f"{name}Config") or {}
        types.append(
            {
                "type": step["type"],
                "description": schemas[f"{name}Step"]["description"],
                "example": format_json(step),
                "fields": fields(config),
            }
        )
    return types


def kinds(schema: Schema) -> tuple[tuple[str, str | None], ...]:
    """Return the types of a value as pairs of words and, for a reference, the name of the schema, else None."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        return ((name, name),)
    for join in ("anyOf", "oneOf"):
        if join in schema:
            return tuple(kind for part in schema[join] for kind in kinds(part))
    if schema.get("type") == "array":
        inner = kinds(schema.get("items", {}))
        amount = _range_words(schema, "minItems", "maxItems", "items")
        return ((f"array{amount and f',{amount},'} of", None), *inner)
    if schema.get("type") == "object" and "properties" not in schema:
        values: list[Any] = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
        inner = next((kinds(value) for value in values if isinstance(value, dict) and value), ())
        return (("object of", None), *inner) if inner else (("object", None),)
    return ((_type_words(schema), None),)


def _type_words(schema: Schema) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema["enum"])
    kind = schema.get("type", "any value")
    words = " or ".join(kind) if isinstance(kind, list) else kind
    if schema.get("format") == "date-time":
        return "RFC 3339 time"
    if schema.get("format") == "uri":
        words = "URL"
    length = _range_words(schema, "minLength", "maxLength", "characters")
    number = _range_words(schema, "minimum", "maximum", "") if schema.get("maximum") != 2**53 - 1 else ""
    if "exclusiveMinimum" in schema:
        number = f" above {schema['exclusiveMinimum']:g}, at most {schema['maximum']:g}"
    return words + (length and f",{length}") + number + ("" if words == "URL" else _pattern_words(schema))


def _pattern_words(schema: Schema) -> str:
    """Return a string's pattern as words to append: an id by its prefix, another pattern as it is if it begins with
    small letters and a hyphen; else "".
    """
    pattern = schema.get("pattern", "")
    if match := re.match(r"\^(?:\(\?:)?([a-z]+)-\[0-9a-f\S*?\]\{(\d+)\}", pattern):
        return f": {match[1]}- and a {'SHA-256 in hexadecimal' if match[2] == '64' else 'UUID'}"
    if match := re.match(r"\^(?:\(\?:)?([a-z]+-)\[A-Za-z0-9_-]\+", pattern):
        return f": {match[1]} and 1 to 32 ASCII letters, digits, “_” and “-”"
    return f" like {pattern}" if re.match(r"\^(?:\(\?:)?[a-z]+-", pattern) else ""


def _range_words(schema: Schema, minimum: str, maximum: str, unit: str) -> str:
    low, high = schema.get(minimum), schema.get(maximum)
    if low is None and high is None:
        return ""
    if high is None:
        return f" at least {low:g} {unit}".rstrip()
    return f" {low:g} to {high:g} {unit}".rstrip() if low is not None else f" at most {high:g} {unit}".rstrip()


def _resolve(part: Any) -> Any:
    while "$ref" in part:
        target: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        part = target
    return part


def _operation(site: str, path: str, method: str, operation: dict[str, Any], in_path: Any) -> ReferenceOperation:
    parameters = [_resolve(parameter) for parameter in [*in_path, *operation["parameters"]]]
    rows = {where: _parameter_rows(parameters, where) for where in ("path", "query", "header")}
    content = operation.get("requestBody", {}).get("content", {})
    media: Mapping[str, Any] = next(iter(content.values()), {})
    return ReferenceOperation(
        name=operation["operationId"],
        subject=operation["tags"][0],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        needs_key="security" not in operation,
        parameters=tuple((where, listed) for where, listed in rows.items() if listed),
        body=media["schema"]["$ref"].removeprefix(REF) if "$ref" in media.get("schema", {}) else None,
        body_kinds=tuple(content),
        responses=tuple(_response(status, response) for status, response in operation["responses"].items()),
        curl=curl_line(site, path, method.upper(), operation, parameters),
    )


def _parameter_rows(parameters: list[dict[str, Any]], where: str) -> tuple[Row, ...]:
    return tuple(row for parameter in parameters if parameter["in"] == where for row in _parameter(parameter))


def _parameter(parameter: dict[str, Any]) -> list[Row]:
    schema = parameter["schema"]
    if "explode" in parameter:  # its fields are parameters
        return [replace(row, is_required=False) for row in fields(schema)]
    default = json.dumps(schema["default"]) if schema.get("default") is not None else None
    return [Row(parameter["name"], kinds(schema), parameter["description"], parameter.get("required", False), default)]


def _response(status: str, reference: Any) -> ReferenceResponse:
    response = _resolve(reference)
    content = response.get("content", {})
    media: Mapping[str, Any] = next(iter(content.values()), {})
    schema = media.get("schema", {})
    codes = tuple(media["examples"]) if "application/problem+json" in content else ()
    example = next(iter(media.get("examples", {}).values()), None) if not codes else None
    return ReferenceResponse(
        status,
        response["description"],
        schema["$ref"].removeprefix(REF) if "$ref" in schema and not codes else None,
        codes,
        tuple(response["headers"]),
        example and format_json(example["value"]),
    )


def curl_line(site: str, path: str, method: str, operation: dict[str, Any], parameters: list[dict[str, Any]]) -> str:
    """Return a curl command to paste, which needs the variables `KEY` and those of its ids."""
    for parameter in parameters:
        if parameter["in"] == "path":
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", VARIABLES.get(name, parameter["example"]))
    words = ["curl"] if method == "GET" else ["curl", "-X", method]
    address = site + path if shlex.quote(site) == site else f'"{site}{path}"'
    lines = [f"{' '.join(words)} {address}"]
    if "security" not in operation:
        lines.append('-H "Authorization: Bearer $KEY"')
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        example = content["application/json"]["examples"]["example"]["value"]
        lines.append("-H 'Content-Type: application/json'")
        template_id = EXAMPLES["dispatchRun"]["request"]["template_id"]
        body = shlex.quote(format_json(example)).replace(template_id, f"'{VARIABLES['template_id']}'")
        lines.append(f"-d {body}")
    elif content:
        media_type = next(name for name in content if name != "application/octet-stream")
        lines.append(f"-H {shlex.quote(f'Content-Type: {media_type}')}")
        lines.append(f"--data-binary @picture.{media_type.rpartition('/')[2]}")
    return " \\\n  ".join(lines)
