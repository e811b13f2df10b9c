"""Devices that have to be connected to, over a real D-Bus: MiFlora, and whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from agent.contract import DeviceFault, LinkLost, Quality, Value
from agent.paths import share
from drivers.ble import fields, payloads
from drivers.ble.packet import uuid
from drivers.ble.profile import load_profile
from drivers.ble.simulate import Gatt
from tests.support_bluez import Bluez
from tests.support_bluez_parts import Characteristic, Peripheral

A, B = "C4:7C:8D:6A:3E:7A", "C4:7C:8D:6A:3E:7B"
PROFILE = load_profile(share() / "configs" / "profiles" / "ble" / "xiaomi-hhccjcy01.yaml")
VALUES: dict[str, Value] = {
    "air_temperature": 23.4, "illuminance": 171, "soil_moisture": 21, "soil_ec": 178,
    "battery_level": 99, "firmware": "3.1.9",
}  # fmt: skip
MIFLORA = {"address": A, "profile": "xiaomi-hhccjcy01", "timeout": "5s"}


class Flower:
    """A MiFlora on the fake air, advertising all the time."""

    def __init__(self, bluez: Bluez, address: str = A) -> None:
        self.gatt = Gatt(PROFILE, VALUES)
        self.device: Peripheral = bluez.device(address, "Flower care")
        characteristics = [
            (name, partial(self.gatt.read, name) if name in self.gatt.readable else None,
             partial(self.gatt.write, name) if name in self.gatt.writable else None)
            for name in (*self.gatt.writable, *self.gatt.readable)
        ]  # fmt: skip
        self.characteristics: list[Characteristic] = bluez.add_service(
            self.device, uuid("1204"), characteristics
        )
        self.device.dropped = self.gatt.disconnected
        self._bluez, self._counter = bluez, 0

    async def advertise(self) -> None:
        while True:
            self._counter += 1
            said = payloads.mibeacon(self.device.address, self._counter, [(0x1008, b"\x15")])
            self._bluez.advertise(self.device, {uuid("fe95"): said})
            await asyncio.sleep(0.05)


@pytest.fixture
async def flower(bluez: Bluez) -> AsyncIterator[Flower]:
    one = Flower(bluez)
    task = asyncio.create_task(one.advertise())
    yield one
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def driver(flower: Flower, make: Callable[..., Any]) -> AsyncIterator[Any]:
    one = make(**MIFLORA)
    await one.open()
    yield one
    await one.close()


async def test_a_miflora_is_read_over_a_connection(driver: Any, flower: Flower) -> None:
    readings = await driver.read()
    assert {r.point: r.value for r in readings} == VALUES
    assert all(r.quality is Quality.GOOD for r in readings)
    assert driver.raw()["soil_ec"].startswith("ea 00 00 ab")
    assert flower.device.connected is False


async def test_its_battery_is_asked_for_once_a_day(driver: Any, flower: Flower) -> None:
    await driver.read()
    flower.gatt.values["soil_moisture"] = 22
    again = {r.point: r.value for r in await driver.read()}
    assert again["soil_moisture"] == 22
    assert "battery_level" not in again


async def test_one_that_was_not_woken_up_has_no_values(driver: Any, flower: Flower) -> None:
    flower.gatt.write("", b"something else came between")
    with pytest.raises(DeviceFault) as caught:
        await driver.read()
    assert caught.value.reason == "not_ready"


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        ("connect-fail", LinkLost, "connection"),
        ("connect-hang", LinkLost, "timeout"),
        ("no-resolve", LinkLost, "timeout"),
        ("read-fail", DeviceFault, "refused"),
        ("read-hang", LinkLost, "timeout"),
    ],
)
async def test_what_goes_wrong_is_told_and_the_next_read_works(
    fault: str, kind: type[Exception], reason: str, flower: Flower, make: Any
) -> None:
    one = make(**{**MIFLORA, "timeout": "2s"})
    await one.open()
    flower.device.fault = fault
    with pytest.raises(kind) as caught:
        await one.read()
    assert getattr(caught.value, "reason", "") == reason
    flower.device.fault = ""
    assert {r.point for r in await one.read()} == set(VALUES)
    await one.close()


async def test_a_device_that_is_not_heard_is_a_lost_link(bluez: Bluez, make: Any) -> None:
    one = make(**{**MIFLORA, "timeout": "1s"})
    await one.open()
    with pytest.raises(LinkLost) as caught:
        await one.read()
    assert caught.value.reason == "timeout"
    await one.close()


async def test_another_device_behind_the_address_is_a_fault(
    bluez: Bluez, flower: Flower, driver: Any
) -> None:
    flower.device.gatt.clear()
    bluez.add_service(flower.device, uuid("180f"), [(uuid("2a19"), lambda: b"\x63", None)])
    with pytest.raises(DeviceFault) as caught:
        await driver.read()
    assert caught.value.reason == "wrong_device"


async def test_connections_are_made_one_at_a_time(
    bluez: Bluez, flower: Flower, make: Any, until: Any
) -> None:
    other = Flower(bluez, B)
    task = asyncio.create_task(other.advertise())
    most = 0

    def count(of: Flower) -> bytes:
        nonlocal most
        most = max(most, flower.device.connected + other.device.connected)
        return bytes(fields.encode(PROFILE.frames["firmware"], VALUES))

    for one in (flower, other):
        one.characteristics[-1].read = partial(count, one)
    drivers = [make("a", **MIFLORA), make("b", **{**MIFLORA, "address": B})]
    for driver in drivers:
        await driver.open()
    await asyncio.gather(*(driver.read() for driver in drivers))
    assert most == 1
    for driver in drivers:
        await driver.close()
    task.cancel()


async def test_a_notification_is_waited_for(bluez: Bluez, tmp_path: Any, until: Any) -> None:
    from drivers.ble.gatt import talk
    from drivers.ble.profile import Step
    from drivers.ble.scanning import scanner

    device = bluez.device(B)
    (level,) = bluez.add_service(device, uuid("180f"), [(uuid("2a19"), lambda: b"\0", None)])
    found: list[Any] = []
    scan = scanner("hci0", lambda _: True, lambda ble, _: found.append(ble))
    await scan.start()
    bluez.advertise(device, {uuid("180f"): b"\0"})
    await until(lambda: found)

    async def tell() -> None:
        await until(lambda: level.notifying)
        bluez.notify(level, b"\x2a")

    task = asyncio.create_task(tell())
    steps = [Step.model_validate({"notify": "2A19", "frame": "level"})]
    assert await talk(found[0], "d", steps, 5.0) == {"level": b"\x2a"}
    await task
    await scan.stop()
    assert not level.notifying
