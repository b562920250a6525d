"""Reads of the command line behind the interface of the service's reads."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from rundun.store.sqlite.transaction import Tx

P = ParamSpec("P")
T = TypeVar("T")


class DirectReads:
    """The interface of the service's `Reads`, on one transaction of this process and without a queue."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of `function(…)`."""
        return function(*args, **kwargs)

    async def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of `function(tx, …)`."""
        return function(self._tx, *args, **kwargs)

    async def read_heavy(
        self, weight: int, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the result of `function(tx, …)`; `weight` does not matter here."""
        return function(self._tx, *args, **kwargs)
