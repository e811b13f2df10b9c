"""Sensors through a real D-Bus: bleak scans and connects, a bluetoothd of our own answers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from drivers.ble import payloads
from drivers.ble.packet import uuid
from tests.support_bluez import Bluez

A, B = "A4:C1:38:8D:18:B2", "CB:B8:33:4C:88:4F"
KEY = "231d39c1d7cc1ab1aee224cd096db932"
FCD2 = uuid("fcd2")
SOIL = {"soil_temperature": "temperature", "soil_moisture": "moisture"}


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(KEY + "\n", encoding="ascii")
    return file


async def test_a_plain_bthome_sensor_is_heard(bluez: Bluez, listening: Any, until: Any) -> None:
    sensor = bluez.device(A, "b-parasite")
    async with listening(address=A, family="bthome", points=SOIL) as heard:
        await until(lambda: bluez.scans)
        values = {"temperature": 21.55, "moisture": 33}
        bluez.advertise(sensor, {FCD2: payloads.bthome(values, 1)}, rssi=-71)
        await until(lambda: len(heard.readings()) == 3)
        assert bluez.filter["DuplicateData"] is True
    assert heard.last() == {"soil_temperature": 21.55, "soil_moisture": 33, "rssi": -71}
    assert all(reading.quality == "good" for reading in heard.readings())
    assert bluez.scans == 0


async def test_an_encrypted_bthome_sensor_is_heard(
    bluez: Bluez, listening: Any, until: Any, key_file: Path
) -> None:
    sensor = bluez.device(A)
    points = ["air_temperature", "air_humidity"]
    async with listening(address=A, family="bthome", points=points, key_file=key_file) as heard:
        await until(lambda: bluez.scans)
        values = {"temperature": 25.06, "humidity": 50.55}
        for counter in (7, 8):
            sealed = payloads.bthome_encrypted(values, bytes.fromhex(KEY), A, counter)
            bluez.advertise(sensor, {FCD2: sealed})
            await until(lambda n=counter: len(heard.values("air_humidity")) == n - 6)
            await asyncio.sleep(0.06)
    assert heard.values("air_humidity") == [50.55, 50.55]
    assert heard.events() == []


async def test_a_ruuvi_tag_is_heard(bluez: Bluez, listening: Any, until: Any) -> None:
    tag = bluez.device(B, "Ruuvi 884F")
    async with listening(address=B.lower(), family="ruuvi") as heard:
        await until(lambda: bluez.scans)
        bluez.advertise(tag, manufacturers={0x0499: payloads.ruuvi5(B, 1, temperature=-7.5)})
        await until(lambda: len(heard.readings()) == 6)
    assert heard.last()["air_temperature"] == -7.5
    assert heard.last()["battery_voltage"] == 2.9


async def test_devices_of_one_adapter_share_one_scan(
    bluez: Bluez, listening: Any, until: Any
) -> None:
    async with (
        listening("one", address=A, family="bthome", points=SOIL) as one,
        listening("two", address=B, family="ruuvi") as two,
    ):
        await until(lambda: bluez.scans)
        bluez.advertise(bluez.device(A), {FCD2: payloads.bthome({"moisture": 20}, 1)})
        bluez.advertise(bluez.device(B), manufacturers={0x0499: payloads.ruuvi5(B, 1)})
        bluez.advertise(bluez.device("11:22:33:44:55:66"), {FCD2: payloads.bthome({"moisture": 9})})
        await until(lambda: one.readings() and two.readings())
        assert bluez.scans == 1
        assert one.values("soil_moisture") == [20]
        assert {reading.device for reading in two.readings()} == {"two"}


async def test_a_sensor_that_falls_silent_is_bad_and_never_its_last_value(
    bluez: Bluez, listening: Any, until: Any
) -> None:
    options = {"address": A, "family": "bthome", "points": SOIL, "quiet": "1s"}
    async with listening(**options) as heard:
        await until(lambda: bluez.scans)
        bluez.advertise(bluez.device(A), {FCD2: payloads.bthome({"moisture": 20}, 1)})
        await until(heard.bad)
        assert set(heard.bad()) == {"silent"}
        assert heard.values("soil_moisture") == [20, None]
        bluez.advertise(bluez.device(A), {FCD2: payloads.bthome({"moisture": 21}, 2)})
        await until(lambda: heard.values("soil_moisture")[-1] == 21)


async def test_a_passive_scan_says_what_it_listens_for(
    bluez: Bluez, listening: Any, until: Any
) -> None:
    async with listening(address=A, family="bthome", points=SOIL, active=False) as heard:
        await until(lambda: bluez.monitors)
        bluez.advertise(bluez.device(A), {FCD2: payloads.bthome({"moisture": 20}, 1)})
        await until(lambda: heard.values("soil_moisture") == [20])
        assert bluez.scans == 0
    assert not bluez.monitors
