"""How much of a 9600 baud line is used when one RTU device is polled as fast as it answers.

The device is simulated on a pseudo-terminal whose bytes take their real time both ways, and answers
after the shortest silence that the standard allows. The limit is the line's own: 8 characters
there, 5 and the data back, 3.5 characters of silence before each. The median cycle counts; the
mean, which has what else the machine did in it, is shown.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import yaml

from agent.clock import Clock
from agent.contract import Device, Line
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.planner import Block, Cost
from drivers.modbus.simulate import simulate

LINE = Line(9600)
GOAL = 0.95


def profile(registers: int) -> str:
    points = {
        f"p{i}": {"table": "holding", "address": i, "type": "uint16", "unit": "1"}
        for i in range(registers)
    }
    head = {"title": "t", "family": "other", "source": ["benchmark"], "confidence": "high"}
    return yaml.safe_dump(head | {"points": points})


async def cycles(registers: int, reads: int, folder: Path) -> list[float]:
    """Seconds of each read."""
    (folder / "modbus").mkdir(exist_ok=True)
    (folder / "modbus" / "bench.yaml").write_text(profile(registers), encoding="utf-8")
    device = Device("d", "modbus", 1.0, "bus", options={"profile": "bench"})
    simulator = simulate([(device, DeviceHost(device, Clock(), None, None, folder))], "rtu")
    stage = PtyStage(folder / "port", [simulator], LINE)
    spec = WireSpec("bus", port=str(folder / "port"), line=LINE)
    async with stage, Wires([spec], Board()) as wires:
        driver = ModbusDriver(device, DeviceHost(device, Clock(), wires.wire("bus"), None, folder))
        await driver.open()
        await driver.read()
        ends = [time.perf_counter()]
        for _ in range(reads):
            await driver.read()
            ends.append(time.perf_counter())
        await driver.close()
    return [end - begin for begin, end in pairwise(ends)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reads", type=int, default=150)
    args = parser.parse_args()
    for registers in (7, 125):
        reads = max(10, args.reads * 7 // registers)
        with tempfile.TemporaryDirectory() as folder:
            spent = asyncio.run(cycles(registers, reads, Path(folder)))
        limit = Cost.on_line(LINE, latency=0.0, guard=0.0).of(Block("holding", 0, registers))
        value = limit / statistics.median(spent)
        report = {
            "bench": f"modbus_rtu: of the paced limit at 9600 baud, {registers} registers",
            "value": round(value, 3),
            "goal": GOAL,
            "ok": value >= GOAL,
            "mean": round(limit / statistics.mean(spent), 3),
        }
        print(json.dumps(report))


if __name__ == "__main__":
    main()
