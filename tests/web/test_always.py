"""What every answer has, and every page."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from rundun import paths
from tests.helpers.service import BOOLEAN, World, world

EVERYWHERE = ("/", "/r/r-none", "/v1/runs", "/v1/openapi.json", "/docs", "/console/sign-in", "/healthz", "/favicon.ico")


async def test_over_https_browsers_come_back_over_https_only(tmp_path: Path) -> None:
    async with world(tmp_path, server__public_url="https://check.example.com") as w:
        for path in (*EVERYWHERE, "/nowhere"):
            answer = await w.browser().get(path)
            assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"], path


@pytest.mark.parametrize("settings", [{}, {"server__public_url": "https://check.example.com", "server__hsts": "false"}])
async def test_else_nothing_is_said_of_that(tmp_path: Path, settings: dict[str, str]) -> None:
    async with world(tmp_path, **settings) as w:
        for path in EVERYWHERE:
            assert "strict-transport-security" not in (await w.browser().get(path)).headers, path


async def test_what_comes_by_http_is_not_told_it(tmp_path: Path) -> None:
    async with world(tmp_path, server__public_url="https://check.example.com") as w:
        for path in EVERYWHERE:
            answer = await w.browser().get(f"http://check.example.com{path}")
            assert "strict-transport-security" not in answer.headers, path


async def test_every_page_has_the_icon_without_a_request_for_it(shared: World) -> None:
    ed, drawing = await shared.dispatch(await shared.template(BOOLEAN)), (paths.static() / "icon.svg").read_text()
    places = ("/", "/docs", "/docs/errors", "/problems/invalid", "/console/sign-in", "/nowhere", f"/r/{ed.run_id}")
    for path in places:
        page = await shared.browser(accept="text/html").get(path)
        (icon,) = re.findall(r'<link rel="icon" href="data:image/svg\+xml,([^"]*)">', page.text)
        text = icon.replace("%3C", "<").replace("%3E", ">").replace("%23", "#")
        assert text == drawing.strip(), path


@pytest.mark.parametrize(("path", "kind"), [("/favicon.ico", "ICO"), ("/apple-touch-icon.png", "PNG")])
async def test_who_looks_for_the_icon_finds_it(shared: World, path: str, kind: str) -> None:
    answer = await shared.browser().get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=86400")
    assert answer.headers["content-type"] == {"ICO": "image/x-icon", "PNG": "image/png"}[kind]
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.format == kind
    middle = picture.convert("RGB").getpixel((picture.width // 5, picture.height // 2))
    assert max(abs(a - b) for a, b in zip(middle, (0x2B, 0x4F, 0xC7), strict=True)) < 12  # type: ignore[arg-type]
    if kind == "ICO":
        assert picture.info["sizes"] == {(16, 16), (32, 32), (48, 48)}
