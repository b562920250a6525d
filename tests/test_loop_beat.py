"""The beat of the event loop: how late it comes, and where the loop is held meanwhile."""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rundun import counters
from rundun.loop_beat import LATE_SECONDS, beating, place_of
from rundun.wording.job_tables.csv_cells import csv_lines
from tests.helpers.patience import PATIENCE


class Told(logging.Handler):
    """Knows when the first line is written."""

    def __init__(self) -> None:
        super().__init__()
        self.is_told = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
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


async def test_where_the_loop_is_held_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    before, told = late(), Told()
    logging.getLogger("rundun").addHandler(told)
    try:
        with caplog.at_level(logging.WARNING), beating():
            csv_lines(told.rows())
            async with asyncio.timeout(PATIENCE):
                while late() == before:
                    await asyncio.sleep(0)  # one turn of the loop
    finally:
        logging.getLogger("rundun").removeHandler(told)
    (line,) = caplog.records
    assert line.message == "loop.held"
    fields = vars(line)["fields"]
    assert re.fullmatch(r"(\S+ < )?rundun\.wording\.job_tables\.csv_cells\.\S+:\d+", fields["at"])
    assert fields["seconds"] >= LATE_SECONDS
    assert late() == before + 1
    assert "loop-beat" not in [one.name for one in threading.enumerate()]


def test_a_place_outside_of_our_code_stands_alone() -> None:
    with ThreadPoolExecutor(1) as other:
        assert re.fullmatch(r"threading\.wait:\d+", other.submit(place_of, threading.get_ident()).result())
        assert other.submit(place_of, 1).result() == "?"
