"""Every shipped profile, simulated and read back by the driver over every kind of wire."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agent.contract import Quality, Reading, Value
from agent.paths import share
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.profile import Point, load_profile

Build = Callable[..., AbstractAsyncContextManager[Any]]

PROFILES = share() / "configs" / "profiles" / "modbus"
NAMES = sorted(file.stem for file in PROFILES.glob("*.yaml"))
SHOWN = {(Quality.GOOD, ""), (Quality.UNCERTAIN, "indicative")}


def trials(point: Point) -> Sequence[Value]:
    """Two values that the point can carry."""
    if point.is_bit or (point.bit is not None and point.bits == 1):
        return [True, False]
    if point.enum:
        return [*point.enum.values()][:2]
    low, high = point.range or (0, min(900 * point.scale, 60000))
    return [low, round((low + high) / 2 / point.scale) * point.scale]


def exact(readings: Sequence[Reading]) -> dict[str, Value | None]:
    return {reading.point: reading.value for reading in readings}


def close(shown: Value | None, value: Value) -> bool:
    """Numbers up to the precision of a float32, everything else as it is."""
    if isinstance(shown, bool | str) or isinstance(value, bool | str) or shown is None:
        return shown == value
    return math.isclose(shown, value, rel_tol=1e-6, abs_tol=1e-9)


def same(got: dict[str, Value | None], wanted: dict[str, Value]) -> bool:
    return got.keys() == wanted.keys() and all(close(got[name], wanted[name]) for name in got)


@pytest.mark.parametrize("way", ["rtu", "tcp", "rtu_over_tcp"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_simulated_device_is_read_as_it_was_set(name: str, way: str, build: Build) -> None:
    async with build({"d": {"profile": name, "warm_up": "0s"}}, way) as rig:
        driver: ModbusDriver = rig.driver
        points = load_profile(PROFILES / f"{name}.yaml").points
        for turn in range(2):
            wanted = {point: trials(settings)[turn] for point, settings in points.items()}
            rig.hold(**{n: v for n, v in wanted.items() if points[n].write is None})
            for point, value in wanted.items():
                if points[point].write is not None:
                    written = await driver.write(point, value)
                    assert (written.value, written.quality) == (value, Quality.GOOD)
            readings = await driver.read()
            assert same(exact(readings), wanted), (exact(readings), wanted)
            assert {(reading.quality, reading.reason) for reading in readings} <= SHOWN
