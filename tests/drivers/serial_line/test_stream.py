"""Devices that speak unasked: what they say counts, and their silence is never a free space."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.contract import Device, LinkLost, Quality, Raw, Reading
from agent.host import DeviceHost
from drivers.serial_line import DRIVER
from drivers.serial_line.codec import Codec
from drivers.serial_line.station import Station
from drivers.serial_line.stream import SerialLineStream
from drivers.serial_line.udp import UdpEar

Build = Callable[..., AbstractAsyncContextManager[Any]]
Site = Callable[..., str]

UNCERTAIN, BAD = Quality.UNCERTAIN, Quality.BAD
NUMBERS = {"a1": "050117060001", "a2": "050117060002"}
WVDS = {"profile": "wvds-nbiot", "detectors": NUMBERS, "check": "crc16_xmodem"}
BOSCH = {"profile": "bosch-tps110", "detectors": {"p1": "70B3D5E75E001A2F"}}
GROUPS: dict[str, Any] = {
    "timing": {"heartbeat": "1min"},
    "frame": [{"hex": "C0"}, {"length": 1}, {"body": True}, {"check": "crc16_ccitt"}],
    "messages": {
        "lot": {
            "body": [
                {"field": "many"},
                {"repeat": [{"field": "n"}, {"field": "state"}], "count": "many"},
            ]
        }
    },
    "detector": "n",
    "listens": {"lot": {}},
    "points": {
        "occupied": {"field": "state", "unit": "1", "enum": {0: False, 1: True}, "fault": [2]}
    },
}


async def gathered(driver: Any, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Points as they are told, until it is enough."""
    found: dict[str, Any] = {}
    async with asyncio.timeout(20), aclosing(driver.readings()) as readings:
        async for r in readings:
            assert isinstance(r, Reading)
            found[r.point] = r.value if not r.reason else (r.value, r.quality, r.reason)
            if enough(found):
                break
    return found


async def test_one_frame_tells_of_many_detectors(build: Build, site: Site) -> None:
    options = {"profile": site(**GROUPS), "detectors": [1, 2, 17]}
    async with build({"lot": options}) as rig:
        rig.hold("1", occupied=True)
        rig.hold("2", occupied=False)
        rig.hold("17", occupied=None)
        assert isinstance(rig.driver, Raw)
        found = await gathered(rig.driver, lambda found: len(found) == 3)
        assert found == {
            "occupied_1": True, "occupied_2": False, "occupied_17": (None, BAD, "sensor_fault"),
        }  # fmt: skip
        assert rig.driver.raw()["occupied_1"].startswith("C0 07 03 01 01 02 00 11 02")


async def test_a_detector_that_falls_silent_is_bad_until_it_speaks(
    build: Build, site: Site
) -> None:
    options = {"profile": site(**GROUPS), "detectors": [1, 2], "silent_after": "30s"}
    async with build({"lot": options}) as rig:
        for label in "12":
            rig.hold(label, occupied=False)
        await gathered(rig.driver, lambda found: len(found) == 2)
        rig.simulator.banks["lot"].lost = {"2"}
        rig.clock.later(29)
        assert await gathered(rig.driver, lambda found: "occupied_1" in found) == {
            "occupied_1": False
        }
        rig.clock.later(2)
        found = await gathered(rig.driver, lambda found: "occupied_2" in found)
        assert found["occupied_2"] == (None, BAD, "silent")
        rig.simulator.banks["lot"].lost = set()
        found = await gathered(rig.driver, lambda found: found.get("occupied_2") is False)


async def test_a_line_that_is_dead_makes_every_detector_bad(build: Build, site: Site) -> None:
    options = {"profile": site(**GROUPS), "detectors": [1, 2], "silent_after": "30s"}
    async with build({"lot": options}) as rig:
        rig.faults.dead = True
        rig.clock.later(31)
        found = await gathered(rig.driver, lambda found: len(found) == 2)
        assert set(found.values()) == {(None, BAD, "silent")}


async def test_a_detector_of_nobody_is_named_once_and_dropped(
    build: Build, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    name = site(**GROUPS)
    async with build({"lot": {"profile": name, "detectors": [1, 2, 3]}}) as rig:
        talkers = rig.simulator
    with caplog.at_level("INFO"):
        async with build({"lot": {"profile": name, "detectors": [1]}}, "pty", talkers) as rig:
            times = 0

            def enough(found: dict[str, Any]) -> bool:
                nonlocal times
                times += 1
                return times > 5

            assert set(await gathered(rig.driver, enough)) == {"occupied_1"}
    assert [r.message for r in caplog.records if "not in `detectors:`" in r.message] == [
        f"lot: hears detector {n}, which is not in `detectors:`; its data are dropped"
        for n in (2, 3)
    ]


class Scripted:
    """Says each of its pieces after the other, and remembers what it is told."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.heard = b""

    def hear(self, data: bytes) -> Sequence[bytes]:
        self.heard += data
        return []

    def speak(self) -> tuple[Sequence[bytes], float]:
        return [self.pieces.pop(0)] if self.pieces else [], 0.05


def wvds_frames() -> list[bytes]:
    codec = _codec(WVDS)
    return [
        codec.build("status", {"number": number, "stamp": "5A0B1C2D", "state": 1, "battery": 90})
        for number in NUMBERS.values()
    ]


def _codec(options: dict[str, Any]) -> Codec:
    device = Device("d", "serial_line", 1.0, wire="bus", options=options)
    station = Station.of(device, DeviceHost(device, _clock()))
    return Codec(station.profile, station.check)


def _clock() -> Any:
    from agent.clock import Clock

    return Clock()


async def test_damaged_and_cut_frames_cost_nothing_but_themselves(build: Build) -> None:
    first, second = wvds_frames()
    damaged = bytes([*first[:12], first[12] ^ 4, *first[13:]])
    script = Scripted(b"\xaa", damaged, first[:9], b"", b"", b"", b"", b"", b"", second)
    async with build({"lot": WVDS}, "pty", script) as rig:
        found = await gathered(rig.driver, lambda found: "battery_level_a2" in found)
        assert {name.rpartition("_")[2] for name in found} == {"a2"}
        assert found["occupied_a2"] is True


@pytest.mark.parametrize("way", ["pty", "tcp"])
async def test_a_message_is_acknowledged_once_it_was_taken(way: str, build: Build) -> None:
    first, _ = wvds_frames()
    script = Scripted(first)
    ack = _codec(WVDS).build("status_taken", {"number": NUMBERS["a1"], "stamp": "5A0B1C2D"})
    async with build({"lot": WVDS}, way, script) as rig:
        async with asyncio.timeout(20), aclosing(rig.driver.readings()) as readings:
            taken = [await anext(readings) for _ in range(4)]
            assert {r.device for r in taken} == {"lot"}
            assert rig.sent == [], "its last reading may still be lost"
            waiting = asyncio.create_task(anext(readings))
            while ack not in script.heard:
                await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        assert rig.sent == [ack]


async def test_values_are_uncertain_until_the_checksum_is_known(build: Build) -> None:
    async with build({"lot": WVDS}) as rig:
        talkers = rig.simulator
    unknown = {k: v for k, v in WVDS.items() if k != "check"}
    async with build({"lot": unknown}, "pty", talkers) as rig:
        doubts: list[Any] = []
        told_in_doubt: list[bytes] = []

        def enough(found: dict[str, Any]) -> bool:
            for n, bank in enumerate(talkers.banks.values()):
                bank.set("battery_level", (len(doubts) + n) % 100, "a1")
            doubts.append(found.get("battery_level_a1"))
            if not isinstance(doubts[-1], int) and "check" not in rig.hosts["lot"].state:
                told_in_doubt.extend(rig.sent)
            return isinstance(doubts[-1], int)

        await gathered(rig.driver, enough)
        assert told_in_doubt == [], "no guess is sent"
        assert any(isinstance(one, tuple) and one[1:] == (UNCERTAIN, "unchecked") for one in doubts)
        assert rig.hosts["lot"].state["check"] == "crc16_xmodem:low_first"


async def test_a_pulled_adapter_is_told_and_heard_again_when_it_is_back(build: Build) -> None:
    async with build({"lot": WVDS}) as rig:
        await gathered(rig.driver, lambda found: len(found) > 4)
        await rig.stage.unplug()
        with pytest.raises(LinkLost) as caught:
            await gathered(rig.driver, lambda found: False)
        assert caught.value.reason == "no_port"
        await rig.stage.plug()
        await gathered(rig.driver, lambda found: len(found) > 4)


@asynccontextmanager
async def listening(rig_site: Path, options: dict[str, Any]) -> AsyncIterator[SerialLineStream]:
    device = Device("lot", "serial_line", 1.0, options=options)
    driver = DRIVER.make(device, DeviceHost(device, _clock(), None, None, rig_site))
    assert isinstance(driver, SerialLineStream)
    await driver.open()
    yield driver
    await driver.close()


async def free_port() -> int:
    async with UdpEar(("127.0.0.1", 0)) as ear:
        return ear.address[1]


async def test_frames_come_as_datagrams_and_are_acknowledged_to_their_sender(
    tmp_path: Path,
) -> None:
    port = await free_port()
    first, second = wvds_frames()
    ack = _codec(WVDS).build("status_taken", {"number": NUMBERS["a1"], "stamp": "5A0B1C2D"})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        async with listening(tmp_path, WVDS | {"listen": f"udp://127.0.0.1:{port}"}) as driver:
            task = asyncio.create_task(gathered(driver, lambda found: len(found) == 8))
            answer = b""
            async with asyncio.timeout(20):
                while answer != ack:
                    sender.sendto(first, ("127.0.0.1", port))
                    await asyncio.sleep(0.05)
                    try:
                        answer = sender.recv(100)
                    except BlockingIOError:
                        continue
            sender.sendto(second[:5], ("127.0.0.1", port))
            sender.sendto(second, ("127.0.0.1", port))
            found = await task
    assert found["occupied_a1"] is True
    assert found["battery_level_a2"] == 90


async def test_lines_of_a_lorawan_server_come_as_datagrams(tmp_path: Path) -> None:
    port = await free_port()
    line = b"UP,70b3d5e75e001a2f,2,01ff,-97,8.5\n"
    async with listening(tmp_path, BOSCH | {"listen": f"udp://127.0.0.1:{port}"}) as driver:
        task = asyncio.create_task(gathered(driver, lambda found: len(found) == 4))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            async with asyncio.timeout(20):
                while not task.done():
                    sender.sendto(line, ("127.0.0.1", port))
                    await asyncio.sleep(0.05)
        assert await task == {
            "occupied_p1": True, "device_temperature_p1": -1, "rssi_p1": -97, "snr_p1": 8.5,
        }  # fmt: skip


async def test_a_port_that_is_taken_is_looked_for_again(tmp_path: Path) -> None:
    async with UdpEar(("127.0.0.1", 0)) as ear:
        options = BOSCH | {"listen": f"udp://127.0.0.1:{ear.address[1]}"}
        async with listening(tmp_path, options) as driver:
            with pytest.raises(LinkLost, match="cannot be listened on") as caught:
                await gathered(driver, lambda found: False)
            assert caught.value.reason == "no_port"
            assert caught.value.hint
