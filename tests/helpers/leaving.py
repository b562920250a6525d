"""Clients that leave: requests as raw bytes, of which only a part is sent, or to which no answer is waited for."""

import asyncio
import json
import random
import socket
import struct
from dataclasses import dataclass
from typing import Any, Literal

from tests.helpers.patience import PATIENCE

Stage = Literal["head", "body", "sent", "answer", "whole"]
STAGES: tuple[Stage, ...] = ("head", "body", "sent", "answer", "whole")
STATUS_LINE = len(b"HTTP/1.1 201")
RESET = struct.pack("ii", 1, 0)


def request(method: str, path: str, body: bytes, **headers: str) -> bytes:
    """A request with a body, which wants the connection closed."""
    lines = [f"{method} {path} HTTP/1.1", "Host: rundun.test", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def json_request(method: str, path: str, content: Any, **headers: str) -> bytes:
    """A request with JSON."""
    return request(method, path, json.dumps(content).encode(), content_type="application/json", **headers)


@dataclass
class Outcome:
    """What became of a request from its client's side: whether all of it was sent, and the status that came, if any."""

    is_sent: bool
    status: int | None


async def leave(port: int, data: bytes, stage: Stage, chance: random.Random) -> Outcome:
    """Send a request and leave: within its head, within its body, once all is sent, or with the answer begun. `whole`
    stays to the end. How it leaves, in order or with a reset, and after which byte and moment, is by chance.
    """
    body = data.index(b"\r\n\r\n") + 4
    end = {"head": chance.randrange(1, body), "body": chance.randrange(body, len(data))}.get(stage, len(data))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(data[:end])
            await writer.drain()
            got = b""
            if stage in ("answer", "whole"):
                got = await reader.readexactly(STATUS_LINE)
            if stage == "whole":
                await reader.read()
            else:
                await asyncio.sleep(chance.choice([0, 0.02 * chance.random()]))  # so that it leaves at any moment
        return Outcome(end == len(data), int(got[9:12]) if got else None)
    finally:
        if chance.random() < 0.5:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
