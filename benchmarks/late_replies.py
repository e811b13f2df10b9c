"""Wrong values, and good ones, when one answer in a hundred comes late.

A simulated RTU wire; every register tells its address and the number of the request that it was
read by, so that no wrong value can hide. Times are scaled down: timeout 30 ms, late answers up to
80 ms. Three reads of one shape make a sample, of one unit or of two that share the wire. The same
wire then misleads a bare pymodbus client, which shows that the late answers are there.
"""

import argparse
import asyncio
import json
import random
import struct
import tempfile
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from agent.clock import Clock
from agent.contract import Device, Line, LinkLost, Reading
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.faults import Faults
from agent.wires.stage import PtyStage
from drivers.modbus.codec import rtu_frame
from drivers.modbus.driver import ModbusDriver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT, MAX_LATE, LATE = 0.03, 0.08, 0.01  # s, s, share of the answers
ADDRESSES = (0, 1, 16, 17, 32, 33)
LINE = Line(115200)
YIELD = 0.8
PROFILE = {
    "title": "t",
    "family": "other",
    "source": ["benchmark"],
    "confidence": "high",
    "timing": {"timeout": "30ms", "max_late": "80ms"},
    "points": {
        f"p{a}": {"table": "holding", "address": a, "type": "uint16", "unit": "1"}
        for a in ADDRESSES
    },
}


class Witness:
    """A simulator. High byte of a register: its address; low byte: the number of the request."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[int, int], int] = {}  # (unit, address) -> of its last request
        self._count = 0
        self._heard = b""

    def hear(self, data: bytes) -> Sequence[bytes]:
        self._heard += data
        answers = []
        while len(self._heard) >= 8:
            request, self._heard = self._heard[:8], self._heard[8:]
            answers.append(self._answer(request))
        return answers

    def _answer(self, request: bytes) -> bytes:
        self._count += 1
        unit, function, first, count = struct.unpack_from(">BBHH", request)
        for address in range(first, first + count):
            self.numbers[unit, address] = self._count
        words = [a << 8 | self._count & 0xFF for a in range(first, first + count)]
        return rtu_frame(unit, bytes([function, 2 * count]) + struct.pack(f">{count}H", *words))

    def is_right(self, unit: int, address: int, value: object) -> bool:
        return value == (address << 8 | self.numbers[unit, address] & 0xFF)


@dataclass
class Tally:
    wrong: int = 0
    good: int = 0
    asked: int = 0  # values that should have come

    def add(self, unit: int, readings: Sequence[Reading], witness: Witness) -> None:
        for reading in readings:
            if reading.value is not None:
                right = witness.is_right(unit, int(reading.point[1:]), reading.value)
                self.good += right
                self.wrong += not right


@dataclass
class Bench:
    folder: Path
    constant: bool
    witness: Witness = field(default_factory=Witness)

    @property
    def port(self) -> Path:
        return self.folder / "port"

    def stage(self) -> PtyStage:
        draw = random.Random(1)
        by = TIMEOUT * 1.5 if self.constant else lambda: draw.random() * MAX_LATE
        faults = Faults(late=LATE, late_by=by, random=random.Random(2))
        return PtyStage(self.port, [self.witness], faults=faults)

    @asynccontextmanager
    async def drivers(self, units: int) -> "AsyncIterator[list[ModbusDriver]]":
        folder = self.folder / "modbus"
        folder.mkdir(exist_ok=True)
        (folder / "bench.yaml").write_text(yaml.safe_dump(PROFILE), encoding="utf-8")
        spec = WireSpec("bus", port=str(self.port), line=LINE)
        async with self.stage(), Wires([spec], Board()) as wires:
            made = []
            for unit in range(1, units + 1):
                options = {"profile": "bench", "unit": unit}
                device = Device(f"d{unit}", "modbus", 1.0, "bus", options=options)
                host = DeviceHost(device, Clock(), wires.wire("bus"), None, self.folder)
                made.append(ModbusDriver(device, host))
                await made[-1].open()
            yield made


async def poll(driver: ModbusDriver, unit: int, samples: int, witness: Witness) -> Tally:
    """As the scheduler does: not before `retry_after`."""
    tally = Tally()
    for _ in range(samples):
        tally.asked += len(ADDRESSES)
        try:
            tally.add(unit, await driver.read(), witness)
        except LinkLost as error:
            await asyncio.sleep(error.retry_after)
    return tally


async def with_driver(bench: Bench, units: int, samples: int) -> Tally:
    async with bench.drivers(units) as drivers:
        tallies = await asyncio.gather(
            *(poll(d, i, samples // units, bench.witness) for i, d in enumerate(drivers, 1))
        )
    return Tally(*(sum(getattr(t, f) for t in tallies) for f in ("wrong", "good", "asked")))


async def with_pymodbus(bench: Bench, samples: int) -> Tally:
    from pymodbus import pymodbus_apply_logging_config
    from pymodbus.client import AsyncModbusSerialClient
    from pymodbus.exceptions import ModbusIOException

    pymodbus_apply_logging_config("CRITICAL")
    tally = Tally()
    async with bench.stage():
        client = AsyncModbusSerialClient(str(bench.port), timeout=TIMEOUT, retries=0)
        await client.connect()
        for first in ADDRESSES[::2] * samples:
            tally.asked += 2
            try:
                answer = await client.read_holding_registers(first, count=2, device_id=1)
            except ModbusIOException:
                continue
            for address, word in zip((first, first + 1), answer.registers, strict=False):
                right = bench.witness.is_right(1, address, word)
                tally.good += right
                tally.wrong += not right
        client.close()
    return tally


def report(bench: str, value: float, goal: object, *, ok: bool) -> None:
    line = {"bench": f"late_replies: {bench}", "value": value, "goal": goal, "ok": ok}
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reads", type=int, default=10_000, help="requests a scenario")
    args = parser.parse_args()
    samples = -(-args.reads // 3)
    with tempfile.TemporaryDirectory() as folder:
        for constant in (False, True):
            late = "constant" if constant else "uniform"
            for units in (1, 2):
                tally = asyncio.run(with_driver(Bench(Path(folder), constant), units, samples))
                name = f"in {3 * samples} reads, {late}, {units} unit{'s' * (units > 1)}"
                share = round(tally.good / tally.asked, 4)
                report(f"wrong values {name}", tally.wrong, 0, ok=tally.wrong == 0)
                report(f"good values {name}", share, YIELD, ok=share >= YIELD)
            plain = asyncio.run(with_pymodbus(Bench(Path(folder), constant), samples // 5))
            name = f"of bare pymodbus in {3 * (samples // 5)} reads, {late}"
            report(f"wrong values {name}", plain.wrong, "> 0", ok=plain.wrong > 0)


if __name__ == "__main__":
    main()
