"""`python -m tests.bench.targets PORT WELLS HOLES`: so many receivers that answer at once, and so many black holes that
take a connection and never answer, each on a port of its own; what PORT tells about them is JSON.

A well answers 204, but 503 to the first attempt at what is posted to /later. GET / on PORT lists the ports, GET
/arrived what was answered with 204 and when its first byte came, on the clock that all processes of a machine share.
"""

import asyncio
import json
import re
import signal
import sys
import time
from typing import Any

import uvloop

GOOD = b"HTTP/1.1 204 No Content\r\n\r\n"
LATER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
_EVENT = re.compile(rb'"run_id":"([^"]+)".*?"seq":(\d+)')
Arrived = list[tuple[float, str, int]]  # when, of which run, and its `seq`


class Well(asyncio.Protocol):
    """One connection of a sender that waits for each answer before it sends again."""

    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived
        self._buffer = b""
        self._since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Somebody has something to tell."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the body is whole."""
        if not self._buffer:
            self._since = time.monotonic()
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < int(re.search(rb"(?i)content-length: *(\d+)", head)[1]):  # type: ignore[index]
            return
        self._buffer = b""
        if b" /later " in head and b'"delivery_attempt":1,' in body:
            self._transport.write(LATER)
            return
        self._transport.write(GOOD)
        run_id, seq = _EVENT.search(body).groups()  # type: ignore[union-attr]
        self._arrived.append((self._since, run_id.decode(), int(seq)))


class Desk(asyncio.Protocol):
    """Where the bench asks."""

    def __init__(self, ports: dict[str, list[int]], arrived: Arrived) -> None:
        self._ports = ports
        self._arrived = arrived

    def connection_made(self, transport: Any) -> None:
        """The bench."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A GET, which comes in one piece."""
        told = json.dumps(self._arrived if data.startswith(b"GET /arrived ") else self._ports).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\nConnection: close\r\n\r\n"
        self._transport.write(head.encode() + told)
        self._transport.close()


async def main(port: int, wells: int, holes: int) -> None:
    """Listen until SIGTERM."""
    arrived: Arrived = []
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    made = [await loop.create_server(lambda: Well(arrived), "127.0.0.1", 0) for _ in range(wells)]
    silent = [await loop.create_server(asyncio.Protocol, "127.0.0.1", 0) for _ in range(holes)]
    ports = {
        "wells": [one.sockets[0].getsockname()[1] for one in made],
        "holes": [one.sockets[0].getsockname()[1] for one in silent],
    }
    desk = await loop.create_server(lambda: Desk(ports, arrived), "127.0.0.1", port)
    await stop.wait()
    for server in (desk, *made, *silent):
        server.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
