"""The route of the OpenAPI document, for programs: GET /v1/openapi.json. It is made when somebody first asks for it."""

import asyncio
import gzip
import hashlib
from functools import cache

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from rundun.web.docs.openapi.operation import ApiRouter, Success
from rundun.web.query_params import is_current

router = ApiRouter[Request]("Organization", "/v1", lambda handler: handler)


@cache
def _serialized() -> tuple[bytes, bytes, str]:
    """Return the document, plain and compressed, and its entity tag."""
    from rundun.web.docs.openapi.document import document  # imports every route, the one of this module as well

    plain = to_json(document())
    return plain, gzip.compress(plain, 9, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:32]}"'


@router.route("GET /openapi.json", {200: Success("The document.", {"type": "object"})}, is_conditional=True)
async def get_document(request: Request) -> Response:
    """This document.

    OpenAPI 3.1, without a key.
    """
    plain, packed, tag = await asyncio.to_thread(_serialized)  # the first time it takes a moment
    headers = {"etag": tag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if is_current(request, tag):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(plain, headers=headers, media_type="application/json")
    return Response(packed, headers={**headers, "content-encoding": "gzip"}, media_type="application/json")
