"""A page whose network fails while it loads, in engines that never ask again for an import that failed."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.engines.drivers import KEEPING
from tests.engines.executor import Executor
from tests.helpers.network.failing_load import FAULTS, FailingLoad, line_to
from tests.helpers.network.faulty_network import Depot, depot

STEPS = [
    {"id": "s-ok", "type": "boolean", "label": "All fine?"},
    {"id": "s-why", "type": "text", "label": "Why not?"},
    {"id": "s-pic", "type": "photo", "label": "The hall"},
]
TARGETS = ("run.css", "main.js", "dom.js", "http.js", "db.js", "rules.js")
# Each page holds a lock from its script's first line on.
PAGES = """return navigator.locks.query().then(
  (all) => all.held.filter((one) => one.name.startsWith("rundun page")).length)"""
STYLES_ARE_WHOLE = """return [...document.styleSheets].every(
  (one) => [...one.cssRules].at(-1)?.selectorText === "end")"""


def opens(ed: Executor, link: str, load: FailingLoad, loop: asyncio.AbstractEventLoop) -> float:
    """Follow the link while the network fails, until the page says so; then the network is back. Returns the seconds
    from then on until the list stands.
    """
    ed.driver.get(link)
    ed.until(lambda: ed.find("#guard-slow"))
    loop.call_soon_threadsafe(load.network_returns)
    ed.tap(".start form .button")
    ed.until(lambda: ed.find(".list"))
    seconds = time.monotonic() - load.back_at
    assert load.failed
    assert ed.driver.execute_script(PAGES) == 1, "the script ran twice"
    assert ed.driver.execute_script(STYLES_ARE_WHOLE)
    assert not ed.find("[id^=guard-]")
    return seconds


async def heals(ed: Executor, acme: Depot, fault: str, target: str) -> None:
    run_id = await acme.dispatched(*STEPS)
    async with line_to(acme.line.upstream) as line:
        load = FailingLoad(line, fault, target)
        load.begin()
        link = f"http://127.0.0.1:{line.port}/r/{run_id}"
        seconds = await asyncio.to_thread(opens, ed, link, load, asyncio.get_running_loop())
        print(f"{fault:8} {target:9} {seconds:.1f} s")


async def heal(engine: str, folder: Path, *failures: tuple[str, str]) -> None:
    async with depot(folder) as acme:
        with KEEPING[engine](folder / "profile", waits=False) as driver:
            for fault, target in failures:
                await heals(Executor(driver, folder / "none.jpg"), acme, fault, target)


@pytest.mark.engines
@pytest.mark.parametrize("engine", list(KEEPING))
async def test_a_first_load_heals_whatever_fails(engine: str, tmp_path: Path) -> None:
    await heal(engine, tmp_path, *zip(FAULTS, ("main.js", "rules.js", "run.css", "dom.js", "http.js"), strict=True))


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("engine", list(KEEPING))
async def test_a_first_load_heals_wherever_it_fails(engine: str, tmp_path: Path, fault: str) -> None:
    await heal(engine, tmp_path, *((fault, target) for target in TARGETS))
