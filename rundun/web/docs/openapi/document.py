"""The OpenAPI 3.1 document, made of the routes and of the types that the code itself reads and writes with."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rundun import __version__
from rundun.core.json_types.problems import ProblemDetailsJson
from rundun.core.json_types.templates import TemplateRecordJson, TemplateSavedJson
from rundun.core.templates.template import Template
from rundun.web.api import deliveries, erasures, events, pictures, runs, templates
from rundun.web.docs.openapi import events as event_parts
from rundun.web.docs.openapi import route as own_route
from rundun.web.docs.openapi.parts import INTRODUCTION, TAGS
from rundun.web.docs.openapi.schemas import REF, Schema, add_drafts, components, name_of, parameters, with_members
from rundun.web.executor import api, uploads
from rundun.web.http.operation import ApiRoute, Bytes, Inline, ListOf, Success
from rundun.wording.problem_codes import PROBLEMS

_ALL = (runs, erasures, templates, pictures, deliveries, events, own_route, api, uploads)
ROUTES: Sequence[ApiRoute] = sorted(
    (route for module in _ALL for route in module.router.routes if isinstance(route, ApiRoute)),
    key=lambda route: list(TAGS).index(route.operation.tag),
)


# What many operations share: security, parameters and headers of the document, and parameters of paths.
_PARTS: dict[str, Any] = json.loads(Path(__file__).with_name("parts.json").read_text("utf-8"))
# Requests and responses by operation and status; one story: a kitchen is checked for booking_12345.
EXAMPLES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("examples.json").read_text("utf-8"))


@cache
def document() -> dict[str, Any]:
    """Return the whole document, which stays equal for as long as the process lives, wherever it is served."""
    schemas = _schemas()
    responses: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        shared = {"parameters": [_PARTS["path"][name] for name in route.parameters]} if route.parameters else {}
        item = paths.setdefault(route.path, shared)
        item[route.method.lower()] = _operation(route, responses)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Rundun",
            "version": __version__,
            "summary": "Send a checklist as a link, get the answers back as signed webhooks.",
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "externalDocs": {"description": "Documentation for integrators", "url": "/docs"},
        "servers": [{"url": "/", "description": "This service"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "security": [{"key": []}],
        "paths": paths,
        "webhooks": {name: _webhook(name, schemas[event_parts.sent_name(name)]) for name in event_parts.WEBHOOKS},
        "components": {**_PARTS["components"], "responses": responses, "schemas": dict(sorted(schemas.items()))},
    }


def _schemas() -> dict[str, Schema]:
    successes = [success.schema for route in ROUTES for success in route.operation.responses.values()]
    items = [described.item for described in successes if isinstance(described, ListOf)]
    bodies = [route.operation.body for route in ROUTES]
    types = {described for described in [*successes, *items, *bodies] if isinstance(described, type)}
    ours = {ProblemDetailsJson, TemplateRecordJson, TemplateSavedJson, Template}
    schemas = components({*types, *event_parts.TYPES, *ours})
    event_parts.add_events(schemas)
    template, record, saved = schemas["Template"], schemas["TemplateRecord"], schemas["TemplateSaved"]
    description = "A template as it is to be from now on. What the server assigned may be sent back unchanged."
    revision = with_members(template, saved, description="As it was answered.")
    schemas["TemplateRevision"] = {**revision, "description": description}
    schemas["TemplateRecord"] = {**with_members(template, record), "description": record["description"]}
    schemas["TemplateSaved"] = {**with_members(template, saved), "description": saved["description"]}
    add_drafts(schemas, ("Template", "TemplateRevision"))
    del schemas["TemplateRevision"]  # only the draft of it is ever sent
    schemas |= {_name(ListOf(item)): _page(item) for item in items}
    return schemas


def _name(described: type | str | ListOf) -> str:
    if isinstance(described, ListOf):
        return f"{_name(described.item)}Page"
    return described if isinstance(described, str) else name_of(described)


def _page(item: type | str) -> Schema:
    items = {"$ref": REF + _name(item)}
    return {
        "type": "object",
        "description": "A page of a list, the newest first.",
        "properties": {
            "data": {"type": "array", "items": items, "description": "At most `limit` of them."},
            "has_more": {"type": "boolean", "description": "Whether there are older ones."},
            "next_cursor": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": "Give it as `cursor` for the next page.",
            },
        },
        "required": ["data", "has_more", "next_cursor"],
    }


def _operation(route: ApiRoute, responses: dict[str, Any]) -> dict[str, Any]:
    operation = route.operation
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
    }
    if not route.takes_key:
        described["security"] = []
    headers = [*operation.headers, *(["Idempotency-Key"] if route.is_idempotent_post else [])]
    successes = dict(operation.responses)
    if operation.is_conditional:
        headers.append("If-None-Match")
        successes[304] = Success("It is as you have it.", headers=("ETag",))
    listed = [{"$ref": f"#/components/parameters/{name}"} for name in [*headers, "X-Request-Id"]]
    if operation.query is not None:
        listed = [*parameters(operation.query, operation.together), *listed]
    described["parameters"] = listed
    if operation.body is not None:
        described["requestBody"] = _body(operation.body, operation.name, operation.media_types)
    described["responses"] = {
        **{str(status): _success(route, status, success) for status, success in successes.items()},
        **_problems(route.codes(), responses),
    }
    return described


def _body(body: type | str | Bytes, name: str, media_types: Sequence[str]) -> dict[str, Any]:
    if isinstance(body, Bytes):
        return {"required": True, "description": body.description, "content": _bytes(body)}
    media = {"schema": {"$ref": REF + _name(body)}, **_example(name, "request")}
    return {"required": True, "content": dict.fromkeys(media_types, media)}


def _bytes(described: Bytes) -> dict[str, Any]:
    # Bytes have no type in OpenAPI 3.1; generators of clients know some media types by what 3.0 had for them.
    known, binary = ("application/octet-stream", "application/zip"), {"type": "string", "format": "binary"}
    return {name: {"schema": binary if name in known else {"contentMediaType": name}} for name in described.media_types}


def _example(name: str, which: str) -> dict[str, Any]:
    """Return the example of an operation's request, or of its response with that status, if there is one."""
    of_operation = EXAMPLES.get(name, {})
    # A second one is named behind a colon.
    found = {key: value for key, value in of_operation.items() if key.partition(":")[0] == which}
    return (
        {"examples": {key.partition(":")[2] or "example": {"value": value} for key, value in found.items()}}
        if found
        else {}
    )


def _success(route: ApiRoute, status: int, success: Success) -> dict[str, Any]:
    limited = [] if route.is_document else ["RateLimit-Policy", "RateLimit"]
    replayed = ["Idempotent-Replayed"] if route.is_idempotent_post else []
    link = ["Link"] if isinstance(success.schema, ListOf) else []
    tag = ["ETag"] if route.operation.is_conditional and status == 200 else []
    headers = [*link, *tag, *success.headers, *replayed, "X-Request-Id", *limited]
    response: dict[str, Any] = {
        "description": success.description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
    }
    if isinstance(success.schema, Bytes):
        response["content"] = _bytes(success.schema)
    elif success.schema is not None:
        media = {"schema": _schema(success.schema), **_example(route.operation.name, str(status))}
        response["content"] = {"application/json": media}
    if success.followed_by:
        response["links"] = {
            name[0].upper() + name[1:]: {"operationId": name, "parameters": dict(success.followed_by)}
            for name in _next(list(success.followed_by))
        }
    return response


def _next(parameters: list[str]) -> list[str]:
    """List operations that need nothing but `parameters`, and perhaps JSON."""
    return [
        route.operation.name
        for route in ROUTES
        if route.parameters == parameters and not isinstance(route.operation.body, Bytes)
    ]


def _schema(described: Inline) -> Schema:
    return {"$ref": REF + _name(described)} if isinstance(described, type | str | ListOf) else dict(described)


def _problems(codes: Sequence[str], responses: dict[str, Any]) -> dict[str, Any]:
    """Return by status the problems it can stand for; each combination is added to `responses` once."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    by_reference = {}
    for status, names in sorted(by_status.items()):
        name = ".".join(names)
        if name not in responses:
            responses[name] = _problem(status, names)
        by_reference[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return by_reference


_PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": "WWW-Authenticate"},
    409: {"Retry-After": "Retry-After"},
    429: {"Retry-After": "Retry-After-Always", "RateLimit-Policy": "RateLimit-Policy", "RateLimit": "RateLimit"},
    503: {"Retry-After": "Retry-After-Always"},
}


def _problem(status: int, codes: Sequence[str]) -> dict[str, Any]:
    headers = {**_PROBLEM_HEADERS.get(status, {}), "X-Request-Id": "X-Request-Id"}
    # A reference with nothing beside it, as generators want it: one class for all. The examples name the codes.
    return {
        "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in codes) + ".",
        "headers": {name: {"$ref": f"#/components/headers/{component}"} for name, component in headers.items()},
        "content": {
            "application/problem+json": {
                "schema": {"$ref": REF + name_of(ProblemDetailsJson)},
                "examples": {code: {"value": problem_example(status, code)} for code in codes},
            }
        },
    }


def problem_example(status: int, code: str) -> dict[str, Any]:
    """Return a problem document as it is answered with one code."""
    title = PROBLEMS[code].title
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": f"{title}.",
        "code": code,
        "request_id": "5d3c1f0e9b8a47d6a1b2c3d4e5f60718",
        **EXAMPLES["problems"].get(code, {}),
    }


def _webhook(name: str, schema: Schema) -> dict[str, Any]:
    headers = ["Content-Digest", "Signature-Input", "Signature"]
    headers += ["webhook-id", "webhook-timestamp", "webhook-signature"]
    description = " ".join(schema["description"].split())
    sent = event_parts.sent_name(name)
    media = {"schema": {"$ref": REF + sent}, **_example("webhooks", name)}
    return {
        "post": {
            "operationId": f"on{sent}",
            "tags": ["Deliveries"],
            "summary": name,
            "description": description + (event_parts.HOW_IT_ARRIVES if name in event_parts.DATA else ""),
            # openapi-generator would make calls of it that do not compile, in place of the operations with its tag.
            "x-internal": True,
            "security": [],
            "parameters": [{"$ref": f"#/components/parameters/{header}"} for header in headers],
            "requestBody": {"required": True, "content": {"application/json": media}},
            "responses": event_parts.receivers_answers(name),
        }
    }
