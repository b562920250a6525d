"""Counters of this process since it began, for `/metrics`. Counted in the event loop's thread only."""

import time
from collections import Counter

STARTED = time.time()  # seconds since 1970 UTC
requests: Counter[str] = Counter()  # answered, by the class of their status, such as `2xx`
attempts: Counter[str] = Counter()  # of deliveries, by what came of them: `delivered`, `retry` or `failed`

polls: Counter[str] = Counter()  # long polls that wait for an event right now


# Of backups on schedule, where there are any: when the last good one was made, in milliseconds, whether one is missed.
backup: dict[str, int] = {}


def count_request(status: int) -> None:
    """Count an answer by its status, 0 where there was none."""
    requests[f"{status // 100}xx" if status else "none"] += 1


def count_attempt(delivery: str) -> None:
    """Count an attempt by the status its delivery has afterwards."""
    attempts["retry" if delivery == "pending" else delivery] += 1
