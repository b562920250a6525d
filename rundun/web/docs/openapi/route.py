"""The route of the OpenAPI document, GET /v1/openapi.json, which the first request makes."""

import asyncio
from functools import cache

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from rundun.web.http.operation import ApiRouter, Success
from rundun.web.pages.static import Asset, pack

router = ApiRouter[Request]("Organization", "/v1", lambda handler, _: handler)


@cache
def _serialized() -> Asset:
    from rundun.web.docs.openapi.document import document  # imports all routes, including the one below

    return pack("application/json", to_json(document()))


@router.route("GET /openapi.json", {200: Success("The document.", {"type": "object"})}, is_conditional=True)
async def get_document(request: Request) -> Response:
    """This document.

    OpenAPI 3.1, without a key.
    """
    asset = await asyncio.to_thread(_serialized)  # slow the first time
    return asset.tagged_response(request, {})
