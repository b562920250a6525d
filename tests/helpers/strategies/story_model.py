"""What should be known of runs, deliveries and templates in a story, and the checklist that they are about."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx2
from hypothesis.stateful import RuleBasedStateMachine

from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.storage import assert_counted
from tests.helpers.service import HOUR, Receiver
from tests.helpers.strategies.hypothesis_service import Stage

GRACE = 24 * HOUR


DELAYS = (30_000, 120_000, 600_000, 3_600_000)


FINAL = {"completed", "cancelled", "expired"}


Content = tuple[Any, bool, str | None, tuple[str, ...] | None]  # value, skipped, why it can't be done, photos


ANSWERS: dict[str, tuple[str, Content, Any]] = {
    "yes": ("s-ok", (True, False, None, None), {"value": True}),
    "no": ("s-ok", (False, False, None, None), {"value": False}),
    "can't": ("s-ok", (None, False, "dark", None), {"unable": {"reason": "dark"}}),
    "write": ("s-why", ("x", False, None, None), {"value": "x"}),
    "skip": ("s-why", (None, True, None, None), {"skipped": True}),
}


WORK = ["start", "start", "photograph", *ANSWERS]


def checklist(name: str) -> dict[str, Any]:
    """The second step is only asked when all is fine."""
    fine = {"when": {"step": "s-ok", "op": "eq", "value": True}}
    return {
        "name": name,
        "settings": {"allow_skip": True},
        "steps": [
            {"id": "s-ok", "type": "boolean", "label": "All fine?"},
            {"id": "s-why", "type": "text", "label": "Why?", "required": False, "condition": fine},
            {"id": "s-pic", "type": "photo", "label": "The door"},
        ],
    }


@dataclass
class Delivery:
    """What should be known of one event's way to the webhook."""

    event: str
    next_at: int | None
    status: str = "pending"
    attempts: int = 0
    unsent: int = 0  # how often it was ended since there was no webhook any more


@dataclass
class Run:
    """What should be true of a run."""

    run_id: str
    template: str
    v: int
    expires_at: int | None
    url: str | None
    status: str = "pending"
    given_up: str | None = None  # the reason that the executor gave
    answers: dict[str, Content] = field(default_factory=dict)
    photos: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    gone: bool = False

    def is_overdue(self, now: int) -> bool:
        if self.status in FINAL or self.expires_at is None:
            return False
        return now >= self.expires_at + (GRACE if self.status == "in_progress" else 0)

    def is_visible(self, step: str) -> bool:
        return step != "s-why" or self.answers.get("s-ok", (None,))[0] is True

    def done(self) -> set[str]:
        return {step for step in self.answers if self.is_visible(step)}

    def tell(self, event: str, now: int) -> None:
        self.events.append(event)
        if self.url and event != "run.started":
            self.deliveries.append(Delivery(event, now))

    def close(self, status: str, now: int) -> None:
        self.status = status
        self.tell(f"run.{status}", now)

    def apply(self, step: str, content: Content, now: int) -> None:
        before, changed = self.done(), self.answers.get(step) != content
        self.answers[step] = content
        for one in ("s-ok", "s-why", "s-pic"):
            if one in self.done() and (one not in before or (one == step and changed)):
                self.tell("step.skipped" if self.answers[one][1] else "step.completed", now)


@dataclass
class Template:
    """Its current version, and whether new runs may be dispatched from it."""

    template_id: str
    name: str
    v: int = 1
    archived: bool = False


@dataclass
class Sent:
    """A dispatch with an Idempotency-Key."""

    body: dict[str, Any]
    key: str
    answer: bytes
    at: int


class Checked(RuleBasedStateMachine):
    """Calls to the service, and looks at what it says beside what should be known."""

    stage: ClassVar[Stage]
    receiver: ClassVar[Receiver]

    @property
    def now(self) -> int:
        return self.stage.w.clock.now

    def call(self, client: httpx2.AsyncClient, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.stage.run(client.request(method, path, **more))

    def v1(self, method: str, path: str, status: int, body: Any = None, **headers: str) -> httpx2.Response:
        more = {} if body is None else {"json": body}
        answer = self.call(self.acme, method, f"/v1{path}", headers=headers, **more)
        assert answer.status_code == status, (method, path, body, answer.text)
        return answer

    def _credits_are_right(self) -> None:
        assert self.v1("GET", "/organization", 200).json()["credits"] == self.credits
        self.stage.run(self.stage.w.database.read(assert_counted))

    def look(self, run: Run) -> None:
        """The run's record, events and deliveries are what the model says."""
        self._post()
        record = self.v1("GET", f"/runs/{run.run_id}", 200).json()
        assert (record["status"], record["template_id"]) == (run.status, run.template)
        assert record["template_v"] == run.v
        shown = {
            step: (one["value"], one["skipped"], one["unable"] and one["unable"]["reason"])
            for step, one in record["answers"].items()
        }
        assert shown == {step: run.answers[step][:3] for step in run.done()}
        feed = self.v1("GET", f"/runs/{run.run_id}/events?limit=100", 200).json()["data"]
        assert [one["event"] for one in feed] == run.events
        assert [one["seq"] for one in feed] == list(range(1, len(run.events) + 1))
        terminal = [one for one in run.events if one.removeprefix("run.") in FINAL]
        assert len(terminal) == (run.status in FINAL)
        self._deliveries_are_right(run, {one["event_id"]: one["seq"] for one in feed})

    def _deliveries_are_right(self, run: Run, seqs: dict[str, int]) -> None:
        listed = self._listed(run)
        assert len(listed) == len(run.deliveries)
        arrived: Counter[str] = Counter()
        for one in self.receiver.received:
            body = one.json
            if body["run_id"] == run.run_id:
                arrived[body["event_id"]] += 1
                assert body["delivery_attempt"] >= arrived[body["event_id"]]
                assert body["seq"] == seqs[body["event_id"]]
        for shown, one in zip(listed, run.deliveries, strict=True):
            assert (shown["event"], shown["status"]) == (one.event, one.status)
            assert len(shown["attempts"]) == one.attempts + one.unsent
            assert one.attempts == arrived[shown["event_id"]]
            assert (shown["next_attempt_at"] is None) == (one.next_at is None)

    def _learn(self, run: Run) -> None:
        """When the next attempts are, to the millisecond: up to a tenth of the delay later than it says."""

        def look(tx: Tx) -> list[int | None]:
            query = "SELECT next_attempt_at FROM deliveries WHERE run_id = ? ORDER BY number"
            return [at for (at,) in tx.db.execute(query, (run.run_id,)).fetchall()]

        for at, one in zip(self.stage.run(self.stage.w.database.read(look)), run.deliveries, strict=True):
            if one.next_at is not None and one.next_at > self.now:
                delay = DELAYS[one.attempts - 1]
                assert (at is not None and self.now <= at - delay <= self.now + delay // 10) or at == one.next_at
                one.next_at = at

    def _listed(self, run: Run) -> list[Any]:
        return list(self.v1("GET", f"/runs/{run.run_id}/deliveries?limit=100", 200).json()["data"][::-1])
