"""`python -m tests.bench.bare_photos PORT FOLDER`: a bare Starlette that reads a photo, writes and fsyncs it to a file,
and makes the thumbnail that Rundun makes in as many threads, served exactly as Rundun is.
"""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from rundun.config import loader
from rundun.imaging import derivatives
from rundun.imaging.worker import PICTURE_THREADS
from rundun.server import bind, serve

threads = ThreadPoolExecutor(PICTURE_THREADS)


async def put(request: Request) -> JSONResponse:
    """PUT /{name}: 201 once the photo is on the disk."""
    data = await request.body()
    await asyncio.to_thread(_write, Path(sys.argv[2]) / request.path_params["name"], data)
    made = await asyncio.get_running_loop().run_in_executor(threads, _derive, data)
    return JSONResponse({"width": made.width, "height": made.height}, 201)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _derive(data: bytes) -> derivatives.Derivatives:
    return derivatives.derive(data, max_pixels=50_000_000)


if __name__ == "__main__":
    settings = loader.load(os.devnull, environment={})
    app = Starlette(routes=[Route("/{name}", put, methods=["PUT"])])
    serve(app, settings, bind("127.0.0.1", int(sys.argv[1])))
