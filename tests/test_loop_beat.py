"""The beat of the event loop: how late it comes, and where the loop is held meanwhile."""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rundun import counters
from rundun.loop_beat import LATE_SECONDS, beating, pause_after, place_of
from rundun.wording.job_tables.csv_cells import csv_lines
from tests.helpers.patience import PATIENCE


class Told(logging.Handler):
    """Knows when the first line on this test's loop is written; other services of the process may write theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.is_told = threading.Event()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = vars(record).get("fields", {})
        if record.getMessage() == "loop.held" and "csv_cells" in fields["at"]:
            self.lines.append(fields)
            self.is_told.set()

    def rows(self) -> Iterator[list[str]]:
        """As many as it takes."""
        until = time.monotonic() + PATIENCE
        while not self.is_told.is_set() and time.monotonic() < until:
            yield ["secret"]


def late() -> int:
    """How many beats came later than a line needs."""
    upto = dict(counters.loop_lateness.buckets())
    return upto[float("inf")] - upto[LATE_SECONDS]


def count_threads() -> int:
    return sum(one.name == "loop-beat" for one in threading.enumerate())


async def hold(told: Told) -> None:
    """Hold a loop until that is told, and let it beat once more."""
    with beating():
        before = late()
        csv_lines(told.rows())
        async with asyncio.timeout(PATIENCE):
            while late() == before:
                await asyncio.sleep(0)  # one turn of the loop


def test_where_the_loop_is_held_is_told_once() -> None:
    told, threads = Told(), count_threads()
    logger = logging.getLogger("rundun")
    logger.addHandler(told)
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, hold(told)).result()
    finally:
        logger.removeHandler(told)
    (fields,) = told.lines
    assert re.fullmatch(r"(\S+ < )?rundun\.wording\.job_tables\.csv_cells\.\S+:\d+", fields["at"])
    assert fields["seconds"] >= LATE_SECONDS
    assert count_threads() == threads


def test_a_place_outside_of_our_code_stands_alone() -> None:
    with ThreadPoolExecutor(1) as other:
        assert re.fullmatch(r"threading\.wait:\d+", other.submit(place_of, threading.get_ident()).result())
        assert other.submit(place_of, 1).result() == "?"


def test_the_loop_beats_faster_while_it_is_late() -> None:
    assert pause_after(0.3) == pause_after(0.005) == 0.005
    assert pause_after(0.0049) == pause_after(0) == 0.02
