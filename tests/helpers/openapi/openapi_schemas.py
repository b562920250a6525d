"""Schemas of the document."""

from typing import Any

from rundun.web.docs.openapi.document import document

SCHEMAS = "#/components/schemas/"


def hook(**more: Any) -> Any:
    return {"url": "http://hooks.example.com/", **more}


def parameter(method: str, path: str, name: str) -> dict[str, Any]:
    """The schema of a query parameter."""
    listed = document()["paths"][path][method.lower()]["parameters"]
    (found,) = (one["schema"] for one in listed if one.get("name") == name)
    return dict(found)
