"""What is written is acknowledged, or uncertain; what must not be, is never sent."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agent.contract import DeviceFault, LinkLost, Quality, Reading

Build = Callable[..., AbstractAsyncContextManager[Any]]
Seen = Callable[[Sequence[Reading]], dict[str, Any]]

UNCERTAIN, BAD = Quality.UNCERTAIN, Quality.BAD
MOTOR = {"profile": "dooya-curtain", "timeout": "300ms", "max_late": "200ms"}
SIGN = {"profile": "xunpeng-space-sign", "timeout": "300ms", "max_late": "200ms"}
CARD = {"profile": "led-card-0x64", "timeout": "300ms", "max_late": "200ms"}
BOARD = {"profile": "led-digit-board", "address": 5}


async def test_a_motor_goes_where_it_is_sent(build: Build, seen: Seen) -> None:
    async with build({"roof": MOTOR | {"address": "1234"}}) as rig:
        reading = await rig.driver.write("curtain_position", 40)
        assert (reading.value, reading.quality) == (40, Quality.GOOD)
        assert seen(await rig.driver.read()) == {"curtain_position": 40}
        await rig.driver.write("curtain_command", "open")
        assert rig.sent[-1] == bytes.fromhex("55 12 34 03 01 AD 8A")


async def test_a_motor_without_limits_refuses_positions(build: Build, seen: Seen) -> None:
    async with build({"roof": MOTOR}) as rig:
        rig.hold(curtain_position=None)
        assert seen(await rig.driver.read()) == {"curtain_position": (None, BAD, "sensor_fault")}
        rig.simulator.banks["roof"].refuses = True
        with pytest.raises(DeviceFault, match="refuses"):
            await rig.driver.write("curtain_position", 40)


async def test_a_group_hears_and_says_nothing(build: Build, seen: Seen) -> None:
    async with build({"all": MOTOR | {"address": "0000"}, "one": MOTOR}) as rig:
        reading = await rig.drivers["all"].write("curtain_command", "open")
        assert (reading.value, reading.reason) == ("open", "not_confirmed")
        assert rig.sent == [bytes.fromhex("55 00 00 03 01 E9 3C")]
        assert seen(await rig.drivers["all"].read()) == {}
        assert rig.simulator.banks["one"].told("command") == 1


@pytest.mark.parametrize(
    ("point", "value", "reason"),
    [
        ("curtain_position", 101, "range"),
        ("curtain_position", "half", "value"),
        ("curtain_command", "burn", "value"),
        ("factory_reset", 1, "guarded"),
        ("delete_limits", 1, "guarded"),
        ("co2", 400, "not_writable"),
    ],
)
async def test_what_must_not_be_written_is_not_sent(
    point: str, value: Any, reason: str, build: Build
) -> None:
    async with build({"roof": MOTOR}) as rig:
        with pytest.raises(DeviceFault) as caught:
            await rig.driver.write(point, value)
        assert caught.value.reason == reason
        assert rig.sent == []


async def test_setting_up_needs_configure_and_danger_to_be_meant(build: Build) -> None:
    async with build({"sign": CARD}) as rig:
        assert (await rig.driver.configure("brightness", {"level": 50}))["result"] == 0
        assert rig.sent[-1] == bytes.fromhex("00 64 FF FF 0C 01 32 77 62")
        for name in ("stored_text", "relay", "factory_reset", "nothing"):
            with pytest.raises(DeviceFault) as caught:
                await rig.driver.configure(name, {})
            assert caught.value.reason == "guarded"
        assert len(rig.sent) == 1
        await rig.driver.configure("stored_text", {"text": "自动识别减速慢行"}, dangerous=True)
        assert rig.sent[-1].startswith(bytes.fromhex("00 64 FF FF 67 24"))
        with pytest.raises(DeviceFault, match="no field 'wide'"):
            await rig.driver.configure("brightness", {"wide": 1})


async def test_text_for_a_sign_goes_to_its_ram_and_is_sent_again(build: Build, seen: Seen) -> None:
    async with build({"sign": CARD}) as rig:
        assert seen(await rig.driver.read()) == {"display_text": (None, BAD, "not_written")}
        reading = await rig.driver.write("display_text", "余位 42")
        assert (reading.value, reading.quality) == ("余位 42", Quality.GOOD)
        sent = rig.sent[-1]
        assert sent[4] == 0x62
        assert seen(await rig.driver.read()) == {"display_text": "余位 42"}
        assert rig.sent[-1] == sent
        await rig.driver.write("announcement", "请入场停车")
        assert rig.sent[-1][4] == 0x30
        await rig.driver.read()
        assert [frame[4] for frame in rig.sent[-2:]] == [0x30, 0x62], "spoken once"
        assert {frame[4] for frame in rig.sent} == {0x62, 0x30}


async def test_points_of_one_frame_keep_each_others_values(build: Build, seen: Seen) -> None:
    async with build({"sign": SIGN}) as rig:
        await rig.driver.write("parking_free_spaces", 888)
        assert rig.sent[-1] == bytes.fromhex("3A 00 78 03 01 B6 0A")
        await rig.driver.write("display_colour", "red")
        assert rig.sent[-1][1:4] == bytes.fromhex("02 78 03")
        assert seen(await rig.driver.read()) == {
            "parking_free_spaces": 888, "display_colour": "red",
        }  # fmt: skip
        rig.faults.dead = True
        with pytest.raises(LinkLost):
            await rig.driver.read()


async def test_a_board_that_says_nothing_is_never_certain(build: Build, seen: Seen) -> None:
    async with build({"board": BOARD}) as rig:
        reading = await rig.driver.write("parking_free_spaces", 999)
        assert (reading.quality, reading.reason) == (UNCERTAIN, "not_confirmed")
        assert rig.sent == [bytes.fromhex("05 03 E7 EF")]
        assert seen(await rig.driver.read()) == {
            "parking_free_spaces": (999, UNCERTAIN, "not_confirmed")
        }
