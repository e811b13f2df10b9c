"""What it costs to ask 230 devices of ten points each, on 23 wires, once a second.

Drivers answer at once and the sink only counts, so that scheduling is all that is left. The
yardstick, in the same run: one `loop.call_at` per device, which asks, counts and does no more.
Ceilings: 0.39 to 1.14 % of a core for the best bare designs, 2.8 % for `call_at`, of one machine.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence

from agent.clock import Clock
from agent.collect import Member, Scheduler
from agent.contract import Device, PointInfo, Reading, Record
from agent.status import Board

WIRES, DEVICES, POINTS, PERIOD = 23, 10, 10, 1.0
GOAL = 2.0  # % of a core


class Instantly:
    """A driver that answers at once."""

    def __init__(self, device: str) -> None:
        self.points = [PointInfo(f"p{i}", "1") for i in range(POINTS)]
        now = Clock().now()
        self._readings = [Reading(device, point.id, 1.0, "1", now) for point in self.points]

    async def open(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """Nothing to let go."""

    async def read(self) -> Sequence[Reading]:
        return self._readings


class Counting:
    """A sink."""

    def __init__(self) -> None:
        self.count = 0

    async def put(self, records: Sequence[Record]) -> None:
        self.count += len(records)

    async def flush(self) -> None:
        """Nothing is on disk here."""


def members(wire: int) -> list[Member]:
    names = [f"device-{wire}-{i}" for i in range(DEVICES)]
    return [Member(Device(n, "instantly", PERIOD, "wire"), Instantly(n)) for n in names]


async def scheduled(sink: Counting) -> None:
    board, clock = Board(), Clock()
    async with asyncio.TaskGroup() as tasks:
        for wire in range(WIRES):
            scheduler = Scheduler(f"wire-{wire}", members(wire), sink, clock, board)
            tasks.create_task(scheduler.run())
            await asyncio.sleep(PERIOD / DEVICES / WIRES)  # no two beats coincide


async def bare(sink: Counting) -> None:
    loop = asyncio.get_running_loop()

    def ask(driver: Instantly, due: float) -> None:
        coroutine = driver.read()
        try:
            coroutine.send(None)
        except StopIteration as answer:
            sink.count += len(answer.value)
        loop.call_at(due + PERIOD, ask, driver, due + PERIOD)

    drivers = [Instantly(f"device-{i}") for i in range(WIRES * DEVICES)]
    for i, driver in enumerate(drivers):
        due = loop.time() + PERIOD * i / len(drivers)
        loop.call_at(due, ask, driver, due)
    await asyncio.Event().wait()


async def percent(
    work: Callable[[Counting], Coroutine[None, None, None]], seconds: float
) -> tuple[float, float]:
    """(% of a core, readings per second), after a warm-up."""
    sink = Counting()
    task = asyncio.create_task(work(sink))
    await asyncio.sleep(PERIOD)
    began, spent, had = time.monotonic(), time.process_time(), sink.count
    await asyncio.sleep(seconds)
    wall = time.monotonic() - began
    result = (time.process_time() - spent) / wall * 100, (sink.count - had) / wall
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds / 2
    yardstick, _ = asyncio.run(percent(bare, seconds))
    value, rate = asyncio.run(percent(scheduled, seconds))
    report = {
        "bench": "scheduler: % of a core for 2,300 points in 230 devices on 23 wires at 1 s",
        "value": round(value, 2),
        "goal": GOAL,
        "ok": value <= GOAL and rate >= 0.99 * WIRES * DEVICES * POINTS / PERIOD,
        "call_at": round(yardstick, 2),
        "readings_per_second": round(rate),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
