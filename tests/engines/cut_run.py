"""A run that Ed does in any browser that speaks WebDriver, whose page, browser and line fail at random.

A small part of what tests/browser/cuts/run.py does to Chromium: what engines do differently is how they keep
things.
"""

import asyncio
import base64
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browser.cuts.audit import server_has
from tests.browser.cuts.deeds import Held, number_of, numbered
from tests.browser.cuts.run import cuts
from tests.engines.drivers import KEEPING, kill_browser
from tests.engines.executor import Executor
from tests.helpers.network.faulty_network import Depot
from tests.helpers.network.sending_phone import SendingPhone

STEPS: list[dict[str, Any]] = [
    {"id": "s-way", "type": "choice", "label": "Which door?", "config": {
        "options": [{"id": "o-main", "label": "Main door"}, {"id": "o-back", "label": "Back door"}]}},
    {"id": "s-in", "type": "boolean", "label": "Is the door shut?", "photo": {"min": 1, "max": 5}},
    {"id": "s-report", "type": "text", "label": "What happened?", "config": {"multiline": True}},
    {"id": "s-pic", "type": "photo", "label": "The hall", "config": {"min": 1, "max": 10}},
]  # fmt: skip
TEXT = "The lamp in the hall is broken"
# What is unsent, or kept after its receipt; of photos whose number nobody knows, with their bytes.
KEPT = """const [run, known, done] = arguments;
const opening = indexedDB.open("rundun", 1);
opening.onsuccess = () => {
  const from = opening.result.transaction(["items", "runs"]);
  const items = from.objectStore("items").index("run").getAll(run);
  const drafts = from.objectStore("runs").getAll(IDBKeyRange.bound(`${run} `, `${run} \\uFFFF`));
  const letters = (body) => {
    let all = "";
    for (let at = 0; at < body.byteLength; at += 32768) {
      all += String.fromCharCode(...new Uint8Array(body.slice(at, at + 32768)));
    }
    return btoa(all);
  };
  from.oncomplete = () => setTimeout(() => {
    opening.result.close();
    done([
      ...items.result.map(({ kind, key, photo, body }) => ({
        kind, key, photo, text: body?.value ?? null,
        bytes: kind === "photo" && !known.includes(photo) ? letters(body) : null })),
      ...drafts.result.map(({ step, text }) => ({ kind: "draft", key: step, text }))]);
  });
};"""
# What the phone keeps of a run, without bytes.
STORED = """const [run, done] = arguments;
const opening = indexedDB.open("rundun", 1);
opening.onsuccess = () => {
  const asked = opening.result.transaction("items").objectStore("items").index("run").getAll(run);
  asked.onsuccess = () => {
    opening.result.close();
    done(asked.result.map(({ body, preview, ...item }) => JSON.stringify(item)).join("\\n"));
  };
};"""
# The generations of the server's state that is saved and of the receipts that are kept, each once.
GENERATION = """const [run, done] = arguments;
const opening = indexedDB.open("rundun", 1);
opening.onsuccess = () => {
  const from = opening.result.transaction("runs").objectStore("runs");
  const saved = from.get(run);
  const marks = from.getAll(IDBKeyRange.bound(`kept ${run} `, `kept ${run} \\uFFFF`));
  from.transaction.oncomplete = () => setTimeout(() => {
    opening.result.close();
    const all = [saved.result?.state?.generation ?? 0, ...marks.result.map(({ generation }) => generation)];
    done([...new Set(all)]);
  });
};"""
SHOWN = """return [...document.getElementById(arguments[0]).querySelectorAll(".tile")].map(({ photo }) => photo.id)"""
IS_DEAD = """return ["guard-old", "guard-slow"].filter((id) => document.getElementById(id)?.hidden === false)"""
T = TypeVar("T")
OVER = ".end-mark.good"


class EngineCutRun:
    """One run, from its dispatch to the end. `steps` says what has happened so far. Where it `is_put_back`, the server
    is put back to older copies of its data, too, until Ed finishes.
    """

    def __init__(
        self, engine: str, folder: Path, acme: Depot, loop: asyncio.AbstractEventLoop, seed: int, *, is_put_back: bool
    ) -> None:
        self.engine, self.folder, self.acme, self.loop = engine, folder, acme, loop
        self.is_put_back = is_put_back
        self.copies: list[Path] = []
        self.chance = random.Random(seed)
        self.steps: list[str] = []
        self.given: dict[int, str] = {}  # a picture's number → its step
        self.numbers: dict[str, int] = {}  # photo id → a picture's number
        self.lives = 4  # how often page or browser may end
        self.is_with_olga = seed % 3 == 0
        self.olgas: dict[str, bytes] = {}  # photo id → her picture
        self.held = Held()
        self.ed: Executor

    def goes(self, run_id: str) -> None:
        """From the start to the end, in a thread beside the line's loop."""
        self.run_id, self.link = run_id, f"{self.acme.base}/r/{run_id}"
        with ExitStack() as self.stack:
            self._opens_browser()
            self._backs_up()
            self.ed.start(self.link)
            self.ed.until_kept(run_id)
            deeds = [self._chooses, self._says, self._writes]
            deeds += [lambda step=step: self._photographs(step) for step in ("s-in", "s-pic", "s-pic", "s-pic")]
            self.chance.shuffle(deeds)
            for deed in deeds:
                deed()
                self._backs_up()
                self._fails()
                if self.is_with_olga and self.chance.random() < 0.3:
                    self._olga_acts()
            if self.is_with_olga:
                self._olga_acts()
            self._finishes()

    # ---- what Ed does

    def _until_done(self, words: str, does: Callable[[], None], is_there: Callable[[], bool]) -> None:
        """Do it, and again whatever is not there any more because the page has ended."""
        for _ in range(6):
            self.steps.append(words)
            try:
                does()
            except WebDriverException:
                if not self._has_ended:
                    raise
            self._has_ended = False
            if is_there():
                return
        raise AssertionError(f"never there: {words}")

    _has_ended = False

    def _chooses(self) -> None:
        def does() -> None:
            self.ed.tap("[id=s-way] .pick", number=1)
            self._fails()

        self._until_done("s-way: back door", does, lambda: self._is_checked("s-way", 1))

    def _says(self) -> None:
        def does() -> None:
            self.ed.tap("[id=s-in] .pick", number=0)
            self._fails()

        self._until_done("s-in: yes", does, lambda: self._is_checked("s-in", 0))

    def _is_checked(self, step: str, number: int) -> bool:
        script = "return document.getElementById(arguments[0]).querySelectorAll('.pick input')[arguments[1]].checked"
        return bool(self.ed.driver.execute_script(script, step, number))

    def _writes(self) -> None:
        def field() -> Any:
            return self.ed.driver.find_element("css selector", "[id=s-report] textarea")

        def does() -> None:
            there = str(field().get_property("value"))
            assert TEXT.startswith(there), there
            self._reaches("s-report")
            self._types(field(), TEXT[len(there) : 15])
            if self.chance.random() < 0.5:
                self.ed.until(lambda: self._looks().longest("s-report", TEXT))
            if self._fails():
                return
            there = str(field().get_property("value"))
            self._types(field(), TEXT[len(there) :])
            self.ed.driver.execute_script("arguments[0].blur()", field())
            self._fails()

        self._until_done(f"s-report: {TEXT}", does, lambda: field().get_property("value") == TEXT)

    def _types(self, field: Any, text: str) -> None:
        if text:  # some drivers refuse to type nothing
            field.send_keys(text)

    def _reaches(self, step: str) -> None:
        """Bring a card on the screen, and open it where it has folded."""
        script = "const s = document.getElementById(arguments[0]); s.scrollIntoView(); s.removeAttribute('folded')"
        self.ed.driver.execute_script(script, step)

    def _photographs(self, step: str) -> None:
        number = len(self.given) + 1
        self.given[number] = step
        picture = numbered(number, self.chance)
        file = self.folder / f"{number}.jpg"  # one each: a browser may read it much later
        file.write_bytes(picture)

        def does() -> None:
            before = {*self._shown(step), *self.numbers}  # Olga's may come meanwhile
            self._reaches(step)
            inputs = self.ed.driver.find_elements("css selector", f"[id={step}] input[type=file]")
            inputs[-1].send_keys(str(file))
            (fresh,) = self.ed.until(lambda: set(self._shown(step)) - before)
            self.numbers[fresh] = number
            self._fails()

        def is_kept() -> bool:
            if is_there := self._has(step, number):
                self._comes(lambda: (step, number) in self._looks().pictures, f"{step}: picture {number} on the phone")
            return is_there

        self._until_done(f"{step}: picture {number}, {len(picture)} bytes", does, is_kept)

    def _has(self, step: str, number: int) -> bool:
        return number in [self.numbers.get(one) for one in self._shown(step)]

    def _shown(self, step: str) -> list[str]:
        return list(self.ed.driver.execute_script(SHOWN, step))

    # ---- what fails

    def _fails(self) -> bool:
        """Let something fail, or nothing. Returns whether the page has ended."""
        self._believes()
        if self.chance.random() < 0.25:
            self.steps.append("the line falls, or is cut, or comes back")
            self._on_line(self.chance.choice([self._falls, self._is_cut, self.acme.line.up]))
        if self.copies and self.chance.random() < 0.2:
            copy = self.chance.choice(self.copies)
            self.steps.append(f"the server is put back to {copy.name}")
            self._waits_for(self.acme.restored(copy))
        if not self.lives or self.chance.random() > 0.25:
            return False
        self.lives -= 1
        how = self.chance.choice(["reload", "kill", "another tab"])
        self.held = self._looks()
        self.steps.append(f"the page ends: {how}")
        self._has_ended = True
        if how == "kill":
            kill_browser(self.folder / "profile")
            self.stack.close()
            self._opens_browser()
        elif how == "another tab":
            old = self.ed.driver.current_window_handle
            self.ed.driver.switch_to.new_window("tab")
            new = self.ed.driver.current_window_handle
            self.ed.driver.switch_to.window(old)
            self.ed.driver.close()
            self.ed.driver.switch_to.window(new)
        self._comes_back()
        self._misses_nothing()
        return True

    def _falls(self) -> None:
        self.acme.line.down()

    def _is_cut(self) -> None:
        self.acme.line.cuts = cuts(self.chance)
        self.acme.line.down()
        self.acme.line.up()

    def _on_line(self, does: Callable[[], None]) -> None:
        async def now() -> None:
            does()

        asyncio.run_coroutine_threadsafe(now(), self.loop).result()

    def _waits_for(self, does: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(does, self.loop).result()

    def _backs_up(self) -> None:
        if self.is_put_back and self.chance.random() < 0.4:
            self.copies.append(self._waits_for(self.acme.backs_up()))
            self.steps.append(self.copies[-1].name)

    def _has_heard(self) -> bool:
        """Whether the page knows that the server was put back, and has compared all that it keeps."""
        self.ed.driver.execute_script("dispatchEvent(new Event('online'))")
        heard = self.ed.driver.execute_async_script(GENERATION, self.run_id)
        return bool(heard == [self.acme.generation()])

    def _heals(self) -> None:
        def heal() -> None:
            self.acme.line.cuts = iter(())
            self.acme.line.up()

        self._on_line(heal)

    def _opens_browser(self) -> None:
        driver: WebDriver = self.stack.enter_context(KEEPING[self.engine](self.folder / "profile"))
        self.ed = Executor(driver, self.folder / "none.jpg")

    def _comes_back(self) -> None:
        """Follow the link until the page is there; where nothing comes, find a network first."""
        for _ in range(4):
            with suppress(WebDriverException):
                self.ed.driver.get(self.link)
                with suppress(WebDriverException):
                    self.ed.until_there(f".list, {OVER}", 12)
                dead = self.ed.driver.execute_script(IS_DEAD)
                assert "guard-old" not in dead, "a dead page"
                if self.ed.find(f".list, {OVER}"):
                    return
            self.steps.append("does not open: finds a network")
            self._heals()
        raise AssertionError("the page never opened again")

    def _misses_nothing(self) -> None:
        """What the phone or the server had is shown: photos, all of the text, what was chosen."""
        if self.ed.find(OVER):
            return
        if self.is_put_back:
            self._heals()
            self._comes(self._has_heard, "the word that the server was put back")
        # Of Olga's this phone may not have heard.
        for step, number in [(step, number) for step, number in self.held.pictures if number < 100]:
            self._comes(lambda step=step, number=number: self._has(step, number), f"{step}: picture {number}")
        # A page that goes saves what was typed as it goes, maybe after this one has looked for the first time.
        kept = self.held.longest("s-report", TEXT)
        field = self.ed.driver.find_element("css selector", "[id=s-report] textarea")
        self._comes(lambda: str(field.get_property("value")).startswith(kept), kept)
        if "o-back" in self.held.values.get("s-way", ()):
            assert self._is_checked("s-way", 1)

    def _comes(self, is_there: Callable[[], bool], what: str) -> None:
        """Wait until something is there; what fails here is no failure of the browser."""
        try:
            self.ed.until(is_there)
        except TimeoutException:
            raise AssertionError(f"never comes: {what}") from None

    def _believes(self) -> None:
        """Where the page says that all is safe, the server has all photos, unless it was put back and the page has not
        heard of that.
        """
        if self.is_put_back and not self._has_heard():  # asked first: what the page said before it heard is no lie
            return
        if [one.text for one in self.ed.find(".top .sending")] == ["All safe"]:
            there = server_has(self.acme, self.run_id).pictures
            shown = {(step, self.numbers[one]) for step in ("s-in", "s-pic") for one in self._shown(step)
                     if one in self.numbers}  # fmt: skip
            assert shown <= there, f"called safe: {shown - there}"

    def _looks(self) -> Held:
        """What phone and server have now."""
        held = server_has(self.acme, self.run_id)
        for one in self.ed.driver.execute_async_script(KEPT, self.run_id, list(self.numbers)):
            if one["kind"] == "photo":
                if one["bytes"]:
                    self.numbers[one["photo"]] = number_of(base64.b64decode(one["bytes"]))
                held.pictures.add((one["key"], self.numbers[one["photo"]]))
            elif one["kind"] in ("answer", "draft"):
                held.values.setdefault(one["key"], []).append(one["text"])
        self.numbers |= held.numbers
        return held

    # ---- Olga, and the end

    def _olga_acts(self) -> None:
        """Another phone photographs the same step, with nothing of Ed's seen but what has arrived."""
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{self.acme.line.upstream}/r/{self.run_id}", timeout=60
        ) as client:
            olga = SendingPhone(client.request)
            is_full = sum(number >= 100 for number in self.given) == 7  # Ed's three have room beside them
            if is_full or client.post("/start", json={}).status_code != 200:
                return
            olga.look()
            number = len(self.given) + 100
            self.given[number] = "s-pic"
            picture = numbered(number, self.chance)
            photo = olga.take("s-pic", picture=picture)
            self.numbers[photo], self.olgas[photo] = number, picture
            self.steps.append(f"Olga: s-pic, picture {number}")
            self._sends_all(olga)

    def _olga_sends_again(self) -> None:
        """As her page does where the server has lost what it once had."""
        url = f"http://127.0.0.1:{self.acme.line.upstream}/r/{self.run_id}"
        with httpx2.Client(base_url=url, timeout=60) as client:
            client.post("/start", json={}).raise_for_status()
            olga = SendingPhone(client.request)
            olga.look()
            there = server_has(self.acme, self.run_id).photo_ids
            for photo, picture in self.olgas.items():
                if photo not in there:
                    olga.take("s-pic", picture=picture, photo=photo)
            self._sends_all(olga)

    def _sends_all(self, olga: SendingPhone) -> None:
        while olga.large or olga.small:
            olga.send(olga.small)
            olga.send(olga.large)
        assert not olga.told, "there is room"

    def _finishes(self) -> None:
        self.copies = []
        self._heals()
        if self.is_put_back:
            self._comes(self._has_heard, "the word that the server was put back")
            if self.olgas:
                self._olga_sends_again()
        for _ in range(4):
            if self.ed.find(OVER):
                return
            with suppress(WebDriverException):
                self.ed.until(self._is_calm)
                self.ed.finish()
                self.steps.append("finishes")
                self._fails()
                self._heals()
                self.ed.driver.execute_script("dispatchEvent(new Event('online'))")
                self.ed.until(lambda: self.ed.find(OVER))
        shown = self.ed.driver.execute_script("return document.body.innerText")
        stored = self.ed.driver.execute_async_script(STORED, self.run_id)
        raise AssertionError(f"it never ended: {shown}\n{stored}")

    def _is_calm(self) -> bool:
        self.ed.driver.execute_script("dispatchEvent(new Event('online'))")
        return bool(self.ed.find(OVER)) or [one.text for one in self.ed.find(".top .sending")] == ["All safe"]

    def wrong(self) -> Iterator[str]:
        """What is lost of all that was given, or there twice."""
        there = server_has(self.acme, self.run_id)
        expected = {(step, number) for number, step in self.given.items()}
        yield from (f"lost: picture {one}" for one in expected - there.pictures)
        if len(there.photo_ids) != len(expected):
            yield f"doubled: {len(there.photo_ids)} photos for {len(expected)}"
        answers = self.acme.answers(self.run_id)
        wanted = {"s-way": "o-back", "s-in": True, "s-report": TEXT, "s-pic": None}
        yield from (f"{step}: {answers.get(step)!r}" for step in wanted if answers.get(step) != wanted[step])
