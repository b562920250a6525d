"""Whatever fails in Firefox and WebKitGTK, and whenever: no page is dead, and nothing kept or called safe is lost.

Photos are of all sizes, profiles lie on disk, and on each third run Olga photographs on a phone of her own. The server
may also be put back to older copies of its data.
"""

import asyncio
import secrets
from pathlib import Path

import pytest

from tests.engines.cut_run import STEPS, EngineCutRun
from tests.engines.drivers import KEEPING
from tests.helpers.network.faulty_network import depot


async def everything_fails(engine: str, tmp_path: Path, seed: int, *, is_put_back: bool = False) -> None:
    async with depot(tmp_path) as acme:
        run = EngineCutRun(engine, tmp_path, acme, asyncio.get_running_loop(), seed, is_put_back=is_put_back)
        try:
            await asyncio.to_thread(run.goes, await acme.dispatched(*STEPS))
            assert list(run.wrong()) == []
        finally:
            print(f"seed {seed}", *run.steps, sep="\n")


@pytest.mark.engines
async def test_nothing_is_lost_whatever_fails(tmp_path: Path) -> None:
    await everything_fails("firefox", tmp_path, 1)


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(50))
@pytest.mark.parametrize("engine", list(KEEPING))
async def test_nothing_is_lost_at_length(engine: str, tmp_path: Path, round_: int) -> None:
    await everything_fails(engine, tmp_path, secrets.randbits(32))


@pytest.mark.engines
async def test_nothing_is_lost_where_the_server_is_put_back(tmp_path: Path) -> None:
    await everything_fails("webkit", tmp_path, 3, is_put_back=True)  # with two phones


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(50))
@pytest.mark.parametrize("engine", list(KEEPING))
async def test_nothing_is_lost_where_the_server_is_put_back_at_length(engine: str, tmp_path: Path, round_: int) -> None:
    await everything_fails(engine, tmp_path, secrets.randbits(32), is_put_back=True)
