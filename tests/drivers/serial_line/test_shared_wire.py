"""Modbus units, devices with frames of their own and one that speaks unasked, on one wire."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from agent.clock import Clock
from agent.collect import Member, Policy, Scheduler, listen
from agent.contract import Device, Line, PolledDriver, Quality, Reading, Record, StreamingDriver
from agent.host import DeviceHost
from agent.registry import driver_named
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage

LINE = Line(9600)
QUICK = {"timeout": "300ms", "max_late": "400ms"}
AIR = Device("air", "modbus", 0.1, "bus", options={"profile": "xy-md02", "unit": 2, **QUICK})
CO2 = Device(
    "co2", "serial_line", 0.1, "bus",
    options={"profile": "winsen-mh-z19", "warm_up": "0s", **QUICK},
)  # fmt: skip
ROOF = Device("roof", "serial_line", 0.1, "bus", options={"profile": "dooya-curtain", **QUICK})
LOT = Device("lot", "serial_line", 1.0, "bus", options={"profile": "lot", "detectors": [1, 2]})
POINTS = {"air": "air_temperature", "co2": "co2", "roof": "curtain_position"}
UNASKED: dict[str, Any] = {
    "title": "t",
    "family": "parking",
    "source": ["s"],
    "confidence": "high",
    "timing": {"heartbeat": "1min"},
    "frame": [{"hex": "C0"}, {"field": "n"}, {"field": "state"}, {"check": "crc16_ccitt"}],
    "messages": {"told": {}},
    "detector": "n",
    "listens": {"told": {}},
    "points": {"occupied": {"field": "state", "unit": "1", "enum": {0: False, 1: True}}},
}


class Remembering:
    """A sink."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def put(self, records: Sequence[Record]) -> None:
        self.records += records

    async def flush(self) -> None:
        """Nothing is on disk here."""

    def readings(self, device: str) -> list[Reading]:
        return [r for r in self.records if isinstance(r, Reading) and r.device == device]

    def good(self, device: str, point: str) -> list[Any]:
        found = [r for r in self.readings(device) if r.quality is Quality.GOOD]
        return [r.value for r in found if r.point == point]


class Field:
    """All of them on one pty at 9600 baud, simulated by their own drivers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board, self.sink, self.clock = Board(), Remembering(), Clock()
        simulators = [self._simulated("modbus", AIR), self._simulated("serial_line", CO2, ROOF)]
        self.unasked = self._simulated("serial_line", LOT)
        self.unasked.pace = 0.15
        self.air, self.serial = simulators
        self.air.banks["air"].set("air_temperature", 21.5)
        self.serial.banks["co2"].set("co2", 608)
        self.serial.banks["roof"].set("curtain_position", 40)
        self.unasked.banks["lot"].set("occupied", True, "1")
        self.unasked.banks["lot"].set("occupied", False, "2")
        self.stage = PtyStage(folder / "port", [*simulators, self.unasked], LINE)
        self.wires = Wires([WireSpec("bus", port=str(folder / "port"), line=LINE)], self.board)
        members = [self._member(device) for device in (AIR, CO2, ROOF)]
        policy = Policy(first=0.5, longest=0.5, look=0.1)
        self.scheduler = Scheduler("bus", members, self.sink, self.clock, self.board, policy)
        self.listener = cast("StreamingDriver", self._made(LOT))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.scheduler.run())
            tasks.create_task(listen(LOT, self.listener, self.sink, self.clock, self.board))

    def _simulated(self, driver: str, *devices: Device) -> Any:
        simulate = driver_named(driver).simulate
        assert simulate
        return simulate([(device, self._host(device)) for device in devices], "rtu")

    def _host(self, device: Device, wires: Wires | None = None) -> DeviceHost:
        wire = wires.wire("bus") if wires else None
        return DeviceHost(device, self.clock, wire, None, self.folder)

    def _made(self, device: Device) -> Any:
        return driver_named(device.driver).make(device, self._host(device, self.wires))

    def _member(self, device: Device) -> Member:
        return Member(device, cast("PolledDriver", self._made(device)))


@pytest.fixture
async def field(tmp_path: Path) -> AsyncIterator[Field]:
    (tmp_path / "serial_line").mkdir()
    (tmp_path / "serial_line" / "lot.yaml").write_text(yaml.safe_dump(UNASKED), encoding="utf-8")
    one = Field(tmp_path)
    async with one.stage, one.wires:
        task = asyncio.create_task(one.run())
        yield one
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def all_told(field: Field, times: int) -> None:
    """Each polled device, and each detector of the one that speaks unasked."""
    wanted = [*POINTS.items(), ("lot", "occupied_1"), ("lot", "occupied_2")]
    before = [len(field.sink.good(*one)) for one in wanted]
    await until(
        lambda: all(
            len(field.sink.good(*one)) >= had + times
            for one, had in zip(wanted, before, strict=True)
        )
    )


def only_true_values(field: Field) -> None:
    assert set(field.sink.good("air", "air_temperature")) == {21.5}
    assert set(field.sink.good("co2", "co2")) == {608}
    assert set(field.sink.good("roof", "curtain_position")) == {40}
    assert set(field.sink.good("lot", "occupied_1")) == {True}
    assert set(field.sink.good("lot", "occupied_2")) == {False}


async def test_three_protocols_share_a_wire(field: Field) -> None:
    await all_told(field, 4)
    only_true_values(field)
    assert {field.board.device(name).state for name in (*POINTS, "lot")} == {"ok"}


async def test_late_answers_never_become_values_of_another(field: Field) -> None:
    await all_told(field, 1)
    field.stage.faults.random.seed(5)
    field.stage.faults.late, field.stage.faults.late_by = 0.5, 0.32
    await until(lambda: all(field.board.device(name).failures > 1 for name in POINTS))
    field.stage.faults.late = 0.0
    await all_told(field, 2)
    only_true_values(field)


async def test_noise_on_the_line_makes_no_values(field: Field) -> None:
    await all_told(field, 1)
    field.stage.faults.random.seed(7)
    field.stage.faults.flip, field.stage.faults.drop, field.stage.faults.noise = 0.3, 0.3, 3
    await until(lambda: sum(field.board.device(name).failures for name in POINTS) > 5)
    field.stage.faults.flip = field.stage.faults.drop = field.stage.faults.noise = 0
    await all_told(field, 2)
    only_true_values(field)
