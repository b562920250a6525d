"""Both sample checklists from start to finish, the service away in the middle of them."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browser.pictures import jpeg
from tests.engines.drivers import ENGINES
from tests.engines.executor import Executor
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import serving

pytestmark = [pytest.mark.engines]


@pytest.fixture
def driver(engine: str) -> Iterator[WebDriver]:
    """A browser with nothing in it."""
    with ENGINES[engine]() as one:
        yield one


@pytest.fixture
def acme() -> Iterator[httpx2.Client]:
    """Who dispatches, once it is said where the service is."""
    with httpx2.Client(timeout=PATIENCE) as client:
        yield client


@pytest.mark.parametrize(
    ("engine", "name"), [("firefox", "Vehicle hand-over"), ("webkit", "Short-term rental turnover")]
)
def test_a_sample_is_done_with_the_service_away_in_the_middle(
    driver: WebDriver, acme: httpx2.Client, name: str, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(jpeg())
    ed = Executor(driver, picture)
    with serving(tmp_path) as service:
        key = service.wait_for(r"(rdk_live_\w+)")[1]
        acme.base_url, acme.headers["authorization"] = httpx2.URL(service.url), f"Bearer {key}"
        template = next(one for one in acme.get("/v1/templates").json()["data"] if one["name"] == name)
        run = acme.post("/v1/runs", json={"template_id": template["id"]}).raise_for_status().json()
        ed.start(run["link"])
        ed.until_kept(run["run_id"])
        ed.answer(3)
        service.terminate()
        service.ended()
    ed.answer(4)
    ed.reload()
    ed.answer()
    ed.finish()
    with serving(tmp_path, "--port", service.url.rsplit(":", 1)[1]) as again:
        assert again.url == service.url
        driver.execute_script("dispatchEvent(new Event('online'))")
        ed.until(lambda: acme.get(f"/v1/runs/{run['run_id']}").json()["status"] == "completed")
        record = acme.get(f"/v1/runs/{run['run_id']}").json()
    progress = record["progress"]
    assert progress["total"] == progress["answered"] > 7
    photos = [photo for answer in record["answers"].values() for photo in answer["photos"]]
    assert len(photos) >= 2
    assert len({photo["photo_id"] for photo in photos}) == len(photos)
