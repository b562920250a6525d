"""Whatever fails, and whenever: nothing that Ed gave is lost, nothing is there twice, and the run is completed.

The line, the server, the page and the browser fail at moments drawn from a seed, which a failure names with the steps
that led to it; the server may also be put back to older copies of its data. Photos are of all sizes, and on each third
run Olga takes some on a phone of her own.
"""

import secrets
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.cuts.audit import Audit
from tests.browser.cuts.run import CutRun
from tests.helpers.network.faulty_network import depot


async def everything_fails(tmp_path: Path, browser: Browser, seed: int, *, is_put_back: bool = False) -> None:
    async with depot(tmp_path) as acme:
        run = CutRun(tmp_path / "phone", browser, acme, seed, is_put_back=is_put_back)
        try:
            await run.goes()
            given = [*run.given.values(), *(run.olga.given if run.olga else ())]
            assert Audit(acme, run.run_id, given, run.kept).wrong == []
        finally:
            print(f"seed {seed}", *run.steps, sep="\n")


@pytest.mark.long
async def test_nothing_is_lost_or_doubled_whatever_fails(tmp_path: Path, browser: Browser) -> None:
    await everything_fails(tmp_path, browser, 1)


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(200))
async def test_nothing_is_lost_or_doubled_at_length(tmp_path: Path, browser: Browser, round_: int) -> None:
    await everything_fails(tmp_path, browser, secrets.randbits(32))


@pytest.mark.long
async def test_nothing_is_lost_or_doubled_where_the_server_is_put_back(tmp_path: Path, browser: Browser) -> None:
    await everything_fails(tmp_path, browser, 3, is_put_back=True)  # with two phones


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(200))
async def test_nothing_is_lost_or_doubled_where_the_server_is_put_back_at_length(
    tmp_path: Path, browser: Browser, round_: int
) -> None:
    await everything_fails(tmp_path, browser, secrets.randbits(32), is_put_back=True)
