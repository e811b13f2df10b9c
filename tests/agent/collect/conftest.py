"""A driver whose answers are scripted, and a sink that remembers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from agent.clock import Clock
from agent.collect import Member, Policy, Scheduler
from agent.contract import Device, Event, PointInfo, Quality, Reading, Record
from agent.status import Board

FAST = Policy(first=0.2, longest=0.4, look=0.05)


class Scripted:
    """A polled driver. Each read takes `takes` seconds, then raises `error` if there is one."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.points = [PointInfo("level", "m"), PointInfo("flow", "m3/h")]
        self.error: Exception | None = None
        self.open_error: Exception | None = None
        self.takes = 0.0
        self.reads: list[float] = []  # loop times
        self.opens = 0
        self.closes = 0
        self.inside = False

    async def open(self) -> None:
        self.opens += 1
        if self.open_error:
            raise self.open_error

    async def read(self) -> Sequence[Reading]:
        assert not self.inside, "two tasks in one driver"
        self.inside = True
        self.reads.append(asyncio.get_running_loop().time())
        try:
            if self.takes:
                await asyncio.sleep(self.takes)
        finally:
            self.inside = False
        if self.error:
            raise self.error
        now = Clock().now()
        return [Reading(self.device, point.id, 1.5, point.unit, now) for point in self.points]

    async def close(self) -> None:
        self.closes += 1


class Remembering:
    """A sink."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.flushed = 0  # records that were there at the last flush
        self.error: Exception | None = None

    async def put(self, records: Sequence[Record]) -> None:
        if self.error:
            raise self.error
        self.records.extend(records)

    async def flush(self) -> None:
        self.flushed = len(self.records)

    def readings(self, device: str = "") -> list[Reading]:
        return [r for r in self.records if isinstance(r, Reading) and device in {"", r.device}]

    def good(self, device: str = "") -> list[Reading]:
        return [r for r in self.readings(device) if r.quality is Quality.GOOD]

    def bad(self, device: str = "") -> list[Reading]:
        return [r for r in self.readings(device) if r.quality is Quality.BAD]

    def events(self) -> list[tuple[str, str]]:
        return [(r.kind, r.subject) for r in self.records if isinstance(r, Event)]


class Round:
    """A scheduler of scripted drivers, running."""

    def __init__(self, devices: dict[str, float], policy: Policy) -> None:
        self.board, self.sink = Board(), Remembering()
        self.drivers = {name: Scripted(name) for name in devices}
        members = [
            Member(Device(name, "scripted", every=every), self.drivers[name])
            for name, every in devices.items()
        ]
        self.scheduler = Scheduler("bus", members, self.sink, Clock(), self.board, policy)
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.scheduler.run())

    async def stop(self) -> None:
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    def status(self, device: str) -> Any:
        return self.board.device(device)


@pytest.fixture
async def rounds() -> AsyncIterator[Callable[..., Round]]:
    """rounds({"id": period, …}, policy) starts a scheduler that is stopped after the test."""
    made: list[Round] = []

    def start(devices: dict[str, float], policy: Policy = FAST, *, run: bool = True) -> Round:
        made.append(Round(devices, policy))
        if run:
            made[-1].start()
        return made[-1]

    yield start
    for each in made:
        await each.stop()


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Awaitable[None]]:
    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
def sink() -> Remembering:
    return Remembering()
