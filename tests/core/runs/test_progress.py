"""Where a run stands: visible, done, missing, newly done."""

from typing import Any

import pytest

from rundun.core.runs import progress
from rundun.core.runs.progress import MissingStep
from rundun.core.templates import rules
from tests.helpers.strategies.conditions import answer, stood, when
from tests.helpers.templates import step

PH1, PH2, PH3 = "ph-1", "ph-2", "ph-3"


def of(*steps: dict[str, Any]) -> Any:
    """A template."""
    return rules.read_template({"name": "x", "steps": list(steps)}, lambda prefix: prefix)


def code(found: Any) -> list[tuple[str, str]]:
    """Step and code of what is missing."""
    return [(one.step_id, one.code) for one in found]


@pytest.mark.parametrize(
    ("one", "given", "arrived", "done", "photos", "waiting", "missing"),
    [
        (step(), None, [], False, (), (), "missing_answer"),
        (step(required=False), None, [], False, (), (), None),
        (step(), answer(True), [], True, (), (), None),
        (step(), answer(skipped=True), [], True, (), (), None),
        (step(), answer(unable="broken"), [], True, (), (), None),
        (step(photo={"min": 2}), answer(True), [], False, (), (), "missing_photos"),
        (step(photo={"min": 2}), answer(True), [PH1], False, (PH1,), (), "missing_photos"),
        (step(photo={"min": 2}), answer(True), [PH1, PH2], True, (PH1, PH2), (), None),
        (step(photo={"min": 2}), None, [PH1, PH2], False, (PH1, PH2), (), "missing_answer"),
        (step(photo={"min": 2}, required=False), answer(True), [PH1], False, (PH1,), (), None),
        (step(photo={}), answer(True), [], True, (), (), None),
        (step(photo={}), answer(True, photos=(PH1,)), [], False, (), (PH1,), "missing_photos"),
        (step(photo={}, required=False), answer(True, photos=(PH1,)), [], False, (), (PH1,), "missing_photos"),
        (step(photo={}), answer(True, photos=(PH2, PH1)), [PH1, PH3, PH2], True, (PH2, PH1), (), None),
        (step(photo={"min": 1}), answer(True, photos=()), [PH1], False, (), (), "missing_photos"),
        (step(photo={"min": 1}), answer(unable="x", photos=(PH1,)), [], True, (), (PH1,), None),
        (step(photo={"min": 1}), answer(unable="x", photos=(PH2,)), [PH1, PH2], True, (PH2,), (), None),
        (step(photo={"min": 1}), answer(unable="x"), [PH1], True, (PH1,), (), None),
        (step(photo={"min": 1}), answer(skipped=True), [PH1], True, (), (), None),
        (step("photo"), None, [], False, (), (), "missing_answer"),
        (step("photo"), answer(), [], False, (), (), "missing_photos"),
        (step("photo"), answer(), [PH1], True, (PH1,), (), None),
        (step("photo", config={"min": 2}), answer(photos=(PH1, PH2)), [PH2], False, (PH2,), (PH1,), "missing_photos"),
        (step("signature"), None, [], False, (), (), "missing_answer"),
        (step("signature"), answer(), [], False, (), ("signature",), "missing_signature"),
        (step("signature", required=False), answer(), [], False, (), ("signature",), "missing_signature"),
        (step("signature"), answer(signature=1), [], True, (), (), None),
        (step("signature"), answer(unable="x"), [], True, (), (), None),
        (step("instruction"), answer(), [], True, (), (), None),
    ],
)
def test_one_step(
    one: Any, given: Any, arrived: list[str], done: bool, photos: Any, waiting: Any, missing: str | None
) -> None:
    step_states = stood(of(one), {} if given is None else {"s-a": given}, {"s-a": arrived})
    step_state = step_states["s-a"]
    assert (step_state.visible, step_state.done) == (True, done)
    assert step_state.waiting_for == waiting
    assert step_state.photos == photos
    assert code(progress.missing_steps(step_states)) == ([] if missing is None else [("s-a", missing)])


def test_what_is_missing_is_said_in_words() -> None:
    steps = [step(name="s-a"), step("photo", "s-b", {"min": 3}), step("signature", "s-c")]
    step_states = stood(of(*steps), {"s-b": answer(), "s-c": answer()}, {"s-b": [PH1]})
    assert list(progress.missing_steps(step_states)) == [
        MissingStep("s-a", "missing_answer", "“A” is not answered yet."),
        MissingStep("s-b", "missing_photos", "“A” still needs 2 photos."),
        MissingStep("s-c", "missing_signature", "“A” is not signed yet."),
    ]


CHAIN = of(
    step(name="s-a"),
    step(name="s-b", condition=when("s-a", "eq", True)),
    step(name="s-c", condition=when("s-b", "answered"), photo={"min": 1}),
    step(name="s-d", required=False, condition=when("s-a", "skipped")),
)


def test_hidden_steps_are_neither_counted_nor_missing_nor_done() -> None:
    everything = {"s-b": True, "s-c": True, "s-d": True}
    step_states = stood(CHAIN, everything)
    assert [name for name, one in step_states.items() if one.visible] == ["s-a"]
    assert progress.count_progress(step_states) == {"total": 1, "answered": 0, "skipped": 0, "unable": 0}
    assert code(progress.missing_steps(step_states)) == [("s-a", "missing_answer")]
    step_states = stood(CHAIN, {**everything, "s-a": False})
    assert progress.count_progress(step_states) == {"total": 1, "answered": 1, "skipped": 0, "unable": 0}
    assert code(progress.missing_steps(step_states)) == []
    assert not any(step_states[name].done for name in everything)


def test_progress_counts_every_visible_step_once() -> None:
    answers = {"s-a": answer(True), "s-b": answer(unable="x"), "s-c": answer(True), "s-d": answer(skipped=True)}
    assert progress.count_progress(stood(CHAIN, answers)) == {"total": 2, "answered": 1, "skipped": 0, "unable": 1}
    answers["s-b"] = answer(False)
    assert progress.count_progress(stood(CHAIN, answers)) == {"total": 3, "answered": 2, "skipped": 0, "unable": 0}
    answers["s-a"] = answer(skipped=True)
    assert progress.count_progress(stood(CHAIN, answers)) == {"total": 2, "answered": 0, "skipped": 2, "unable": 0}


def test_what_became_done_is_told_in_the_templates_order() -> None:
    late = {"s-b": answer(True), "s-c": answer(True)}
    before = stood(CHAIN, late, {"s-c": [PH1]})
    after = stood(CHAIN, {**late, "s-a": answer(True)}, {"s-c": [PH1]})
    assert [one.step.id for one in progress.newly_done_steps(before, after)] == ["s-a", "s-b", "s-c"]
    assert progress.newly_done_steps(after, after) == []
    assert progress.newly_done_steps(after, before) == []


def test_the_step_done_last_is_a_visible_one() -> None:
    def at(moment: int) -> Any:
        given = answer(True)
        return type(given)(**{**{name: getattr(given, name) for name in given.__slots__}, "at": moment})

    assert progress.last_done_step(stood(CHAIN, {})) is None
    assert progress.last_done_step(stood(CHAIN, {"s-b": at(9)})) is None
    assert progress.last_done_step(stood(CHAIN, {"s-a": at(5), "s-b": at(3), "s-d": at(9)})) == "s-a"
    assert progress.last_done_step(stood(CHAIN, {"s-a": at(5), "s-b": at(7)})) == "s-b"
