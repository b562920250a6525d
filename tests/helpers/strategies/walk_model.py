"""What should be so after each step of a walk: a second, simpler reading of the contract."""

from dataclasses import dataclass, field
from typing import Any

from tests.helpers.strategies.strategies import photos_of, slots_of, steps_of

EVIDENCE = ("photo", "signature", "instruction")


@dataclass
class Model:
    """What should be so: answers as they were sent, and what has arrived, in the contract's own words."""

    template: dict[str, Any]
    answers: dict[str, Any] = field(default_factory=dict)
    arrived: dict[str, list[str]] = field(default_factory=dict)
    slots: dict[str, str] = field(default_factory=dict)  # photo id → the slot it was taken for
    signed: dict[str, int] = field(default_factory=dict)
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)  # photo id or answer id → its step
    announced: dict[str, set[str]] = field(default_factory=dict)  # the photos that a step's last event named

    def photos(self, step: Any) -> tuple[list[str], list[str]]:
        """Of the photos that count: those that are here, those that are awaited."""
        answer, here = self.answers.get(step["id"]), self.arrived.get(step["id"], [])
        listed = here if answer is None or answer["photos"] is None else answer["photos"]
        return [one for one in listed if one in here], [one for one in listed if one not in here]

    def whole(self, step: Any) -> bool:
        """Done, were it visible."""
        answer = self.answers.get(step["id"])
        if answer is None or answer["skipped"] or answer["unable"]:
            return answer is not None
        here, awaited = self.photos(step)
        signed = step["type"] != "signature" or answer["signature"] is not None
        every = {self.slots.get(one) for one in here} >= set(slots_of(step))
        return len(here) >= photos_of(step)[0] and every and not awaited and signed

    def visible(self) -> set[str]:
        """The steps that are shown."""
        shown: set[str] = set()
        known = {step["id"]: step for step in steps_of(self.template)}
        for step in known.values():
            if step.get("condition") is None or self.holds(step["condition"], known, shown):
                shown.add(step["id"])
        return shown

    def holds(self, rule: Any, known: Any, shown: set[str]) -> bool:
        """A condition, by the sentences of the contract."""
        if "rules" in rule:
            inner = [self.holds(one, known, shown) for one in rule["rules"]]
            return all(inner) if rule["op"] == "and" else any(inner)
        name, op, wanted = rule["when"]["step"], rule["when"]["op"], rule["when"].get("value")
        step, answer = known[name], self.answers.get(name)
        if name not in shown:
            return op in ("neq", "not_contains")
        if answer is None:
            return False
        if answer["skipped"]:
            return op in ("neq", "not_contains", "skipped")
        if answer["unable"]:
            return op in ("neq", "not_contains")
        if step["type"] in EVIDENCE:
            return op == "answered" and self.whole(step)
        return self.compared(op, answer["value"], wanted)

    def compared(self, op: str, value: Any, wanted: Any) -> bool:
        """A comparison with an answer, by the sentences of the contract."""
        if isinstance(value, list) and isinstance(wanted, list):
            value, wanted = sorted(value), sorted(wanted)
        result: bool = {
            "answered": lambda: True,
            "skipped": lambda: False,
            "eq": lambda: value == wanted,
            "neq": lambda: value != wanted,
            "gt": lambda: value > wanted,
            "lt": lambda: value < wanted,
            "gte": lambda: value >= wanted,
            "lte": lambda: value <= wanted,
            "contains": lambda: wanted in value,
            "not_contains": lambda: wanted not in value,
        }[op]()
        return result

    def flagged(self) -> list[str]:
        """The steps whose answers call for attention."""
        done, steps = self.done(), {step["id"]: step for step in steps_of(self.template)}
        answered = [steps[name] for name in done if self.kind(name) == "answered"]
        with_flag = [step for step in answered if step.get("flag")]
        return [
            step["id"] for step in with_flag if self.raises(step["flag"]["when"], self.answers[step["id"]]["value"])
        ]

    def raises(self, when: Any, value: Any) -> bool:
        """Whether a flag holds of a value."""
        if "rules" in when:
            inner = [self.raises(rule, value) for rule in when["rules"]]
            return all(inner) if when["op"] == "and" else any(inner)
        return self.compared(when["op"], value, when.get("value"))

    def done(self) -> list[str]:
        """The steps that are done, in the template's order."""
        shown = self.visible()
        return [step["id"] for step in steps_of(self.template) if step["id"] in shown and self.whole(step)]

    def progress(self) -> dict[str, int]:
        """As the run tells it."""
        kinds = [self.kind(name) for name in self.done()]
        return {"total": len(self.visible())} | {kind: kinds.count(kind) for kind in ("answered", "skipped", "unable")}

    def kind(self, name: str) -> str:
        """What became of a step that is done."""
        answer = self.answers[name]
        return "skipped" if answer["skipped"] else "unable" if answer["unable"] else "answered"

    def missing(self) -> list[tuple[str, str]]:
        """Why the run can't be completed."""
        found = []
        shown, done = self.visible(), self.done()
        for step in steps_of(self.template):
            name, required, answer = step["id"], step.get("required", True), self.answers.get(step["id"])
            if name not in shown or name in done:
                continue
            if answer is None:
                found += [(name, "missing_answer")] * required
            elif step["type"] == "signature" and answer["signature"] is None:
                found.append((name, "missing_signature"))
            elif required or self.photos(step)[1]:
                found.append((name, "missing_photos"))
        return found

    def content(self, step: Any) -> Any:
        """What an event says of a step, were it done."""
        answer = self.answers.get(step["id"]) or {}
        here = [] if answer.get("skipped") else self.photos(step)[0]
        return [answer.get(name) for name in ("value", "skipped", "unable", "signature")], here

    def has_unannounced(self, step: Any) -> bool:
        """Whether a photo came alone, which is no event: with the answer given again it becomes one."""
        answer, here = self.answers.get(step["id"]), self.arrived.get(step["id"], [])
        takes_all = answer is not None and answer["photos"] is None
        return takes_all and not self.announced.get(step["id"], set()).issuperset(here)
