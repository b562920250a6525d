"""The pool: bounded, owners in turn, and a place free again only when its thread is done."""

import asyncio
import subprocess
import sys
import threading

import pytest

from rundun.errors import Problem
from rundun.imaging.derivatives import derive
from rundun.pool import BoundedPool
from tests.helpers.patience import PATIENCE
from tests.helpers.pools import Pool, Slow, begun, refused


async def queued(pool, *work):
    """Tasks whose work has been handed to the pool, in this order."""
    tasks = []
    for function in work:
        tasks.append(asyncio.ensure_future(pool.run(function)))
        await asyncio.sleep(0)  # one turn of the loop: run() gets as far as its await
    return tasks


async def refusal(awaitable):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == "unavailable"
    return caught.value


async def test_it_runs_in_a_thread_of_its_own_and_hands_on_what_comes_back():
    async with Pool() as pool:
        thread = await pool.run(threading.current_thread)
        assert thread is not threading.current_thread()
        assert await pool.run(int, "ff", base=16) == 255
        with pytest.raises(Problem) as caught:
            await pool.run(derive, b"not a picture", max_pixels=1)
        assert caught.value.code == "unreadable_image"
        with pytest.raises(ZeroDivisionError):
            await pool.run(divmod, 1, 0)
    assert not thread.is_alive()


async def test_one_too_many_is_told_to_come_back_later():
    first = Slow()
    async with Pool(places=3) as pool:
        tasks = await queued(pool, first, lambda: "second", lambda: "third")
        await begun(first)
        problem = await refusal(pool.run(lambda: "fourth"))
        assert (problem.retry_after, problem.detail) == (7, "all")
        first.go.set()
        assert await asyncio.gather(*tasks) == ["done", "second", "third"]
        assert await pool.run(lambda: "fourth") == "fourth"


async def test_no_more_than_its_workers_run_at_once():
    one, two, three = Slow(), Slow(), Slow()
    async with Pool(places=3, threads=2) as pool:
        tasks = await queued(pool, one, two, three)
        await begun(one)
        await begun(two)
        assert not three.begun.is_set()
        one.go.set()
        await begun(three)
        assert one.done.is_set()
        two.go.set()
        three.go.set()
        await asyncio.gather(*tasks)


async def test_a_client_that_goes_away_does_not_free_the_place_of_its_running_work():
    slow = Slow()
    async with Pool(places=1) as pool:
        (task,) = await queued(pool, slow)
        await begun(slow)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not slow.done.is_set()
        await refusal(pool.run(lambda: "next"))
        slow.go.set()
        await until_free(pool)


async def until_free(pool):
    """Ask again and again, as a phone does, until there is a place."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await pool.run(lambda: "next")
            except Problem:
                await asyncio.sleep(0)  # one turn of the loop


async def test_a_client_that_goes_away_while_waiting_gives_its_place_back_and_never_runs():
    first, second = Slow(), Slow()
    async with Pool(places=2) as pool:
        running, waiting = await queued(pool, first, second)
        await begun(first)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (third,) = await queued(pool, lambda: "third")
        first.go.set()
        assert await running == "done"
        assert await third == "third"
        assert not second.begun.is_set()


async def test_closing_lets_running_work_finish_and_refuses_the_rest():
    first, second = Slow(), Slow()
    pool = Pool(places=5)
    running, waiting = await queued(pool, first, second)
    await begun(first)
    closing = asyncio.ensure_future(pool.close())
    await refusal(waiting)
    await refusal(pool.run(lambda: "late"))
    assert not closing.done()
    first.go.set()
    assert await running == "done"
    await closing
    assert not second.begun.is_set()
    await pool.close()  # twice does no harm


async def test_a_cancelled_client_stays_cancelled_while_the_pool_closes():
    slow = Slow()
    pool = Pool()
    (task,) = await queued(pool, slow)
    await begun(slow)
    closing = asyncio.ensure_future(pool.close())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    slow.go.set()
    await closing


async def test_one_owner_has_one_place_until_its_thread_is_done():
    slow = Slow()
    async with Pool(places=4, threads=2) as pool:
        first = asyncio.ensure_future(pool.run_for("Ed", slow, "done"))
        await begun(slow)
        problem = await refusal(pool.run_for("Ed", lambda: "again"))
        assert problem.detail == "owner"
        assert await pool.run_for("Olga", lambda: "hers") == "hers"
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await refusal(pool.run_for("Ed", lambda: "again"))
        slow.go.set()
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    assert await pool.run_for("Ed", lambda: "again") == "again"
                    break
                except Problem:
                    await asyncio.sleep(0)


async def test_an_owner_whose_work_never_began_may_come_again():
    first = Slow()
    async with Pool(places=3) as pool:
        (running,) = await queued(pool, first)
        await begun(first)
        waiting = asyncio.ensure_future(pool.run_for("Ed", lambda: "never"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        again = asyncio.ensure_future(pool.run_for("Ed", lambda: "again"))
        first.go.set()
        assert await asyncio.gather(running, again) == ["done", "again"]


async def test_closing_does_not_wait_for_what_does_not_end():
    slow = Slow()
    pool = Pool(close_seconds=0.05)
    (task,) = await queued(pool, slow)
    await begun(slow)
    try:
        assert await asyncio.wait_for(pool.close(), 5) == 1, "one still runs"
        assert not slow.done.is_set()
    finally:
        slow.go.set()
    assert await task == "done"


async def test_a_function_that_raises_stopiteration_is_told():
    async with Pool() as pool:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await pool.run(next, iter([]))


async def test_who_waits_too_long_is_told_to_come_back_and_never_runs():
    first, second = Slow(), Slow()
    async with Pool(wait_seconds=0.05) as pool:
        (running,) = await queued(pool, first)
        await begun(first)
        assert (await refusal(pool.run(second))).detail == "late"
        assert pool.pool.count_taken() == 1, "its place is free again"
        first.go.set()
        assert await running == "done", "what runs may take longer"
        assert not second.begun.is_set()


async def test_those_who_leave_the_queue_leave_nothing_behind():
    first = Slow()
    async with Pool(places=2) as pool:
        (running,) = await queued(pool, first)
        await begun(first)
        for _ in range(5):
            (waiting,) = await queued(pool, lambda: "never")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert not pool.pool._waiting
        first.go.set()
        assert await running == "done"


async def test_threads_end_when_there_is_nothing_to_do():
    async with Pool(threads=2, idle_seconds=0) as pool:
        threads = await asyncio.gather(*(pool.run(threading.current_thread) for _ in range(5)))
        await asyncio.to_thread(lambda: [thread.join(10) for thread in threads])
        assert not any(thread.is_alive() for thread in threads)
        assert await pool.run(lambda: "again") == "again"


async def test_a_system_without_threads_refuses_and_recovers(monkeypatch):
    async with Pool(places=1) as pool:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", none_left)
            assert (await refusal(pool.run(lambda: "never"))).detail == "all"
        assert await pool.run(lambda: "again") == "again"


def none_left(thread):
    raise RuntimeError("can't start new thread")


def test_a_place_is_one_of_every_owner_named():
    pool = BoundedPool(refused)
    limits = {"r-1": 1, "org-1": 2, "": 3}
    with pool.place(limits):
        assert [pool.count_taken(owner) for owner in limits] == [1, 1, 1]
        with pytest.raises(Problem, match="owner"), pool.place(limits):
            pass
        assert pool.count_taken("org-1") == 1, "one that was refused holds nothing"
        second, third = {**limits, "r-2": 1}, {"r-3": 1, "org-1": 2, "": 3}
        del second["r-1"]
        with pool.place(second), pytest.raises(Problem, match="owner"), pool.place(third):
            pass
    assert not pool._taken


STUCK = """
import asyncio, threading
from rundun.pool import BoundedPool
from tests.helpers.patience import PATIENCE

async def main():
    begun = threading.Event()
    pool = BoundedPool(RuntimeError, threads=1, close_seconds=0.05)
    task = asyncio.ensure_future(pool.run("", {}, lambda: (begun.set(), threading.Event().wait())))
    await asyncio.to_thread(begun.wait)
    assert await pool.close() == 1
    task.cancel()

asyncio.run(main())
print("ended")
"""


def test_a_process_ends_although_a_picture_is_still_in_work():
    ended = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=20, check=True)
    assert ended.stdout == "ended\n"
    assert "Traceback" not in ended.stderr


async def test_a_sparing_pool_keeps_threads_for_owners_that_have_fewer():
    eve, more, olga = [Slow() for _ in range(6)], [Slow() for _ in range(6)], Slow()
    async with Pool(threads=6, sparing=True, idle_seconds=0.01) as pool:
        tasks = [asyncio.ensure_future(pool.run_for("Eve", slow, most=9)) for slow in eve]
        for slow in eve[:3]:
            await begun(slow)
        tasks += [asyncio.ensure_future(pool.run_for("Mallory", slow, most=9)) for slow in more]
        for slow in more[:2]:
            await begun(slow)
        tasks.append(asyncio.ensure_future(pool.run_for("Olga", olga)))
        await begun(olga)
        assert not any(slow.begun.is_set() for slow in (*eve[3:], *more[2:])), "half of all, then half of what is left"
        for slow in (*eve, *more, olga):
            slow.go.set()
        await asyncio.gather(*tasks)
        assert await pool.run(lambda: "again") == "again"
    assert not pool.pool._running
