"""A parking stage between a hand that gives it readings and a shelf that keeps what comes out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.clock import Clock
from agent.config.parking import SpaceSettings
from agent.config.places import Place, place_of
from agent.contract import Device, Event, Instant, PointInfo, Quality, Reading, Record, Value
from agent.parking import Parking
from agent.status import Board

RECEIVER = Device("r1", "serial_line", 2.0)
POINTS = [
    PointInfo(f"{name}_{label}", "1")
    for label in (1, 2)
    for name in (
        "occupied",
        "parking_state",
        "battery_level",
        "rssi",
        "fault_code",
        "magnetometer_state",
    )
]
BOOLS = [PointInfo(f"occupied_{label}", "1") for label in (1, 2)]


class HandClock(Clock):
    """Set by hand, in s."""

    def __init__(self, boot: str = "boot", now: float = 1000.0) -> None:
        self.boot, self.time = boot, now

    def now(self) -> Instant:
        ns = round(self.time * 1e9)
        return Instant(self.boot, ns, 1_700_000_000 * 10**9 + ns, trusted=True)


@dataclass
class Shelf:
    """A sink that keeps what it gets."""

    records: list[Record] = field(default_factory=list)
    flushes: int = 0

    async def put(self, records: Sequence[Record]) -> None:
        self.records += records

    async def flush(self) -> None:
        self.flushes += 1

    def events(self, kind: str = "parking.space") -> list[dict[str, Any]]:
        return [
            {"space": r.subject, **r.data}
            for r in self.records
            if isinstance(r, Event) and r.kind == kind
        ]

    def last(self, space: str, point: str = "occupied") -> Reading:
        found = [
            r
            for r in self.records
            if isinstance(r, Reading) and (r.device, r.point) == (space, point)
        ]
        return found[-1]


def places(
    points: Sequence[PointInfo] = POINTS, *, streaming: bool = False, **settings: Any
) -> list[Place]:
    return [
        place_of(
            f"a-{label}",
            SpaceSettings.model_validate({"device": "r1", "detector": label, **settings}),
            RECEIVER,
            points,
            streaming=streaming,
        )
        for label in (1, 2)
    ]


@dataclass
class Rig:
    """A stage between hand and shelf."""

    parking: Parking
    shelf: Shelf
    clock: HandClock
    board: Board

    async def say(
        self,
        point: str,
        value: Value | None,
        quality: Quality = Quality.GOOD,
        reason: str = "",
        device: str = "r1",
    ) -> None:
        reading = Reading(device, point, value, "1", self.clock.now(), quality, reason)
        await self.parking.put([reading])

    async def bad(self, point: str, reason: str) -> None:
        await self.say(point, None, Quality.BAD, reason)

    async def until(self, space: str, state: str) -> dict[str, Any]:
        """The line of the space, once it has that state."""
        async with asyncio.timeout(10):
            while True:
                lines = {line["space"]: line for line in self.parking.spaces()}
                if lines[space]["parking_state"] == state:
                    await self.told()
                    return dict(lines[space])
                await asyncio.sleep(0.01)

    async def told(self) -> None:
        """Everything that is known has reached the shelf."""
        await asyncio.sleep(0.05)


@asynccontextmanager
async def running(
    where: Sequence[Place], folder: Path | None = None, clock: HandClock | None = None
) -> AsyncIterator[Rig]:
    shelf, clock, board = Shelf(), clock or HandClock(), Board()
    parking = Parking(shelf, clock, board, folder)
    parking.arrange(where)
    task = asyncio.create_task(parking.run())
    await asyncio.sleep(0.02)
    try:
        yield Rig(parking, shelf, clock, board)
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
