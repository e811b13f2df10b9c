"""Simulated devices answer as real ones would: in turn, in time, and with what they can carry."""

from pathlib import Path
from typing import Any

import pytest

from agent.clock import Clock
from agent.contract import Device, Host, Quality, Talker
from agent.host import DeviceHost
from agent.paths import share
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage
from drivers.serial_line import DRIVER
from drivers.serial_line.bank import Bank
from drivers.serial_line.codec import Codec
from drivers.serial_line.driver import SerialLineDriver
from drivers.serial_line.simulate import simulate
from drivers.serial_line.station import Station
from drivers.serial_line.values import decoder

NAMES = sorted(
    file.stem for file in (share() / "configs" / "profiles" / "serial_line").glob("*.yaml")
)
KEYS: dict[str, Any] = {"deying-m77r": [1, 2, 3], "wvds-nbiot": {"a": "050117060001"}}
NOON = 1_800_000_000.0


def device_of(name: str, **more: Any) -> Device:
    options: dict[str, Any] = {"profile": name, **more}
    if name in {*KEYS, "bosch-tps110", "nwave-nps405", "libelium-parking", "moko-lw009"}:
        options["detectors"] = KEYS.get(name, {"p1": "70B3D5E75E001A2F"})
    return Device("d", "serial_line", 1.0, wire="bus", options=options)


def host_of(device: Device) -> Host:
    return DeviceHost(device, Clock())


@pytest.mark.parametrize("name", NAMES)
def test_what_drifts_is_always_readable_and_in_range(name: str) -> None:
    device = device_of(name)
    station = Station.of(device, host_of(device))
    now = NOON
    bank = Bank(station, Codec(station.profile), lambda: now)
    messages = {*station.profile.answers(), *station.profile.listens}
    for hour in range(48):
        now = NOON + 1777.0 * hour
        for message in messages:
            for label in station.detectors:
                fields = bank.fields(message, label)
                bank.codec.build(message, fields)
                for point in station.profile.points.values():
                    if point.field in fields:
                        _, quality, reason = decoder(point)(fields[point.field])
                        assert quality is not Quality.BAD or reason == "sensor_fault"
                        assert reason != "range"


async def test_a_receiver_speaks_in_turn_at_the_speed_of_its_line(tmp_path: Path) -> None:
    device = device_of("deying-m77r", check="xor_swapped", timeout="2s")
    line = Station.of(device, host_of(device)).profile.line.line
    simulator = simulate([(device, host_of(device))], "rtu")
    board = Board()
    async with (
        PtyStage(tmp_path / "port", [simulator], line),
        Wires([WireSpec("bus", port=str(tmp_path / "port"), line=line)], board) as wires,
    ):
        driver = DRIVER.make(device, DeviceHost(device, Clock(), wires.wire("bus")))
        assert isinstance(driver, SerialLineDriver)
        await driver.open()
        readings = await driver.read()
    assert {r.point for r in readings if r.reason != "sensor_fault"} >= {
        f"detector_threshold_{n}" for n in (1, 2, 3)
    }
    assert board.wire("bus").noise == 0


@pytest.mark.parametrize(("name", "talks"), [("winsen-mh-z19", False), ("wvds-nbiot", True)])
def test_only_devices_that_speak_unasked_do(name: str, talks: bool) -> None:
    device = device_of(name)
    assert isinstance(simulate([(device, host_of(device))], "rtu"), Talker) is talks


def test_a_request_may_come_in_pieces_and_behind_noise() -> None:
    device = device_of("winsen-mh-z19")
    simulator = simulate([(device, host_of(device))], "rtu")
    request = bytes.fromhex("FF 01 86 00 00 00 00 00 79")
    assert simulator.hear(b"\x00\x12" + request[:4]) == []
    (answer,) = simulator.hear(request[4:])
    assert answer[:2] == b"\xff\x86"
    assert simulator.hear(bytes.fromhex("01 04 00 01 00 02 20 0B")) == []
