"""The driver on real wires: values, refusals, losses, warm-up, writing."""

import asyncio
import os
import termios
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agent.contract import DeviceFault, LinkLost, PolledDriver, Quality, Raw, Reading
from drivers.modbus.bank import Bank
from drivers.modbus.codec import mbap_frame
from drivers.modbus.station import Station

Build = Callable[..., AbstractAsyncContextManager[Any]]
Seen = Callable[[Sequence[Reading]], dict[str, Any]]
Site = Callable[..., str]

BAD, UNCERTAIN = Quality.BAD, Quality.UNCERTAIN

SOIL = {
    "moisture": {"address": 0, "scale": 0.1, "unit": "%", "range": [0, 100]},
    "temperature": {"address": 1, "type": "int16", "scale": 0.1, "unit": "Cel"},
    "ec": {"address": 2, "unit": "uS/cm"},
}
TWO_TABLES = SOIL | {"status": {"table": "input", "address": 4, "enum": {0: "ok", 1: "worn"}}}


@pytest.mark.parametrize("way", ["rtu", "tcp", "rtu_over_tcp"])
async def test_values_come_clean_over_every_kind_of_wire(
    way: str, build: Build, site: Site, seen: Seen
) -> None:
    async with build({"soil-1": {"profile": site(TWO_TABLES), "unit": 7}}, way) as rig:
        assert isinstance(rig.driver, PolledDriver)
        assert isinstance(rig.driver, Raw)
        rig.hold(moisture=65.8, temperature=-10.1, ec=1000, status="worn")
        readings = await rig.driver.read()
        assert seen(readings) == {
            "moisture": 65.8, "temperature": -10.1, "ec": 1000, "status": "worn",
        }  # fmt: skip
        assert {r.device for r in readings} == {"soil-1"}
        assert {r.point: r.unit for r in readings}["temperature"] == "Cel"


async def test_what_was_on_the_wire_can_be_shown(build: Build, site: Site) -> None:
    coil = {"pump": {"table": "coil", "address": 3, "type": "bool"}}
    flow = {"flow": {"address": 8, "type": "float32"}}
    async with build({"d": {"profile": site(SOIL | coil | flow)}}) as rig:
        rig.hold(moisture=65.8, temperature=-10.1, ec=1000, pump=True, flow=225.7)
        await rig.driver.read()
        assert rig.driver.raw() == {
            "moisture": "0292", "temperature": "FF9B", "ec": "03E8", "pump": "1",
            "flow": "4361 B333",
        }  # fmt: skip


async def test_only_the_points_that_are_named_are_read(
    build: Build, site: Site, seen: Seen
) -> None:
    options = {"profile": site(TWO_TABLES), "points": ["ec"]}
    async with build({"d": options}) as rig:
        rig.hold(ec=77)
        assert seen(await rig.driver.read()) == {"ec": 77}
        assert [point.id for point in rig.driver.points] == ["ec"]
        assert rig.sent[-1][:6] == bytes.fromhex("01 03 00 02 00 01")


async def test_one_refused_read_leaves_the_others_good(
    build: Build, site: Site, seen: Seen
) -> None:
    async with build({"d": {"profile": site(TWO_TABLES)}}) as rig:
        rig.hold(moisture=1, temperature=2, ec=3)
        await rig.driver.read()
        rig.simulator.banks["d"].refusals["input", 4] = 2
        assert seen(await rig.driver.read()) == {
            "moisture": 1, "temperature": 2, "ec": 3, "status": (None, BAD, "exception_2"),
        }  # fmt: skip
        rig.simulator.banks["d"].refusals["input", 4] = 6
        assert seen(await rig.driver.read())["status"] == (None, BAD, "busy")


async def test_a_device_that_refuses_everything_is_at_fault(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(SOIL)}}) as rig:
        await rig.driver.read()
        rig.simulator.banks["d"].refusals["holding", 2] = 4
        with pytest.raises(DeviceFault, match=r"exception 4 \(device failure\)") as caught:
            await rig.driver.read()
        assert caught.value.reason == "exception_4"
        assert caught.value.hint


async def test_a_silent_unit_costs_one_timeout(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(TWO_TABLES)}}) as rig:
        await rig.driver.read()
        rig.faults.dead = True
        before = len(rig.sent)
        with pytest.raises(LinkLost, match=r"unit 1: no answer within 0\.4 s") as caught:
            await rig.driver.read()
        assert (caught.value.reason, caught.value.retry_after) == ("timeout", 0.15)
        assert len(rig.sent) == before + 1


async def test_what_was_read_before_the_silence_counts(
    build: Build, site: Site, seen: Seen
) -> None:
    async with build({"d": {"profile": site(TWO_TABLES)}}) as rig:
        rig.hold(moisture=1, temperature=2, ec=3, status="ok")
        await rig.driver.read()
        rig.faults.silent = lambda answer: answer[1] == 4
        assert seen(await rig.driver.read()) == {
            "moisture": 1, "temperature": 2, "ec": 3, "status": (None, BAD, "timeout"),
        }  # fmt: skip
        assert set(rig.driver.raw()) == {"moisture", "temperature", "ec"}
        rig.faults.silent = None
        assert seen(await rig.driver.read())["status"] == "ok"


async def test_noise_is_told_from_silence(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(SOIL)}}) as rig:
        await rig.driver.read()
        rig.faults.flip = 1.0
        with pytest.raises(LinkLost, match="nothing but noise") as caught:
            await rig.driver.read()
        assert caught.value.reason == "crc"


async def test_noise_before_an_answer_does_no_harm(build: Build, site: Site, seen: Seen) -> None:
    async with build({"d": {"profile": site(SOIL)}}) as rig:
        rig.hold(moisture=1, temperature=2, ec=3)
        rig.faults.noise = 5
        assert seen(await rig.driver.read()) == {"moisture": 1, "temperature": 2, "ec": 3}


async def test_an_unplugged_adapter_is_no_fault_of_the_device(
    build: Build, site: Site, seen: Seen
) -> None:
    async with build({"d": {"profile": site(SOIL)}}) as rig:
        rig.hold(moisture=1, temperature=2, ec=3)
        await rig.driver.read()
        await rig.stage.unplug()
        with pytest.raises(LinkLost) as caught:
            await rig.driver.read()
        assert (caught.value.reason, caught.value.retry_after) == ("no_port", 0.0)
        await rig.stage.plug()
        assert seen(await rig.driver.read())["ec"] == 3


async def test_a_device_gets_the_line_settings_that_it_wants(build: Build, site: Site) -> None:
    name = site(SOIL)
    devices = {
        "slow": {"profile": name, "unit": 1, "line": {"baud": 4800}},
        "usual": {"profile": name, "unit": 2},
    }
    async with build(devices) as rig:
        speeds = []
        for device in ("slow", "usual", "slow"):
            await rig.drivers[device].read()
            port = os.open(rig.stage.link, os.O_RDWR | os.O_NOCTTY)
            speeds.append(termios.tcgetattr(port)[5])
            os.close(port)
        assert speeds == [termios.B4800, termios.B9600, termios.B4800]


class Unreached:
    """A converter from TCP to RS-485 whose device is dead."""

    def hear(self, data: bytes) -> Sequence[bytes]:
        number = int.from_bytes(data[:2], "big")
        return [mbap_frame(data[6], bytes([data[7] | 0x80, 11]), number)]


async def test_a_converter_that_gets_no_answer_is_a_lost_link(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(SOIL)}}, "tcp", Unreached()) as rig:
        with pytest.raises(LinkLost) as caught:
            await rig.driver.read()
        assert caught.value.reason == "gateway"


async def test_values_are_uncertain_while_the_sensor_warms_up(
    build: Build, site: Site, seen: Seen
) -> None:
    warm = {"moisture": 1, "temperature": 2, "ec": (3, UNCERTAIN, "range")}
    cold = {"moisture": (1, UNCERTAIN, "warm_up"), "temperature": (2, UNCERTAIN, "warm_up")} | {
        "ec": (3, UNCERTAIN, "range")
    }
    points = SOIL | {"ec": {"address": 2, "range": [10, 20]}}
    async with build({"d": {"profile": site(points), "warm_up": "60s"}}) as rig:
        rig.hold(moisture=1, temperature=2, ec=3)
        assert seen(await rig.driver.read()) == cold
        rig.clock.later(59)
        assert seen(await rig.driver.read()) == cold
        rig.clock.later(2)
        assert seen(await rig.driver.read()) == warm
        rig.faults.flip = 1.0
        with pytest.raises(LinkLost):
            await rig.driver.read()
        rig.faults.flip = 0.0
        assert seen(await rig.driver.read()) == warm, "noise does not switch a sensor off"
        rig.faults.dead = True
        with pytest.raises(LinkLost):
            await rig.driver.read()
        rig.faults.dead = False
        assert seen(await rig.driver.read()) == cold


RAIN = {"rain": {"address": 0, "scale": 0.2, "unit": "mm", "kind": "counter", "modulus": 10000}}


async def test_a_counter_goes_on_after_wrap_reset_and_restart(
    build: Build, site: Site, seen: Seen
) -> None:
    async with build({"d": {"profile": site(RAIN)}}) as rig:
        got = []
        for raw in (9990, 5, 10, 3):
            rig.hold(rain=raw * 0.2)
            got.append(seen(await rig.driver.read())["rain"])
        assert got == [1998, 2001, 2002, (2002.6, UNCERTAIN, "counter_reset")]
        await rig.driver.open()
        rig.hold(rain=4 * 0.2)
        assert seen(await rig.driver.read())["rain"] == 2002.8


VALVES = {
    "valve": {"table": "coil", "address": 2, "type": "bool", "write": {"function": 5}},
    "lamp": {"table": "coil", "address": 3, "type": "bool", "write": {"function": 15}},
    "speed": {
        "address": 10, "scale": 0.1, "unit": "%", "range": [0, 100], "write": {"function": 6},
    },
    "target": {"address": 11, "type": "float32", "write": {"function": 16}},
    "mode": {"address": 13, "enum": {0: "off", 2: "auto"}, "write": {"function": 6}},
    "fan": {"address": 14, "bit": 4, "bits": 2, "write": {"function": 6}},
    "word": {"address": 14},
    "measured": {"address": 15},
}  # fmt: skip


@pytest.mark.parametrize(
    ("point", "value"),
    [("valve", True), ("lamp", True), ("speed", 65.8), ("target", 21.5), ("mode", "auto")],
)
async def test_what_is_written_reads_back(point: str, value: Any, build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(VALVES)}}) as rig:
        rig.hold(valve=False, lamp=False, speed=0, target=0, mode="off")
        reading = await rig.driver.write(point, value)
        assert (reading.point, reading.value, reading.quality) == (point, value, Quality.GOOD)
        assert {r.point: r.value for r in await rig.driver.read()}[point] == value


async def test_writing_a_bit_field_keeps_its_neighbours(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(VALVES)}}) as rig:
        rig.hold(word=0xF0CF)
        rig.simulator.banks["d"].set("fan", 0)
        assert (await rig.driver.write("fan", 2)).value == 2
        assert {r.point: r.value for r in await rig.driver.read()}["word"] == 0xF0EF


@pytest.mark.parametrize(
    ("point", "value", "reason"),
    [
        ("measured", 1, "not_writable"),
        ("nonsense", 1, "not_writable"),
        ("speed", 100.5, "range"),
        ("speed", "fast", "value"),
        ("mode", "turbo", "value"),
    ],
)
async def test_what_must_not_be_written_never_reaches_the_wire(
    point: str, value: Any, reason: str, build: Build, site: Site
) -> None:
    async with build({"d": {"profile": site(VALVES)}}) as rig:
        with pytest.raises(DeviceFault) as caught:
            await rig.driver.write(point, value)
        assert caught.value.reason == reason
        assert rig.sent == []


class Stubborn(Bank):
    """Acknowledges what is written, and does not do it."""

    def write(self, *_: object) -> None:
        return


async def test_a_write_that_has_no_effect_is_a_fault(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(VALVES)}}) as rig:
        device = rig.device("d", {"profile": "probe"})
        rig.simulator.banks["d"] = Stubborn("d", Station.of(device, rig.host(device)), time.time)
        rig.hold(valve=False)
        with pytest.raises(DeviceFault, match="valve: True was written, False reads back"):
            await rig.driver.write("valve", "on")


async def test_a_refused_write_is_a_fault(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(VALVES)}}) as rig:
        rig.simulator.banks["d"].refusals["coil", 2] = 3
        with pytest.raises(DeviceFault) as caught:
            await rig.driver.write("valve", True)
        assert caught.value.reason == "exception_3"


async def test_nothing_is_asked_of_a_closed_driver(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(SOIL)}}) as rig:
        await rig.driver.close()
        await rig.driver.close()
        with pytest.raises(RuntimeError):
            await rig.driver.read()
        await rig.driver.open()
        assert len(await rig.driver.read()) == 3


async def test_two_devices_share_a_wire(build: Build, site: Site) -> None:
    name = site(SOIL)
    async with build({"a": {"profile": name, "unit": 1}, "b": {"profile": name, "unit": 2}}) as rig:
        rig.simulator.banks["a"].set("ec", 100)
        rig.simulator.banks["b"].set("ec", 200)
        both = await asyncio.gather(*(driver.read() for driver in rig.drivers.values()))
        assert [{r.point: r.value for r in one}["ec"] for one in both] == [100, 200]
