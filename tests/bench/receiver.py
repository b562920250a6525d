"""`python -m tests.bench.receiver PORT FILE`: answers every webhook with 204 and, when it is told to stop, writes to
FILE when each one's first byte had arrived, on the clock that all processes of a machine share.
"""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection; a sender that waits for each answer, as Rundun does, never sends two requests at once. A GET
    only asks whether somebody listens.
    """

    def __init__(self, arrived: list[tuple[float, bytes]]) -> None:
        self._arrived = arrived
        self._buffer = b""
        self._since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Somebody has something to tell."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Note the time of the first byte; answer once the body is whole."""
        if not self._buffer:
            self._since = time.monotonic()
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head):
            if head.startswith(b"POST"):
                self._arrived.append((self._since, body))
            self._buffer = b""
            self._transport.write(ANSWER)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def main(port: int, file: Path) -> None:
    """Listen until SIGTERM."""
    arrived: list[tuple[float, bytes]] = []
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: Receiver(arrived), "127.0.0.1", port)
    await stop.wait()
    server.close()
    file.write_text(json.dumps([[at, json.loads(body)] for at, body in arrived]))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2])))
