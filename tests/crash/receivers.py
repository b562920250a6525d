"""Receivers of every temper, which live longer than the service, and the log of all that reached them."""

import base64
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.helpers.service import Received, Receiver, answering

OK = answering("204 No Content")
SILENCE = b""  # takes the request and never answers
SECRETS = (None, "a secret of sixteen", "whsec_" + base64.b64encode(bytes(range(32))).decode())


@dataclass
class Arrived:
    """A request that reached a receiver, and the status that was answered; None = nothing, or no HTTP."""

    url: str
    life: int
    status: int | None
    received: Received
    json: Any

    @property
    def attempt(self) -> tuple[str, int]:
        """The event, and which attempt of it this is."""
        return self.json["event_id"], self.json["delivery_attempt"]


def _flapping(rng: Random, received: Received) -> bytes:
    choices = [OK(received), OK(received), answering("503 Unavailable", "Retry-After: 0")(received), SILENCE]
    return rng.choice([*choices, b"This is no HTTP.\r\n\r\n", answering("302 Found", "Location: /")(received)])


TEMPERS: dict[str, Callable[[Random, Received], bytes]] = {
    "healthy": lambda rng, received: OK(received),
    "failing": lambda rng, received: answering("500 Oops")(received),
    "gone": lambda rng, received: answering("410 Gone")(received),
    "silent": lambda rng, received: SILENCE,
    "flapping": _flapping,
    "refusing": lambda rng, received: OK(received),  # nobody listens until all is well
}


@dataclass(eq=False, repr=False)
class Receivers:
    """One receiver of each temper; `heal` makes some of them healthy for good."""

    rng: Random
    life: int = 0
    arrived: list[Arrived] = field(default_factory=list)
    audited: int = 0  # of those that arrived
    urls: dict[str, str] = field(default_factory=dict)
    well: set[str] = field(default_factory=set)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _refusing: socket.socket = field(default_factory=socket.socket)

    def url(self, temper: str, path: str) -> str:
        """The address of a run at a receiver."""
        return f"{self.urls[temper]}/{path}"

    def _take(self, temper: str, origin: str, received: Received) -> bytes:
        answer = OK(received) if temper in self.well else TEMPERS[temper](self.rng, received)
        first = answer.partition(b"\r\n")[0].split()
        status = int(first[1]) if answer.startswith(b"HTTP/1.1") else None
        self.arrived.append(Arrived(origin + received.path, self.life, status, received, received.json))
        return answer

    async def _listen(self, temper: str, at: socket.socket | None = None) -> None:
        receiver = Receiver()
        await self._stack.enter_async_context(receiver.listening(at))
        origin = receiver.url.removesuffix("/hook")
        receiver.answer = lambda received: self._take(temper, origin, received)
        self.urls[temper] = origin

    async def heal(self, *tempers: str) -> None:
        """Answer all requests with 204 from now on; without names, at every receiver."""
        self.well.update(tempers or TEMPERS)
        if "refusing" in self.well and self._refusing.fileno() >= 0:
            taken, self._refusing = self._refusing, socket.socket()
            self._refusing.close()
            taken.setblocking(False)
            await self._listen("refusing", taken)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Receivers"]:
        """Listen while the context lasts. The refusing one has a port, where nobody listens yet."""
        self._refusing.bind(("127.0.0.1", 0))
        self._stack.callback(lambda: self._refusing.close())  # whichever it is then
        async with self._stack:
            for temper in TEMPERS:
                if temper == "refusing":
                    self.urls[temper] = "http://{}:{}".format(*self._refusing.getsockname())
                else:
                    await self._listen(temper)
            yield self
