"""Ed, who does a checklist in any browser that speaks WebDriver."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium.common.exceptions import NoSuchWindowException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.helpers.patience import PATIENCE

OPEN_STEP = """return [...document.querySelectorAll(".list .step:not([done])")].find(
  (step) => step.checkVisibility?.() ?? step.offsetParent !== null) ?? null"""
IS_KEPT = """return (async (run) => (await caches.has(`rundun ${run}`)) && navigator.serviceWorker.controller !== null
  && (await (await caches.open(`rundun ${run}`)).match(`/r/${run}`)) !== undefined)(arguments[0])"""


# Where a page still scrolls, a tap would land beside what is meant.
RESTS = """const [element, done] = arguments; let last = "";
(function look() {
  const { x, y } = element.getBoundingClientRect();
  if (last === `${x} ${y}`) return done();
  last = `${x} ${y}`;
  setTimeout(look, 50);
})();"""


class Executor:
    """Does what is asked, step by step: the same on every page, so that a story says only what is special."""

    def __init__(self, driver: WebDriver, picture: Path) -> None:
        self.driver = driver
        self.picture = picture

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until something is true of the page; returns it. The page may load itself anew meanwhile, for which
        WebKit's driver says that there is no window.
        """
        anew = [StaleElementReferenceException, NoSuchWindowException]
        wait = WebDriverWait(self.driver, PATIENCE, ignored_exceptions=anew)
        return wait.until(lambda _: condition())

    def until_there(self, css: str, seconds: float) -> None:
        """Wait until something that matches is shown, that long at most; raises a WebDriverException."""
        WebDriverWait(self.driver, seconds).until(lambda _: self.find(css))

    def find(self, css: str, within: WebElement | None = None) -> list[WebElement]:
        """All that is shown and matches."""
        return [one for one in (within or self.driver).find_elements(By.CSS_SELECTOR, css) if one.is_displayed()]

    def tap(self, css: str, within: WebElement | None = None, number: int = 0) -> None:
        """Tap one of what matches, once it is there."""
        self._tap(self.until(lambda: self.find(css, within))[number])

    def tap_button(self, words: str) -> None:
        """Tap the button that says so, once it is there."""
        self._tap(self.until(lambda: [one for one in self.find("button") if words in one.text])[0])

    def _tap(self, element: WebElement) -> None:
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        self.until(element.is_enabled)
        self.driver.execute_async_script(RESTS, element)
        element.click()

    def start(self, link: str) -> None:
        """Follow the link, say who one is where that is asked, and tap Start."""
        self.driver.get(link)
        for field in self.find("#identity"):
            field.send_keys("Ed")
        self.tap(".start form .button")
        self.until(lambda: self.find(".list"))

    def reload(self) -> None:
        """Load the page again as a person does; WebDriver's own way goes past Firefox's service worker."""
        self.driver.execute_script("window.isOld = true; location.reload()")
        self.until(lambda: self.driver.execute_script("return !window.isOld") and self.find(".list"))

    def until_kept(self, run_id: str) -> None:
        """Wait until this browser could show the page again without network."""
        self.until(lambda: self.driver.execute_script(IS_KEPT, run_id))

    def answer(self, most: int = 100) -> int:
        """Answer what is open, `most` steps at most; returns how many there were."""
        for count in range(most):
            step = self.driver.execute_script(OPEN_STEP)
            if step is None:
                return count
            self._answer(step)
        return most

    def _answer(self, step: WebElement) -> None:
        step_id, kind = step.get_attribute("id"), step.tag_name.lower().removeprefix("step-")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", step)
        getattr(self, f"_{kind}")(step)
        for field in step.find_elements(By.CSS_SELECTOR, "photo-field"):
            self._photographs(field)
        for slot in step.find_elements(By.CSS_SELECTOR, "photo-slots .slot"):
            self._choose(slot)
        self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, f"[id='{step_id}'][done]"))

    def _boolean(self, step: WebElement) -> None:
        self.tap(".pick", step)

    _choice = _multi_choice = _boolean

    def _rating(self, step: WebElement) -> None:
        self.tap(".grade", step, -1)

    def _text(self, step: WebElement) -> None:
        self._type(step, "ABC 123")

    def _barcode(self, step: WebElement) -> None:
        self._type(step, "4006381333931")

    def _number(self, step: WebElement) -> None:
        self._type(step, "7")

    def _type(self, step: WebElement, text: str) -> None:
        field = self.find(".control input:not([type=file]), .control textarea", step)[0]
        field.send_keys(text)
        self.driver.execute_script("arguments[0].blur()", field)

    def _datetime(self, step: WebElement) -> None:
        self.tap(".control button", step)

    def _instruction(self, step: WebElement) -> None:
        self.tap(".control button", step)

    def _signature(self, step: WebElement) -> None:
        self.tap(".control button", step)
        pad = self.until(lambda: self.find("dialog .pad"))[0]
        pen = ActionChains(self.driver, duration=20).move_to_element_with_offset(pad, -100, -20).click_and_hold()
        for index in range(8):
            pen = pen.move_by_offset(20, 30 if index % 2 else -30)
        pen.release().perform()
        self.tap_button("Use")
        self.until(lambda: not self.find("dialog"))

    def _photo(self, step: WebElement) -> None:
        """Leave it to the field for photos, which every type of step may have."""

    def _photographs(self, field: WebElement) -> None:
        """Choose pictures until there are as many as are needed."""
        step = field.find_element(By.XPATH, "ancestor::*[contains(@class, 'step')]")
        while step.get_dom_attribute("done") is None:
            self._choose(field)
            self.driver.execute_async_script("setTimeout(arguments[0], 50)")  # until the answer follows its picture

    def _choose(self, place: WebElement) -> None:
        """Choose one more picture from the gallery, and wait until it is made small."""
        count = len(place.find_elements(By.CSS_SELECTOR, ".tile"))
        place.find_elements(By.CSS_SELECTOR, "input[type=file]")[-1].send_keys(str(self.picture))
        self.until(lambda: len(place.find_elements(By.CSS_SELECTOR, ".tile")) > count)
        self.until(lambda: not place.find_elements(By.CSS_SELECTOR, ".tile[state=preparing]"))

    def finish(self) -> None:
        """Go to the review and finish."""
        self.tap_button("Review")
        self.until(lambda: self.find(".review"))
        self.tap_button("Finish")
