"""A device with frames of its own gets its address; two with one address are heard."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.contract import Device, Misconfigured, Presence
from agent.host import DeviceHost
from agent.paths import share
from drivers.serial_line.addressing import SerialLineAddressing, addressing
from drivers.serial_line.simulate import SerialLineSimulator, simulate
from tests.support_addressing import Bench, Bus

FOLDER = share() / "configs" / "profiles" / "serial_line"
NEW, GIVEN = 0xFEFE, 0x1234


def motor(number: int, site: Path) -> SerialLineSimulator:
    options = {"profile": "dooya-curtain"}
    device = Device(f"m{number}", "serial_line", 1.0, wire="bus", options=options)
    made = simulate([(device, DeviceHost(device, Clock(), None, None, site))], "rtu")
    assert isinstance(made, SerialLineSimulator)
    return made


class Motors(Bus):
    """On the same bus; their ids are not watched."""

    def _watch(self) -> None:
        return


@pytest.fixture
def bus(tmp_path: Path) -> Motors:
    motors = [motor(number, tmp_path) for number in range(2)]
    return Motors([], list(motors))  # type: ignore[arg-type]  # simulators all the same


def motors(bus: Motors) -> SerialLineAddressing:
    return addressing("dooya-curtain", FOLDER / "dooya-curtain.yaml", Bench(bus))


async def test_a_motor_is_given_its_address(bus: Motors) -> None:
    bus.plugged.pop()
    found = motors(bus)
    assert found.rules.factory == NEW
    assert await found.look(NEW) is Presence.ONE
    await found.assign(NEW, GIVEN)
    assert await found.look(NEW) is Presence.SILENT
    assert await found.look(GIVEN) is Presence.ONE
    (position,) = (await found.identify(GIVEN)).values
    assert position[0] == "curtain_position"
    assert found.options(GIVEN) == {"profile": "dooya-curtain", "address": "1234"}
    assert found.text(GIVEN) == "1234"


async def test_the_frame_is_that_of_the_document(bus: Motors) -> None:
    heard: list[bytes] = []

    def listen(data: bytes) -> Sequence[bytes]:
        heard.append(data)
        return ()

    bus.hear = listen  # type: ignore[method-assign]  # hears, and says nothing
    await motors(bus).assign(NEW, GIVEN)
    assert heard[0][:-2] == bytes.fromhex("55 FE FE 02 00 02 12 34")


async def test_two_motors_with_one_address_are_heard(bus: Motors) -> None:
    assert await motors(bus).look(NEW) is Presence.SEVERAL


def test_bytes_that_mean_something_else_are_in_no_address(bus: Motors) -> None:
    rules = motors(bus).rules
    assert [rules.allows(unit) for unit in (0x0000, 0x0001, 0x0101, 0x01FF, 0xFEFE)] == [
        False, False, True, False, True,
    ]  # fmt: skip


def test_a_profile_that_does_not_say_how_is_refused(bus: Motors) -> None:
    with pytest.raises(Misconfigured, match="does not say how"):
        addressing("winsen-mh-z19", FOLDER / "winsen-mh-z19.yaml", Bench(bus))
