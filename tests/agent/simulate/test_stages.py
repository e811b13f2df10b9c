"""Simulated devices of every kind of wire, read by their own drivers, on a scripted day."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.config.load import load
from agent.contract import Misconfigured, Reading, Value
from agent.oneshot import sample
from agent.simulate.clock import FastClock
from agent.simulate.script import script_named
from agent.simulate.stages import staged, without_simulator
from agent.simulate.story import Story

NOON = 12 * 3600.0


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def written(folder: Path, text: str) -> Path:
    file = folder / "gateway.yaml"
    file.write_text(text, encoding="utf-8")
    return file


async def test_a_day_is_told_by_every_device_of_a_site(tmp_path: Path) -> None:
    config = load(
        written(
            tmp_path,
            f"""\
wires:
  bus: {{port: {tmp_path}/port}}
  net: {{connect: "127.0.0.1:{free_port(socket.SOCK_STREAM)}"}}
devices:
  - {{id: air, driver: modbus, wire: bus, profile: xy-md02}}
  - {{id: soil, driver: modbus, wire: net, profile: renke-soil-7in1}}
  - {{id: co2, driver: serial_line, wire: bus, profile: winsen-mh-z19, warm_up: 0s}}
""",
        )
    )
    clock = FastClock(start=NOON)
    story = Story(script_named("greenhouse"), clock.elapsed)
    async with staged(config, paced=False, clock=clock, story=story):
        found: dict[str, Value | None] = {}
        for device in ("air", "soil", "co2"):
            answer = await sample(config, device)
            found |= {f"{device}.{r['point']}": r["value"] for r in answer["readings"]}
            assert {r["quality"] for r in answer["readings"]} <= {"good", "uncertain"}
    for name, point in (("air", "air_temperature"), ("soil", "soil_moisture"), ("co2", "co2")):
        shown, told = found[f"{name}.{point}"], story(name, point)
        assert isinstance(shown, float | int)
        assert isinstance(told, float)
        assert shown == pytest.approx(told, abs=1.1)


async def test_a_device_that_is_asked_by_udp_answers(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    config = load(
        written(
            tmp_path,
            "devices:\n"
            "  - {id: co2, driver: serial_line, profile: winsen-mh-z19, warm_up: 0s, "
            f'connect: "udp://127.0.0.1:{port}"}}\n',
        )
    )
    async with staged(config) as stages:
        assert list(stages) == ["co2"]
        answer = await sample(config, "co2")
        assert {r["quality"] for r in answer["readings"]} <= {"good", "uncertain"}
        await stages["co2"].unplug()
        await stages["co2"].plug()
        assert await sample(config, "co2")


async def heard(config_file: Path, point: str, wanted: set[Value]) -> Sequence[Reading]:
    """The readings of the only device, which speaks unasked, until a point has shown all these."""
    from agent.clock import Clock
    from agent.host import DeviceHost
    from agent.plan import make_driver

    (device,) = load(config_file).devices
    driver = make_driver(device, DeviceHost(device, Clock()))
    await driver.open()
    found: list[Reading] = []
    async with asyncio.timeout(20):
        async for record in driver.readings():  # type: ignore[union-attr]  # it streams
            if isinstance(record, Reading):
                found.append(record)
            if wanted <= {one.value for one in found if one.point == point}:
                break
    await driver.close()
    return found


async def test_detectors_that_speak_by_udp_tell_a_car_when_it_comes(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    file = written(
        tmp_path,
        "devices:\n"
        "  - {id: street, driver: serial_line, profile: bosch-tps110, "
        f'listen: "udp://127.0.0.1:{port}", detectors: {{a1: "70B3D5E75E001A2F"}}}}\n',
    )
    clock = FastClock(speed=3600.0, start=7 * 3600.0)
    story = Story(script_named("parking"), clock.elapsed)
    async with staged(load(file), clock=clock, story=story):
        readings = await heard(file, "occupied_a1", {True, False})
    assert {reading.device for reading in readings} == {"street"}


def test_devices_that_nothing_here_can_play_are_named(tmp_path: Path) -> None:
    config = load(written(tmp_path, "devices:\n  - {id: made-up, driver: simulated}\n"))
    assert list(without_simulator(config)) == []


async def test_a_device_of_another_machine_is_not_played(tmp_path: Path) -> None:
    config = load(
        written(
            tmp_path,
            'wires: {net: {connect: "10.0.0.9:502"}}\n'
            "devices: [{id: a, driver: modbus, wire: net, profile: xy-md02}]\n",
        )
    )
    with pytest.raises(Misconfigured, match=r"not on 10\.0\.0\.9"):
        async with staged(config):
            pass
