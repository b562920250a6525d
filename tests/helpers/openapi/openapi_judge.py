"""Every answer that a test sees is held against the document: that route, that status, those headers, that schema."""

import copy
import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import jsonschema_rs

from rundun.web.docs.openapi.document import document

Header = tuple[str, str]


@cache
def strict() -> dict[str, Any]:
    """The document with its answers closed: a member that it does not name is a mistake, be it the document's."""
    strict = copy.deepcopy(document())
    for response in strict["components"]["responses"].values():
        (problem,) = response["content"].values()  # its examples name the codes, and are all that there are
        problem["schema"]["properties"] = {"code": {"enum": list(problem["examples"])}}
    for schema in strict["components"]["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return strict


@cache
def _routes() -> list[tuple[re.Pattern[str], str]]:
    """Paths as patterns, those without parameters first."""
    paths = sorted(strict()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path) for path in paths]


def _resolved(part: Any) -> Any:
    while "$ref" in part:
        found: Any = strict()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def operation(method: str, path: str) -> dict[str, Any] | None:
    """What the document says of a request, None for an address or a method that it does not have."""
    for pattern, template in _routes():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = strict()["paths"][template].get(method.lower())
            return found
    return None


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    whole = {**json.loads(schema), "components": strict()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def validate(schema: Any, instance: Any) -> None:
    """Raises with every place in which `instance` is not as a schema of the document says."""
    wrong = [
        f"/{'/'.join(str(part) for part in one.instance_path)}: {one.message}"
        for one in _validator(json.dumps(schema, sort_keys=True)).iter_errors(instance)
    ]
    assert not wrong, "\n".join(wrong)


def check(method: str, path: str, status: int, headers: Iterable[Header], body: bytes) -> None:
    """Refuse an answer that is not documented; other addresses than those of the document are not looked at."""
    found = operation(method, path)
    if found is None or status == 405:
        return
    where = f"{method} {path} answered {status}"
    assert str(status) in found["responses"], f"{where}, which is not documented: {body[:500]!r}"
    said = _resolved(found["responses"][str(status)])
    given = {name.lower(): value for name, value in headers}
    for name, header in said.get("headers", {}).items():
        header = _resolved(header)
        assert name.lower() in given or not header["required"], f"{where} without {name}"
        if name.lower() in given:
            validate(header["schema"], given[name.lower()])
    content = said.get("content")
    if not content:
        assert body == b"", f"{where} with a body"
        return
    kind = given["content-type"].partition(";")[0]
    assert kind in content, f"{where} as {kind}"
    if not kind.endswith("json"):
        return
    try:
        validate(content[kind]["schema"], json.loads(body))
    except AssertionError as error:
        raise AssertionError(f"{where}, which is not as documented:\n{error}\n{body[:2000]!r}") from None


class Documented:
    """An ASGI application whose answers are checked."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if operation(scope["method"], scope["path"]) is None:
            await self.app(scope, receive, send)
            return
        status, headers, body = 0, [], bytearray()

        async def sending(message: Any) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            else:
                body.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, sending)
        if not status:
            return  # the client went away
        given = dict(headers)
        if "content-encoding" not in given:
            check(scope["method"], scope["path"], status, headers, bytes(body))
