"""Timers finer than the event loop's."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from agent.wires.alarms import Alarms


@pytest.fixture
async def alarms() -> AsyncIterator[Alarms]:
    one = Alarms()
    yield one
    one.close()


async def test_they_ring_in_order_and_never_early(alarms: Alarms) -> None:
    time = asyncio.get_running_loop().time
    now = time()
    rung: list[tuple[float, float]] = []

    def note(when: float) -> None:
        rung.append((when, time()))

    for delay in (0.02, 0.005, 0.01, 0.0, -1.0):
        when = now + delay
        alarms.call_at(when, partial(note, when))
    await alarms.sleep_until(now + 0.03)
    assert [when for when, _ in rung] == sorted(when for when, _ in rung)
    assert len(rung) == 5
    assert all(rang >= when for when, rang in rung)


async def test_a_sleeper_that_is_cancelled_disturbs_nobody(alarms: Alarms) -> None:
    now = asyncio.get_running_loop().time()
    sleepers = [asyncio.create_task(alarms.sleep_until(now + 0.01)) for _ in range(3)]
    await asyncio.sleep(0)
    sleepers[0].cancel()
    await asyncio.gather(*sleepers[1:])
    assert sleepers[0].cancelled()


async def test_nothing_is_called_after_closing(alarms: Alarms) -> None:
    rung: list[int] = []
    now = asyncio.get_running_loop().time()
    alarms.call_at(now + 0.005, alarms.close)
    alarms.call_at(now + 0.005, lambda: rung.append(1))
    await asyncio.sleep(0.03)
    assert rung == []
    alarms.close()
