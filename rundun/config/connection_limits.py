"""Limits of a connection, which no setting changes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of a connection: seconds without progress in each phase, and bytes of a request's header and of answers.

    `header`: from its first byte (or from connecting) to its end. `body`: between two pieces of it, and for the unread
    rest of it once the answer is sent. `reading`: until the client takes more of the answer. `idle`: between requests.
    `stopping`: for requests under way at SIGTERM. `header_bytes` also bounds the names of chunks and the trailers of a
    chunked body. `unsent_bytes`: of all answers that one organization, or one address without one, has yet to take.
    """

    header: float = 10
    body: float = 30
    reading: float = 30
    idle: int = 130  # longer than proxies keep idle connections, so that none sends a request while it is being closed
    stopping: int = 8
    header_bytes: int = 64 * 1024
    unsent_bytes: int = 64 * 1024 * 1024
