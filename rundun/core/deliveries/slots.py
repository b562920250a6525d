"""Delivery slots: how many deliveries to each destination may start now, so that no destination can delay another.

There are limits for all slots, for a destination, and for suspects, which are destinations that did not answer. A
suspect gets one slot until a delivery succeeds, and all suspects together at most a quarter of the slots. A new
destination gets one slot until it answers; new ones and suspects together get at most three quarters. So a quarter
stays with destinations that have answered, however many are dead. Of the three quarters an organization gets at most
its `owner_limit`, so a new host of another organization does not wait for its dead hosts.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from rundun.core.fair_share import owner_limit

K = TypeVar("K", bound=Hashable)

# Suspects, and destinations that have answered, that are kept; the oldest is dropped and counts as new.
MAX_KNOWN = 10_000


class DeliverySlots(Generic[K]):
    """The taken delivery slots by destination, and the limits. `owner` returns the owner of a destination, for the
    dispatcher its organization; by default each destination is its own owner.
    """

    def __init__(
        self, concurrency: int = 256, per_destination: int = 4, owner: Callable[[K], Hashable] = lambda key: key
    ) -> None:
        self._owner = owner
        self._unproven_of: Counter[Hashable] = Counter()  # slots taken by suspects and new destinations, by owner
        self.concurrency = concurrency
        self.per_destination = per_destination
        self.suspect_limit = max(1, concurrency // 4)
        self.unproven_limit = max(1, concurrency - concurrency // 4)
        self._busy: Counter[K] = Counter()
        self._suspects: dict[K, None] = {}  # an ordered set, the oldest first
        self._answered: dict[K, None] = {}  # an ordered set as well
        self._total = 0
        self._suspects_total = 0  # slots taken by suspects; included in _total
        self._unproven_total = 0  # slots taken by suspects and new destinations

    @property
    def free(self) -> int:
        """Return the number of free slots."""
        return self.concurrency - self._total

    @property
    def busy(self) -> int:
        """Return the number of taken slots, over all destinations."""
        return self._total

    def is_proven(self, key: K) -> bool:
        """Tell whether a destination has answered and, if it once gave no answer, a delivery has succeeded since."""
        return key in self._answered and key not in self._suspects

    def free_for(self, key: K) -> int:
        """Return how many deliveries to a destination could start now if no other destination waited."""
        own = (self.per_destination if self.is_proven(key) else 1) - self._busy[key]
        shared = self.free
        limit = owner_limit(self.unproven_limit, self._unproven_total)
        if not self.is_proven(key) and self._unproven_of[self._owner(key)] >= limit:
            return 0
        if key in self._suspects:
            shared = min(shared, self.suspect_limit - self._suspects_total)
        return max(0, min(own, shared))

    def share(self, waiting: Mapping[K, int]) -> dict[K, int]:
        """Return the number of deliveries that may start now, by destination; those with none are left out. `waiting`
        has the numbers of waiting deliveries, the destination that has waited longest first.

        Slots go one at a time to the destination with the fewest, then to the first in `waiting`. The result as a whole
        keeps all limits; it takes no slot.
        """
        granted: Counter[K] = Counter()
        most = {key: min(count, self.free_for(key)) for key, count in waiting.items()}
        left, suspects_left = self.free, self.suspect_limit - self._suspects_total
        unproven_total, unproven_of = self._unproven_total, Counter(self._unproven_of)
        for level in range(self.per_destination):
            for key in waiting:
                if granted[key] >= most[key] or self._busy[key] + granted[key] > level:
                    continue
                if left <= 0:
                    return dict(+granted)
                owner, suspect, unproven = self._owner(key), key in self._suspects, not self.is_proven(key)
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
        """Take a slot for a delivery that starts; limits are not checked here."""
        self._count(key, -1)
        self._busy[key] += 1
        self._total += 1
        self._count(key, 1)

    def give_back(self, key: K, *, ok: bool, unreachable: bool) -> None:
        """Give back the slot of a delivery that ended. Without `unreachable` the destination has answered; `ok` ends
        its time as a suspect, `unreachable` begins it. Raises ValueError where no slot is taken.
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
        """Subtract a destination's slots from the sums (`sign` -1) before it changes, and add them (1) afterwards."""
        self._suspects_total += sign * self._busy[key] * (key in self._suspects)
        if unproven := sign * self._busy[key] * (not self.is_proven(key)):
            self._unproven_total += unproven
            owner = self._owner(key)
            self._unproven_of[owner] += unproven
            if not self._unproven_of[owner]:
                del self._unproven_of[owner]
