"""The OpenAPI document as people read it: each operation and each schema as rows for a page, and a line of curl."""

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
# What curl lines name instead of ids that only their reader knows; a photo's id is the reader's own to make.
VARIABLES = {
    "run_id": "$RUN",
    "template_id": "$TEMPLATE",
    "delivery_id": "$DELIVERY",
    "step_id": "$STEP",
    "picture_id": "$PICTURE",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row about a field, a parameter or a header; `kinds` are words, and names of schemas to link to."""

    name: str
    kinds: tuple[tuple[str, str | None], ...]
    description: str
    is_required: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class ReferenceResponse:
    """One response of an operation: its schema (`model`) or the problem codes it stands for, and names of headers."""

    status: str
    description: str
    model: str | None
    codes: tuple[str, ...]
    headers: tuple[str, ...]
    example: str | None


@dataclass(frozen=True, slots=True)
class ReferenceOperation:
    """One operation with its parameters, body, responses and a line of curl."""

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
    """One schema: `rows` with fields of an object, or `kinds` of what else it is."""

    name: str
    description: str
    rows: tuple[Row, ...]
    kinds: tuple[tuple[str, str | None], ...]
    used_by: tuple[str, ...]


def pretty(value: Any) -> str:
    """Format a value as JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@cache
def operations(site: str) -> tuple[ReferenceOperation, ...]:
    """List all operations in the document's order; curl lines go to `site`."""
    return tuple(
        _operation(site, path, method, item[method], item.get("parameters", ()))
        for path, item in document()["paths"].items()
        for method in item
        if method in METHODS
    )


@cache
def models() -> tuple[Model, ...]:
    """List all schemas, by name."""
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
    """List the fields of an object's schema."""
    required = schema.get("required", ())
    return [
        Row(
            name,
            kinds(field),
            field.get("description") or _resolved(field).get("description", ""),
            name in required,
            json.dumps(field["default"], ensure_ascii=False) if "default" in field else None,
        )
        for name, field in schema.get("properties", {}).items()
    ]


def common_fields() -> list[Row]:
    """List the fields that a step of any type has when it is sent."""
    schemas = document()["components"]["schemas"]
    types = [schema["properties"]["type"]["const"] for name, schema in schemas.items() if name.endswith("StepDraft")]
    words = {"type": ", ".join(json.dumps(name) for name in types), "config": "object, see below"}
    return [
        replace(row, kinds=((words[row.name], None),)) if row.name in words else row
        for row in fields(schemas["BooleanStepDraft"])
    ]


@cache
def step_types(steps: str) -> list[dict[str, Any]]:
    """List the types of `steps`, a template as JSON, each with its example and the fields of its config."""
    schemas = document()["components"]["schemas"]
    types = []
    for step in json.loads(steps)["steps"]:
        name = "".join(part.title() for part in step["type"].split("_"))
        config = schemas.get(f"{name}ConfigDraft") or schemas.get(f"{name}Config") or {}
        types.append(
            {
                "type": step["type"],
                "description": schemas[f"{name}Step"]["description"],
                "example": pretty(step),
                "fields": fields(config),
            }
        )
    return types


def kinds(schema: Schema) -> tuple[tuple[str, str | None], ...]:
    """List what a value may be: pairs of words and, where they name a schema, its name."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        return ((name, name),)
    for join in ("anyOf", "oneOf"):
        if join in schema:
            return tuple(kind for part in schema[join] for kind in kinds(part))
    if schema.get("type") == "array":
        inner = kinds(schema.get("items", {}))
        amount = _between(schema, "minItems", "maxItems", "items")
        return ((f"array{amount and f',{amount},'} of", None), *inner)
    if schema.get("type") == "object" and "properties" not in schema:
        values: list[Any] = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
        inner = next((kinds(value) for value in values if isinstance(value, dict) and value), ())
        return (("object of", None), *inner) if inner else (("object", None),)
    return ((_words(schema), None),)


def _words(schema: Schema) -> str:
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
    length = _between(schema, "minLength", "maxLength", "characters")
    number = _between(schema, "minimum", "maximum", "") if schema.get("maximum") != 2**53 - 1 else ""
    if "exclusiveMinimum" in schema:
        number = f" above {schema['exclusiveMinimum']:g}, at most {schema['maximum']:g}"
    return words + (length and f",{length}") + number + ("" if words == "URL" else _pattern(schema))


def _pattern(schema: Schema) -> str:
    """Describe the pattern of a string where it is short enough to be read; ids by their prefix."""
    pattern = schema.get("pattern", "")
    if match := re.match(r"\^(?:\(\?:)?([a-z]+)-\[0-9a-f\S*?\]\{(\d+)\}", pattern):
        return f": {match[1]}- and a {'SHA-256 in hexadecimal' if match[2] == '64' else 'UUID'}"
    if match := re.match(r"\^(?:\(\?:)?([a-z]+-)\[A-Za-z0-9_-]\+", pattern):
        return f": {match[1]} and 1 to 32 ASCII letters, digits, “_” and “-”"
    return f" like {pattern}" if re.match(r"\^(?:\(\?:)?[a-z]+-", pattern) else ""


def _between(schema: Schema, minimum: str, maximum: str, unit: str) -> str:
    low, high = schema.get(minimum), schema.get(maximum)
    if low is None and high is None:
        return ""
    if high is None:
        return f" at least {low:g} {unit}".rstrip()
    return f" {low:g} to {high:g} {unit}".rstrip() if low is not None else f" at most {high:g} {unit}".rstrip()


def _resolved(part: Any) -> Any:
    while "$ref" in part:
        target: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        part = target
    return part


def _operation(site: str, path: str, method: str, operation: dict[str, Any], in_path: Any) -> ReferenceOperation:
    parameters = [_resolved(parameter) for parameter in [*in_path, *operation["parameters"]]]
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
        curl=curl(site, path, method.upper(), operation, parameters),
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
    response = _resolved(reference)
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
        example and pretty(example["value"]),
    )


def curl(site: str, path: str, method: str, operation: dict[str, Any], parameters: list[dict[str, Any]]) -> str:
    """Return a line of curl, to paste once its variables are set: `KEY`, and the ids that it needs."""
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
        body = shlex.quote(pretty(example)).replace(template_id, f"'{VARIABLES['template_id']}'")
        lines.append(f"-d {body}")
    elif content:
        media_type = next(name for name in content if name != "application/octet-stream")
        lines.append(f"-H {shlex.quote(f'Content-Type: {media_type}')}")
        lines.append(f"--data-binary @picture.{media_type.rpartition('/')[2]}")
    return " \\\n  ".join(lines)
