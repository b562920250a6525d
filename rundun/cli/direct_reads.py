"""Reads of the command line, for functions that read as a running service does."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from rundun.store.sqlite.transaction import Tx

P = ParamSpec("P")
T = TypeVar("T")


class DirectReads:
    """Reads of this process, with the signature of a running service's: nobody waits for them."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function`."""
        return function(*args, **kwargs)

    async def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(tx, …)`."""
        return function(self._tx, *args, **kwargs)

    async def read_heavy(
        self, weight: int, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `function(tx, …)`."""
        return function(self._tx, *args, **kwargs)
