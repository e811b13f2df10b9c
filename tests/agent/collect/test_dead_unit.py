"""One dead unit of ten on one wire is hardly asked any more.

What that spares the other nine at 9600 baud is measured by `benchmarks/dead_unit.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from agent.clock import Clock
from agent.collect import Member, Policy, Scheduler
from agent.contract import Device, Line, PointInfo, Reading, Wire
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage

Until = Callable[[Callable[[], Any]], Awaitable[None]]

LINE = Line(115200)
TIMEOUT = 0.25
POLICY = Policy(first=1.0, longest=2.0)


class Units:
    """Answers b"3?" with b"3!"."""

    def hear(self, data: bytes) -> Sequence[bytes]:
        return [data.replace(b"?", b"!")]


class Poll:
    points = (PointInfo("level", "m"),)

    def __init__(self, unit: int, wire: Wire) -> None:
        self.unit, self.wire = unit, wire

    async def open(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """Nothing to let go."""

    async def read(self) -> Sequence[Reading]:
        mine = b"%d!" % self.unit
        async with self.wire.turn() as turn:
            await turn.ask(
                b"%d?" % self.unit, lambda heard: mine if mine in heard else None, TIMEOUT
            )
        return [Reading(f"unit-{self.unit}", "level", 1.0, "m", Clock().now())]


async def test_a_dead_unit_is_hardly_asked_any_more(
    tmp_path: Path, until: Until, sink: Any
) -> None:
    board, port = Board(), tmp_path / "port"
    stage = PtyStage(port, [Units()], LINE)
    stage.faults.silent = lambda answer: answer == b"9!"
    async with stage, Wires([WireSpec("bus", port=str(port), line=LINE)], board) as wires:
        members = [
            Member(Device(f"unit-{unit}", "poll", 0.05, "bus"), Poll(unit, wires.wire("bus")))
            for unit in range(10)
        ]
        scheduler = Scheduler("bus", members, sink, Clock(), board, POLICY)
        task = asyncio.create_task(scheduler.run())
        dead = board.device("unit-9")
        await until(lambda: dead.state == "down")
        asked, answered = dead.failures, len(sink.good())
        began = asyncio.get_running_loop().time()
        await until(lambda: len(sink.good()) >= answered + 400)
        spent = asyncio.get_running_loop().time() - began
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert asked >= POLICY.failures
    assert dead.failures - asked <= 1 + spent / 0.9
    assert dead.failures < 20, "of more than 40 beats"
    assert {reading.reason for reading in sink.bad()} == {"timeout"}
