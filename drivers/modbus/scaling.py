"""Raw numbers to values and back, without binary dust: 658 x 0.1 is 65.8. Pure."""

import math
import struct
from collections.abc import Callable
from fractions import Fraction

from drivers.modbus.profile import Point

_float32 = struct.Struct(">f")


def scaler(point: Point) -> Callable[[int], float]:
    """For whole raw numbers: exact arithmetic, rounded once. Stays whole where it can.

    value = (raw * p + q) / d, with p, q and d exactly as the profile's decimals say.
    """
    scale, offset = Fraction(repr(point.scale)), Fraction(repr(point.offset))
    d = math.lcm(scale.denominator, offset.denominator)
    p, q = int(scale * d), int(offset * d)
    if (p, q, d) == (1, 0, 1):
        return lambda raw: raw
    if d == 1:
        return lambda raw: raw * p + q
    if (p, q) == (1, 0):
        return lambda raw: raw / d
    return lambda raw: (raw * p + q) / d


def float_scaler(point: Point) -> Callable[[float], float]:
    """For raw floating point numbers: scaled, with no more digits than the raw number carried."""
    scale, offset = point.scale, point.offset
    plain = (scale, offset) == (1.0, 0.0)
    if point.type == "float32":
        if plain:
            return shortest
        return lambda raw: float(f"{shortest(raw) * scale + offset:.9g}")
    if plain:
        return lambda raw: raw
    return lambda raw: float(f"{raw * scale + offset:.15g}")


def shortest(raw: float) -> float:
    """A short decimal that is still the same float32: 225.7, not 225.6999969482422."""
    value = float(f"{raw:.7g}")
    try:
        same = _float32.unpack(_float32.pack(value))[0] == raw
    except OverflowError:  # rounded beyond the largest float32
        return raw
    return value if same else float(f"{raw:.9g}")


def unscale(point: Point, value: float) -> Fraction:
    """The raw number for `value`, before it is rounded to what the type can hold."""
    return (Fraction(repr(value)) - Fraction(repr(point.offset))) / Fraction(repr(point.scale))
