"""Bluetooth sensors, by way of BlueZ."""

import json
from collections.abc import Callable, Iterator

import pytest
from rigging.rig import Rig
from rigging.shell import Shell
from rigging.site import waited

ADAPTER = "/sys/class/bluetooth"
PLAIN, ENCRYPTED = "F0:F1:38:00:00:01", "F0:F1:38:00:00:02"
RUUVI, FLORA = "F0:F1:38:00:00:03", "C4:7C:8D:00:00:04"


@pytest.fixture
def radio(rig: Rig) -> Iterator[Shell]:
    """The gateway's shell, with an adapter that is powered and sensors around it."""
    assert rig.shell is not None
    rig.shell.run("systemctl", "restart", "rig-sensors")
    assert waited(lambda: _powered(rig.shell), 60, pause=1), "no adapter that is powered"
    yield rig.shell
    rig.shell.run("systemctl", "stop", "rig-sensors")


def _powered(shell: Shell | None) -> bool:
    assert shell is not None
    return "Powered: yes" in shell.run("bluetoothctl", "show", check=False, timeout=60).stdout


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
