"""The OpenAPI 3.1 document, made of the operations and the models that the code itself reads with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

from rundun import __version__
from rundun.web.openapi import about, events, executor, feed, runs, templates
from rundun.web.openapi.answers import ProblemDetails, TemplateRecord
from rundun.web.openapi.operation import Answer, Bytes, Operation, Subject
from rundun.web.openapi.parts import (
    ANSWER_HEADERS,
    INTRODUCTION,
    PATH_PARAMETERS,
    PROBLEM_EXAMPLES,
    QUERY_PARAMETERS,
    REQUEST_HEADERS,
)
from rundun.web.openapi.schemas import REF, Schema, add_drafts, components, parameters
from rundun.web.problems import TABLE

SUBJECTS: Sequence[Subject] = (
    runs.SUBJECT,
    templates.SUBJECT,
    feed.DELIVERIES,
    feed.EVENTS,
    about.SUBJECT,
    executor.SUBJECT,
)
OPERATIONS: dict[str, Operation] = {
    operation.call: operation for subject in SUBJECTS for operation in subject.operations
}


@cache
def document() -> dict[str, Any]:
    """The whole document; it says the same for as long as the process lives, wherever it is served."""
    schemas = components(_models())
    add_drafts(schemas, templates.SENT_AS)
    del schemas["TemplateRevision"]  # only the draft of it is ever sent
    responses: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for subject in SUBJECTS:
        for operation in subject.operations:
            item = paths.setdefault(operation.path, _path_item(operation.path))
            item[operation.method.lower()] = _operation(operation, subject, responses)
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
        "tags": [{"name": subject.name, "description": subject.description} for subject in SUBJECTS],
        "security": [{"key": []}],
        "paths": paths,
        "webhooks": {name: _webhook(name) for name in events.MODELS},
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "rdk_live_…",
                    "description": "An API key: `rdk_live_` and 32 letters and digits.",
                }
            },
            "parameters": REQUEST_HEADERS,
            "headers": ANSWER_HEADERS,
            "responses": responses,
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _models() -> set[type[BaseModel]]:
    answered = [answer.model for one in OPERATIONS.values() for answer in one.answers.values()]
    sent = [one.body for one in OPERATIONS.values()]
    models = [one for one in [*answered, *sent] if isinstance(one, type) and issubclass(one, BaseModel)]
    return {*models, *events.MODELS.values(), ProblemDetails, TemplateRecord, templates.TemplateRevision}


def _path_item(path: str) -> dict[str, Any]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return {"parameters": [PATH_PARAMETERS[name] for name in names]} if names else {}


def _operation(operation: Operation, subject: Subject, responses: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [subject.name],
        "summary": operation.summary,
        "description": operation.description,
    }
    if operation.is_open:
        shown["security"] = []
    headers = [*operation.headers, *(["Idempotency-Key"] if operation.call.startswith("POST /v1/") else [])]
    listed = [{"$ref": f"#/components/parameters/{name}"} for name in [*headers, "X-Request-Id"]]
    if operation.query is not None:
        listed = [*parameters(operation.query, QUERY_PARAMETERS), *listed]
    shown["parameters"] = listed
    if operation.body is not None:
        shown["requestBody"] = _body(operation)
    shown["responses"] = {
        **{str(status): _answer(operation, answer) for status, answer in operation.answers.items()},
        **_problems(operation.codes(), responses),
    }
    return shown


def _body(operation: Operation) -> dict[str, Any]:
    body = operation.body
    if isinstance(body, Bytes):
        content: dict[str, Any] = {
            kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in body.media_types
        }
        return {"required": True, "description": body.description, "content": content}
    assert body is not None
    media: dict[str, Any] = {"schema": {"$ref": REF + templates.SENT_AS.get(body.__name__, body.__name__)}}
    if operation.example is not None:
        media["examples"] = {"example": {"value": operation.example}}
    return {"required": True, "content": {"application/json": media}}


def _answer(operation: Operation, answer: Answer) -> dict[str, Any]:
    limited = [] if operation.path == "/v1/openapi.json" else ["RateLimit-Policy", "RateLimit"]
    replayed = ["Idempotent-Replayed"] if operation.call.startswith("POST /v1/") else []
    shown: dict[str, Any] = {"description": answer.description}
    shown["headers"] = _headers([*answer.headers, *replayed, "X-Request-Id", *limited])
    if isinstance(answer.model, Bytes):
        shown["content"] = {kind: {} for kind in answer.model.media_types}
    elif answer.model is not None:
        media: dict[str, Any] = {"schema": _schema(answer.model)}
        if answer.example is not None:
            media["examples"] = {"example": {"value": answer.example}}
        shown["content"] = {"application/json": media}
    if answer.links:
        shown["links"] = {
            name: {"operationId": operation_id, "parameters": dict(given)}
            for name, (operation_id, given) in answer.links.items()
        }
    return shown


def _schema(model: Any) -> Schema:
    return model if isinstance(model, dict) else {"$ref": REF + model.__name__}


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problems(codes: Sequence[str], responses: dict[str, Any]) -> dict[str, Any]:
    """By status, the problems it can stand for; each combination is written once."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(TABLE[code][0], []).append(code)
    shown = {}
    for status, named in sorted(by_status.items()):
        name = ".".join(named)
        if name not in responses:
            responses[name] = _problem(status, named)
        shown[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return shown


_PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": "WWW-Authenticate"},
    409: {"Retry-After": "Retry-After"},
    429: {
        "Retry-After": "Retry-After-Always",
        "RateLimit-Policy": "RateLimit-Policy",
        "RateLimit": "RateLimit",
    },
    503: {"Retry-After": "Retry-After-Always"},
}


def _problem(status: int, codes: Sequence[str]) -> dict[str, Any]:
    headers = {**_PROBLEM_HEADERS.get(status, {}), "X-Request-Id": "X-Request-Id"}
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": list(codes)}}}
    return {
        "description": "; ".join(f"`{code}`: {TABLE[code][1]}" for code in codes) + ".",
        "headers": {name: {"$ref": f"#/components/headers/{kept}"} for name, kept in headers.items()},
        "content": {
            "application/problem+json": {
                "schema": {"allOf": [{"$ref": REF + "ProblemDetails"}, narrowed]},
                "examples": {code: {"value": _example(status, code)} for code in codes},
            }
        },
    }


def _example(status: int, code: str) -> dict[str, Any]:
    detail, members = PROBLEM_EXAMPLES.get(code, (TABLE[code][1] + ".", {}))
    return {
        "type": f"/problems/{code}",
        "title": TABLE[code][1],
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": "5d3c1f0e9b8a47d6a1b2c3d4e5f60718",
        **members,
    }


def _said(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _webhook(name: str) -> dict[str, Any]:
    model = events.MODELS[name]
    headers = [
        "Content-Digest",
        "Signature-Input",
        "Signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
    return {
        "post": {
            "operationId": f"on{model.__name__}",
            "tags": ["Deliveries"],
            "summary": name,
            "description": _said(model) + ("" if name == events.ALERT else events.HOW_IT_ARRIVES),
            "security": [],
            "parameters": [{"$ref": f"#/components/parameters/{header}"} for header in headers],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"$ref": REF + model.__name__},
                        "examples": {"example": {"value": events.EXAMPLES[name]}},
                    }
                },
            },
            "responses": events.RECEIVERS_ANSWERS,
        }
    }
