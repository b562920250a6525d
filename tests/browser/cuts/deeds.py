"""What Ed does to a checklist while everything around him fails, deed by deed, and how it is found again.

A deed is an asynchronous generator that yields wherever his page may end. `is_shown` says whether the page shows it
when he is back; `is_kept` whether it lies on his phone or on the server: then it must be shown.
"""

import io
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from playwright.async_api import Locator

from tests.browser.phone import Phone
from tests.browser.pictures import file

STEPS: list[dict[str, Any]] = [
    {"id": "s-ok", "type": "boolean", "label": "All fine?"},
    {"id": "s-way", "type": "choice", "label": "Which door?", "config": {
        "options": [{"id": "o-main", "label": "Main door"}, {"id": "o-back", "label": "Back door"}]}},
    {"id": "s-count", "type": "number", "label": "How many keys?", "config": {"min": 0, "max": 99}},
    {"id": "s-report", "type": "text", "label": "What happened?", "config": {"multiline": True}},
    {"id": "s-in", "type": "boolean", "label": "Is the door shut?", "photo": {"min": 1, "max": 5}},
    {"id": "s-sides", "type": "photo", "label": "Both sides", "config": {
        "slots": [{"id": "p-front", "label": "Front"}, {"id": "p-rear", "label": "Rear"}]}},
    {"id": "s-pic", "type": "photo", "label": "The hall", "config": {"min": 2, "max": 8}},
    {"id": "s-sign", "type": "signature", "label": "Sign here"},
]  # fmt: skip
SLOTS = {"Front": "p-front", "Rear": "p-rear"}
BITS = 8
# Of noise the page makes 0.6 bytes a dot: 20, 65, 140 and 800 kB, and as much as it ever makes.
SIZES = [(160, 200), (160, 200), (330, 330), (480, 480), (1160, 1160), (2048, 2048)]
FRAMES = (
    "(n) => new Promise((done) => { const next = () => (n-- > 0 ? requestAnimationFrame(next) : done()); next(); })"
)


def numbered(number: int, chance: random.Random) -> bytes:
    """A picture of noise, which compresses badly, of any size, with its number in black and white at the top."""
    width, height = chance.choice(SIZES)
    picture = Image.frombytes("RGB", (width, height), chance.randbytes(width * height * 3))
    for bit in range(BITS):
        place = (width * bit // BITS, 0, width * (bit + 1) // BITS, height // 5)
        picture.paste((255,) * 3 if number >> bit & 1 else (0,) * 3, place)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def number_of(data: bytes) -> int:
    """Read the number of such a picture, whatever size it has by now."""
    with Image.open(io.BytesIO(data)) as picture:
        small = picture.convert("L").resize((BITS, 10), Image.Resampling.BOX)
    return sum((small.getpixel((bit, 0)) > 128) << bit for bit in range(BITS))


@dataclass
class Held:
    """What the phone and the server have of a run at one moment."""

    values: dict[str, list[Any]] = field(default_factory=dict)  # step, or key of a remark → values and texts
    pictures: set[tuple[str, int]] = field(default_factory=set)  # step, or key of a remark, and a picture's number
    signed: set[str] = field(default_factory=set)
    photo_ids: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)  # photo id → a picture's number, of others, too
    camera: str | None = None  # the step, or key of a remark, that it is open for

    def longest(self, key: str, text: str) -> str:
        """As much as is kept of a text that was typed."""
        return max((one for one in map(str, self.values.get(key, ())) if text.startswith(one)), key=len, default="")


async def goes_to(ed: Phone, step_id: str) -> None:
    """Bring a card on the screen, once the list has gone on to the next one, and open it where it has folded."""
    step = ed.step(step_id)
    await ed.page.evaluate(FRAMES, 4)
    await step.scroll_into_view_if_needed()
    await ed.page.evaluate(FRAMES, 2)
    if await step.get_attribute("folded") is not None:
        await step.locator(".fold").tap()


@dataclass
class Choice:
    """Tap an option."""

    step: str
    label: str
    value: Any

    @property
    def key(self) -> str:
        """What it replaces."""
        return self.step

    def __str__(self) -> str:
        return f"{self.step}: {self.label}"

    async def does(self, ed: Phone) -> AsyncIterator[None]:
        await goes_to(ed, self.step)
        await ed.pick(self.step, self.label)
        yield

    async def is_shown(self, ed: Phone, held: Held) -> bool:
        return await ed.step(self.step).get_by_label(self.label, exact=True).is_checked()

    def is_kept(self, held: Held) -> bool:
        return self.value in held.values.get(self.step, ())

    is_safe = is_kept


@dataclass
class Typed:
    """Type a text in two goes, and leave the field, or don't."""

    step: str
    text: str
    leaves: bool

    @property
    def key(self) -> str:
        """What it replaces."""
        return self.step

    def __str__(self) -> str:
        return f"{self.step}: types {self.text!r}{', and leaves it' if self.leaves else ''}"

    def _field(self, ed: Phone) -> Locator:
        return ed.step(self.step).locator(".control input, .control textarea").first

    async def does(self, ed: Phone) -> AsyncIterator[None]:
        await goes_to(ed, self.step)
        async for _ in types(self._field(ed), self.text):
            yield
        if self.leaves:
            await self._field(ed).blur()
            yield

    async def is_shown(self, ed: Phone, held: Held) -> bool:
        shown, kept = await self._field(ed).input_value(), held.longest(self.step, self.text)
        assert shown.startswith(kept), f"{self}: lost, {kept!r} was kept and {shown!r} is shown"
        assert self.text.startswith(shown), f"{self}: {shown!r} is shown"
        return shown == self.text

    def is_kept(self, held: Held) -> bool:
        return False  # judged letter by letter

    def is_safe(self, held: Held) -> bool:
        """Whether what the server has is all of it."""
        return held.longest(self.key, self.text) == self.text


async def types(field: Locator, text: str) -> AsyncIterator[None]:
    """Type a text in two goes, or the rest of it where some of it is there."""
    half = len(text) // 2
    if len(await field.input_value()) < half:
        await field.fill(text[:half])
        yield
    await field.press("End")
    await field.press_sequentially(text[len(await field.input_value()) :])
    yield


@dataclass
class Photo:
    """Take a picture: for a step, or for one of its slots."""

    step: str
    slot: str | None  # its label
    number: int
    picture: bytes
    source: str

    @property
    def key(self) -> str:
        """What it replaces: nothing."""
        return f"{self.step} {self.slot} {self.number}"

    @property
    def camera_key(self) -> str | None:
        """What the page writes down while the camera is open."""
        return self.step if self.source == "camera" else None

    def __str__(self) -> str:
        return f"{self.step}: picture {self.number} ({self.slot or 'no slot'}) from the {self.source}"

    async def does(self, ed: Phone) -> AsyncIterator[None]:
        await goes_to(ed, self.step)
        place = ed.step(self.step)
        if self.slot:
            place = place.get_by_role("group", name=self.slot, exact=True)
        async for _ in chooses(ed, place, self.number, self.picture, self.source):
            yield

    async def is_shown(self, ed: Phone, held: Held) -> bool:
        if self.slot:
            await ed.step(self.step).locator(".slot").first.wait_for(state="attached")  # come a moment after the list
        shown = await ed.step(self.step).evaluate(
            "(step) => [...step.querySelectorAll('.tile')].map(({ photo }) => [photo.id, photo.slot, photo.state])"
        )
        here = [one for one in shown if held.numbers.get(one[0]) == self.number]
        assert len(here) <= 1, f"{self}: shown twice, {shown}"
        assert all(slot == (SLOTS[self.slot] if self.slot else None) for _, slot, _ in here), f"{self}: {shown}"
        return bool(here)

    def is_kept(self, held: Held) -> bool:
        return (self.step, self.number) in held.pictures

    is_safe = is_kept


async def chooses(ed: Phone, place: Locator, number: int, picture: bytes, source: str) -> AsyncIterator[None]:
    """Take a picture with the camera, which the page opens and may not survive, or choose one."""
    chosen = [file(f"{number}.jpg", "image/jpeg", picture)]
    if source == "camera":
        async with ed.page.expect_file_chooser() as coming:
            await place.locator("label").filter(has_text="Take photo").first.tap()
        camera = await coming.value
        yield
        await camera.set_files(chosen)
    else:
        await place.locator("input[type=file]:not([capture])").first.set_input_files(chosen)
    yield


@dataclass
class Signature:
    """Sign."""

    step: str

    @property
    def key(self) -> str:
        """What it replaces."""
        return self.step

    def __str__(self) -> str:
        return f"{self.step}: signs"

    async def does(self, ed: Phone) -> AsyncIterator[None]:
        await goes_to(ed, self.step)
        await ed.sign(ed.step(self.step).locator(".control button"))
        yield

    async def is_shown(self, ed: Phone, held: Held) -> bool:
        return await ed.step(self.step).locator(".signed img:not([hidden])").count() == 1

    def is_kept(self, held: Held) -> bool:
        return self.step in held.signed

    is_safe = is_kept


@dataclass
class Remark:
    """Note something on a step, with a photo or without."""

    step: str
    text: str
    number: int | None = None
    picture: bytes = b""
    source: str = "gallery"

    @property
    def key(self) -> str:
        """What it replaces."""
        return f"remark {self.step}"

    def __str__(self) -> str:
        return f"{self.step}: remarks {self.text!r}{f' with picture {self.number}' if self.number else ''}"

    async def does(self, ed: Phone) -> AsyncIterator[None]:
        dialog = ed.page.locator("dialog")
        if not await dialog.is_visible():  # open by itself where its picture was lost
            await goes_to(ed, self.step)
            await ed.choose(self.step, "remark")
        field = dialog.locator("#remark-text")
        async for _ in types(field, self.text):
            yield
        if self.number and not await dialog.locator(".tile").count():
            async for _ in chooses(ed, dialog.locator("photo-field"), self.number, self.picture, self.source):
                yield
        await dialog.get_by_role("button", name="Done").tap()
        await dialog.wait_for(state="detached")
        yield

    async def is_shown(self, ed: Phone, held: Held) -> bool:
        shown = ed.step(self.step).locator(".remark:not([hidden])")
        kept = held.longest(self.key, self.text)
        if kept or (self.key, self.number) in held.pictures:
            await shown.wait_for(state="attached")  # comes a moment after the list
        text = await shown.locator(".body").text_content() if await shown.count() else ""
        assert (text or "").startswith(kept), f"{self}: lost, {kept!r} was kept and {text!r} is shown"
        count = await shown.locator(".line-photos > *").count()
        assert count <= 1, f"{self}: shown {count} times"
        assert count or (self.key, self.number) not in held.pictures, f"{self}: its picture is lost"
        return text == self.text and count == bool(self.number)

    def is_kept(self, held: Held) -> bool:
        return False  # judged letter by letter

    def is_safe(self, held: Held) -> bool:
        """Whether what the server has is all of it."""
        is_there = self.number is None or (self.key, self.number) in held.pictures
        return is_there and held.longest(self.key, self.text) == self.text


Deed = Choice | Typed | Photo | Signature | Remark


def deeds(chance: random.Random) -> list[Deed]:
    """All that the checklist asks for and more, in any order."""
    source = lambda: chance.choice(["camera", "gallery"])  # noqa: E731
    of = [("s-in", None), ("s-sides", "Front"), ("s-sides", "Rear"), ("s-pic", None), ("s-pic", None)]
    all_: list[Deed] = [
        Photo(step, slot, n, numbered(n, chance), source()) for n, (step, slot) in enumerate(of, start=1)
    ]
    all_ += [
        Choice("s-ok", "Yes", True),
        Choice("s-ok", "No", False),
        Choice("s-way", "Back door", "o-back"),
        Choice("s-in", "Yes", True),
        Typed("s-count", "17", chance.random() < 0.7),
        Typed("s-report", "The lamp in the hall is broken", chance.random() < 0.5),
        Signature("s-sign"),
        Remark("s-ok", "Scratch on the left"),
        Remark("s-count", "Two are bent", 6, numbered(6, chance), source()),
    ]
    chance.shuffle(all_)
    return all_


def deeds_of_another(chance: random.Random) -> list[Photo]:
    """Photos that Olga takes on a phone of her own, at steps where Ed takes some."""
    return [
        Photo(step, None, number, numbered(number, chance), "gallery")
        for number, step in enumerate(chance.choices(["s-pic", "s-in"], k=3), start=11)
    ]
