"""The slots, against a model that counts by going through a list of everything under way."""

import pytest
from hypothesis import given, strategies as some

from rundun.core.deliveries.slots import MAX_KNOWN, DeliverySlots

OK, UNREACHABLE, FAILED = (True, False), (False, True), (False, False)
keys = some.sampled_from("abcdefgh")
steps = some.lists(some.tuples(keys, some.sampled_from(["take", OK, UNREACHABLE, FAILED])), max_size=80)


def owner(key: str) -> str:
    """Acme has four destinations, Globex three, Initech one."""
    return {"e": "Globex", "f": "Globex", "g": "Globex", "h": "Initech"}.get(key, "Acme")


class Model:
    """The limits, written down as sentences."""

    def __init__(self, concurrency: int, per_destination: int) -> None:
        self.concurrency, self.per_destination = concurrency, per_destination
        self.under_way: list[str] = []
        self.suspects: set[str] = set()
        self.answered: set[str] = set()

    def may_start(self, key: str) -> bool:
        suspects_under_way = [other for other in self.under_way if other in self.suspects]
        unproven = [other for other in self.under_way if not self.is_proven(other)]
        if len(self.under_way) >= self.concurrency:
            return False
        left = max(1, self.concurrency - self.concurrency // 4) - len(unproven)
        if not self.is_proven(key) and sum(owner(other) == owner(key) for other in unproven) >= left:
            return False
        if key in self.suspects:
            return key not in self.under_way and len(suspects_under_way) < max(1, self.concurrency // 4)
        if key not in self.answered:
            return key not in self.under_way
        return self.under_way.count(key) < self.per_destination

    def is_proven(self, key: str) -> bool:
        return key in self.answered and key not in self.suspects

    def end(self, key: str, ok: bool, unreachable: bool) -> None:
        self.under_way.remove(key)
        if not unreachable:
            self.answered.add(key)
        if ok:
            self.suspects.discard(key)
        elif unreachable:
            self.suspects.add(key)


def play(slots: DeliverySlots[str], model: Model, story: list[tuple[str, str | tuple[bool, bool]]]) -> None:
    for key, step in story:
        assert (slots.free_for(key) > 0) == model.may_start(key)
        if isinstance(step, str):
            if model.may_start(key):
                slots.take(key)
                model.under_way.append(key)
        elif key in model.under_way:
            slots.give_back(key, ok=step[0], unreachable=step[1])
            model.end(key, *step)
        assert slots.busy == len(model.under_way)
        assert slots.free == slots.concurrency - len(model.under_way)
        for known in {*model.under_way, *model.suspects}:
            assert (slots.free_for(known) > 0) == model.may_start(known)


@given(some.integers(1, 12), some.integers(1, 4), steps)
def test_the_limits_hold(concurrency: int, per_destination: int, story: list[tuple[str, str]]) -> None:
    play(DeliverySlots(concurrency, per_destination, owner), Model(concurrency, per_destination), story)


@given(some.integers(1, 12), some.integers(1, 4), steps, some.dictionaries(keys, some.integers(0, 9)))
def test_a_share_is_what_could_be_taken_one_by_one_and_leaves_nobody_out(
    concurrency: int, per_destination: int, story: list[tuple[str, str]], waiting: dict[str, int]
) -> None:
    slots, model = DeliverySlots[str](concurrency, per_destination, owner), Model(concurrency, per_destination)
    play(slots, model, story)
    before = {key: model.under_way.count(key) for key in "abcdefgh"}
    share = slots.share(waiting)
    assert all(0 < count <= waiting[key] for key, count in share.items())
    for key in [key for key, count in share.items() for _ in range(count)]:
        assert slots.free_for(key) > 0
        assert model.may_start(key)
        slots.take(key)
        model.under_way.append(key)
    left = {key: count - share.get(key, 0) for key, count in waiting.items()}
    assert not any(left[key] and model.may_start(key) for key in waiting)
    # Fair: nobody was given a slot while somebody who holds fewer, and could have used one, went without.
    for key in share:
        for other in waiting:
            if left[other] and other in model.answered - model.suspects:
                assert before[other] + share.get(other, 0) >= before[key] + share[key] - 1


def answering(slots: DeliverySlots[str], *names: str) -> None:
    """These have answered before."""
    for key in names:
        slots.take(key)
        slots.give_back(key, ok=True, unreachable=False)


def test_one_black_hole_among_forty() -> None:
    slots = DeliverySlots[str](concurrency=40, per_destination=4)
    answering(slots, "hole", *(f"well{number}" for number in range(39)))
    assert slots.share({"hole": 1000, **{f"well{number}": 1 for number in range(39)}}) == {
        "hole": 1,
        **{f"well{number}": 1 for number in range(39)},
    }


def test_however_many_are_dead_three_quarters_stay_with_the_living() -> None:
    slots = DeliverySlots[str]()
    answering(slots, *(f"well{number}" for number in range(48)))
    dead = [f"dead{number}" for number in range(500)]
    for key in dead:
        slots.take(key)
        slots.give_back(key, ok=False, unreachable=True)
    share = slots.share({**dict.fromkeys(dead, 9), **{f"well{number}": 9 for number in range(48)}})
    assert sum(count for key, count in share.items() if key in dead) == 64
    assert all(share[f"well{number}"] == 4 for number in range(48))


def test_however_many_new_hosts_one_organization_has_a_slot_is_left_for_another() -> None:
    """The audit's attack: dispatches to names that nobody answers for, each a destination of its own."""
    slots = DeliverySlots[str](owner=lambda key: key.split()[0])
    for organization, granted in (("eve", 96), ("mallory", 48), ("trudy", 24)):
        holes = {f"{organization} {number}": 1 for number in range(500)}
        for key in (share := slots.share(holes)):
            slots.take(key)
        assert len(share) == granted
        assert slots.share(holes) == {}
    assert slots.share({**dict.fromkeys(holes, 1), "acme new": 1}) == {"acme new": 1}


def test_a_suspect_is_trusted_again_after_one_success() -> None:
    slots = DeliverySlots[str]()
    for _ in range(4):
        slots.take("a")
    slots.give_back("a", ok=False, unreachable=True)
    assert slots.free_for("a") == 0  # three are still out
    for _ in range(3):
        slots.give_back("a", ok=False, unreachable=False)
    assert slots.free_for("a") == 1  # an answer that is no success proves nothing
    slots.take("a")
    slots.give_back("a", ok=True, unreachable=False)
    assert slots.free_for("a") == 4


def test_one_slot_for_whom_nothing_is_known_of() -> None:
    """However many black holes there are at once, they take as many slots as there are of them until they are known."""
    slots = DeliverySlots[str]()
    holes = {f"hole{number}": 100 for number in range(100)}
    assert slots.share(holes) == dict.fromkeys(holes, 1)
    for key in holes:
        slots.take(key)
    answering(slots, "well")
    assert slots.share({**holes, "well": 100, "new": 100}) == {"well": 4, "new": 1}
    slots.give_back("hole0", ok=False, unreachable=False)
    assert slots.free_for("hole0") == 4, "what it answers does not matter"


def test_however_many_are_new_and_dead_a_quarter_stays_with_those_that_are_well() -> None:
    slots = DeliverySlots[str]()
    answering(slots, *(f"well{number}" for number in range(16)))
    for number in range(1000):
        if slots.free_for(f"new{number}"):
            slots.take(f"new{number}")
    assert slots.busy == 192
    assert sum(slots.share({f"well{number}": 9 for number in range(16)}).values()) == 64


def test_only_so_many_are_remembered() -> None:
    slots = DeliverySlots[int]()
    for key in range(MAX_KNOWN + 1):
        slots.take(key)
        slots.give_back(key, ok=True, unreachable=False)
    assert [slots.free_for(key) for key in (0, 1, MAX_KNOWN)] == [1, 4, 4]
    for key in range(1, MAX_KNOWN + 1):
        slots.take(key)
        slots.give_back(key, ok=False, unreachable=True)
    assert slots.free_for(1) == 1
    slots.take(0)
    slots.give_back(0, ok=False, unreachable=True)
    assert [slots.free_for(key) for key in (0, 1, MAX_KNOWN)] == [1, 4, 1], "the oldest suspicion is over"


def test_what_was_not_taken_cannot_be_given_back() -> None:
    with pytest.raises(ValueError, match="no slot"):
        DeliverySlots[str]().give_back("a", ok=True, unreachable=False)
