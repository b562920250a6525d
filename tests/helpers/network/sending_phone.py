"""A phone as the executor's page makes one: what is done on it waits in two queues, and goes out when a story says so.

It knows the record only as of its last look. Small answers and photos wait in a queue each, which overtake one another.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.helpers.pictures import images
from tests.helpers.service import new_photo_id

PICTURE, SIGNATURE = images.jpeg(16, 16), images.png(16, 16)
Request = Callable[..., httpx2.Response]  # method, path below the run, more


@dataclass
class Queued:
    """A request that waits. `photos` are those that the person believes to be on their way with it."""

    step: str
    method: str
    path: str
    more: dict[str, Any]
    photos: tuple[str, ...] = ()
    is_tried: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """The answer, where it is one."""
        return dict(self.more.get("json", {}))


@dataclass
class SendingPhone:
    """One of the phones on a run; `told` are photos of which it was told that they were refused."""

    request: Request
    least: dict[str, int] = field(
        default_factory=dict
    )  # step → photos without which it is not answered, if more than one
    shown: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    answers: dict[str, Any] = field(default_factory=dict)  # step → the server's, as of the last look or reply
    mine: dict[str, Queued] = field(default_factory=dict)  # step → the newest answer given here and not applied yet
    small: list[Queued] = field(default_factory=list)
    large: list[Queued] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)  # step → why its newest answer was

    # what is done on it

    def take(self, step: str, slot: str | None = None, picture: bytes = PICTURE, photo: str | None = None) -> str:
        """Take a photo, or send one again that the server has lost; returns its id."""
        photo = photo or new_photo_id()
        if photo not in self.shown[step]:
            self.shown[step].append(photo)
        self.seen[step].add(photo)
        query = {"slot": slot} if slot else {}
        path = f"/steps/{step}/photos/{photo}"
        self.large.append(Queued(step, "PUT", path, {"content": picture, "params": query}, (photo,)))
        self.answer_photos(step)
        return photo

    def delete(self, step: str, photo: str) -> None:
        """Delete a photo that is shown here."""
        self.shown[step].remove(photo)
        self.told.discard(photo)
        self.large = [one for one in self.large if one.photos != (photo,) or one.is_tried]
        self.large.append(Queued(step, "DELETE", f"/steps/{step}/photos/{photo}", {}))
        self.answer_photos(step)

    def answer_photos(self, step: str) -> None:
        """Answer again since the photos have changed, without changing what was answered."""
        known = self.content(step)
        if "skipped" in known:
            known = {}
        if step.startswith("s-pic"):
            known = {} if len(self.shown[step]) < self.least.get(step, 1) else {"value": None}
        if "value" in known:
            replaces = {} if step.startswith("s-pic") else {"replaces": self.answer_id(step)}
            self.give(step, {"value": known["value"], **replaces})

    def content(self, step: str) -> dict[str, Any]:
        """What is answered as far as this phone knows: {"value": …}, {"skipped": True} or nothing."""
        known = self.mine[step].body if step in self.mine else self.answers.get(step) or {}
        if known.get("skipped"):
            return {"skipped": True}
        return {"value": known["value"]} if "value" in known else {}

    def answer_id(self, step: str) -> str | None:
        """The id of the answer that is shown."""
        known = self.mine[step].body if step in self.mine else self.answers.get(step) or {}
        return known.get("answer_id")

    def give(self, step: str, content: dict[str, Any]) -> None:
        """Answer a step, with the photos that are shown and what was seen of others."""
        last = self.mine.get(step)
        if last is not None and (not last.is_tried or step in self.refused):
            if "replaces" in content and content["replaces"] == last.body["answer_id"]:
                content = {name: value for name, value in content.items() if name != "replaces"}
                content |= {name: value for name, value in last.body.items() if name == "replaces"}
            self.small = [one for one in self.small if one is not last]
        self.refused.pop(step, None)
        photos = {} if content.get("skipped") else {"photos": list(self.shown[step])}
        seen = sorted(self.seen[step] - set(self.shown[step] if photos else ()))
        body = {"answer_id": str(uuid.uuid4()), **content, **photos, "seen_photos": seen}
        self.mine[step] = Queued(step, "PUT", f"/steps/{step}", {"json": body}, tuple(self.shown[step]))
        self.small.append(self.mine[step])

    def sign(self, step: str) -> None:
        """Sign, and answer with that."""
        typed = {"typed_name": uuid.uuid4().hex}
        self.small.append(Queued(step, "PUT", f"/steps/{step}/signature", {"content": SIGNATURE, "params": typed}))
        self.give(step, {"value": None})

    # what goes on by itself

    def send(self, queue: list[Queued], *, is_heard: bool = True) -> httpx2.Response | None:
        """Send what waits longest; where the reply is not heard it stays, and goes out again."""
        if not queue:
            return None
        one = queue[0]
        reply = self.request(one.method, one.path, **one.more)
        one.is_tried = True
        if is_heard:
            queue.pop(0)
            self._hear(one, reply)
        return reply

    def _hear(self, one: Queued, reply: httpx2.Response) -> None:
        if reply.status_code in (200, 201):
            if self.mine.get(one.step) is one:
                del self.mine[one.step]
            if "json" in one.more:
                self.answers[one.step] = reply.json()["step"]
            return None
        code = reply.json()["code"]
        if one.method == "PUT" and "content" in one.more:
            assert code in ("too_many_photos", "photo_deleted"), reply.text
            self.told.update(one.photos)
            self.shown[one.step] = [photo for photo in self.shown[one.step] if photo not in one.photos]
            return self.answer_photos(one.step)
        assert code in ("too_many_photos", "answer_changed"), reply.text
        self.look()
        if self.mine.get(one.step) is not one:
            return None
        if code == "too_many_photos":
            self.refused[one.step] = code
        elif "photos" in one.body and one.step.startswith("s-ok"):  # only its photos have changed
            del self.mine[one.step]
            self.answer_photos(one.step)
        else:  # both are shown, and the person keeps what was written here
            del self.mine[one.step]
            self.give(one.step, {"value": one.body["value"], "replaces": self.answer_id(one.step)})
        return None

    def look(self) -> None:
        """Read the record as it is now."""
        state = self.request("GET", "/state").json()
        self.answers = {step: one for step, one in state["answers"].items() if "value" in one}
        held = {photo for one in self.large for photo in one.photos}
        for step in {*self.shown, *state["photos"], *self.answers}:
            named = self.answers.get(step, {}).get("photos", [])
            stored = [one["photo_id"] for one in state["photos"].get(step, [])]
            there = [*named, *(one for one in stored if one not in named)]
            kept = [one for one in self.shown[step] if one in there or one in held]
            self.shown[step] = [*kept, *(one for one in there if one not in self.seen[step])]
            self.seen[step].update(there)
