"""How an id is written, and what is heard while one looks who is there."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.contract import Device, DeviceFault, Misconfigured, Presence
from agent.host import DeviceHost
from agent.paths import share
from drivers.modbus import codec
from drivers.modbus.address import IdRegister
from drivers.modbus.addressing import addressing, judged
from drivers.modbus.bank import Bank, Refusal
from drivers.modbus.planner import Block
from drivers.modbus.profile import load_profile
from drivers.modbus.simulate import simulate
from drivers.modbus.station import Station
from tests.support_addressing import Bench, Bus, bank_of
from tests.support_addressing import share as shared

FILES = sorted((share() / "configs" / "profiles" / "modbus").glob("*.yaml"))
NAMES = [file.stem for file in FILES if load_profile(file).address is not None]
ASKED = codec.read(7, Block("holding", 0, 1))
ANSWER = codec.rtu_frame(7, bytes.fromhex("03 02 00 D6"))


def file_named(name: str) -> Path:
    return share() / "configs" / "profiles" / "modbus" / f"{name}.yaml"


def simulated(name: str, site: Path) -> Bus:
    """One device of a shipped profile, as new, on a bus."""
    device = Device("new", "modbus", 1.0, options={"profile": name})
    bus = Bus([simulate([(device, DeviceHost(device, Clock(), None, None, site))], "rtu")])
    bus.plug_next()
    return bus


@pytest.mark.parametrize("name", NAMES)
async def test_every_profile_that_says_how_gives_its_device_another_id(
    name: str, tmp_path: Path
) -> None:
    bus = simulated(name, tmp_path)
    devices = addressing(name, file_named(name), Bench(bus))
    rules = devices.rules
    assert await devices.look(rules.factory) is Presence.ONE
    await devices.assign(rules.factory, 23)
    if rules.takes_effect == "power_cycle":
        assert bus.units == [rules.factory]
        assert await devices.held(rules.factory) == 23
        bus.restart()
    assert bus.units == [23]
    assert await devices.look(rules.factory) is Presence.SILENT
    assert await devices.look(23) is Presence.ONE
    assert await devices.held(23) == 23
    assert {point for point, _, _ in (await devices.identify(23)).values} == set(
        load_profile(file_named(name)).points
    )


def test_most_profiles_say_how() -> None:
    assert len(NAMES) >= 45
    assert "renke-soil-th" in NAMES


def test_a_profile_that_does_not_say_how_is_refused(tmp_path: Path) -> None:
    bus = simulated("senseair-s8", tmp_path)
    with pytest.raises(Misconfigured, match="does not say how"):
        addressing("senseair-s8", file_named("senseair-s8"), Bench(bus))


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("renke-soil-th", "01 06 07 D0 00 02"),
        ("waveshare-relay-8ch", "01 06 40 00 00 02"),
        ("eastron-sdm120", "01 10 00 14 00 02 04 40 00 00 00"),
        ("dfrobot-sen0483", "02 10 10 00 00 01 02 00 02"),
    ],
)
async def test_the_frame_that_writes_an_id(name: str, frame: str, tmp_path: Path) -> None:
    bus = simulated(name, tmp_path)
    heard: list[bytes] = []

    def listen(data: bytes) -> Sequence[bytes]:
        heard.append(data)
        return ()

    bus.devices[0].hear = listen  # type: ignore[method-assign]  # hears, and says nothing
    devices = addressing(name, file_named(name), Bench(bus))
    await devices.assign(devices.rules.factory, 2)
    assert heard[0][:-2] == bytes.fromhex(frame)
    assert codec.crc_ok(heard[0])


async def test_where_documents_differ_the_other_function_is_tried(tmp_path: Path) -> None:
    """The frame with function 16 is that of the SN-3002 manual."""
    bus = simulated("renke-soil-th", tmp_path)
    device, sent = bus.devices[0], list[bytes]()
    heard = device.hear

    def only_16(data: bytes) -> Sequence[bytes]:
        sent.append(data)
        return [codec.rtu_frame(1, bytes([0x86, 1]))] if data[1] == 6 else heard(data)

    device.hear = only_16  # type: ignore[method-assign]  # a firmware without function 6
    await addressing("renke-soil-th", file_named("renke-soil-th"), Bench(bus)).assign(1, 2)
    assert sent[1] == bytes.fromhex("01 10 07 D0 00 01 02 00 02 42 C1")
    assert bank_of(device).unit == 1
    bus.restart()
    assert bus.units == [2]


async def test_an_id_that_is_refused_is_a_fault(tmp_path: Path) -> None:
    bus = simulated("xy-md02", tmp_path)
    bank_of(bus.devices[0]).refusals["holding", 0x0101] = 2
    with pytest.raises(DeviceFault, match="exception 2"):
        await addressing("xy-md02", file_named("xy-md02"), Bench(bus)).assign(1, 11)


@pytest.mark.parametrize(
    ("heard", "presence"),
    [
        (b"", Presence.SILENT),
        (ANSWER, Presence.ONE),
        (codec.rtu_frame(7, bytes([0x83, 2])), Presence.ONE),
        (ANSWER + ANSWER, Presence.SEVERAL),
        (ANSWER + ANSWER[:3], Presence.SEVERAL),
        (ANSWER[:-1] + b"\xff", Presence.SEVERAL),
        (b"\x00\xfe" + ANSWER, Presence.SEVERAL),
        (codec.rtu_frame(7, bytes.fromhex("03 04 00 00 00 00")), Presence.SEVERAL),
        (codec.rtu_frame(8, bytes.fromhex("03 02 00 00")), Presence.SILENT),
        (codec.rtu_frame(8, bytes.fromhex("03 02 00 00")) + ANSWER, Presence.ONE),
    ],
)
def test_two_devices_with_one_id_are_heard(heard: bytes, presence: Presence) -> None:
    assert judged(ASKED, bytearray(heard)).presence is presence


def test_a_device_keeps_its_id_without_power_and_takes_only_a_sound_one(tmp_path: Path) -> None:
    shared(tmp_path, "power_cycle")
    site = tmp_path / "configs" / "profiles"
    device = Device("d", "modbus", 1.0, options={"profile": "probe"})
    memory: dict[str, str] = {}
    station = Station.of(device, DeviceHost(device, Clock(), None, None, site))
    bank = Bank("d", station, lambda: 0.0, memory)
    with pytest.raises(Refusal):
        bank.write("holding", 0x0100, [0])
    with pytest.raises(Refusal):
        bank.write("holding", 0x0100, [255])
    bank.write("holding", 0x0100, [23])
    assert (bank.unit, bank.read("holding", 0x0100, 1)) == (1, [23])
    bank.power(on=False)
    assert Bank("d", station, lambda: 0.0, memory).unit == 23


def test_ids_are_numbers_from_1_to_247() -> None:
    register = IdRegister.of(load_profile(file_named("jxct-jxbs-3001")))
    assert register is not None
    assert [register.allows(unit) for unit in (0, 1, 247, 248, 255)] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert register.unit([0]) is None
    of_floats = IdRegister.of(load_profile(file_named("eastron-sdm120")))
    assert of_floats is not None
    assert of_floats.unit(of_floats.words(23)) == 23
    assert of_floats.unit([0x3FC0, 0]) is None  # 1.5
