import asyncio
import logging

import pytest

from agent.contract import LinkLost, Misconfigured
from agent.supervise.supervisor import Restarts, keep_running

FAST = Restarts(first=0.001, longest=0.002, bugs_allowed=2)


async def test_retries_a_lost_link_and_complains_once(caplog: pytest.LogCaptureFixture) -> None:
    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls < 5:
            raise LinkLost("no answer")
        raise Misconfigured("enough")

    with caplog.at_level(logging.WARNING):
        await keep_running("meter", work, FAST)
    assert calls == 5
    assert [r.levelname for r in caplog.records] == ["WARNING", "ERROR"]


async def test_gives_up_on_a_repeating_bug() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_running("meter", work, FAST))
    assert caught.group_contains(ZeroDivisionError)


async def test_forgets_old_bugs_after_a_healthy_run() -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 6:
            raise Misconfigured("enough")
        await asyncio.sleep(0.01)
        raise ZeroDivisionError

    await keep_running("meter", work, Restarts(0.001, 0.001, healthy_after=0.005, bugs_allowed=1))
    assert runs == 6


async def test_stops_at_once_when_cancelled() -> None:
    async def work() -> None:
        raise LinkLost("no answer")

    task = asyncio.create_task(keep_running("meter", work))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_waits_longer_each_time_up_to_a_bound() -> None:
    restarts = Restarts(first=1, longest=8)
    assert [restarts.delay(n) for n in range(1, 6)] == [1, 2, 4, 8, 8]
