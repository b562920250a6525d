"""Who may be sent to now: the bookkeeping of delivery slots, so that no destination can delay another.

Three limits: all together, per destination, and one for destinations that did not answer. Such a suspect gets one
slot until it succeeds, and all suspects together at most a quarter of the slots, so that however many hosts are dead,
three quarters stay with the living. A destination that nothing is known of has one slot too until it answers, so it
takes as many dead ones as there are slots, not a fourth of them, to fill them all before the first is found out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

MAX_KNOWN = 10_000  # suspects remembered, and others that answered; the oldest is forgotten and starts afresh


class Slots(Generic[K]):
    """Counts only. A key is whatever limits go by: (scheme, host, port), or with the organization before it."""

    def __init__(self, concurrency: int = 256, per_destination: int = 4) -> None:
        self.concurrency = concurrency
        self.per_destination = per_destination
        self.suspect_limit = max(1, concurrency // 4)
        self._busy: Counter[K] = Counter()
        self._suspects: dict[K, None] = {}  # a set in order of arrival
        self._answered: dict[K, None] = {}  # another
        self._total = 0
        self._suspects_total = 0  # slots taken by suspects, of those in _total

    @property
    def free(self) -> int:
        """Slots free over all destinations."""
        return self.concurrency - self._total

    @property
    def busy(self) -> int:
        """Slots taken over all destinations."""
        return self._total

    def is_well(self, key: K) -> bool:
        """True when `key` has answered, and nothing has gone wrong with it since."""
        return key in self._answered and key not in self._suspects

    def free_for(self, key: K) -> int:
        """How many deliveries to `key` could start now, were it alone."""
        own = (self.per_destination if self.is_well(key) else 1) - self._busy[key]
        shared = self.free
        if key in self._suspects:
            shared = min(shared, self.suspect_limit - self._suspects_total)
        return max(0, min(own, shared))

    def share(self, waiting: Mapping[K, int]) -> dict[K, int]:
        """How many of the `waiting` deliveries to start now, by destination; those with none are left out.

        Slots go one at a time to whoever holds fewest, then to whoever comes first in `waiting` (give the one waiting
        longest first). All limits hold for the whole answer together; nothing is taken yet.
        """
        granted: Counter[K] = Counter()
        room = {key: min(count, self.free_for(key)) for key, count in waiting.items()}
        left, suspects_left = self.free, self.suspect_limit - self._suspects_total
        for level in range(self.per_destination):
            for key in waiting:
                suspect = key in self._suspects
                if granted[key] >= room[key] or self._busy[key] + granted[key] > level:
                    continue
                if left <= 0:
                    return dict(+granted)
                if suspect and suspects_left <= 0:
                    continue
                granted[key] += 1
                left -= 1
                suspects_left -= suspect
        return dict(+granted)

    def take(self, key: K) -> None:
        """A delivery to `key` starts."""
        self._busy[key] += 1
        self._total += 1
        self._suspects_total += key in self._suspects

    def give_back(self, key: K, *, ok: bool, unreachable: bool) -> None:
        """A delivery to `key` ended: `ok` ends a suspicion, `unreachable` begins one, neither is an answer at least."""
        if self._busy[key] <= 0:
            raise ValueError(f"no slot of {key!r} was taken")
        self._suspects_total -= key in self._suspects
        self._total -= 1
        self._busy[key] -= 1
        if not unreachable and key not in self._answered:
            self._answered[key] = None
            if len(self._answered) > MAX_KNOWN:
                del self._answered[next(iter(self._answered))]
        if ok:
            self._trust(key)
        elif unreachable:
            self._suspect(key)
        if not self._busy[key]:
            del self._busy[key]

    def _trust(self, key: K) -> None:
        if key in self._suspects:
            del self._suspects[key]
            self._suspects_total -= self._busy[key]

    def _suspect(self, key: K) -> None:
        if key in self._suspects:
            return
        self._suspects[key] = None
        self._suspects_total += self._busy[key]
        if len(self._suspects) > MAX_KNOWN:
            self._trust(next(iter(self._suspects)))
