"""The organization, and this document."""

from __future__ import annotations

from rundun.web.openapi.answers import Organization
from rundun.web.openapi.operation import Answer, Operation, Subject
from rundun.web.openapi.samples import ORGANIZATION

SUBJECT = Subject(
    "Organization",
    "An organization owns templates, runs, keys and credits. A key sees its own organization only.",
    [
        Operation(
            "GET /v1/organization",
            "getOrganization",
            "Whose key this is",
            "The organization, what is left of its credits, and how many deliveries were given up.",
            {200: Answer("The organization.", Organization, ORGANIZATION)},
        ),
        Operation(
            "GET /v1/openapi.json",
            "getDocument",
            "This document",
            "OpenAPI 3.1, without a key.",
            {
                200: Answer("The document.", {"type": "object"}, headers=("ETag",)),
                304: Answer("It is as you have it.", headers=("ETag",)),
            },
            headers=("If-None-Match",),
        ),
    ],
)
