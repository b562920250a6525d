"""Delivery slots: which destinations may be sent to now, so that none can delay another.

Three limits: all together, per destination, and one for destinations that did not answer. Such a suspect gets one
slot until it succeeds, and all suspects together at most a quarter of the slots. A destination that nothing is known
of has one slot too until it answers, and all of these, with the suspects, at most three quarters: however many hosts
are dead, or new and dead, a quarter stays with those that are known to answer. Of the three quarters an organization
has at most its `owner_limit`: however many dead hosts it has, a new host of another organization does not wait.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from rundun.core.fair_share import owner_limit

K = TypeVar("K", bound=Hashable)

# Suspects remembered, and others that answered; the oldest is dropped and starts afresh.
MAX_KNOWN = 10_000


class DeliverySlots(Generic[K]):
    """The counts of delivery slots. A key is what limits go by: (scheme, host, port), or the organization before it,
    which `owner` returns; without it each key is its own owner.
    """

    def __init__(
        self, concurrency: int = 256, per_destination: int = 4, owner: Callable[[K], Hashable] = lambda key: key
    ) -> None:
        self._owner = owner
        self._unproven_of: Counter[Hashable] = Counter()  # slots taken by those that are not well, by owner
        self.concurrency = concurrency
        self.per_destination = per_destination
        self.suspect_limit = max(1, concurrency // 4)
        self.unproven_limit = max(1, concurrency - concurrency // 4)
        self._busy: Counter[K] = Counter()
        self._suspects: dict[K, None] = {}  # a set in order of arrival
        self._answered: dict[K, None] = {}  # another
        self._total = 0
        self._suspects_total = 0  # slots taken by suspects, of those in _total
        self._unproven_total = 0  # slots taken by all that are not well, suspects included

    @property
    def free(self) -> int:
        """Return how many slots are free over all destinations."""
        return self.concurrency - self._total

    @property
    def busy(self) -> int:
        """Return how many slots are taken over all destinations."""
        return self._total

    def is_proven(self, key: K) -> bool:
        """Tell whether a destination has answered, and has not become a suspect since."""
        return key in self._answered and key not in self._suspects

    def free_for(self, key: K) -> int:
        """Return how many deliveries to a destination could start now, were it alone."""
        own = (self.per_destination if self.is_proven(key) else 1) - self._busy[key]
        shared = self.free
        limit = owner_limit(self.unproven_limit, self._unproven_total)
        if not self.is_proven(key) and self._unproven_of[self._owner(key)] >= limit:
            return 0
        if key in self._suspects:
            shared = min(shared, self.suspect_limit - self._suspects_total)
        return max(0, min(own, shared))

    def share(self, waiting: Mapping[K, int]) -> dict[K, int]:
        """Decide how many of the waiting deliveries start now, by destination; those with none are left out.

        Slots go one at a time to whoever holds fewest, then to whoever comes first in `waiting` (give the one waiting
        longest first). All limits hold for the whole answer together; nothing is taken yet.
        """
        granted: Counter[K] = Counter()
        room = {key: min(count, self.free_for(key)) for key, count in waiting.items()}
        left, suspects_left = self.free, self.suspect_limit - self._suspects_total
        unproven_total, unproven_of = self._unproven_total, Counter(self._unproven_of)
        for level in range(self.per_destination):
            for key in waiting:
                owner, suspect, unproven = self._owner(key), key in self._suspects, not self.is_proven(key)
                if granted[key] >= room[key] or self._busy[key] + granted[key] > level:
                    continue
                if left <= 0:
                    return dict(+granted)
                if suspect and suspects_left <= 0:
                    continue
                if unproven and unproven_of[owner] >= owner_limit(self.unproven_limit, unproven_total):
                    continue
                granted[key] += 1
                left -= 1
                suspects_left -= suspect
                unproven_total += unproven
                unproven_of[owner] += unproven
        return dict(+granted)

    def take(self, key: K) -> None:
        """Take a slot for a delivery that starts."""
        self._count(key, -1)
        self._busy[key] += 1
        self._total += 1
        self._count(key, 1)

    def give_back(self, key: K, *, ok: bool, unreachable: bool) -> None:
        """Give back the slot of a delivery that ended: `ok` ends a suspicion, `unreachable` begins one, neither is an
        answer at least.
        """
        if self._busy[key] <= 0:
            raise ValueError(f"no slot of {key!r} was taken")
        self._count(key, -1)
        self._busy[key] -= 1
        self._total -= 1
        if not unreachable:
            self._answered.setdefault(key)
        if ok:
            self._suspects.pop(key, None)
        elif unreachable:
            self._suspects.setdefault(key)
        self._count(key, 1)
        for known in (self._answered, self._suspects):
            if len(known) > MAX_KNOWN:
                self._drop_oldest(known)
        if not self._busy[key]:
            del self._busy[key]

    def _drop_oldest(self, known: dict[K, None]) -> None:
        oldest = next(iter(known))
        self._count(oldest, -1)
        del known[oldest]
        self._count(oldest, 1)

    def _count(self, key: K, sign: int) -> None:
        """Take a destination's slots out of the sums (-1) before anything about it changes, and back in (1) after."""
        self._suspects_total += sign * self._busy[key] * (key in self._suspects)
        if unproven := sign * self._busy[key] * (not self.is_proven(key)):
            self._unproven_total += unproven
            owner = self._owner(key)
            self._unproven_of[owner] += unproven
            if not self._unproven_of[owner]:
                del self._unproven_of[owner]
