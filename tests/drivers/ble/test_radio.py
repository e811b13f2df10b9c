"""The adapter goes and comes back, bluetoothd too; a scan that hears nothing is helped along."""

import asyncio
import logging
from typing import Any

import pytest

from agent.contract import LinkLost
from drivers.ble import hub, payloads, watchdog
from drivers.ble.packet import uuid
from drivers.ble.watchdog import Action, Watchdog
from tests.support_bluez import Bluez
from tests.support_bluez_parts import Daemon

A, B = "A4:C1:38:8D:18:B2", "CB:B8:33:4C:88:4F"
FCD2 = uuid("fcd2")
SOIL = {"address": A, "family": "bthome", "points": ["soil_moisture"]}


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LOOK", 0.05)


class Air:
    """Sends until it is heard."""

    def __init__(self, bluez: Bluez, until: Any) -> None:
        self._bluez, self._until, self._counter = bluez, until, 0

    async def says(self, heard: Any, moisture: int) -> None:
        def sent() -> bool:
            self._counter += 1
            said = payloads.bthome({"moisture": moisture}, self._counter)
            self._bluez.advertise(self._bluez.device(A), {FCD2: said})
            return moisture in heard.values("soil_moisture")

        await self._until(sent)


@pytest.fixture
def air(bluez: Bluez, until: Any) -> Air:
    return Air(bluez, until)


def said(caplog: pytest.LogCaptureFixture, words: str) -> int:
    return sum(words in record.getMessage() for record in caplog.records)


async def test_an_adapter_that_was_pulled_is_used_again_once_it_is_back(
    bluez: Bluez, air: Air, listening: Any, until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with listening(**SOIL) as heard:
        await air.says(heard, 20)
        bluez.unplug()
        await until(heard.bad)
        await asyncio.sleep(0.5)
        assert set(heard.bad()) == {"no_adapter"}
        bluez.plug()
        await air.says(heard, 21)
    assert said(caplog, "hci0: the radio hci0 is not there; looking for it every 0.05 s") == 1
    assert said(caplog, "hci0: the radio is back") == 1
    assert said(caplog, "asking now and then") == 0, "the hub's word is enough"
    assert heard.events() == [("device.lost", "no_adapter"), ("device.back", None)]


async def test_bluetoothd_that_was_killed_is_used_again_once_it_is_back(
    bluez: Bluez, air: Air, listening: Any, until: Any
) -> None:
    async with listening(**SOIL) as heard:
        await air.says(heard, 20)
        await bluez.stop()
        await until(heard.bad)
        assert set(heard.bad()) == {"no_adapter"}
        await bluez.start()
        await air.says(heard, 21)
    assert heard.events() == [("device.lost", "no_adapter"), ("device.back", None)]


async def test_an_adapter_that_is_off_is_switched_on(
    bluez: Bluez, air: Air, listening: Any
) -> None:
    bluez.set_powered(False)
    async with listening(**SOIL) as heard:
        await air.says(heard, 20)
        bluez.set_powered(False)
        await air.says(heard, 21)
    assert bluez.powered


async def test_without_a_bus_the_device_waits_for_one(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, listening: Any, until: Any
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    async with listening(**SOIL) as heard:
        await until(heard.bad)
        assert set(heard.bad()) == {"no_adapter"}
        daemon = Daemon(tmp_path)
        daemon.start()
        bluez = Bluez(daemon.address)
        await bluez.start()
        try:
            await Air(bluez, until).says(heard, 20)
        finally:
            await bluez.stop()
            daemon.stop()


async def test_a_bus_that_dies_is_a_lost_link(
    daemon: Daemon, bluez: Bluez, air: Air, listening: Any, until: Any
) -> None:
    async with listening(**SOIL) as heard:
        await air.says(heard, 20)
        daemon.stop()
        await until(heard.bad)
        assert set(heard.bad()) == {"no_adapter"}


async def test_while_the_radio_is_gone_a_point_is_bad_now_and_then_only(
    bluez: Bluez, listening: Any, until: Any
) -> None:
    bluez.unplug()
    async with listening(**SOIL) as heard:
        await until(heard.bad)
        await asyncio.sleep(1)
        assert heard.bad() == ["no_adapter"] * 2, "soil_moisture and rssi, once"


async def test_a_device_that_is_connected_to_says_so_at_once(bluez: Bluez, make: Any) -> None:
    bluez.unplug()
    one = make(address=A, profile="xiaomi-hhccjcy01")
    for _ in range(3):
        with pytest.raises(LinkLost) as caught:
            await one.open()
        assert caught.value.reason == "no_adapter"
    bluez.plug()
    async with asyncio.timeout(10):
        while True:
            try:
                await one.open()
            except LinkLost:
                await asyncio.sleep(0.05)
            else:
                break
    await one.close()


async def test_an_adapter_is_found_by_its_address(bluez: Bluez, air: Air, listening: Any) -> None:
    async with listening(**SOIL, adapter="00:1a:7d:da:71:13") as heard:
        await air.says(heard, 20)


async def test_a_deaf_scan_is_started_anew_then_the_power_then_a_person_is_told(
    bluez: Bluez, air: Air, listening: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SILENCE", 0.3)
    monkeypatch.setattr("drivers.ble.bluez.OFF", 0.01)
    async with listening(**SOIL, quiet="1s") as heard:
        await air.says(heard, 20)
        bluez.deaf = True
        await until(lambda: bluez.starts == 2)
        assert bluez.power_cycles == 0
        await until(lambda: bluez.power_cycles == 1)
        await until(lambda: ("ble.adapter_silent", None) in heard.events())
        bluez.deaf = False
        await air.says(heard, 21)
        await until(lambda: ("ble.adapter_back", None) in heard.events())
    assert heard.events().count(("ble.adapter_silent", None)) == 1


async def test_strangers_are_kept_nowhere(bluez: Bluez, air: Air, listening: Any) -> None:
    async with listening(**SOIL) as heard:
        await air.says(heard, 20)
        for number in range(300):
            stranger = bluez.device(f"AA:00:00:00:{number // 256:02X}:{number % 256:02X}")
            bluez.advertise(stranger, {FCD2: payloads.bthome({"moisture": 99}, 1)})
            await asyncio.sleep(0.001)
        await air.says(heard, 21)
        assert set(hub.hub_for("hci0")._devices) == {A}
    assert {r.device for r in heard.readings()} == {"d"}
    assert heard.events() == []


def test_the_watchdog_tries_one_thing_after_the_other() -> None:
    dog = Watchdog(0.0)
    looks = [dog.look(float(t), scanning=True) for t in range(0, 3000, 10)]
    acts = [(10 * n, act) for n, act in enumerate(looks) if act is not Action.NONE]
    assert acts == [
        (90, Action.RESTART), (180, Action.POWER_CYCLE), (270, Action.REPORT),
        (1170, Action.POWER_CYCLE), (2070, Action.POWER_CYCLE), (2970, Action.POWER_CYCLE),
    ]  # fmt: skip
    assert dog.heard(3000.0), "a person had been told"
    assert not dog.heard(3001.0)
    assert dog.look(3050.0, scanning=True) is Action.NONE


def test_a_scan_that_the_system_does_not_run_is_started_anew_sooner() -> None:
    dog = Watchdog(0.0)
    assert dog.look(1.0, scanning=False) is Action.NONE
    assert dog.look(2.0, scanning=True) is Action.NONE, "it pauses while a connection is made"
    assert dog.look(3.0, scanning=False) is Action.NONE
    assert dog.look(3.0 + watchdog.IDLE, scanning=False) is Action.RESTART
