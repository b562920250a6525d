"""The bench: bounded, in order, and free again only when the thread is."""

import asyncio
import subprocess
import sys
import threading

import pytest

from rundun.errors import Problem
from rundun.imaging import derive
from rundun.workbench import Workbench


class Slow:
    """Work that begins when a thread takes it and ends when the test says so."""

    def __init__(self):
        self.begun, self.go, self.done = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, answer="done"):
        self.begun.set()
        assert self.go.wait(10)
        self.done.set()
        return answer


async def begun(slow):
    assert await asyncio.to_thread(slow.begun.wait, 10)


async def queued(bench, *work):
    """Tasks whose work has been handed to the bench, in this order."""
    tasks = []
    for function in work:
        tasks.append(asyncio.ensure_future(bench.run(function)))
        await asyncio.sleep(0)  # one turn of the loop: run() gets as far as its await
    return tasks


async def refusal(awaitable):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == "unavailable"
    return caught.value


async def test_it_runs_in_a_thread_of_its_own_and_hands_on_what_comes_back():
    async with Workbench() as bench:
        thread = await bench.run(threading.current_thread)
        assert thread is not threading.current_thread()
        assert await bench.run(int, "ff", base=16) == 255
        with pytest.raises(Problem) as caught:
            await bench.run(derive, b"not a picture", max_pixels=1)
        assert caught.value.code == "unreadable_image"
        with pytest.raises(ZeroDivisionError):
            await bench.run(divmod, 1, 0)
    assert not thread.is_alive()


async def test_one_too_many_is_told_to_come_back_later():
    first = Slow()
    async with Workbench(workers=1, queue_length=2, retry_after=7) as bench:
        tasks = await queued(bench, first, lambda: "second", lambda: "third")
        await begun(first)
        problem = await refusal(bench.run(lambda: "fourth"))
        assert problem.retry_after == 7
        assert "photos" in problem.detail
        first.go.set()
        assert await asyncio.gather(*tasks) == ["done", "second", "third"]
        assert await bench.run(lambda: "fourth") == "fourth"


async def test_no_more_than_its_workers_run_at_once():
    one, two, three = Slow(), Slow(), Slow()
    async with Workbench(workers=2, queue_length=1) as bench:
        tasks = await queued(bench, one, two, three)
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
    async with Workbench(workers=1, queue_length=0) as bench:
        (task,) = await queued(bench, slow)
        await begun(slow)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not slow.done.is_set()
        await refusal(bench.run(lambda: "next"))
        slow.go.set()
        await until_free(bench)


async def until_free(bench):
    """Ask again and again, as a phone does, until there is a place."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await bench.run(lambda: "next")
            except Problem:
                await asyncio.sleep(0)  # one turn of the loop


async def test_a_client_that_goes_away_while_waiting_gives_its_place_back_and_never_runs():
    first, second = Slow(), Slow()
    async with Workbench(workers=1, queue_length=1) as bench:
        running, waiting = await queued(bench, first, second)
        await begun(first)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (third,) = await queued(bench, lambda: "third")
        first.go.set()
        assert await running == "done"
        assert await third == "third"
        assert not second.begun.is_set()


async def test_closing_lets_running_work_finish_and_refuses_the_rest():
    first, second = Slow(), Slow()
    bench = Workbench(workers=1, queue_length=4)
    running, waiting = await queued(bench, first, second)
    await begun(first)
    closing = asyncio.ensure_future(bench.close())
    await refusal(waiting)
    await refusal(bench.run(lambda: "late"))
    assert not closing.done()
    first.go.set()
    assert await running == "done"
    await closing
    assert not second.begun.is_set()
    await bench.close()  # twice does no harm


async def test_a_cancelled_client_stays_cancelled_while_the_bench_closes():
    slow = Slow()
    bench = Workbench()
    (task,) = await queued(bench, slow)
    await begun(slow)
    closing = asyncio.ensure_future(bench.close())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    slow.go.set()
    await closing


async def test_one_owner_has_one_place_until_its_thread_is_done():
    slow = Slow()
    async with Workbench(workers=2, queue_length=2) as bench:
        first = asyncio.ensure_future(bench.run_for("Ed", slow, "done"))
        await begun(slow)
        problem = await refusal(bench.run_for("Ed", lambda: "again"))
        assert problem.retry_after > 0
        assert await bench.run_for("Olga", lambda: "hers") == "hers"
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await refusal(bench.run_for("Ed", lambda: "again"))
        slow.go.set()
        async with asyncio.timeout(10):
            while True:
                try:
                    assert await bench.run_for("Ed", lambda: "again") == "again"
                    break
                except Problem:
                    await asyncio.sleep(0)


async def test_an_owner_whose_work_never_began_may_come_again():
    first = Slow()
    async with Workbench(workers=1, queue_length=2) as bench:
        (running,) = await queued(bench, first)
        await begun(first)
        waiting = asyncio.ensure_future(bench.run_for("Ed", lambda: "never"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        again = asyncio.ensure_future(bench.run_for("Ed", lambda: "again"))
        first.go.set()
        assert await asyncio.gather(running, again) == ["done", "again"]


async def test_closing_does_not_wait_for_what_does_not_end():
    slow = Slow()
    bench = Workbench(patience=0.05)
    (task,) = await queued(bench, slow)
    await begun(slow)
    try:
        await asyncio.wait_for(bench.close(), 5)
        assert not slow.done.is_set()
    finally:
        slow.go.set()
    assert await task == "done"


STUCK = """
import asyncio, threading
from rundun.workbench import Workbench

async def main():
    begun = threading.Event()
    async with Workbench(patience=0.05) as bench:
        task = asyncio.ensure_future(bench.run(lambda: (begun.set(), threading.Event().wait())))
        await asyncio.to_thread(begun.wait)
    task.cancel()

asyncio.run(main())
print("ended")
"""


def test_a_process_ends_although_a_picture_is_still_in_work():
    ended = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=20, check=True
    )
    assert ended.stdout == "ended\n"
    assert "Traceback" not in ended.stderr
