"""`fieldgate identify`: on real ports, with and without the service, and in a terminal."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.clock import Clock
from agent.config.load import load
from agent.demo.agent_process import AgentProcess
from agent.host import DeviceHost
from agent.wires.stage import PtyStage
from drivers.modbus.simulate import ModbusSimulator, simulate
from drivers.serial_line.simulate import SerialLineSimulator
from drivers.serial_line.simulate import simulate as simulate_frames
from tests.support_terminal import in_terminal

SETTINGS = """\
gateway: {{id: gw}}
store: {{path: {folder}/store}}
metrics: {{listen: null}}
control: {{socket: {folder}/control.sock}}
wires: {{bus: {{port: {folder}/bus, baud: 115200}}}}
devices:
  - {{id: air-1, driver: modbus, profile: xy-md02, wire: bus, unit: 11}}
  - id: air-2  # the new one
    driver: modbus
    profile: xy-md02
    wire: bus
    unit: 12
  - {{id: made-up, driver: simulated, every: 1s}}
"""


@dataclass
class Site:
    folder: Path
    simulator: ModbusSimulator

    @property
    def config(self) -> Path:
        return self.folder / "gateway.yaml"

    def touch(self, device: str, value: float) -> None:
        self.simulator.banks[device].set("air_humidity", value)


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setenv("FIELDGATE_LANG", "en")
    (tmp_path / "gateway.yaml").write_text(SETTINGS.format(folder=tmp_path), encoding="utf-8")
    devices = [d for d in load(tmp_path / "gateway.yaml").devices if d.wire]
    simulator = simulate([(device, DeviceHost(device, Clock())) for device in devices], "rtu")
    site = Site(tmp_path, simulator)
    for device in devices:
        site.touch(device.id, 50.0)
    async with asyncio.timeout(90), PtyStage(tmp_path / "bus", [simulator]):
        yield site


def command(config: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "agent", "identify", "--config", str(config), *words]


async def first_ranked(config: Path, touch: Callable[[], None]) -> dict[str, Any]:
    """What is first after something was touched, once all is known."""
    process = await asyncio.create_subprocess_exec(
        *command(config, "--json"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told = 0
    try:
        async for line in process.stdout:
            answer = json.loads(line)
            told += answer["points"] >= 5
            if told == 7:
                touch()
            if told > 7 and answer["ranked"]:
                return dict(answer["ranked"][0])
    finally:
        process.terminate()
        await process.communicate()
    raise AssertionError("it ended by itself")


async def test_without_a_service_the_wires_are_listened_to(site: Site) -> None:
    first = await first_ranked(site.config, lambda: site.touch("air-2", 90.0))
    assert (first["device"], first["point"], first["now"]) == ("air-2", "air_humidity", 90.0)
    assert first["before"] == 50.0


async def test_the_running_service_is_asked_and_goes_on(site: Site) -> None:
    service = AgentProcess(site.folder, site.config)
    await service.start()
    try:
        while await service.ask({"do": "wires"}) is None:
            service.check()
            await asyncio.sleep(0.1)
        first = await first_ranked(site.config, lambda: site.touch("air-2", 90.0))
        assert (first["device"], first["now"]) == ("air-2", 90.0)
        answer = await service.ask({"do": "read", "device": "air-1"})
    finally:
        await service.stop()
    assert answer is not None


async def test_when_nothing_changes_the_exit_code_says_so(site: Site) -> None:
    process = await asyncio.create_subprocess_exec(
        *command(site.config, "air-1", "--seconds", "3"), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert (process.returncode, said) == (1, b"")


async def test_one_key_names_the_first_in_the_settings(site: Site) -> None:
    async with in_terminal("identify", "--config", str(site.config), "--write") as terminal:
        await terminal.until("3 devices, 5 points")
        await asyncio.sleep(6)
        site.touch("air-2", 90.0)
        await terminal.until("1  air-2")
        terminal.type("1")
        await terminal.until("where is it")
        terminal.type("棚2 东侧\n")
        await terminal.until("written to")
        terminal.type("q")
        assert await terminal.process.wait() == 0
    assert {d.id: d.place for d in load(site.config).devices}["air-2"] == "棚2 东侧"
    assert '  - id: air-2  # the new one\n    place: "棚2 东侧"\n' in site.config.read_text()


async def test_a_device_that_there_is_not_is_told(site: Site) -> None:
    process = await asyncio.create_subprocess_exec(
        *command(site.config, "air-7"), stderr=asyncio.subprocess.PIPE
    )
    _, told = await process.communicate()
    assert process.returncode == 78
    assert b"air-1, air-2, made-up" in told


LOT = """\
gateway: {{id: gw}}
store: {{path: {folder}/store}}
metrics: {{listen: null}}
control: {{socket: {folder}/control.sock}}
wires: {{bus: {{port: {folder}/bus, baud: 115200}}}}
devices:
  - id: lot
    driver: serial_line
    wire: bus
    every: 500ms
    profile: deying-m77r
    check: sum8
    detectors: [1-6]
parking:
  spaces:
    e-1: {{device: lot, detector: 1}}
    e-4: {{device: lot, detector: 4}}
"""


@pytest.mark.parametrize(("detector", "space"), [("4", "e-4"), ("5", None)])
async def test_a_car_tells_which_detector_it_stands_on(
    tmp_path: Path, detector: str, space: str | None
) -> None:
    """Whether or not a space is bound to it already."""
    config = tmp_path / "gateway.yaml"
    config.write_text(LOT.format(folder=tmp_path), encoding="utf-8")
    (device,) = load(config).devices
    lot = simulate_frames([(device, DeviceHost(device, Clock()))], "rtu")
    assert isinstance(lot, SerialLineSimulator)
    for label in map(str, range(1, 7)):
        for point, value in (
            ("occupied", False),
            ("detector_threshold", 80),
            ("detector_delay", 100),
        ):
            lot.banks["lot"].set(point, value, label)

    def drive_on() -> None:
        lot.banks["lot"].set("occupied", True, detector)

    service = AgentProcess(tmp_path, config)
    async with asyncio.timeout(90), PtyStage(tmp_path / "bus", [lot]):
        await service.start()
        try:
            while await service.ask({"do": "wires"}) is None:
                service.check()
                await asyncio.sleep(0.1)
            first = await first_ranked(config, drive_on)
        finally:
            await service.stop()
    assert (first["device"], first["detector"], first["space"]) == ("lot", detector, space)
