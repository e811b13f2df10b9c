"""After a silence it is looked whether the same device answers."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agent.contract import LinkLost, Quality, Reading

Build = Callable[..., AbstractAsyncContextManager[Any]]
Seen = Callable[[Sequence[Reading]], dict[str, Any]]
Site = Callable[..., str]

SOIL = {"moisture": {"address": 0, "unit": "%"}, "temperature": {"address": 1, "unit": "Cel"}}
SERIAL = {"serial": {"table": "holding", "address": 0x20, "type": "uint32", "unit": "1"}}


async def silence(rig: Any) -> None:
    """The device is unplugged for one read."""
    (bank,) = rig.simulator.banks.values()
    bank.power(on=False)
    with pytest.raises(LinkLost):
        await rig.driver.read()
    bank.power(on=True)


@pytest.fixture
def described(site: Site) -> str:
    return site(SOIL, identity=SERIAL)


async def test_the_same_device_goes_on_as_before(build: Build, described: str, seen: Seen) -> None:
    async with build({"soil-1": {"profile": described}}) as rig:
        rig.hold(moisture=30, temperature=12, serial=70012)
        await rig.driver.read()
        await silence(rig)
        assert seen(await rig.driver.read()) == {"moisture": 30, "temperature": 12}


async def test_a_strangers_readings_are_uncertain_until_it_is_said_to_be_meant(
    build: Build, described: str, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    doubted = {"moisture": (30, Quality.UNCERTAIN, "identity"),
               "temperature": (12, Quality.UNCERTAIN, "identity")}  # fmt: skip
    async with build({"soil-1": {"profile": described}}) as rig:
        rig.hold(moisture=30, temperature=12, serial=70012)
        await rig.driver.read()
        await silence(rig)
        rig.hold(serial=70013)
        assert seen(await rig.driver.read()) == doubted
        assert seen(await rig.driver.read()) == doubted
        assert caplog.text.count("serial was 70012 and is 70013") == 1
        rig.driver.replaced()
        assert seen(await rig.driver.read()) == {"moisture": 30, "temperature": 12}
        await silence(rig)
        assert seen(await rig.driver.read()) == {"moisture": 30, "temperature": 12}


async def test_the_old_device_is_recognised_when_it_comes_back(
    build: Build, described: str, seen: Seen
) -> None:
    async with build({"soil-1": {"profile": described}}) as rig:
        rig.hold(moisture=30, temperature=12, serial=70012)
        await rig.driver.read()
        await silence(rig)
        rig.hold(serial=70013)
        await rig.driver.read()
        await silence(rig)
        rig.hold(serial=70012)
        assert seen(await rig.driver.read()) == {"moisture": 30, "temperature": 12}


async def test_a_firmware_without_those_registers_is_not_suspected(
    build: Build, described: str, seen: Seen
) -> None:
    async with build({"soil-1": {"profile": described}}) as rig:
        (bank,) = rig.simulator.banks.values()
        bank.refusals["holding", 0x20] = 2
        rig.hold(moisture=30, temperature=12)
        assert seen(await rig.driver.read()) == {"moisture": 30, "temperature": 12}


async def test_it_is_asked_once_after_a_silence_and_never_while_the_device_answers(
    build: Build, described: str
) -> None:
    async with build({"soil-1": {"profile": described}}) as rig:
        for _ in range(5):
            await rig.driver.read()
        asked = [frame for frame in rig.sent if frame[2:4] == b"\x00\x20"]
        assert len(asked) == 1
