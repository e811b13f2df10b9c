"""Bluetooth sensors, by way of BlueZ. Their values are those of vm/guest/sensors.py."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from rigging.rig import Rig
from rigging.shell import Shell
from rigging.site import bad, good, waited

PLAIN, ENCRYPTED = "F0:F1:38:00:00:01", "F0:F1:38:00:00:02"
RUUVI, FLORA = "F0:F1:38:00:00:03", "C4:7C:8D:00:00:04"
KEY, KEY_FILE = "231d39c1d7cc1ab1aee224cd096db932", "/etc/fieldgate/rig-bthome.key"
CLIMATE = ["air_temperature", "air_humidity", "battery_level"]
DEVICES: list[dict[str, object]] = [
    {"id": "plain", "address": PLAIN, "family": "bthome", "points": CLIMATE},
    {"id": "sealed", "address": ENCRYPTED, "family": "bthome", "points": CLIMATE},
    {"id": "tag", "address": RUUVI, "family": "ruuvi"},
    {"id": "plant", "address": FLORA, "profile": "xiaomi-hhccjcy01"},
]
DEVICES[1]["key_file"] = KEY_FILE
# Lowest and highest, in SenML's units, as they travel.
MEASURED = {
    "plain": {"air_temperature": (20.0, 30.0), "air_humidity": (50.5, 50.5)},
    "sealed": {"air_temperature": (20.0, 30.0), "air_humidity": (50.5, 50.5)},
    "tag": {"air_temperature": (24.3, 24.3), "air_humidity": (53.4, 53.5)},
    "plant": {"air_temperature": (21.7, 22.6), "soil_moisture": (0.33, 0.33)},
}


@pytest.fixture
def radio(rig: Rig) -> Iterator[Shell]:
    """The gateway's shell, with an adapter that is powered and sensors around it."""
    assert rig.shell is not None
    _plug_in(rig.shell)
    yield rig.shell
    rig.shell.run("systemctl", "stop", "rig-sensors")


def _plug_in(shell: Shell) -> None:
    shell.run("systemctl", "restart", "rig-sensors")
    shell.run("systemctl", "start", "bluetooth")
    assert waited(lambda: _powered(shell), 90, pause=1), "no adapter that is powered"


def _powered(shell: Shell) -> bool:
    return "Powered: yes" in shell.run("bluetoothctl", "show", check=False, timeout=60).stdout


@pytest.fixture
def listening(rig: Rig, radio: Shell) -> Iterator[Rig]:
    """fieldgate reads the sensors."""
    radio.run("install", "-m", "600", "-o", "fieldgate", "/dev/null", KEY_FILE)
    radio.put(KEY_FILE, KEY)
    rig.configure([{**device, "driver": "ble", "quiet": "30s"} for device in DEVICES])
    yield rig
    rig.configure()


@pytest.mark.needs("ble")
@pytest.mark.timeout(900)
def test_the_sensors_are_in_the_air(
    radio: Shell, record_property: Callable[[str, object], None]
) -> None:
    """Of the rig itself: what BlueZ and bleak alone hear and read."""
    done = radio.run("/opt/rig/bin/python3", "/opt/rig/listen.py", "12")
    said = json.loads(done.stdout)
    heard = {address: len(payloads) for address, payloads in said["heard"].items()}
    record_property("different payloads in 12 s", heard)
    assert {PLAIN, ENCRYPTED, RUUVI, FLORA} <= {a for a, count in heard.items() if count > 1}
    assert said["flora"] == {
        "temperature": 21.7,
        "light": 1234,
        "moisture": 33,
        "conductivity": 456,
        "battery": 87,
    }


@pytest.mark.needs("ble")
@pytest.mark.timeout(1200)
def test_every_kind_of_sensor_reaches_the_broker(
    listening: Rig, record_property: Callable[[str, object], None]
) -> None:
    began = time.monotonic()
    for device, points in MEASURED.items():
        for point, limits in points.items():
            _expect(listening, device, point, limits, began)
    readings = {device: len(good(listening.cloud.samples(device, began))) for device in MEASURED}
    record_property("readings", readings)


def _expect(rig: Rig, device: str, point: str, limits: tuple[float, float], since: float) -> None:
    def values() -> list[float]:
        return [
            float(sample.value)
            for _, sample in rig.cloud.samples(device, since)
            if sample.point == point and sample.value is not None
        ]

    assert waited(values, 180), f"nothing of {device}/{point}"
    low, high = limits
    assert all(low - 0.01 <= value <= high + 0.01 for value in values()), (device, point, values())


@pytest.mark.needs("adapter_unplug")
@pytest.mark.timeout(1200)
def test_an_adapter_that_was_killed_is_used_again(
    listening: Rig, radio: Shell, record_property: Callable[[str, object], None]
) -> None:
    began = time.monotonic()
    assert waited(lambda: good(listening.cloud.samples("plain", began)), 180)
    radio.run("systemctl", "kill", "--signal=KILL", "rig-sensors")
    pulled = time.monotonic()
    assert waited(lambda: bad(listening.cloud.samples("plain", pulled)), 180), "no gap is marked"
    _plug_in(radio)
    back = time.monotonic()
    for device in MEASURED:
        assert waited(partial(_heard, listening, device, back), 300), f"{device} is not heard again"
    first = min(good(listening.cloud.samples("plain", back))) - back
    record_property("heard again after s", round(first, 1))


def _heard(rig: Rig, device: str, since: float) -> bool:
    return bool(good(rig.cloud.samples(device, since)))
