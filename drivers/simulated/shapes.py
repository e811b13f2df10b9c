"""Values from nothing. Pure, but for the memory of a walk."""

import math
from collections.abc import Callable
from random import Random

from drivers.simulated.settings import Shape

Wave = Callable[[int, float], float]


def wave(shape: Shape, seed: str) -> Wave:
    """A function of the number of the read, from 1, and of the time in s."""
    if shape.shape == "count":
        return lambda number, _: number
    if shape.shape == "sine":
        return lambda _, time: _around(shape, math.sin(math.tau * time / shape.period))
    if shape.shape == "ramp":
        return lambda _, time: _around(shape, 2 * (time / shape.period % 1) - 1)
    return _walk(shape, Random(seed))  # noqa: S311  no secret


def _around(shape: Shape, place: float) -> float:
    """`place` is -1…1."""
    return round(shape.mean + shape.amplitude * place, 3)


def _walk(shape: Shape, random: Random) -> Wave:
    """Steps grow with the time between two reads, and end at the edges."""
    place, last = 0.0, math.nan

    def step(_: int, time: float) -> float:
        nonlocal place, last
        width = 0.0 if math.isnan(last) else abs(time - last) / shape.period
        place = min(1.0, max(-1.0, place + random.uniform(-2, 2) * math.sqrt(width)))
        last = time
        return _around(shape, place)

    return step
