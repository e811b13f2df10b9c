"""One device that answers: only what can be believed becomes a value."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agent.contract import DeviceFault, LinkLost, PolledDriver, Quality, Raw, Reading

Build = Callable[..., AbstractAsyncContextManager[Any]]
Site = Callable[..., str]
Seen = Callable[[Sequence[Reading]], dict[str, Any]]

UNCERTAIN, BAD = Quality.UNCERTAIN, Quality.BAD
CO2 = {"profile": "winsen-mh-z19", "timeout": "300ms", "max_late": "200ms", "warm_up": "0s"}
METER = {"profile": "cjt188-water-1f90", "address": "78330011223344", "timeout": "300ms",
         "max_late": "200ms"}  # fmt: skip
LOT = {"profile": "deying-m77r", "detectors": ["1-3"], "timeout": "400ms", "max_late": "200ms"}
BOARD = {"profile": "led-digit-board", "address": 5}


class Canned:
    """Answers every request with the same bytes."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heard: list[bytes] = []

    def hear(self, data: bytes) -> Sequence[bytes]:
        self.heard.append(data)
        return self.answers


async def test_a_sample_and_what_was_on_the_wire(build: Build, seen: Seen) -> None:
    async with build({"co2": CO2}) as rig:
        assert isinstance(rig.driver, PolledDriver)
        assert isinstance(rig.driver, Raw)
        rig.hold(co2=608, air_temperature=31)
        readings = await rig.driver.read()
        assert seen(readings) == {"co2": 608, "air_temperature": (31, UNCERTAIN, "indicative")}
        assert {r.device for r in readings} == {"co2"}
        assert rig.driver.raw() == {"co2": "02 60", "air_temperature": "47"}
        assert rig.sent == [bytes.fromhex("FF 01 86 00 00 00 00 00 79")]


async def test_a_sensor_that_warms_up_is_uncertain(build: Build, seen: Seen) -> None:
    async with build({"co2": CO2 | {"warm_up": "3min"}}) as rig:
        rig.hold(co2=420)
        assert seen(await rig.driver.read())["co2"] == (420, UNCERTAIN, "warm_up")
        rig.clock.later(181)
        assert seen(await rig.driver.read())["co2"] == 420
        rig.faults.dead = True
        with pytest.raises(LinkLost):
            await rig.driver.read()
        rig.faults.dead = False
        assert seen(await rig.driver.read())["co2"] == (420, UNCERTAIN, "warm_up")


async def test_silence_noise_and_a_strange_answer_are_told_apart(build: Build) -> None:
    async with build({"co2": CO2}) as rig:
        await rig.driver.read()
        rig.faults.dead = True
        with pytest.raises(LinkLost, match=r"co2: no answer within 0\.3 s") as caught:
            await rig.driver.read()
        assert (caught.value.reason, caught.value.retry_after) == ("timeout", 0.2)
        rig.faults.dead, rig.faults.truncate = False, 7
        with pytest.raises(LinkLost, match="nothing but noise") as caught:
            await rig.driver.read()
        assert caught.value.reason == "crc"
    strange = Canned(bytes.fromhex("FF 85 01 02 03 04 05 06 66"))
    async with build({"co2": CO2}, "pty", strange) as rig:
        with pytest.raises(LinkLost, match="says what its profile does not know") as caught:
            await rig.driver.read()
        assert caught.value.reason == "mismatch"
        assert caught.value.hint


async def test_noise_before_an_answer_does_no_harm(build: Build, seen: Seen) -> None:
    async with build({"co2": CO2}) as rig:
        rig.hold(co2=608)
        rig.faults.random.seed(3)
        rig.faults.noise = 5
        assert seen(await rig.driver.read())["co2"] == 608


@pytest.mark.parametrize("way", ["pty", "tcp"])
async def test_meters_on_one_line_are_told_apart(way: str, build: Build, seen: Seen) -> None:
    addresses = {"a": "78330011223344", "b": "78330011223345"}
    devices = {name: METER | {"address": address} for name, address in addresses.items()}
    async with build(devices, way) as rig:
        for at, name in enumerate(devices):
            rig.simulator.banks[name].set("water_volume_total", 100.25 + at)
        for at, name in enumerate(devices):
            assert seen(await rig.drivers[name].read())["water_volume_total"] == 100.25 + at
        assert rig.sent[0].startswith(b"\xfe\xfe\xfe\x68")


async def test_a_single_meter_answers_to_everybodys_address(build: Build, seen: Seen) -> None:
    own = {"address": "78330011223344"}
    async with build({"known": METER}) as rig:
        simulator = rig.simulator
    async with build({"meter": METER | {"address": "A" * 14}}, "pty", simulator) as rig:
        simulator.banks["known"].set("water_volume_total", 7.5)
        assert seen(await rig.driver.read())["water_volume_total"] == 7.5
        found = await rig.driver.configure("read_address", {})
        assert found["meter_address"] == own["address"]


def meter_answer(address: str, serial: int, total: str, command: int = 0x81) -> bytes:
    body = bytes.fromhex("68 10") + bytes.fromhex(address)[::-1] + bytes([command, 0x16])
    body += bytes.fromhex("1F 90") + bytes([serial]) + bytes.fromhex(total)[::-1]
    body += bytes.fromhex("2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84")
    return body + bytes([sum(body) & 0xFF, 0x16])


OURS, OTHER = "78330011223344", "78330011223399"


async def test_frames_of_others_are_passed_over(build: Build, seen: Seen) -> None:
    foreign = [
        meter_answer(OTHER, 1, "00000099"),
        bytes.fromhex("01 03 02 02 92 38 D9"),  # Modbus, unit 1
        b"$001,02,01,0,0,000,000*23\r\n",
    ]
    bus = Canned(*foreign, meter_answer(OURS, 1, "00001234"))
    async with build({"m": METER}, "pty", bus) as rig:
        assert seen(await rig.driver.read())["water_volume_total"] == 12.34


async def test_noise_that_looks_like_a_beginning_hides_no_answer(build: Build, seen: Seen) -> None:
    bus = Canned(bytes.fromhex("68 68") + meter_answer(OURS, 1, "00001234"))
    async with build({"m": METER}, "pty", bus) as rig:
        assert seen(await rig.driver.read())["water_volume_total"] == 12.34


@pytest.mark.parametrize(
    "answer",
    [
        meter_answer(OTHER, 1, "00000099"),  # another address
        meter_answer(OURS, 7, "00000099"),  # to another request
        meter_answer(OURS, 1, "00000099", 0x84),  # to another command
        meter_answer(OURS, 1, "00000099")[:-1],  # cut off
        meter_answer(OURS, 1, "00000099")[1:],
        bytes([*meter_answer(OURS, 1, "00000099")[:-2], 0x00, 0x16]),  # its checksum
        meter_answer(OURS, 1, "00000099") * 2,  # two to one question
    ],
)
async def test_no_wrong_answer_becomes_a_value(answer: bytes, build: Build) -> None:
    async with build({"m": METER}, "pty", Canned(answer)) as rig:
        with pytest.raises(LinkLost):
            await rig.driver.read()


async def test_a_late_answer_is_never_taken_for_the_next_one(build: Build) -> None:
    async with build({"m": METER | {"max_late": "400ms"}}) as rig:
        rig.hold(water_volume_total=1.0)
        await rig.driver.read()
        rig.faults.delay = 0.5
        with pytest.raises(LinkLost) as caught:
            await rig.driver.read()
        assert caught.value.retry_after == 0.4
        rig.faults.delay = 0.0
        rig.hold(water_volume_total=2.0)
        readings = await rig.driver.read()
        assert {r.point: r.value for r in readings}["water_volume_total"] == 2.0
        assert rig.board.wire("bus").noise > 0, "the late answer was heard, and dropped"


async def test_an_answer_to_an_earlier_request_proves_that_answers_come_late(build: Build) -> None:
    async with build({"m": METER}, "pty", Canned(meter_answer(OURS, 200, "00000099"))) as rig:
        with pytest.raises(LinkLost, match="later than it was given time") as caught:
            await rig.driver.read()
        assert caught.value.reason == "late"


async def test_an_abnormal_answer_is_a_fault_of_the_device(build: Build) -> None:
    async with build({"m": METER}) as rig:
        await rig.driver.read()
        rig.simulator.banks["m"].refuses = True
        with pytest.raises(DeviceFault, match="m refuses: 68 10") as caught:
            await rig.driver.read()
        assert caught.value.reason == "refused"


async def test_other_kinds_of_meters_by_a_field_of_the_settings(build: Build, seen: Seen) -> None:
    async with build({"hot": METER | {"fields": {"meter_type": 0x11}}}) as rig:
        rig.hold(water_volume_total=3.0)
        assert seen(await rig.driver.read())["water_volume_total"] == 3.0
        assert rig.sent[0][4] == 0x11


async def test_a_receiver_tells_of_each_detector(build: Build, seen: Seen) -> None:
    async with build({"lot": LOT | {"check": "xor_swapped"}}) as rig:
        rig.hold("1", occupied=True)
        rig.hold("2", occupied=False)
        rig.hold("3", occupied=None)
        found = seen(await rig.driver.read())
        assert found["occupied_1"] is True
        assert found["occupied_2"] is False
        assert found["occupied_3"] == (None, BAD, "sensor_fault")
        assert [found[f"parking_state_{n}"] for n in (1, 2, 3)] == ["occupied", "vacant", "fault"]
        assert [point.id for point in rig.driver.points][:2] == ["occupied_1", "parking_state_1"]


async def test_a_lost_detector_is_never_free(build: Build, seen: Seen) -> None:
    async with build({"lot": LOT | {"check": "xor_swapped"}}) as rig:
        for label in "123":
            rig.hold(label, occupied=False)
        rig.simulator.banks["lot"].lost = {"2"}
        found = seen(await rig.driver.read())
        assert found["occupied_2"] == found["parking_state_2"] == (None, BAD, "missing")
        assert found["occupied_1"] is False
        rig.faults.dead = True
        with pytest.raises(LinkLost):
            await rig.driver.read()


async def test_the_checksum_of_a_receiver_is_found_out_and_remembered(
    build: Build, seen: Seen
) -> None:
    async with build({"lot": LOT | {"check": "xor_swapped"}}) as rig:
        simulator = rig.simulator
    async with build({"lot": LOT}, "pty", simulator) as rig:
        simulator.banks["lot"].set("occupied", True, "1")
        assert seen(await rig.driver.read())["occupied_1"] == (True, UNCERTAIN, "unchecked")
        async with asyncio.timeout(20):
            while seen(await rig.driver.read())["occupied_1"] is not True:
                simulator.banks["lot"].set("detector_threshold", len(rig.sent), "1")
        assert rig.hosts["lot"].state["check"] == "xor_swapped"
        rig.faults.random.seed(1)
        rig.faults.flip = 1.0
        found = seen(await rig.driver.read())
        damaged = [n for n in (1, 2, 3) if found[f"occupied_{n}"] == (None, BAD, "missing")]
        assert len(damaged) == 1


async def test_only_the_points_that_are_named_are_told(build: Build, seen: Seen) -> None:
    async with build({"co2": CO2 | {"points": ["co2"]}, "board": BOARD | {"address": "7"}}) as rig:
        rig.hold(co2=500)
        assert seen(await rig.drivers["co2"].read()) == {"co2": 500}
        assert [point.id for point in rig.drivers["co2"].points] == ["co2"]
        await rig.drivers["board"].write("parking_free_spaces", 1)
        assert rig.sent[-1][0] == 7


async def test_a_device_may_speak_at_a_speed_of_its_own(build: Build) -> None:
    options = METER | {"line": {"baud": 4800}}
    async with build({"m": options}) as rig:
        await rig.driver.read()
    async with build({"m": METER | {"line": {}}}) as rig:
        await rig.driver.read()


TWO_POLLS: dict[str, Any] = {
    "frame": [{"hex": "A5"}, {"field": "node"}, {"field": "kind"}, {"body": True},
              {"check": "xor"}],
    "messages": {
        "ask_level": {"set": {"kind": 1}},
        "ask_flow": {"set": {"kind": 2}},
        "level": {"set": {"kind": 0x81}, "body": [{"field": "level"}]},
        "flow": {"set": {"kind": 0x82}, "body": [{"field": "flow"}]},
    },
    "address": {"field": "node", "factory": 1},
    "polls": {
        "level": {"send": "ask_level", "answer": "level"},
        "flow": {"send": "ask_flow", "answer": "flow"},
    },
    "points": {"level": {"field": "level", "unit": "1"}, "flow": {"field": "flow", "unit": "1"}},
}  # fmt: skip


async def test_what_was_read_before_the_silence_counts(
    build: Build, site: Site, seen: Seen
) -> None:
    async with build({"d": {"profile": site(**TWO_POLLS)}}) as rig:
        rig.hold(level=7, flow=9)
        assert seen(await rig.driver.read()) == {"level": 7, "flow": 9}
        rig.faults.silent = lambda answer: answer[2] == 0x82
        assert seen(await rig.driver.read()) == {"level": 7, "flow": (None, BAD, "timeout")}
        assert set(rig.driver.raw()) == {"level"}
        rig.faults.silent = lambda answer: answer[2] == 0x81
        before = len(rig.sent)
        with pytest.raises(LinkLost):
            await rig.driver.read()
        assert len(rig.sent) == before + 1, "a silent device costs one timeout"


async def test_the_answer_to_the_other_poll_proves_that_answers_come_late(
    build: Build, site: Site
) -> None:
    wrong = bytes.fromhex("A5 01 82 09 2F")
    async with build({"d": {"profile": site(**TWO_POLLS)}}, "pty", Canned(wrong)) as rig:
        with pytest.raises(LinkLost, match="later than it was given time") as caught:
            await rig.driver.read()
        assert caught.value.reason == "late"


async def test_a_driver_that_is_not_open_says_nothing(build: Build) -> None:
    async with build({"co2": CO2}) as rig:
        await rig.driver.close()
        with pytest.raises(RuntimeError, match="co2 is not open"):
            await rig.driver.read()
        await rig.driver.open()
        assert await rig.driver.read()


async def test_an_unplugged_adapter_is_no_fault_of_the_device(build: Build) -> None:
    async with build({"co2": CO2}) as rig:
        await rig.driver.read()
        await rig.stage.unplug()
        with pytest.raises(LinkLost) as caught:
            await rig.driver.read()
        assert (caught.value.reason, caught.value.retry_after) == ("no_port", 0.0)
        await rig.stage.plug()
        assert await rig.driver.read()
