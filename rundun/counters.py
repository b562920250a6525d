"""Counters of this process since its start, for `/metrics`. Only the event loop's thread changes them."""

import time
from collections import Counter

from rundun.core.histogram import SECONDS, Histogram

STARTED = time.time()  # seconds since 1970 UTC
requests: Counter[str] = Counter()  # answered requests by the class of their status, such as `2xx`
attempts: Counter[str] = Counter()  # of deliveries by their result: `delivered`, `retry` or `failed`

polls: Counter[str] = Counter()  # long polls that wait for an event right now
loop_lateness = Histogram(SECONDS)  # of the event loop's beats (`loop_beat.py`)


# Of backups on schedule: when the last good one was made, in milliseconds, and whether one is missed. Empty without
# any.
backup: dict[str, int] = {}


def count_request(status: int) -> None:
    """Count a request by the status of its answer, 0 if there was none."""
    requests[f"{status // 100}xx" if status else "none"] += 1


def count_attempt(delivery: str) -> None:
    """Count an attempt by the status of its delivery afterwards."""
    attempts["retry" if delivery == "pending" else delivery] += 1
