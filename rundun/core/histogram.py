"""Histograms in Prometheus' form: for each upper bound the number of values up to it, and the sum of all values."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


class Histogram:
    """Counts of values by upper bounds, which ascend. One thread observes, any thread may read."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Yield (upper bound, number of values up to it), with infinity as the last bound."""
        return zip(chain(self._bounds, [float("inf")]), accumulate(list(self._counts)), strict=True)
