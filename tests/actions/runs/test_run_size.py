"""How much the answers of one run may take together."""

import json

from rundun.actions.runs import execution
from rundun.actions.runs.execution import AnswerInput
from rundun.core.runs.answer import MAX_TOGETHER
from rundun.store.sqlite.transaction import Tx
from tests.helpers.files.storage import assert_counted
from tests.helpers.service import BOOLEAN, TEXT, Ed, World

LONG = "🙂" * 20_000  # 80,000 bytes


async def nearly_full(w: World) -> Ed:
    """A run whose answers take so much that no other long one fits."""
    texts = [{**TEXT, "id": f"s-{n}", "config": {"max_length": 20_000}} for n in range(60)]
    ed = await w.dispatch(await w.template(BOOLEAN, *texts))
    await ed.start()

    def answer(tx: Tx) -> None:
        for n in range(52):
            execution.answer(tx, ed.run_id, f"s-{n}", AnswerInput(None, value=LONG), None)

    await w.database.write(answer)
    return ed


async def test_long_answers_end_where_a_run_is_full_and_short_ones_go_on(w: World) -> None:
    """The attack's: 38 MB of answers by one link, which each reader of the run takes into memory."""
    ed = await nearly_full(w)
    reasons = [await ed.put(f"s-{n}", {"unable": {"reason": LONG[:2000]}}) for n in range(53, 58)]
    assert [one.status_code for one in reasons] == [200, 200, 200, 200, 413], "reasons count, too"
    for response, pointer in ((await ed.answer("s-52", LONG), "/value"), (reasons[-1], "/unable/reason")):
        problem = response.json()
        assert (response.status_code, problem["code"]) == (413, "too_large")
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, "too_long")]
        assert "has to be shorter" in problem["detail"]
    before = (await w.run(ed))["revision"]
    assert (await ed.answer("s-0", LONG)).status_code == 200, "what is in force already"
    assert (await w.run(ed))["revision"] == before
    assert (await ed.answer("s-0", "!" + LONG[1:])).status_code == 200, "one in place of another that was as long"
    for n in range(58, 60):
        assert (await ed.answer(f"s-{n}", "x" * 980)).status_code == 200
    assert (await ed.answer("s-ok", True)).status_code == 200
    answers = (await w.run(ed))["answers"].values()
    size = len(json.dumps([(one["value"], one["unable"]) for one in answers], ensure_ascii=False).encode())
    assert MAX_TOGETHER - 10_000 < size < MAX_TOGETHER + 10_000
    assert (await ed.answer("s-1", "short")).status_code == 200
    assert (await ed.answer("s-57", LONG[:15_000])).status_code == 200, "there is room again"
    await w.database.read(assert_counted)
