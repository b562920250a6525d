"""Two phones on one run, each with its own idea of it: whatever they do, and in whatever order it arrives, the record
has what a model of one page says. Nothing that one of them gave is lost because the other did not know of it.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, seed, settings, strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.helpers.network.sending_phone import SendingPhone
from tests.helpers.strategies.hypothesis_service import Stage, stage_in

FRONT, REAR = {"id": "p-front", "label": "Front"}, {"id": "p-rear", "label": "Rear"}
STEPS: list[dict[str, Any]] = [
    {"id": "s-pic", "type": "photo", "label": "All you see", "required": False},
    {"id": "s-pic-few", "type": "photo", "label": "Two", "config": {"min": 2, "max": 2}},
    {"id": "s-pic-sides", "type": "photo", "label": "Both sides", "config": {"slots": [FRONT, REAR]}},
    {"id": "s-ok", "type": "boolean", "label": "All fine?", "photo": {"min": 0, "max": 10}},
    {"id": "s-way", "type": "choice", "label": "Which door?", "config": {
        "options": [{"id": "o-main", "label": "Main"}, {"id": "o-back", "label": "Back"}]}},
    {"id": "s-why", "type": "text", "label": "What happened?"},
    {"id": "s-sign", "type": "signature", "label": "Sign here"},
]  # fmt: skip
LEAST = {"s-pic-few": 2, "s-pic-sides": 2}
OF_PHOTOS = {"s-pic": 10, "s-pic-few": 2, "s-pic-sides": 4, "s-ok": 10}  # step → photos that may count
WHO = some.integers(0, 1)


class TwoPhones(RuleBasedStateMachine):
    """What Ed and Olga do. The model: photos taken and deleted by step, and what was applied in order of arrival."""

    stage: ClassVar[Stage]
    template_id: ClassVar[str]

    @initialize()
    def a_run(self) -> None:
        w = self.stage.w
        self.ed = self.stage.run(w.dispatch(self.template_id))
        self.stage.run(self.ed.start())
        self.phones = [SendingPhone(self._request, LEAST), SendingPhone(self._request, LEAST)]
        self.taken: dict[str, set[str]] = defaultdict(set)
        self.deleted: dict[str, set[str]] = defaultdict(set)
        self.taker: dict[str, SendingPhone] = {}
        self.values: dict[str, Any] = {}
        self.applied: dict[str, list[str]] = defaultdict(list)  # step → ids of answers
        self.skippers: set[SendingPhone] = set()
        self.signature: str | None = None
        self.signed: str | None = None

    def _request(self, method: str, path: str, **more: Any) -> httpx2.Response:
        reply = self.stage.run(self.ed.call(method, path, **more))
        assert reply.status_code in (200, 201, 409, 422), reply.text
        if path.endswith("/signature"):
            self.signature = reply.json()["url"]
        elif "json" in more and reply.status_code == 200:
            self._apply(path.removeprefix("/steps/"), more["json"])
        return reply

    def _apply(self, step: str, body: dict[str, Any]) -> None:
        if body["answer_id"] in self.applied[step]:
            return
        if step == "s-ok" and "replaces" in body:
            assert body["value"] == self.values[step], "photos alone change no answer"
        if step == "s-why" and self.applied[step]:
            assert body["replaces"] == self.applied[step][-1], "no text is replaced by who did not know it"
        if not body.get("skipped"):
            self.values[step] = body["value"]
        if step == "s-sign":
            self.signed = self.signature
        self.applied[step].append(body["answer_id"])

    # --- what they do

    @rule(who=WHO, step=some.sampled_from([*OF_PHOTOS]), slot=some.sampled_from(["p-front", "p-rear"]))
    def take(self, who: int, step: str, slot: str) -> None:
        phone = self.phones[who]
        if len(self.taken[step] - self.deleted[step]) < 9:
            photo = phone.take(step, slot if step == "s-pic-sides" else None)
            self.taken[step].add(photo)
            self.taker[photo] = phone

    @rule(who=WHO, step=some.sampled_from([*OF_PHOTOS]), which=some.integers(0, 9))
    def delete(self, who: int, step: str, which: int) -> None:
        shown = self.phones[who].shown[step]
        if shown:
            photo = shown[which % len(shown)]
            self.phones[who].delete(step, photo)
            self.deleted[step].add(photo)

    @rule(who=WHO, value=some.booleans())
    def say(self, who: int, value: bool) -> None:
        self.phones[who].give("s-ok", {"value": value})

    @rule(who=WHO, value=some.sampled_from(["o-main", "o-back"]))
    def choose(self, who: int, value: str) -> None:
        self.phones[who].give("s-way", {"value": value})

    @rule(who=WHO)
    def write(self, who: int) -> None:
        phone = self.phones[who]
        phone.give("s-why", {"value": secrets.token_hex(4), "replaces": phone.answer_id("s-why")})

    @rule(who=WHO)
    def sign(self, who: int) -> None:
        self.phones[who].sign("s-sign")

    # --- what goes on

    @rule(who=WHO, is_heard=some.sampled_from([True, True, True, False]))
    def send_small(self, who: int, is_heard: bool) -> None:
        self.phones[who].send(self.phones[who].small, is_heard=is_heard)

    @rule(who=WHO, is_heard=some.sampled_from([True, True, True, False]))
    def send_large(self, who: int, is_heard: bool) -> None:
        self.phones[who].send(self.phones[who].large, is_heard=is_heard)

    @rule(who=WHO)
    def look(self, who: int) -> None:
        self.phones[who].look()

    # --- what is left

    def teardown(self) -> None:
        if not hasattr(self, "phones"):
            return
        for _ in range(100):
            for phone in self.phones:
                phone.send(phone.small)
                phone.send(phone.large)
        assert not any(phone.small or phone.large for phone in self.phones)
        state = self.stage.run(self.ed.state())
        for step in OF_PHOTOS:
            self._photos_are_right(step, state["answers"].get(step, {}), state["photos"].get(step, []))
        for step, value in self.values.items():
            if step != "s-sign":
                assert state["answers"][step]["value"] == value, step
        if self.signed:
            assert state["answers"]["s-sign"]["value"].endswith(self.signed)

    def _photos_are_right(self, step: str, answer: Any, stored: Any) -> None:
        there, wanted = {one["photo_id"] for one in stored}, self.taken[step] - self.deleted[step]
        assert not there & self.deleted[step], "what somebody deleted stays deleted"
        told = {photo for photo in wanted if self._knows(self.taker[photo], step, photo)}
        counted = set(answer["photos"]) if "photos" in answer else there
        assert counted <= wanted
        assert len(counted) <= OF_PHOTOS[step]
        assert wanted - counted <= told, "its phone says that all is safe"
        assert set(answer.get("waiting_for", ())) <= told, "nobody will send it"

    def _knows(self, phone: SendingPhone, step: str, photo: str) -> bool:
        """Whether the person with a phone was told that a photo does not count."""
        return photo in phone.told or step in phone.refused


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[TwoPhones]]:
    with stage_in(tmp_path_factory.mktemp("phones")) as stage:

        class Told(TwoPhones):
            pass

        Told.stage, Told.template_id = stage, stage.run(stage.w.template(*STEPS, settings={"allow_skip": True}))
        yield Told


QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.mark.parametrize("part", range(2))  # so that several workers share them
def test_two_phones_leave_what_the_model_says(told: type[TwoPhones], part: int) -> None:
    quick = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]  # soak tells it shorter
    how = settings(max_examples=25, stateful_step_count=40, phases=quick, suppress_health_check=QUIET)
    run_state_machine_as_test(seed(part)(told), settings=how)


@pytest.mark.soak
def test_two_phones_at_length(told: type[TwoPhones]) -> None:
    chosen = secrets.randbits(32)
    print(f"seed {chosen}")
    how = settings(
        max_examples=2000, stateful_step_count=60, derandomize=False, print_blob=True, suppress_health_check=QUIET
    )
    run_state_machine_as_test(seed(chosen)(told), settings=how)
