"""Faults on request: of one device among others, of a wire, for a while, and over again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.config.load import Configuration, load
from agent.contract import LinkLost, Misconfigured, PolledDriver
from agent.host import DeviceHost
from agent.plan import make_driver, wire_spec
from agent.simulate.clock import FastClock
from agent.simulate.faulty import fault_of
from agent.simulate.mischief import Mischief
from agent.simulate.stages import Stage, staged
from agent.status import Board
from agent.wires import Wires

CONFIG = """\
wires:
  bus: {{port: {port}}}
devices:
  - &one {{id: one, driver: modbus, wire: bus, profile: xy-md02, timeout: 300ms, max_late: 100ms}}
  - {{<<: *one, id: two, unit: 2}}
"""


class Bench:
    """Two probes on one simulated wire, the gateway's side of it, and what was announced."""

    def __init__(self, config: Configuration, stages: dict[str, Stage], wires: Wires) -> None:
        self.told: list[str] = []
        self.stages, self.config = stages, config
        self.clock = FastClock()
        homes = {device.id: device.wire for device in config.devices}
        self.mischief = Mischief(stages, homes, self.clock, self.told.append)
        self._drivers: dict[str, PolledDriver] = {}
        self._wires = wires

    async def reads(self, name: str) -> str:
        """ "", or the reason why it does not."""
        if name not in self._drivers:
            device = next(device for device in self.config.devices if device.id == name)
            driver = make_driver(device, DeviceHost(device, Clock(), self._wires.wire("bus")))
            assert isinstance(driver, PolledDriver)
            await driver.open()
            self._drivers[name] = driver
        try:
            readings = await self._drivers[name].read()
        except LinkLost as error:
            await asyncio.sleep(0.15)
            return error.reason
        return "".join({reading.reason for reading in readings})

    async def until(self, name: str, wanted: Callable[[str], bool]) -> str:
        async with asyncio.timeout(20):
            while not wanted(found := await self.reads(name)):
                await asyncio.sleep(0.02)
        return found


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    file = tmp_path / "gateway.yaml"
    file.write_text(CONFIG.format(port=tmp_path / "port"), encoding="utf-8")
    config = load(file)
    async with AsyncExitStack() as last:
        stages = await last.enter_async_context(staged(config, paced=False))
        specs = [wire_spec("bus", config.settings.wires["bus"])]
        wires = await last.enter_async_context(Wires(specs, Board()))
        made = Bench(config, stages, wires)
        last.callback(made.mischief.close)
        yield made


def sound(reason: str) -> bool:
    return reason == ""


def unsound(reason: str) -> bool:
    return reason != ""


async def test_one_device_falls_silent_and_its_neighbour_answers_on(bench: Bench) -> None:
    assert await bench.reads("one") == await bench.reads("two") == ""
    bench.mischief.play(fault_of("one:silence"))
    assert await bench.until("one", unsound) == "timeout"
    assert await bench.reads("two") == ""
    assert bench.told == ["one: silence, until it is cleared"]
    await bench.mischief.clear()
    await bench.until("one", sound)
    assert bench.told[-1] == "one: silence is over"


@pytest.mark.parametrize("kind", ["swap", "late=5s"])
async def test_answers_of_one_device_are_spoilt_and_not_its_neighbours(
    kind: str, bench: Bench
) -> None:
    bench.mischief.play(fault_of(f"two:{kind}"))
    assert await bench.until("two", unsound) in {"crc", "timeout"}
    assert await bench.reads("one") == ""
    await bench.mischief.clear("two")
    await bench.until("two", sound)


async def test_a_fault_ends_by_itself(bench: Bench) -> None:
    bench.mischief.play(fault_of("one:silence@50ms+1s"))
    await bench.until("one", unsound)
    await bench.until("one", sound)
    assert bench.told == ["one: silence for 1 s", "one: silence is over"]
    assert list(bench.mischief.on) == []


async def test_an_unplugged_wire_comes_back(bench: Bench) -> None:
    await bench.reads("one")
    bench.mischief.play(fault_of("bus:unplug"))
    assert await bench.until("one", unsound)
    assert [(fault.target, fault.kind) for fault in bench.mischief.on] == [("bus", "unplug")]
    await bench.mischief.clear("bus")
    await bench.until("one", sound)
    await bench.until("two", sound)


async def test_a_wire_can_echo_and_be_noisy(bench: Bench) -> None:
    faults = bench.stages["bus"].faults
    for flag in ("bus:echo", "bus:noise=12"):
        bench.mischief.play(fault_of(flag))
    async with asyncio.timeout(10):
        while len(bench.told) < 2:
            await asyncio.sleep(0.01)
    assert (faults.echo, faults.noise) == (True, 12)
    await bench.mischief.clear()
    assert (faults.echo, faults.noise) == (False, 0)
    await bench.until("one", sound)


@pytest.mark.parametrize(
    ("flag", "problem", "hint"),
    [
        ("three:silence", "nothing that is simulated is called 'three'", "bus, one, two"),
        ("one:unplug", "a fault of a whole wire, not of one", "write bus:unplug"),
    ],
)
async def test_a_fault_of_nobody_is_refused(
    flag: str, problem: str, hint: str, bench: Bench
) -> None:
    with pytest.raises(Misconfigured, match=problem) as caught:
        bench.mischief.play(fault_of(flag))
    assert hint in caught.value.hint


async def test_times_of_the_day_are_those_of_the_simulated_one(bench: Bench) -> None:
    clock = FastClock(speed=36000.0, start=9 * 3600.0)
    mischief = Mischief(bench.stages, {}, clock, bench.told.append)
    mischief.play(fault_of("bus:silence@10:00+2h"))
    async with asyncio.timeout(10):
        while len(bench.told) < 2:
            await asyncio.sleep(0.01)
    assert bench.told == ["bus: silence for 7200 s", "bus: silence is over"]
    assert clock.elapsed() >= 12 * 3600.0
