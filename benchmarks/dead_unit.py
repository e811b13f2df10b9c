"""What one dead unit of ten costs the other nine on one RS-485 wire at 9600 baud.

Ten soil probes of seven registers, simulated on a pseudo-terminal whose bytes take their real time
both ways, are asked twice a second, which keeps the wire busy for nine tenths of the time. Then one
of them dies. The rate of the other nine is compared with what it was before: until the breaker
opened, after that, and, as yardstick, without any breaker.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from agent.clock import Clock
from agent.collect import Member, Policy, Scheduler
from agent.contract import Device, Line, PolledDriver, Quality, Reading, Record
from agent.host import DeviceHost
from agent.registry import driver_named
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage

LINE, UNITS, PERIOD = Line(9600), 10, 0.5
DEAD = UNITS  # its unit id
LATENCY = 0.01  # s from request to answer
GOAL = 0.95  # of the rate before
NEVER = 10**9


class Counting:
    """A sink that counts the good reads of the units that are alive."""

    def __init__(self) -> None:
        self.reads = 0

    async def put(self, records: Sequence[Record]) -> None:
        first = records[0]
        if isinstance(first, Reading) and first.quality is not Quality.BAD:
            self.reads += first.device != f"probe-{DEAD}"

    async def flush(self) -> None:
        """Nothing is on disk here."""


class Bench:
    def __init__(self, folder: Path, policy: Policy) -> None:
        spec, clock = driver_named("modbus"), Clock()
        self.sink, self.board = Counting(), Board()
        devices = [
            Device(f"probe-{unit}", "modbus", PERIOD, "bus", options=_options(unit))
            for unit in range(1, UNITS + 1)
        ]
        port = folder / "port"
        assert spec.simulate
        simulator = spec.simulate([(d, DeviceHost(d, clock)) for d in devices], "rtu")
        self.stage = PtyStage(port, [simulator], LINE)
        self.stage.faults.delay = LATENCY
        self.wires = Wires([WireSpec("bus", port=str(port), line=LINE)], self.board)
        members = [
            Member(
                d, cast("PolledDriver", spec.make(d, DeviceHost(d, clock, self.wires.wire("bus"))))
            )
            for d in devices
        ]
        self.scheduler = Scheduler("bus", members, self.sink, clock, self.board, policy)

    def kill(self) -> None:
        self.stage.faults.silent = lambda answer: answer[0] == DEAD

    @property
    def given_up(self) -> bool:
        return self.board.device(f"probe-{DEAD}").state == "down"

    async def rate(self, seconds: float) -> float:
        """Good reads per second of the nine."""
        had = self.sink.reads
        await asyncio.sleep(seconds)
        return (self.sink.reads - had) / seconds


def _options(unit: int) -> dict[str, object]:
    return {"profile": "cwt-soil-7in1", "unit": unit, "line": {"baud": LINE.baud}}


async def with_breaker(folder: Path, seconds: float) -> dict[str, float]:
    bench = Bench(folder, Policy())
    async with bench.stage, bench.wires, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bench.scheduler.run())
        await asyncio.sleep(2.0)
        before = await bench.rate(seconds * 0.2)
        bench.kill()
        died, had = asyncio.get_running_loop().time(), bench.sink.reads
        while not bench.given_up:  # noqa: ASYNC110  the board is for looking at
            await asyncio.sleep(0.01)
        opening = asyncio.get_running_loop().time() - died
        missed = before * opening - (bench.sink.reads - had)
        wire = bench.board.wire("bus")
        lost = wire.lost
        after = await bench.rate(seconds * 0.8)
        result = {
            "before": before,
            "after": after,
            "opening_s": opening,
            "reads_missed_until_open": missed,
            "wire_s_lost_until_open": lost,
            "wire_s_lost_after": wire.lost - lost,
        }
        task.cancel()
    return result


async def without_breaker(folder: Path, seconds: float) -> float:
    bench = Bench(folder, Policy(failures=NEVER))
    async with bench.stage, bench.wires, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bench.scheduler.run())
        bench.kill()
        await asyncio.sleep(2.0)
        rate = await bench.rate(seconds)
        task.cancel()
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(with_breaker(Path(folder), seconds))
        yardstick = asyncio.run(without_breaker(Path(folder), min(10.0, seconds / 4)))
    value = result["after"] / result["before"]
    report = {
        "bench": "dead_unit: rate of nine units beside a dead one, of their rate before",
        "value": round(value, 3),
        "goal": GOAL,
        "ok": value >= GOAL,
        "without_breaker": round(yardstick / result["before"], 3),
        **{name: round(figure, 2) for name, figure in result.items()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
