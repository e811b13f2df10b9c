"""Values from nothing, as the settings say."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from agent.clock import Clock
from agent.contract import Device, Instant, LinkLost, PointInfo, PolledDriver, Quality
from agent.host import DeviceHost
from drivers.simulated import DRIVER
from drivers.simulated.driver import SimulatedDriver
from drivers.simulated.settings import SimulatedSettings


class SetClock(Clock):
    """`time`: s since 1970."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def now(self) -> Instant:
        return Instant("boot", 0, int(self.time * 1e9), trusted=True)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def driver(clock: SetClock) -> Callable[..., SimulatedDriver]:
    def made(name: str = "d", **options: Any) -> SimulatedDriver:
        device = Device(name, "simulated", 1.0, options=options)
        return SimulatedDriver(device, DeviceHost(device, clock))

    return made


async def values(driver: SimulatedDriver, clock: SetClock, times: int, step: float) -> list[Any]:
    got = []
    for _ in range(times):
        (reading,) = await driver.read()
        got.append(reading.value)
        clock.time += step
    return got


async def test_reads_one_temperature_by_default(driver: Callable[..., SimulatedDriver]) -> None:
    one = driver()
    assert isinstance(one, PolledDriver)
    assert list(one.points) == [PointInfo("air_temperature", "Cel")]
    await one.open()
    (reading,) = await one.read()
    assert (reading.device, reading.point, reading.unit) == ("d", "air_temperature", "Cel")
    assert (reading.value, reading.quality) == (21.0, Quality.GOOD)
    await one.close()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({"shape": "sine", "mean": 10, "amplitude": 2}, [10, 12, 10, 8, 10]),
        ({"shape": "ramp", "mean": 10, "amplitude": 2}, [8, 9, 10, 11, 8]),
        ({"shape": "count"}, [1, 2, 3, 4, 5]),
    ],
)
async def test_shapes_are_what_they_are_called(
    shape: dict[str, Any],
    expected: list[float],
    driver: Callable[..., SimulatedDriver],
    clock: SetClock,
) -> None:
    one = driver(points={"a": shape | {"period": "4s"}})
    assert await values(one, clock, 5, 1.0) == expected


async def test_a_walk_stays_in_its_range_and_is_the_same_for_one_seed(
    driver: Callable[..., SimulatedDriver], clock: SetClock
) -> None:
    points = {"a": {"shape": "walk", "mean": 5, "amplitude": 1, "period": "20s"}}
    walks = [
        await values(driver(name, points=points), clock, 200, 1.0) for name in ("d", "d", "other")
    ]
    assert walks[0] == walks[1] != walks[2]
    assert all(4 <= value <= 6 for value in walks[0])
    assert len(set(walks[0])) > 50


async def test_a_count_shows_which_reads_were_lost(
    driver: Callable[..., SimulatedDriver],
) -> None:
    one = driver(points={"n": {"shape": "count"}}, fail_every=3)
    got: list[Any] = []
    for _ in range(7):
        try:
            got.append((await one.read())[0].value)
        except LinkLost:
            got.append(None)
    assert got == [1, 2, None, 4, 5, None, 7]


async def test_a_fault_makes_one_point_bad(driver: Callable[..., SimulatedDriver]) -> None:
    one = driver(points={"a": {}, "b": {}}, fault_every=2)
    assert [r.quality for r in await one.read()] == [Quality.GOOD, Quality.GOOD]
    bad, good = await one.read()
    assert (bad.value, bad.quality, bad.reason) == (None, Quality.BAD, "sensor_fault")
    assert good.quality is Quality.GOOD


def test_a_count_is_a_counter(driver: Callable[..., SimulatedDriver]) -> None:
    assert driver(points={"n": {"shape": "count"}}).points[0].kind == "counter"


@pytest.mark.parametrize(
    "wrong",
    [{"points": {}}, {"points": {"a": {"shape": "square"}}}, {"fail_every": -1}, {"period": "1s"}],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SimulatedSettings.model_validate(wrong)


def test_it_needs_no_wire(clock: SetClock) -> None:
    device = Device("d", "simulated", 1.0)
    assert not DRIVER.wired
    assert DRIVER.make(device, DeviceHost(device, clock)).points
