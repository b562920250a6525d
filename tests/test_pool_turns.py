"""The pool's turns: owners share its threads by the time that they use."""

import asyncio

import pytest

from rundun.pool import MAX_REST_SECONDS
from tests.helpers.patience import PATIENCE
from tests.helpers.pools import Pool, Slow, begun


class Watch:
    """A clock by which each function takes a second, or as many as it says."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        self.now += 1
        return self.now


async def test_owners_that_wait_take_turns():
    first, order = Slow(), []
    async with Pool(clock=Watch()) as pool:
        tasks = [asyncio.ensure_future(pool.run_for("Acme", first))]
        await begun(first)
        for owner, name in [("Acme", 1), ("Acme", 2), ("Acme", 3), ("Globex", 4), ("Globex", 5), ("Initech", 6)]:
            tasks.append(asyncio.ensure_future(pool.run_for(owner, order.append, name, most=9)))
            await asyncio.sleep(0)  # one turn of the loop: run() gets as far as its await
        first.go.set()
        await asyncio.gather(*tasks)
    assert order == [4, 6, 1, 5, 2, 3], "Acme has had a turn when the others come"


async def test_owners_get_as_much_time_as_others_however_long_each_function_takes():
    first, order, watch = Slow(), [], Watch()

    def takes(seconds, name):
        watch.now += seconds - 1
        order.append(name)

    async with Pool(clock=watch) as pool:
        tasks = [asyncio.ensure_future(pool.run_for("Initech", first))]
        await begun(first)
        for owner, seconds, names in (("Acme", 9, "AAAA"), ("Globex", 3, "gggggggg")):
            for name in names:
                tasks.append(asyncio.ensure_future(pool.run_for(owner, takes, seconds, name, most=9)))
                await asyncio.sleep(0)  # one turn of the loop: run() gets as far as its await
        first.go.set()
        await asyncio.gather(*tasks)
        assert "".join(order) == "AgggAgggAggA"
        assert await pool.run_for("Acme", lambda: "again") == "again"
        await until_none_waits(pool)
    assert not pool.pool._used


async def until_none_waits(pool):
    async with asyncio.timeout(PATIENCE):
        while pool.pool._running or pool.pool._used:
            await asyncio.sleep(0)  # one turn of the loop


async def test_an_owner_that_comes_back_has_no_time_left_over():
    first, order, watch = Slow(), [], Watch()

    def takes(seconds, name):
        watch.now += seconds - 1
        order.append(name)

    async with Pool(clock=watch) as pool:
        assert await pool.run_for("Olga", lambda: "long ago") == "long ago"
        tasks = [asyncio.ensure_future(pool.run_for("Acme", first))]
        await begun(first)
        watch.now += 100
        for owner, name in (("Acme", "a"), ("Acme", "a"), ("Olga", "o"), ("Olga", "o"), ("Olga", "o")):
            tasks.append(asyncio.ensure_future(pool.run_for(owner, takes, 60, name, most=9)))
            await asyncio.sleep(0)  # one turn of the loop
        first.go.set()
        await asyncio.gather(*tasks)
    assert "".join(order) == "ooaoa", "Acme has used 102 s, Olga 60 each"


async def test_a_thread_rests_between_functions_that_took_more_than_a_short_step():
    first, rests, ended_early, watch = Slow(), [], [], Watch()

    def takes(seconds):
        watch.now += seconds - 1

    def rest(newcomer, seconds):
        rests.append(seconds)
        ended_early.append(newcomer.is_set())

    async with Pool(clock=watch, rest=rest) as pool:
        tasks = [asyncio.ensure_future(pool.run(first))]
        await begun(first)
        for seconds in (0.004, 0.2, 3, 0.1):
            tasks.append(asyncio.ensure_future(pool.run(takes, seconds)))
            await asyncio.sleep(0)  # one turn of the loop: run() gets as far as its await
        watch.now -= 1 - 0.1
        first.go.set()
        await asyncio.gather(*tasks)
        await until_none_waits(pool)
    assert rests == pytest.approx([0.1, 0.2, MAX_REST_SECONDS]), "not after a short step, nor where nothing waits"
    assert not any(ended_early), "one owner's calls, of which one runs or waits all the time"


async def test_a_rest_ends_when_an_owner_comes_for_its_first_turn_since_the_others():
    first, ended_early, watch, order = Slow(), [], Watch(), []

    async with Pool(clock=watch, rest=lambda newcomer, _seconds: ended_early.append(newcomer.is_set())) as pool:
        tasks = [asyncio.ensure_future(pool.run_for("Acme", first, most=9))]
        await begun(first)
        for owner in ("Acme", "Acme", "Olga", "Olga"):
            tasks.append(asyncio.ensure_future(pool.run_for(owner, order.append, owner, most=9)))
            await asyncio.sleep(0)  # one turn of the loop: run() gets as far as its await
        first.go.set()
        await asyncio.gather(*tasks)
        await until_none_waits(pool)
    assert order == ["Olga", "Acme", "Olga", "Acme"]
    assert ended_early == [True, False, False, False], "Olga comes once; what waits behind her turn comes to no end"


async def test_no_rest_ends_early_for_the_next_call_of_an_owner_that_has_just_had_its_turn():
    first, second, ended_early = Slow(), Slow(), []

    async with Pool(clock=Watch(), rest=lambda newcomer, _seconds: ended_early.append(newcomer.is_set())) as pool:
        tasks = [asyncio.ensure_future(pool.run_for("Acme", first, most=9))]
        await begun(first)
        for function in (second, lambda: None):
            tasks.append(asyncio.ensure_future(pool.run_for("Globex", function, most=9)))
            await asyncio.sleep(0)  # one turn of the loop: run() gets as far as its await
        first.go.set()
        await begun(second)
        tasks.append(asyncio.ensure_future(pool.run_for("Acme", lambda: None, most=9)))
        await asyncio.sleep(0)  # one turn of the loop
        second.go.set()
        await asyncio.gather(*tasks)
        await until_none_waits(pool)
    assert ended_early == [True, False, False], "Globex came while Acme had its first turn"
