"""What a simulated device measures: slow, plausible, and the same at every start. Pure."""

import math
from hashlib import blake2b

from agent.contract import Value
from drivers.modbus.profile import Point

_TYPICAL = {  # UCUM -> where such values are on an ordinary day
    "Cel": (15.0, 28.0),
    "%": (40.0, 75.0),
    "[ppm]": (420.0, 900.0),
    "V": (225.0, 235.0),
    "A": (1.0, 6.0),
    "W": (200.0, 1400.0),
    "Hz": (49.95, 50.05),
    "[pH]": (6.2, 7.4),
    "hPa": (1000.0, 1025.0),
    "m/s": (0.5, 6.0),
    "lx": (2000.0, 30000.0),
}
_EPOCH = 1_700_000_000  # s since 1970: counters of simulated devices began about then
_CHANGE = 300.0  # s between two changes of a state


def value_at(device: str, name: str, point: Point, time: float) -> Value:
    """`time` in s since 1970."""
    phase, place = _draws(f"{device}/{name}")
    if point.enum:
        words = list(point.enum.values())
        return words[int(time / _CHANGE + phase * len(words)) % len(words)]
    if point.type == "ascii":
        return "SIM"
    if point.type == "bool" or (point.bit is not None and point.bits == 1):
        return int(time / _CHANGE + phase * 2) % 2 == 1
    if point.kind == "counter":
        return _counted(point, (time - _EPOCH) / 3600.0 * (0.5 + place))
    return _drifting(point, time, phase, place)


def fitted(point: Point, told: Value) -> Value | None:
    """As the point can show it: numbers within its range, words that it knows; else None."""
    if point.enum:
        return told if told in point.enum.values() else None
    if point.type == "ascii" or isinstance(told, str):
        return told if point.type == "ascii" and isinstance(told, str) else None
    if point.type == "bool" or (point.bit is not None and point.bits == 1):
        return bool(told)
    if point.kind == "counter":
        return _counted(point, float(told))
    low, high = _possible(point)
    return min(max(float(told), low), high)


def _draws(key: str) -> tuple[float, float]:
    """Two numbers, 0…1, that belong to the key."""
    digest = blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4]) / 2**32, int.from_bytes(digest[4:]) / 2**32


def _drifting(point: Point, time: float, phase: float, place: float) -> float:
    low, high = _span(point)
    slow = math.sin(math.tau * (time / (900.0 + 900.0 * place) + phase))
    quick = math.sin(math.tau * (time / 47.0 + place))
    return round(low + (high - low) * (0.5 + 0.45 * slow + 0.05 * quick), 3)


def _counted(point: Point, total: float) -> float:
    """What a counter shows that has come so far: it wraps where it must."""
    wrap = point.modulus or _capacity(point)[1] + 1
    raw = (total - point.offset) / point.scale % wrap
    return (raw if point.type.startswith("float") else math.floor(raw)) * point.scale + point.offset


def _span(point: Point) -> tuple[float, float]:
    low, high = _possible(point)
    if typical := _TYPICAL.get(point.unit):
        near = max(low, typical[0]), min(high, typical[1])
        if near[0] < near[1]:
            return near
    middle, swing = (0.08, 0.03) if low == 0 and high >= 1000 else (0.5, 0.05)
    return low + (high - low) * (middle - swing), low + (high - low) * (middle + swing)


def _possible(point: Point) -> tuple[float, float]:
    """Of the range (else 0…100), what the registers can hold."""
    ends = sorted(raw * point.scale + point.offset for raw in _capacity(point))
    low, high = point.range or (0.0, 100.0)
    return max(low, ends[0]), min(high, ends[1])


def _capacity(point: Point) -> tuple[float, float]:
    """The lowest and highest raw number."""
    if point.bit is not None:
        return 0, 2**point.bits - 1
    if point.type.startswith("float"):
        return -(2.0**24), 2.0**24  # whole numbers up to here are exact in float32
    if point.type == "bcd":
        return 0, 10 ** (4 * point.width) - 1
    size = 16 * point.width
    if point.type.startswith("int"):
        return -(2 ** (size - 1)), 2 ** (size - 1) - 1
    return 0, 2**size - 1
