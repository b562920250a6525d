"""Limits of a connection, which no setting changes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of a connection: how many seconds it may be busy without getting anywhere, and how much header it takes.

    `header`: from its first byte (or from connecting) until it is whole. `body`: between two pieces of it, and for
    what is left of it once the answer is out. `reading`: without taking any of the answer. `idle`: between requests.
    `stopping`: for requests under way at SIGTERM. `header_bytes` also bounds what may stand around the pieces of a
    chunked body: the names of chunks, and trailers.
    """

    header: float = 10
    body: float = 30
    reading: float = 30
    idle: int = 130  # longer than proxies keep theirs, so that none sends a request into a connection being closed
    stopping: int = 8
    header_bytes: int = 64 * 1024
