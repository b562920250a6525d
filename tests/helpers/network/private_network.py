"""A private network with one host, which is really on this machine: what is dialled there ends at a receiver here."""

from typing import Any

import httpcore2
import pytest

PRIVATE = "10.9.8.7"


def route_private_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead what is dialled at `PRIVATE` to 127.0.0.1, as a router would; whoever dials does not see that."""
    dial = httpcore2.AnyIOBackend.connect_tcp

    async def connect_tcp(self: Any, host: str, *args: Any, **kwargs: Any) -> Any:
        return await dial(self, "127.0.0.1" if host == PRIVATE else host, *args, **kwargs)

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", connect_tcp)
