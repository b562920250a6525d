"""`python -m tests.bench.echo PORT`: the yardstick, a bare Starlette that echoes JSON, served exactly as Rundun is."""

import os
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from rundun.config import loader
from rundun.server import bind, serve


async def echo(request: Request) -> JSONResponse:
    """POST /: the body again."""
    return JSONResponse(await request.json())


if __name__ == "__main__":
    settings = loader.load(os.devnull, environment={})
    serve(Starlette(routes=[Route("/", echo, methods=["POST"])]), settings, bind("127.0.0.1", int(sys.argv[1])))
