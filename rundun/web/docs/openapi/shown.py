"""The document as people read it: each operation and each schema as rows for a page, and a line of curl."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from rundun.web.docs.openapi.document import document, examples
from rundun.web.docs.openapi.schemas import REF, Schema

METHODS = ("get", "post", "put", "delete")
# What curl lines name instead of ids that only their reader knows; a photo's id is the reader's own to make.
VARIABLES = {"run_id": "$RUN", "template_id": "$TEMPLATE", "delivery_id": "$DELIVERY", "step_id": "$STEP"}


@dataclass(frozen=True, slots=True)
class Row:
    """A field, a parameter or a header; `kinds` are words, and names of schemas to link to."""

    name: str
    kinds: tuple[tuple[str, str | None], ...]
    description: str
    is_required: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One status that is answered."""

    status: str
    description: str
    model: str | None
    codes: tuple[str, ...]
    headers: tuple[Row, ...]
    example: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One operation."""

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
    replies: tuple[Reply, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Model:
    """One schema: fields of an object, or what else it is."""

    name: str
    description: str
    rows: tuple[Row, ...]
    kinds: tuple[tuple[str, str | None], ...]
    used_by: tuple[str, ...]


def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@cache
def operations(site: str) -> tuple[Shown, ...]:
    """All of them, in the document's order; curl lines go to `site`."""
    return tuple(
        _shown(site, path, method, item[method], item.get("parameters", ()))
        for path, item in document()["paths"].items()
        for method in item
        if method in METHODS
    )


@cache
def models() -> tuple[Model, ...]:
    """All schemas, by name."""
    schemas = document()["components"]["schemas"]
    used: dict[str, list[str]] = {name: [] for name in schemas}
    for name, schema in schemas.items():
        for other in sorted(set(_named(schema)) - {name}):
            used[other].append(name)
    return tuple(
        Model(
            name,
            schema.get("description", ""),
            tuple(fields(schema)),
            () if "properties" in schema else kinds(schema),
            tuple(used[name]),
        )
        for name, schema in schemas.items()
    )


def fields(schema: Schema) -> list[Row]:
    """The fields of an object."""
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
    """The fields that a step of any type has when it is sent."""
    schemas = document()["components"]["schemas"]
    types = [schema["properties"]["type"]["const"] for name, schema in schemas.items() if name.endswith("StepDraft")]
    words = {"type": ", ".join(json.dumps(one) for one in types), "config": "object, see below"}
    return [
        replace(row, kinds=((words[row.name], None),)) if row.name in words else row
        for row in fields(schemas["BooleanStepDraft"])
    ]


@cache
def step_types(steps: str) -> list[dict[str, Any]]:
    """Every type of step of a template, as JSON: its example, and the fields of its config."""
    schemas = document()["components"]["schemas"]
    shown = []
    for step in json.loads(steps)["steps"]:
        name = "".join(part.title() for part in step["type"].split("_"))
        config = schemas.get(f"{name}ConfigDraft") or schemas.get(f"{name}Config") or {}
        shown.append(
            {
                "type": step["type"],
                "description": schemas[f"{name}Step"]["description"],
                "example": pretty(step),
                "fields": fields(config),
            }
        )
    return shown


def codes(schema: str) -> list[str]:
    """The words that `code` may be."""
    named: list[str] = document()["components"]["schemas"][schema]["properties"]["code"]["enum"]
    return named


def invalid_example() -> Any:
    """The example of a problem that lists what is wrong."""
    for response in document()["components"]["responses"].values():
        problems = response["content"]["application/problem+json"]["examples"]
        if "invalid" in problems:
            return problems["invalid"]["value"]
    raise KeyError("invalid")


def kinds(schema: Schema) -> tuple[tuple[str, str | None], ...]:
    """What a value may be: pairs of words and, where it is one, the schema they name."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        return ((name, name),)
    for join in ("anyOf", "oneOf"):
        if join in schema:
            return tuple(one for part in schema[join] for one in kinds(part))
    if schema.get("type") == "array":
        inner = kinds(schema.get("items", {}))
        amount = _between(schema, "minItems", "maxItems", "items")
        return ((f"array{amount and f',{amount},'} of", None), *inner)
    if schema.get("type") == "object" and "properties" not in schema:
        values: list[Any] = [
            schema.get("additionalProperties"),
            *schema.get("patternProperties", {}).values(),
        ]
        inner = next((kinds(value) for value in values if isinstance(value, dict) and value), ())
        return (("object of", None), *inner) if inner else (("object", None),)
    return ((_words(schema), None),)


def _words(schema: Schema) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(json.dumps(one) for one in schema["enum"])
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
    """The pattern where it is short enough to be read; ids are told by their prefix."""
    pattern = schema.get("pattern", "")
    if match := re.match(r"\^(?:\(\?:)?([a-z]+)-\[0-9a-f", pattern):
        return f": {match[1]}- and a UUID"
    if match := re.match(r"\^(?:\(\?:)?([a-z]+-)\[A-Za-z0-9_-]\{1,32\}", pattern):
        return f": {match[1]} and 1 to 32 ASCII letters, digits, “_” and “-”"
    return f" like {pattern}" if re.match(r"\^(?:\(\?:)?[a-z]+-", pattern) else ""


def _between(schema: Schema, least: str, most: str, unit: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    if high is None:
        return f" at least {low:g} {unit}".rstrip()
    return f" {low:g} to {high:g} {unit}".rstrip() if low is not None else f" at most {high:g} {unit}".rstrip()


def _named(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"].removeprefix(REF)] if isinstance(schema.get("$ref"), str) else []
        return own + [name for value in schema.values() for name in _named(value)]
    return [name for value in schema for name in _named(value)] if isinstance(schema, list) else []


def _resolved(part: Any) -> Any:
    while "$ref" in part:
        found: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def _shown(site: str, path: str, method: str, said: dict[str, Any], in_path: Any) -> Shown:
    given = [_resolved(one) for one in [*in_path, *said["parameters"]]]
    groups = [(where, [one for one in given if one["in"] == where]) for where in ("path", "query", "header")]
    content = said.get("requestBody", {}).get("content", {})
    media: Mapping[str, Any] = next(iter(content.values()), {})
    return Shown(
        name=said["operationId"],
        subject=said["tags"][0],
        method=method.upper(),
        path=path,
        summary=said["summary"],
        description=said["description"],
        needs_key="security" not in said,
        parameters=tuple(
            (where, tuple(row for one in found for row in _parameter(one))) for where, found in groups if found
        ),
        body=media["schema"]["$ref"].removeprefix(REF) if "$ref" in media.get("schema", {}) else None,
        body_kinds=tuple(content),
        replies=tuple(_reply(status, answer) for status, answer in said["responses"].items()),
        curl=curl(site, path, method.upper(), said, given),
    )


def _parameter(said: dict[str, Any]) -> list[Row]:
    if "explode" in said:  # its fields are parameters
        return [replace(row, is_required=False) for row in fields(said["schema"])]
    default = said["schema"].get("default")
    shown = None if default is None else json.dumps(default)
    return [Row(said["name"], kinds(said["schema"]), said["description"], said.get("required", False), shown)]


def _reply(status: str, said: Any) -> Reply:
    answer = _resolved(said)
    media: Mapping[str, Any] = next(iter(answer.get("content", {}).values()), {})
    schema = media.get("schema", {})
    codes = schema["allOf"][1]["properties"]["code"]["enum"] if "allOf" in schema else ()
    headers = [
        Row(name, kinds(_resolved(one)["schema"]), _resolved(one)["description"], _resolved(one)["required"])
        for name, one in answer.get("headers", {}).items()
    ]
    example = next(iter(media.get("examples", {}).values()), None) if not codes else None
    return Reply(
        status,
        answer["description"],
        schema["$ref"].removeprefix(REF) if "$ref" in schema else None,
        tuple(codes),
        tuple(headers),
        example and pretty(example["value"]),
    )


def curl(site: str, path: str, method: str, said: dict[str, Any], given: list[dict[str, Any]]) -> str:
    """A line to paste once its variables are set: `KEY`, and the ids that it needs."""
    for parameter in given:
        if parameter["in"] == "path":
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", VARIABLES.get(name, parameter["example"]))
    words = ["curl"] if method == "GET" else ["curl", "-X", method]
    address = site + path if shlex.quote(site) == site else f'"{site}{path}"'
    lines = [f"{' '.join(words)} {address}"]
    if "security" not in said:
        lines.append('-H "Authorization: Bearer $KEY"')
    content = said.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        example = content["application/json"]["examples"]["example"]["value"]
        lines.append("-H 'Content-Type: application/json'")
        template_id = examples()["dispatchRun"]["request"]["template_id"]
        body = shlex.quote(pretty(example)).replace(template_id, f"'{VARIABLES['template_id']}'")
        lines.append(f"-d {body}")
    elif content:
        kind = next(iter(content))
        lines.append(f"-H {shlex.quote(f'Content-Type: {kind}')}")
        lines.append(f"--data-binary @picture.{kind.rpartition('/')[2]}")
    return " \\\n  ".join(lines)
