"""Random walks: people answer, skip, give up, take photos, delete them, sign and repeat themselves in any order, and
the service stands after each step where a second, simpler reading of the contract stands.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as some
from PIL import Image

from tests.helpers.pictures import images
from tests.helpers.strategies.hypothesis_service import JSON, Property, Stage, stage_in
from tests.helpers.strategies.strategies import answers_for, photos_of, slots_of, steps_of, templates
from tests.helpers.strategies.walk_model import Model

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One world for all walks."""
    with stage_in(tmp_path_factory.mktemp("stage")) as one:
        yield one


@dataclass
class Walker:
    """One run under way, beside its model."""

    stage: Stage
    path: str
    model: Model
    events: list[tuple[str, str]] = field(default_factory=list)

    async def go(self, data: Any) -> None:
        """One thing that somebody does, and what must have come of it."""
        step = data.draw(some.sampled_from(steps_of(self.model.template)), label="step")
        what = data.draw(
            some.sampled_from(("answer", "answer", "answer", "skip", "unable", "photo", "delete", "sign", "repeat"))
        )
        self.stage.w.clock.forward(seconds=1)
        done, content, unannounced = self.model.done(), self.model.content(step), self.model.has_unannounced(step)
        answer = await getattr(self, what)(step, data)
        now = self.model.done()
        answered = what in ("answer", "skip", "unable") and "run" in answer
        again = answered and (unannounced or self.model.content(step) != content)
        became = [name for name in now if name not in done or (again and name == step["id"])]
        self.events += [(name, self.event(name)) for name in became]
        steps = {one["id"]: one for one in steps_of(self.model.template)}
        self.model.announced.update({name: set(self.model.photos(steps[name])[0]) for name in became})
        if answer is not None and "run" in answer:
            assert answer["run"]["progress"] == self.model.progress()
            assert answer["step"]["done"] is (step["id"] in now)
            assert answer["step"]["visible"] is (step["id"] in self.model.visible())

    def event(self, name: str) -> str:
        return "step.skipped" if self.model.kind(name) == "skipped" else "step.completed"

    async def put(self, step: Any, body: Any, refused: str | None = None) -> Any:
        """PUT an answer, which must be taken, or refused with that code."""
        answer = await self.stage.call("PUT", f"{self.path}/steps/{step['id']}", json.dumps(body).encode())
        assert (answer.status, answer.json.get("code")) == ((422, refused) if refused else (200, None)), answer
        answer_id = body.get("answer_id")
        if refused is None and answer_id:
            self.model.seen.setdefault(answer_id, (step["id"], "answer"))
        return answer.json

    def keep(self, step: Any, value: Any = None, photos: Any = None, **more: Any) -> None:
        """Note an answer in the model."""
        signature = self.model.signed.get(step["id"]) if not more else None
        kept = {"skipped": False, "unable": None, "photos": photos, "signature": signature, **more}
        self.model.answers[step["id"]] = {"value": value, **kept}

    async def answer(self, step: Any, data: Any) -> Any:
        body = data.draw(answers_for(step), label="body")
        if wanted := wanted_of(self.model.template, step):  # what conditions and flags ask for is what matters
            body["value"] = data.draw(some.sampled_from([body["value"], *wanted]))
        most = photos_of(step)[1]
        listed = [one for one, (name, kind) in self.model.seen.items() if (name, kind) == (step["id"], "photo")]
        if most and data.draw(some.booleans()):
            expected = [f"ph-{data.draw(some.uuids())}"] if data.draw(some.integers(0, 3)) == 0 else []
            body["photos"] = data.draw(some.permutations([*listed, *expected]))[:most]
        found = await self.put(step, body)
        self.keep(step, body["value"], body.get("photos"))
        return found

    async def skip(self, step: Any, data: Any) -> Any:
        allowed = not step.get("required", True) and self.model.template["settings"].get("allow_skip", False)
        found = await self.put(step, {"skipped": True}, None if allowed else "skip_not_allowed")
        if allowed:
            self.keep(step, photos=[], skipped=True)
        return found

    async def unable(self, step: Any, data: Any) -> Any:
        reason = data.draw(some.sampled_from(["broken", "gone"]))
        allowed = self.model.template["settings"].get("allow_unable", True)
        found = await self.put(step, {"unable": {"reason": reason}}, None if allowed else "invalid")
        if allowed:
            self.keep(step, unable=reason)
        return found

    async def photo(self, step: Any, data: Any) -> None:
        here, most = self.model.arrived.setdefault(step["id"], []), photos_of(step)[1]
        awaited = [one for one in (self.model.answers.get(step["id"]) or {}).get("photos") or () if one not in here]
        photo_id = data.draw(some.sampled_from([*awaited, f"ph-{data.draw(some.uuids())}"]))
        slot = data.draw(some.sampled_from(slots_of(step) or [None]))
        address = f"{self.path}/steps/{step['id']}/photos/{photo_id}" + (f"?slot={slot}" if slot else "")
        length = (b"content-length", str(len(PHOTO)).encode())
        answer = await self.stage.call("PUT", address, PHOTO, (length,))
        full = [self.model.slots.get(one) for one in here].count(slot) >= 2 if slot else len(here) >= most
        expected = 422 if full else 201
        assert answer.status == expected, answer
        if expected == 201:
            here.append(photo_id)
            self.model.slots.update({photo_id: slot} if slot else {})
            self.model.seen[photo_id] = (step["id"], "photo")

    async def delete(self, step: Any, data: Any) -> Any:
        here = self.model.arrived.get(step["id"], [])
        photo_id = data.draw(some.sampled_from([*here, f"ph-{uuid.UUID(int=1)}"]))
        answer = await self.stage.call("DELETE", f"{self.path}/steps/{step['id']}/photos/{photo_id}")
        assert answer.status == 200, answer
        kept = self.model.answers.get(step["id"])
        if photo_id in here:
            here.remove(photo_id)
            self.model.seen.pop(photo_id)
            if kept is not None and kept["photos"] is not None:
                kept["photos"] = [one for one in kept["photos"] if one != photo_id]
        return answer.json

    async def sign(self, step: Any, data: Any) -> None:
        count = sum(self.model.signed.values()) + 1
        png = images.encoded(Image.new("RGB", (60 + count, 20), (250, 250, 250)), "PNG")
        length = (b"content-length", str(len(png)).encode())
        answer = await self.stage.call("PUT", f"{self.path}/steps/{step['id']}/signature", png, (length,))
        assert answer.status == (201 if step["type"] == "signature" else 422), answer
        if answer.status == 201:
            self.model.signed[step["id"]] = count
            kept = self.model.answers.get(step["id"])
            if kept and not kept["skipped"] and not kept["unable"] and kept["signature"] is None:
                kept["signature"] = count

    async def repeat(self, step: Any, data: Any) -> Any:
        """An answer that was applied once comes again, with something else in it: nothing changes."""
        known = [one for one, (name, kind) in self.model.seen.items() if (name, kind) == (step["id"], "answer")]
        if not known:
            return None
        return await self.put(step, {"answer_id": data.draw(some.sampled_from(known)), "value": None})

    async def look(self) -> None:
        """Everything that is told of the run agrees with the model."""
        state = (await self.stage.call("GET", f"{self.path}/state")).json
        run = await self.stage.v1("GET", self.path.replace("/r/", "/runs/"))
        assert state["run"]["progress"] == run["progress"] == self.model.progress()
        shown, done = self.model.visible(), self.model.done()
        assert {name: (one["visible"], one["done"]) for name, one in state["answers"].items()} == {
            name: (name in shown, name in done) for name in self.model.answers
        }
        assert set(run["answers"]) == {name for name in self.model.answers if name in shown}
        flagged = self.model.flagged()
        assert [name for name, one in run["answers"].items() if one["flagged"]] == flagged
        assert run["flagged"] == len(flagged) + self.model.progress()["unable"]
        for name, one in run["answers"].items():
            kept = self.model.answers[name]
            assert one["skipped"] is kept["skipped"]
            assert one["unable"] == (kept["unable"] and {"reason": kept["unable"]})
            step = next(step for step in steps_of(self.model.template) if step["id"] == name)
            photos = [] if kept["skipped"] else self.model.photos(step)[0]
            assert [photo["photo_id"] for photo in one["photos"]] == photos
            if step["type"] != "signature":
                assert one["value"] == kept["value"]
        kept = [one for one in await self.kept_events() if one["event"].startswith("step.")]
        assert [(one["data"]["step_id"], one["event"]) for one in kept] == self.events
        assert [one["seq"] for one in await self.kept_events()] == list(range(1, run_events(kept) + 1))

    async def kept_events(self) -> list[Any]:
        """All events, run.started first."""
        return await self.stage.w.events(SimpleNamespace(run_id=self.path.removeprefix("/r/")))  # type: ignore[arg-type]

    async def finish(self) -> None:
        """Complete it: exactly when nothing is missing."""
        answer = await self.stage.call("POST", f"{self.path}/complete", b"{}", (JSON,))
        missing = self.model.missing()
        if missing:
            assert answer.status == 409
            assert [(one["step_id"], one["code"]) for one in answer.json["errors"]] == missing
            return
        assert answer.status == 200
        ended = (await self.kept_events())[-1]
        assert ended["event"] == "run.completed"
        assert ended["data"]["progress"] == self.model.progress()
        assert ended["data"]["flagged"] == len(self.model.flagged()) + self.model.progress()["unable"]
        shown = self.model.visible()
        assert set(ended["data"]["answers"]) == {name for name in self.model.answers if name in shown}


def wanted_of(template: Any, step: Any) -> list[Any]:
    """Values of a step that conditions of other steps ask for and that it would take."""

    def rules(condition: Any) -> Iterator[Any]:
        yield from (
            (one for rule in condition["rules"] for one in rules(rule)) if "rules" in condition else [condition]
        )

    whens = [rule["when"] for one in steps_of(template) if one.get("condition") for rule in rules(one["condition"])]
    values = [when["value"] for when in whens if when["step"] == step["id"] and "value" in when]
    values += [own["value"] for own in owns(step.get("flag", {}).get("when")) if "value" in own]
    if step["type"] == "multi_choice":
        order, config = [option["id"] for option in step["config"]["options"]], step["config"]
        sets = [[one for one in order if one in value] for value in values if isinstance(value, list)]
        least, most = config.get("min_selected", 0), config.get("max_selected", 200)
        return [one for one in sets if least <= len(one) <= most]
    return values if step["type"] in ("boolean", "choice", "text", "barcode", "datetime") else []


def owns(when: Any) -> list[Any]:
    """The comparisons of a flag."""
    if when is None:
        return []
    return [one for rule in when["rules"] for one in owns(rule)] if "rules" in when else [when]


def run_events(of_steps: list[Any]) -> int:
    """How many events there are in all, with run.started."""
    return len(of_steps) + 1


PHOTO = images.jpeg(64, 48)
QUIET = some.one_of(templates(5), templates(4, dependent=True)).map(
    lambda one: {
        **one,
        "settings": {**(one.get("settings") or {}), "signature_on_complete": False},
        "execution": {},
        "translations": {},
    }
)


async def a_run_stands_where_the_contract_says(stage: Stage, template: Any, data: Any) -> None:
    path = await stage.started((await stage.v1("POST", "/templates", template))["id"])
    walker = Walker(stage, path, Model(template))
    for _ in range(data.draw(some.integers(1, 14), label="length")):
        await walker.go(data)
    await walker.look()
    await walker.finish()


WALK = Property(a_run_stands_where_the_contract_says, {"template": QUIET, "data": some.data()}, 60, shrinks=False)


def test_walks(stage: Stage) -> None:
    WALK.tried(stage)


@pytest.mark.soak
def test_many_walks(stage: Stage) -> None:
    WALK.tried_at_length(stage)
