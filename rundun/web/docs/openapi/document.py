"""The OpenAPI 3.1 document, made from the routes and from the types that the code reads and writes."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rundun import __version__
from rundun.core.json_types.problems import ProblemDetailsJson
from rundun.core.json_types.templates import DraftTextJson, TemplateRecordJson, TemplateSavedJson
from rundun.core.templates.template import Template
from rundun.web.api import answers, deliveries, drafts, erasures, events, pictures, runs, shares, templates
from rundun.web.docs.openapi import events as event_parts, route as own_route
from rundun.web.docs.openapi.parts import INTRODUCTION, TAGS
from rundun.web.docs.openapi.schemas import REF, Schema, add_drafts, components, join_members, parameters, schema_name
from rundun.web.executor import api, report, uploads
from rundun.web.http.operation import ApiRoute, Bytes, Inline, ListOf, Success
from rundun.wording.problem_codes import PROBLEMS

_ALL = (
    runs,
    shares,
    answers,
    erasures,
    templates,
    drafts,
    pictures,
    deliveries,
    events,
    own_route,
    api,
    uploads,
    report,
)
ROUTES: Sequence[ApiRoute] = sorted(
    (route for module in _ALL for route in module.router.routes if isinstance(route, ApiRoute)),
    key=lambda route: list(TAGS).index(route.operation.tag),
)


# Parts shared by operations: security, parameters and headers of the document, and path parameters.
_PARTS: dict[str, Any] = json.loads(Path(__file__).with_name("parts.json").read_text("utf-8"))
# Requests and responses by operation and status. They tell one story: a kitchen is checked for booking_12345.
EXAMPLES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("examples.json").read_text("utf-8"))


@cache
def document() -> dict[str, Any]:
    """Return the whole OpenAPI document; it is the same at any address and for the life of the process."""
    schemas = _all_schemas()
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


def _all_schemas() -> dict[str, Schema]:
    successes = [success.schema for route in ROUTES for success in route.operation.responses.values()]
    items = [described.item for described in successes if isinstance(described, ListOf)]
    bodies = [route.operation.body for route in ROUTES]
    types = {described for described in [*successes, *items, *bodies] if isinstance(described, type)}
    ours = {ProblemDetailsJson, DraftTextJson, TemplateRecordJson, TemplateSavedJson, Template}
    schemas = components({*types, *event_parts.TYPES, *ours})
    event_parts.add_events(schemas)
    template, record, saved = schemas["Template"], schemas["TemplateRecord"], schemas["TemplateSaved"]
    description = "A template as it is to be from now on. What the server assigned may be sent back unchanged."
    revision = join_members(template, saved, description="As it was answered.")
    schemas["TemplateRevision"] = {**revision, "description": description}
    schemas["TemplateRecord"] = {**join_members(template, record), "description": record["description"]}
    schemas["TemplateSaved"] = {**join_members(template, saved), "description": saved["description"]}
    add_drafts(schemas, ("Template", "TemplateRevision"))
    del schemas["TemplateRevision"]  # clients send only its draft
    schemas |= {_name(ListOf(item)): _page_schema(item) for item in items}
    return schemas


def _name(described: type | str | ListOf) -> str:
    if isinstance(described, ListOf):
        return f"{_name(described.item)}Page"
    return described if isinstance(described, str) else schema_name(described)


def _page_schema(item: type | str) -> Schema:
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
    # Bytes have no type in OpenAPI 3.1; for some media types client generators need the form of 3.0.
    known, binary = ("application/octet-stream", "application/zip"), {"type": "string", "format": "binary"}
    return {name: {"schema": binary if name in known else {"contentMediaType": name}} for name in described.media_types}


def _example(name: str, which: str) -> dict[str, Any]:
    """Return an object with the `examples` of an operation's request, or of its response with the status `which`, else
    {}.
    """
    of_operation = EXAMPLES.get(name, {})
    # The key of a second example has its name after a colon.
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
            for name in _following_operations(list(success.followed_by))
        }
    return response


def _following_operations(parameters: list[str]) -> list[str]:
    """Return the names of operations whose only path parameters are `parameters`, and whose body, if any, is JSON."""
    return [
        route.operation.name
        for route in ROUTES
        if route.parameters == parameters and not isinstance(route.operation.body, Bytes)
    ]


def _schema(described: Inline) -> Schema:
    return {"$ref": REF + _name(described)} if isinstance(described, type | str | ListOf) else dict(described)


def _problems(codes: Sequence[str], responses: dict[str, Any]) -> dict[str, Any]:
    """Return references to the problem responses of `codes`, by status; add each new combination to `responses`."""
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
    # A plain reference, so that client generators make one class for all problems. The examples list the codes.
    return {
        "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in codes) + ".",
        "headers": {name: {"$ref": f"#/components/headers/{component}"} for name, component in headers.items()},
        "content": {
            "application/problem+json": {
                "schema": {"$ref": REF + schema_name(ProblemDetailsJson)},
                "examples": {code: {"value": problem_example(status, code)} for code in codes},
            }
        },
    }


def problem_example(status: int, code: str) -> dict[str, Any]:
    """Return the problem document of a code, as a response would have it."""
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
            # Otherwise openapi-generator replaces the operations of this tag by calls that do not compile.
            "x-internal": True,
            "security": [],
            "parameters": [{"$ref": f"#/components/parameters/{header}"} for header in headers],
            "requestBody": {"required": True, "content": {"application/json": media}},
            "responses": event_parts.receiver_responses(name),
        }
    }
